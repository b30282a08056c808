import assert from "node:assert/strict"
import { test } from "node:test"
import type { Sounded } from "../../host/rehearsal/sound-board.js"
import { END_ERROR, END_FINISHED, END_SKIPPED, END_STOPPED } from "../../src/record.js"
import { boardWithList, FOUR_SONGS, playsOf } from "./bench/session.js"

/** Between a button and the sound board: bus and scheduler of the board. */
const LATENCY_MS = 150

const lasted = (sound: Sounded): number => sound.until! - sound.from

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= LATENCY_MS, `${actual} ms, ${expected} ms expected`)
}

test("songs play through in order and wrap around; heard time is the truth of the sound board", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(91_000)
  await board.press("skip")
  await board.clock.advance(40_000)
  await board.press("skip")
  await board.clock.advance(125_000)
  const plays = await playsOf(board, host, 4)
  const { sounded } = board.sound
  assert.deepEqual(
    sounded.slice(0, 5).map((s) => s.file),
    [7, 12, 300, 9, 7],
  )
  assert.deepEqual(
    plays.slice(0, 4).map((p) => [p.sequence, p.song, p.position, p.reason, p.flags, p.listVersion]),
    [
      [1, 7, 0, END_FINISHED, 0, 1],
      [2, 12, 1, END_SKIPPED, 1, 1],
      [3, 300, 2, END_SKIPPED, 0, 1],
      [4, 9, 3, END_FINISHED, 0, 1],
    ],
  )
  assert.equal(plays[0].heardMs, 61_000)
  for (let i = 0; i < 4; i++) near(plays[i].heardMs, lasted(sounded[i]))
  near(plays[1].startMs - plays[0].startMs, sounded[1].from - sounded[0].from)
  assert.deepEqual(board.panics, [])
})

test("a pause is no listening, and what is played again after it counts once", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(30_000)
  await board.press("play")
  await board.clock.advance(100_000)
  assert.equal(board.sound.sounded.length, 1)
  await board.press("play")
  await board.clock.advance(12_000)
  await board.press("skip")
  await board.clock.advance(30_000)
  await board.press("play")
  await board.clock.advance(5000)
  await board.press("play")
  await board.clock.advance(50_000)
  await board.press("skip")
  const [first, second] = await playsOf(board, host, 2)
  // The file started again at its beginning: 30 s were the furthest point, though 42 s sounded.
  assert.deepEqual([first.reason, first.pauses], [END_SKIPPED, 1])
  near(first.heardMs, lasted(board.sound.sounded[0]))
  assert.ok(first.heardMs < 31_000)
  assert.deepEqual([second.reason, second.pauses], [END_SKIPPED, 1])
  const again = board.sound.sounded.filter((s) => s.file === 12)[1]
  near(second.heardMs, lasted(again))
})

test("stop ends the listen, and play starts the same song as a new one", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(20_000)
  await board.press("stop")
  await board.clock.advance(70_000)
  assert.equal(board.sound.sounded.length, 1)
  await board.press("play")
  await board.clock.advance(62_000)
  const [stopped, finished] = await playsOf(board, host, 2)
  assert.deepEqual([stopped.reason, stopped.song], [END_STOPPED, 7])
  near(stopped.heardMs, 20_000)
  assert.deepEqual([finished.reason, finished.song, finished.position], [END_FINISHED, 7, 0])
})

test("a sound board that goes away ends the listen as an error, and the song starts again when it is back", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(30_000)
  board.soundGone = true
  const gone = board.clock.now() - board.sound.sounded[0].from
  await board.clock.advance(10_000)
  const [lost] = await playsOf(board, host, 1)
  assert.equal(lost.reason, END_ERROR)
  // The bus notices late; only what surely sounded counts.
  assert.ok(lost.heardMs <= gone && lost.heardMs > gone - 3000, `${lost.heardMs} of ${gone} ms`)
  assert.equal(board.sound.sounded.length, 1)
  board.soundGone = false
  await board.clock.advance(62_000)
  assert.deepEqual(
    board.sound.sounded.slice(0, 2).map((s) => s.file),
    [7, 7],
  )
  const [, again] = await playsOf(board, host, 2)
  assert.deepEqual([again.reason, again.song], [END_FINISHED, 7])
  assert.equal(host.requests.at(-1)!.health.audio, 1)
})

test("holding the play button syncs at once and does not start the music", async () => {
  const { board, host } = await boardWithList()
  const before = host.requests.length
  await board.clock.advance(5000)
  assert.equal(host.requests.length, before)
  await board.press("play", 1800)
  await board.clock.advance(1000)
  assert.ok(host.requests.length > before)
  assert.equal(board.sound.sounded.length, 0)
  await board.press("play")
  assert.equal(board.sound.sounded.length, 1)
})

test("a board that is polled tells ends and missing files by its state, and goes on after a pause", async () => {
  const { board, host } = await boardWithList(FOUR_SONGS, { entry: "test/src/programs/polled-audio.ts" })
  await board.press("play")
  await board.clock.advance(20_000)
  await board.press("play")
  await board.clock.advance(90_000)
  await board.press("play")
  await board.clock.advance(220_000)
  const plays = (await playsOf(board, host, 4)).slice(0, 4)
  assert.deepEqual(
    plays.map((p) => [p.song, p.reason, p.heardMs, p.pauses]),
    [
      // The pause is out, and after it the song went on where it was.
      [7, END_FINISHED, 61_000, 1],
      [12, END_ERROR, 0, 0],
      [300, END_FINISHED, 44_200, 0],
      [9, END_FINISHED, 120_000, 0],
    ],
  )
  assert.ok(plays[1].startMs - plays[0].startMs > 61_000 + 89_000)
})
