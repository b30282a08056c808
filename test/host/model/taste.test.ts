import assert from "node:assert/strict"
import { test } from "node:test"
import { describeFeatures, type FeatureSpec, type Song } from "../../../host/model/features.js"
import {
  type HeardPlay,
  type Observations,
  observePlays,
  takeRows,
} from "../../../host/model/observations.js"
import { predictSongs } from "../../../host/model/predict.js"
import { freezePrior } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { fitFirstBlock, summarise, type TasteModel, updateTaste } from "../../../host/model/taste.js"
import { decodeTaste, encodeTaste } from "../../../host/model/taste-bytes.js"
import { answered, observationsOf, priorOf } from "./reference.js"

const options = { seed: 5, stream: ["subject", 3] }
const first = fitFirstBlock(observationsOf(3, "1"), priorOf(3), { ...options, draws: 200 })

test("the same seed and stream give the same bytes, another seed gives others", () => {
  const fit = (seed: number): Uint8Array =>
    encodeTaste(
      fitFirstBlock(takeRows(observationsOf(3, "1"), [0, 50, 99, 300]), priorOf(3), {
        ...options,
        seed,
        draws: 40,
      }),
    )
  assert.deepEqual(fit(5), fit(5))
  assert.notDeepEqual(fit(5), fit(6))
})

test("a model comes back from its bytes bit for bit, and goes on as if it had never been away", () => {
  const bytes = encodeTaste(first)
  const restored = decodeTaste(bytes)
  assert.deepEqual(restored, first)
  assert.deepEqual(encodeTaste(restored), bytes)
  const both = takeRows(
    observationsOf(3, "12"),
    Int32Array.from({ length: 520 }, (_, k) => k),
  )
  assert.deepEqual(
    encodeTaste(updateTaste(restored, both, 500, options)),
    encodeTaste(updateTaste(first, both, 500, options)),
  )
  // The store may hand out a view into a larger buffer.
  const padded = new Uint8Array(bytes.length + 3)
  padded.set(bytes, 3)
  assert.deepEqual(decodeTaste(padded.subarray(3)), first)
})

test("bytes that are no model are refused with what is wrong", () => {
  const bytes = encodeTaste(first)
  assert.throws(() => decodeTaste(new Uint8Array(4)), /4 bytes that do not begin with FTM1/)
  assert.throws(() => decodeTaste(bytes.subarray(0, bytes.length - 1)), /200 particles of 18 need/)
  assert.throws(() => decodeTaste(bytes.subarray(0, 100)), /only 100 bytes/)
  const broken = bytes.slice()
  broken[8] = 0
  assert.throws(() => decodeTaste(broken), /header is not JSON/)
})

test("a block without new plays changes nothing", () => {
  assert.equal(updateTaste(first, observationsOf(3, "1"), 500, options), first)
})

test("an update does not change the model it starts from, and must begin where the model ends", () => {
  const before = encodeTaste(first)
  const all = observationsOf(3, "12")
  const next = updateTaste(
    first,
    takeRows(
      all,
      Int32Array.from({ length: 510 }, (_, k) => k),
    ),
    500,
    options,
  )
  assert.deepEqual(encodeTaste(first), before)
  assert.deepEqual([next.blocks, next.plays, next.particles.m], [2, 510, 200])
  assert.throws(() => updateTaste(first, all, 400, options), /firstNew: 400, but the model has taken in 500/)
  assert.throws(() => updateTaste(next, all, 500, options), /firstNew: 500, but the model has taken in 510/)
})

test("weights that cannot be trusted bring a fit from scratch, and the model says so", () => {
  // A single play that no particle foresaw: no step is small enough.
  const rng = stream(6, "turn")
  const songs: Song[] = Array.from({ length: 30 }, (_, i) => ({
    id: i + 1,
    attributes: { a: rng.normal() },
    lengthS: 1e6,
  }))
  const spec = describeFeatures(songs)
  const byId = new Map(songs.map((song) => [song.id, song]))
  const calm: HeardPlay[] = Array.from({ length: 300 }, (_, k) => ({
    song: 1 + (k % 30),
    heardS: Math.exp(4 + 0.01 * rng.normal()),
    reason: "skipped",
  }))
  const shock: HeardPlay = { song: 2, heardS: 5, reason: "skipped" }
  const observations = observePlays([...calm, shock], spec, byId)
  const head = takeRows(
    observations,
    Int32Array.from({ length: 300 }, (_, k) => k),
  )
  const model = fitFirstBlock(head, answered(freezePrior(head, spec)), { ...options, draws: 500 })
  const next = updateTaste(model, observations, 300, options)
  assert.equal(next.diagnostics.refitted, true)
  assert.ok(next.diagnostics.khat! > 0.7)
  assert.match(next.warnings.join(), /fitted again from all plays/)
})

test("the thesis profile pins the constant, shrinks the model, and keeps its profile in later blocks", () => {
  const thesis = fitFirstBlock(observationsOf(1, "1"), priorOf(1), { ...options, profile: "thesis" })
  const { mean, inclusion, sd } = thesis.posterior
  assert.deepEqual([mean[0], sd[0], inclusion[0]], [0, 0, 0])
  // Subject 1: Voice .5, Mood .5, Alternate 1 are found in every run of the reference; all else is dropped.
  assert.deepEqual(
    thesis.hyper.names.filter((_, q) => inclusion[q] > 0.999),
    ["Voice", "Mood", "Alternate"],
  )
  const sizes = new Set<number>()
  for (let i = 0; i < 500; i++)
    sizes.add(thesis.particles.gamma.subarray(i * 18, i * 18 + 18).reduce((a, b) => a + b, 0))
  assert.deepEqual([...sizes], [3])
  const next = updateTaste(thesis, observationsOf(1, "12"), 500, options)
  assert.equal(next.profile, "thesis")
  assert.equal(next.diagnostics.steps, 1)
  const before = new Set(thesis.particles.sigma2)
  assert.ok(next.particles.sigma2.every((value) => before.has(value)))
})

