import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../host/protocol/playlist.js"
import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"

/** What later parts of the firmware may still take of the 64 KB; the longest allocation there is takes 4 KB. */
const RESERVE_KB = 16

test("after an hour of the longest playlist, full log and full syncs, heap is left", async (t) => {
  const host = new TestHost("12abdd2289421234")
  const items = Array.from({ length: 256 }, (_, i) => ({ song: i + 1, lengthMs: 300_000, flags: 0 }))
  host.playlist = { version: 1, bytes: packPlaylist(items, 1) }
  const board = await Board.start({
    entry: "test/src/programs/heap.ts",
    server: host.serve,
    settings: host.settings,
  })
  await board.clock.advance(10_000)
  host.ackUpTo = 0
  await board.press("play")
  for (let i = 0; i < 410; i++) {
    await board.press("skip")
    await board.clock.advance(200)
  }
  await board.clock.advance(3_540_000 - 410 * 300)
  assert.deepEqual(board.panics, [])
  assert.ok(host.requests.some((request) => request.plays.length === 120))
  await board.clock.advance(120_000, () => board.panics.length > 0)
  const free = board.lines.flatMap((line) => /FREE (\d+)/.exec(line)?.[1] ?? []).map(Number)
  t.diagnostic(`${free.at(-1)} KB of heap left`)
  assert.ok(board.panics.length > 0, "the heap has an end")
  assert.ok(free.at(-1)! >= RESERVE_KB, `${free.at(-1)} KB left`)
})
