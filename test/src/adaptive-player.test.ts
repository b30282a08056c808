// The whole firmware with a playlist from which it chooses.

import assert from "node:assert/strict"
import { test } from "node:test"
import { repeatChoices } from "../../host/study/repeat-choices.js"
import { FLAG_REORDERED } from "../../src/record.js"
import { adaptivePlaylist } from "./bench/adaptive.js"
import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"
import { playsOf, powerCut } from "./bench/session.js"

test("the player plays what it has chosen, over skips, pauses, stops and power cuts, and the host repeats it", async (t) => {
  const list = adaptivePlaylist(8, 1, { items: 26, size: 20, variables: 6, particles: 16, epsilon: 100 })
  const host = new TestHost("12abdd2289421234")
  host.playlist = { version: 1, bytes: list }
  const board = await Board.start({ server: host.serve, settings: host.settings })
  assert.ok(await board.clock.advance(20_000, () => host.requests.at(-1)?.list === 1))
  await board.press("play")
  for (let i = 0; i < 60; i++) {
    // Some songs to the end, most skipped, some so soon that the board has not kept up.
    await board.clock.advance(i % 9 === 4 ? 310_000 : i % 7 === 3 ? 30 : 4000 + 1700 * (i % 13))
    if (i === 20 || i === 41) {
      await powerCut(board)
      await board.clock.advance(15_000)
    } else if (i % 11 === 6) {
      await board.press("stop")
      await board.clock.advance(2000)
      await board.press("play")
    } else await board.press("skip")
  }
  const plays = await playsOf(board, host, 60)
  assert.deepEqual(board.panics, [])
  const choices = repeatChoices(list, plays)
  const own = choices.filter((choice) => choice.chosen)
  t.diagnostic(`${plays.length} listens, ${own.length} of them chosen`)
  assert.ok(own.length >= 20 && own.length < plays.length)
  assert.deepEqual(
    own.filter((choice) => choice.agrees !== true),
    [],
  )
  assert.ok(own.some((choice) => choice.item !== choice.published))
  // After the second power cut it chooses again.
  const boot = Math.max(...plays.map((play) => play.boot))
  assert.ok(plays.some((play) => play.boot === boot && (play.flags & FLAG_REORDERED) !== 0))
})
