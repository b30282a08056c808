// Eight hours of music on one board, in a process of its own: the test runner keeps a note of every promise, and here
// there are millions. Prints what the test judges, as JSON.

import { packPlaylist } from "../../host/protocol/playlist.js"
import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"

const HOURS = 8
const HOUR_MS = 3_600_000
const STEPS = 30

const host = new TestHost("12abdd2289421234")
host.plan.sync = 5
// The longest playlist that there is: 256 songs of one to five minutes.
const items = Array.from({ length: 256 }, (_, i) => ({
  song: i + 1,
  lengthMs: 60_000 + 997 * i,
  flags: i & 1,
}))
host.playlist = { version: 1, bytes: packPlaylist(items, 1) }
const board = await Board.start({ server: host.serve, settings: host.settings })
await board.clock.advance(8000)
await board.press("play")
for (let step = 0; step < HOURS * STEPS; step++) {
  await board.clock.advance(HOUR_MS / STEPS)
  if (step % 4 === 1) await board.press("skip")
}
await board.press("stop")
await board.press("play", 2000)
await board.clock.advance(30_000)
const lines = board.lines.filter((line) => /exception|panic|memory|alloc/i.test(line))
process.stdout.write(
  JSON.stringify({
    panics: board.panics,
    lines,
    sounded: board.sound.sounded.length,
    sequences: [...host.plays.keys()],
    boots: [...new Set(host.requests.map((request) => request.boot))],
    exchanges: host.requests.length,
    gone: host.gone,
    waiting: host.requests.at(-1)?.health.log,
  }),
)
board.powerOff()
