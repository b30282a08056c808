import assert from "node:assert/strict"
import { test } from "node:test"
import { matchListens, soundedMs } from "../../../host/rehearsal/ledger.js"
import type { Play } from "../../../host/store/plays.js"

const play = (song: number, boot: number, startMs: number): Play =>
  ({ song, boot, startMs, heardMs: 1000 }) as Play

test("listens are matched by song and start within their boot", () => {
  const sounded = [
    { file: 4, from: 10_000, until: 11_000 },
    { file: 4, from: 52_000, until: 53_000 },
  ]
  const plays = [play(4, 1, 9_990), play(4, 2, 1_950)]
  const { pairs, lost, duplicated } = matchListens(sounded, plays, [0, 50_000])
  assert.deepEqual(
    pairs.map((pair) => pair.sounded.from),
    [10_000, 52_000],
  )
  assert.deepEqual([lost, duplicated], [[], []])
})

test("a listen that is not stored is lost; a second record and one that never sounded are too many", () => {
  const sounded = [
    { file: 4, from: 10_000, until: 11_000 },
    { file: 5, from: 20_000, until: 21_000 },
  ]
  const plays = [play(4, 1, 10_000), play(4, 1, 10_001), play(6, 1, 20_000)]
  const { pairs, lost, duplicated } = matchListens(sounded, plays, [0])
  assert.equal(pairs.length, 1)
  assert.deepEqual(lost, [sounded[1]])
  assert.equal(duplicated.length, 2)
})

test("what still sounds has been heard until now", () => {
  assert.equal(soundedMs({ file: 1, from: 100 }, 350), 250)
  assert.equal(soundedMs({ file: 1, from: 100, until: 150 }, 350), 50)
})
