import assert from "node:assert/strict"
import { test } from "node:test"
import { expectedShare } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import type { Board } from "../../../host/rehearsal/board.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { drawTaste, Listener } from "../../../host/rehearsal/listener.js"
import type { Sounded } from "../../../host/rehearsal/sound-board.js"

const LENGTH_MS = 200_000

/** A board that is nothing but ears and buttons: every skip starts the song again, as does its end. */
function jukebox(clock: VirtualClock) {
  const sounded: Sounded[] = []
  const sound = {
    sounded,
    onStart: (_: Sounded) => {},
    get playing(): Sounded | undefined {
      const last = sounded.at(-1)
      return last?.until === undefined ? last : undefined
    },
  }
  const start = (): void => {
    const next: Sounded = { file: 1, from: clock.now() }
    sounded.push(next)
    clock.setTimeout(() => {
      if (sound.playing === next) end(false)
    }, LENGTH_MS)
    sound.onStart(next)
  }
  const end = (cancelled: boolean): void => {
    const last = sounded.at(-1)!
    last.until = clock.now()
    last.cancelled = cancelled
    clock.setTimeout(start, 1000)
  }
  const tap = (button: string): void => {
    if (button === "play") start()
    if (button === "skip") end(true)
    if (button === "stop") sounded.at(-1)!.until = clock.now()
  }
  return { sounded, board: { clock, sound, tap } as unknown as Board }
}

test("listening times have the share heard and the share finished of the lognormal taste", async () => {
  const clock = new VirtualClock(0)
  const { board, sounded } = jukebox(clock)
  const taste = { beta: Float64Array.of(4.6, 0.4), sigma: 0.7 }
  const listener = new Listener({
    board,
    taste,
    rng: stream(1, "listener"),
    features: () => Float64Array.of(1, 0.5),
    lengthMs: () => LENGTH_MS,
  })
  listener.begin()
  await clock.advance(4000 * LENGTH_MS, () => sounded.length > 4000)
  const heard = sounded.filter((s) => s.until !== undefined)
  const share = heard.reduce((sum, s) => sum + (s.until! - s.from) / LENGTH_MS, 0) / heard.length
  const finished = heard.filter((s) => s.cancelled === false).length / heard.length
  const mu = 4.6 + 0.4 * 0.5
  const logLength = Math.log(LENGTH_MS / 1000)
  // Four standard errors of a mean of 4,000 values in [0, 1].
  assert.ok(Math.abs(share - expectedShare(mu, 0.7, logLength)) < (4 * 0.5) / Math.sqrt(4000), `${share}`)
  // Φ((4.8 − 5.2983)/.7) = Φ(−.71189) = .23826
  assert.ok(Math.abs(finished - 0.23826) < (4 * 0.43) / Math.sqrt(4000), `${finished}`)
})

test("a listener who leaves stops the music when the song has ended, and not before", async () => {
  const clock = new VirtualClock(0)
  const { board, sounded } = jukebox(clock)
  const listener = new Listener({
    board,
    taste: { beta: Float64Array.of(20), sigma: 0.1 },
    rng: stream(2, "listener"),
    features: () => Float64Array.of(1),
    lengthMs: () => LENGTH_MS,
  })
  listener.begin()
  await clock.advance(50_000)
  listener.leave()
  await clock.advance(10 * LENGTH_MS)
  assert.equal(listener.stopped, true)
  assert.equal(sounded.length, 2)
  assert.equal(sounded[0].until! - sounded[0].from, LENGTH_MS)
  assert.ok(sounded[1].until! - sounded[1].from < 500)
})

test("tastes follow from the seed and have as many columns as the features", () => {
  const spec = {
    names: ["Constant", "a", "b", "c", "d"],
    variances: [0, 1, 1, 1, 1],
    attributes: [],
    genres: [],
    baseline: null,
    leftOut: [],
  }
  const first = drawTaste(spec, stream(4, "taste", 1))
  assert.deepEqual(first, drawTaste(spec, stream(4, "taste", 1)))
  assert.notDeepEqual(first, drawTaste(spec, stream(4, "taste", 2)))
  assert.equal(first.beta.length, 5)
  assert.equal([...first.beta.slice(1)].filter((value) => value !== 0).length, 3)
})
