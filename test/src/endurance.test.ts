import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../host/protocol/playlist.js"
import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"

const HOUR_MS = 3_600_000

test("eight hours of music with a sync every five minutes: no panic, no listen lost, heap left", async () => {
  const host = new TestHost("12abdd2289421234")
  host.plan.sync = 5
  const items = Array.from({ length: 256 }, (_, i) => ({
    song: i + 1,
    lengthMs: 60_000 + 997 * i,
    flags: i & 1,
  }))
  host.playlist = { version: 1, bytes: packPlaylist(items, 1) }
  const board = await Board.start({ server: host.serve, settings: host.settings })
  await board.clock.advance(8000)
  await board.press("play")
  const t0 = performance.now()
  for (let hour = 0; hour < (Number(process.env.H) || 8); hour++) {
    for (let i = 0; i < 30; i++) {
      await board.clock.advance(HOUR_MS / 30)
      if (i % 4 === 1) await board.press("skip")
    }
    console.log(
      hour,
      (performance.now() - t0) | 0,
      host.plays.size,
      host.requests.length,
      board.lines.filter((l) => /heap|GC|mem|gc/i.test(l)).slice(-3),
    )
    board.lines.length = Math.min(board.lines.length, 400)
  }
  assert.deepEqual(board.panics, [])
  console.log(board.lines.slice(-30))
})