test("a summary has every array in the order of names", () => {
  const summary = summarise(first)
  assert.equal(summary.names[0], "Constant")
  for (const values of [summary.mean, summary.sd, summary.inclusion]) assert.equal(values.length, 18)
  assert.deepEqual([summary.plays, summary.particles, summary.khat], [500, 200, null])
  assert.ok(summary.ess > 100 && summary.ess <= 200)
})

test("options that make no sense are refused with the value", () => {
  const observations = observationsOf(3, "1")
  assert.throws(() => fitFirstBlock(observations, priorOf(3), { ...options, draws: 0 }), /draws: 0/)
  assert.throws(() => fitFirstBlock(observations, priorOf(3), { ...options, chains: 501 }), /chains: 501/)
  const narrow: Observations = { ...observations, p: 4 }
  assert.throws(() => fitFirstBlock(narrow, priorOf(3), options), /4 columns, but the prior names 18/)
})

// What a study can bring: each must give finite numbers, and say what is weak about them.
const rng = stream(7, "degenerate")
const catalogue: Song[] = Array.from({ length: 12 }, (_, i) => ({
  id: i + 1,
  genre: i < 6 ? "Rock" : "Pop",
  attributes: { tempo: rng.normal(), again: 0, twin: 0, flat: 1 },
  lengthS: [1, 10_800, 200][i % 3],
}))
for (const song of catalogue) {
  Object.assign(song.attributes, { again: song.attributes.tempo, twin: song.genre === "Rock" ? 1 : 0 })
}
const byId = new Map(catalogue.map((song) => [song.id, song]))
const spec: FeatureSpec = describeFeatures(catalogue)

const plays = (n: number, reason: string, heardS?: number): HeardPlay[] =>
  Array.from({ length: n }, (_, k) => {
    const { id, lengthS } = catalogue[k % 12]
    return { song: id, heardS: heardS ?? Math.min(lengthS, 1 + 7 * k), reason }
  })

const degenerate: [string, HeardPlay[], RegExp | null][] = [
  ["one play", plays(1, "skipped"), /one play gives no variance/],
  ["fewer plays than coefficients", plays(3, "skipped"), /3 plays for 5 coefficients/],
  ["all censored", plays(30, "finished"), /all 30 plays are censored/],
  ["none censored", plays(30, "skipped"), null],
  ["all the same time", plays(30, "skipped", 0.9), /all 30 plays have the same length/],
  [
    "songs of 1 s and of 3 h heard to the end",
    catalogue.map(({ id, lengthS }) => ({ song: id, heardS: lengthS, reason: "finished" })),
    /censored/,
  ],
]
for (const [name, heard, warning] of degenerate) {
  for (const profile of ["default", "thesis"] as const) {
    test(`${name}, profile ${profile}: finite estimates and predictions, also after a second block`, () => {
      const observations = observePlays(heard, spec, byId)
      const hyper = answered(freezePrior(observations, spec))
      const model = fitFirstBlock(observations, hyper, { ...options, profile, draws: 100 })
      assertFinite(model)
      if (warning !== null) assert.match(model.warnings.join("\n"), warning)
      const more = observePlays(
        [...heard, ...plays(5, "skipped", 3), ...plays(2, "power-lost", 9000)],
        spec,
        byId,
      )
      assertFinite(updateTaste(model, more, model.plays, options))
    })
  }
}

test("no plays: the prior gives its own reason, and a model with a prior from elsewhere is that prior", () => {
  const none = observePlays([], spec, byId)
  assert.ok("reason" in freezePrior(none, spec))
  const hyper = answered(freezePrior(observePlays(plays(20, "skipped"), spec, byId), spec))
  const model = fitFirstBlock(none, hyper, { ...options, draws: 2000 })
  assertFinite(model)
  assert.match(model.warnings.join(), /no plays: the estimate is the prior/)
  for (const value of model.posterior.inclusion.slice(1)) assert.ok(Math.abs(value - 0.5) < 0.05)
})

test("attributes that are constant are named, and one given twice shares its weight", () => {
  assert.deepEqual(
    spec.leftOut.map(({ name }) => name),
    ["flat"],
  )
  assert.deepEqual(spec.names, ["Constant", "tempo", "again", "twin", "genre=Rock"])
})

function assertFinite(model: TasteModel): void {
  const { posterior, particles, diagnostics } = model
  const lists = [
    posterior.mean,
    posterior.sd,
    posterior.inclusion,
    posterior.meanError,
    particles.beta,
    particles.sigma2,
  ]
  for (const list of lists) for (const value of list) assert.ok(Number.isFinite(value), String(value))
  assert.ok(Number.isFinite(diagnostics.ess) && diagnostics.ess > 0)
  assert.ok(particles.sigma2.every((value) => value > 0))
  const x = Float64Array.from({ length: 5 }, () => 1)
  const { share, logTime } = predictSongs(particles, x, Float64Array.of(Math.log(10_800)))
  assert.ok(share[0] >= 0 && share[0] <= 1 && Number.isFinite(logTime[0]))
}
