import assert from "node:assert/strict"
import { test } from "node:test"
import { describeFeatures, type Song } from "../../../host/model/features.js"
import { observePlays, takeRows } from "../../../host/model/observations.js"
import { freezePrior } from "../../../host/model/prior.js"
import { END_REASONS } from "../../../src/record.js"
import { answered, near } from "./reference.js"

const songs: Song[] = [
  { id: 4, attributes: { tempo: 1 }, lengthS: 180 },
  { id: 7, attributes: { tempo: 3 }, lengthS: 1 },
  { id: 8, attributes: { tempo: 2 }, lengthS: 10_800 },
]
const byId = new Map(songs.map((song) => [song.id, song]))
const spec = describeFeatures(songs)

test("only ends that the listener chose are events; every other end reason of the record censors", () => {
  const plays = END_REASONS.map((reason) => ({ song: 4, heardS: 60, reason }))
  const { censored, n } = observePlays(plays, spec, byId)
  assert.equal(n, END_REASONS.length)
  const events = END_REASONS.filter((_, i) => censored[i] === 0)
  assert.deepEqual(events, ["skipped", "stopped", "previous"])
})

test("a finished listen is censored at the song's length, even if the clock ran on; a cut one at the time heard", () => {
  const { y } = observePlays(
    [
      { song: 4, heardS: 181.2, reason: "finished" },
      { song: 4, heardS: 179.9, reason: "finished" },
      { song: 4, heardS: 20, reason: "power-lost" },
    ],
    spec,
    byId,
  )
  assert.deepEqual(Array.from(y), [Math.log(180), Math.log(179.9), Math.log(20)])
})

test("plays under half a second and of unknown songs are left out and counted; source says which play a row is", () => {
  const found = observePlays(
    [
      { song: 4, heardS: 0.49, reason: "skipped" },
      { song: 99, heardS: 60, reason: "skipped" },
      { song: 8, heardS: 0.5, reason: "skipped" },
      { song: 4, heardS: Number.NaN, reason: "skipped" },
      { song: 7, heardS: 1, reason: "finished" },
    ],
    spec,
    byId,
  )
  assert.deepEqual([found.n, found.tooShort, found.unknownSong], [2, 2, 1])
  assert.deepEqual(Array.from(found.source), [2, 4])
  assert.deepEqual(Array.from(found.song), [8, 7])
  assert.deepEqual(Array.from(found.x), [1, 0, 1, 1])
})

test("taking rows keeps everything of a row together", () => {
  const all = observePlays(
    [4, 7, 8].map((song) => ({ song, heardS: song, reason: song === 7 ? "error" : "skipped" })),
    spec,
    byId,
  )
  const taken = takeRows(all, [2, 1])
  assert.deepEqual(Array.from(taken.song), [8, 7])
  assert.deepEqual(Array.from(taken.censored), [0, 1])
  assert.deepEqual(Array.from(taken.x), [1, 0, 1, 1])
  assert.deepEqual(Array.from(taken.y), [Math.log(8), Math.log(7)])
})

test("the prior takes mean and variance of y for the constant and σ, catalogue variances for the rest", () => {
  const plays = [30, 60, 120].map((heardS) => ({ song: 4, heardS, reason: "skipped" }))
  const hyper = answered(freezePrior(observePlays(plays, spec, byId), spec))
  near(hyper.constantMean, Math.log(60), 1e-12, "mean")
  near(hyper.s2y, Math.log(2) ** 2, 1e-12, "variance")
  assert.deepEqual(hyper.s2x, [hyper.s2y, 1])
  assert.deepEqual([hyper.v, hyper.pi], [5, 0.5])
})

test("without a play the prior is no answer but a reason; with one, or equal ones, it says what it assumes", () => {
  const none = freezePrior(observePlays([], spec, byId), spec)
  assert.ok("reason" in none && none.reason.includes("no plays"))
  for (const n of [1, 4]) {
    const plays = Array.from({ length: n }, () => ({ song: 4, heardS: 180, reason: "finished" }))
    const hyper = answered(freezePrior(observePlays(plays, spec, byId), spec))
    assert.equal(hyper.s2y, 1)
    assert.equal(hyper.notes.length, 1)
  }
})
