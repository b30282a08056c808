import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../host/protocol/playlist.js"
import { END_FINISHED, END_SKIPPED } from "../../src/record.js"
import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"

test("a board plays its first playlist and counts what was heard of each song", async () => {
  const host = new TestHost("12abdd2289421234")
  host.playlist = {
    version: 3,
    bytes: packPlaylist(
      [
        { song: 7, lengthMs: 61_000, flags: 0 },
        { song: 12, lengthMs: 200_000, flags: 1 },
        { song: 300, lengthMs: 45_000, flags: 0 },
      ],
      3,
    ),
  }
  const board = await Board.start({ server: host.serve, settings: host.settings })
  await board.clock.advance(8000)
  console.log(board.lines.slice(-20), host.requests)
  await board.press("play")
  await board.clock.advance(91_000)
  await board.press("skip")
  await board.clock.advance(120_000)
  console.log(board.lines.slice(-20), board.sound.sounded, [...host.plays.values()])
  assert.deepEqual(board.panics, [])
  assert.equal([...host.plays.values()][0].reason, END_FINISHED)
  assert.equal([...host.plays.values()][1].reason, END_SKIPPED)
})
