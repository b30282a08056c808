import assert from "node:assert/strict"
import { test } from "node:test"
import {
  type Averaging,
  averagePredictions,
  averagingWeights,
  leaveOneOut,
  type Score,
  scoreModel,
} from "../../../host/model/average.js"
import { condense } from "../../../host/model/condense.js"
import { type Observations, takeRows } from "../../../host/model/observations.js"
import { normalisedWeights } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import { near, observationsOf, particlesFrom, readReference } from "./reference.js"
import { simulate, smallHyper } from "./simulate.js"

const fixtures = readReference("particles.json")
const SUBJECTS = [0, 1, 2, 3, 4]

test("pair weights of the five subjects are numpy's: raw ratio, geometric mean, ratio of mean densities", () => {
  const models = SUBJECTS.map((s) =>
    particlesFrom(fixtures[`s${s + 1}`].particles_beta, fixtures[`s${s + 1}`].particles_sigma2),
  )
  const { log_mean_lik, mean_density, pointwise_lpd_sum, raw_log_ratio, geometric, mean_density_ratio } =
    fixtures.pair_weights
  for (const target of SUBJECTS) {
    const plays = observationsOf(target + 1, "1")
    const scores = models.map((model) => scoreModel(model, plays))
    scores.forEach(({ joint, pointwise }, donor) => {
      near(joint, log_mean_lik[target][donor], 1e-8, "L")
      near(
        pointwise.reduce((sum, v) => sum + v, 0),
        pointwise_lpd_sum[target][donor],
        1e-8,
        "Σ ℓ",
      )
      near(
        pointwise.reduce((sum, v) => sum + Math.exp(v) / 500, 0),
        mean_density[target][donor],
        1e-11,
        "density",
      )
    })
    const donors = scores.filter((_, donor) => donor !== target)
    const expected = (of: number[][]): number[] => of[target].filter((_, donor) => donor !== target)
    const weights = (method: Averaging): Float64Array => averagingWeights(method, scores[target], donors)
    for (const [d, v] of expected(raw_log_ratio).entries()) near(weights("bayes")[d + 1], v, 1e-8, "bayes")
    for (const [d, v] of expected(geometric).entries())
      near(Math.exp(weights("geometric")[d + 1]), v, 1e-10, "geometric")
    for (const [d, v] of expected(mean_density_ratio).entries())
      near(Math.exp(weights("density")[d + 1]), v, 1e-10, "density")
    assert.equal(weights("density")[0], 0)
  }
})

const score = (pointwise: number[]): Score => ({
  joint: pointwise.reduce((sum, v) => sum + v, 0),
  pointwise: Float64Array.from(pointwise),
})

test("stacking finds the mixture of two models that each know half of the plays", () => {
  // Three of ten plays are certain under the first model and impossible under the second: weights .3 and .7.
  const first = score([...new Array(3).fill(0), ...new Array(7).fill(-700)])
  const second = score([...new Array(3).fill(-700), ...new Array(7).fill(0)])
  const weights = normalisedWeights(averagingWeights("stacking", first, [second]))
  near(weights[0], 0.3, 1e-4, "first")
  const useless = score(new Array(10).fill(-50))
  near(normalisedWeights(averagingWeights("stacking", first, [second, useless]))[2], 0, 1e-6, "useless")
})

test("marginal weights are posterior model probabilities under the given prior", () => {
  const own = score([-2, -2])
  const donors = [score([-1, -1.5]), score([-9, -9])]
  const equal = normalisedWeights(averagingWeights("marginal", own, donors))
  const unnormalised = [0.5 * Math.exp(-4), 0.25 * Math.exp(-2.5), 0.25 * Math.exp(-18)]
  const total = unnormalised.reduce((sum, v) => sum + v, 0)
  for (const [i, v] of unnormalised.entries()) near(equal[i], v / total, 1e-12, `weight ${i}`)
  const certain = averagingWeights("marginal", own, donors, [
    0,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])
  assert.deepEqual(Array.from(normalisedWeights(certain)), [1, 0, 0])
})

test("without plays, and without donors, every method has an answer", () => {
  for (const method of ["density", "geometric", "bayes", "stacking", "marginal"] as const) {
    const none = score([])
    for (const weight of averagingWeights(method, none, [none, none]))
      assert.ok(Number.isFinite(weight), method)
    assert.deepEqual(Array.from(averagingWeights(method, score([-1]), [])), [0])
  }
})

test("an average counts only the models that know the song, and the own one always", () => {
  const constant = (value: number) => ({
    logTime: new Float64Array(2).fill(value),
    seconds: new Float64Array(2).fill(value),
    share: new Float64Array(2).fill(value),
  })
  const parts = [
    { predictions: constant(1), known: Uint8Array.of(0, 0) },
    { predictions: constant(4), known: Uint8Array.of(1, 0) },
  ]
  const { logTime } = averagePredictions(parts, [Math.log(1), Math.log(2)])
  assert.deepEqual(
    Array.from(logTime, (v) => Math.round(v * 1e9) / 1e9),
    [3, 1],
  )
  const lost = averagePredictions(parts, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
  assert.deepEqual(Array.from(lost.share), [1, 1])
})

test("leave-one-out densities are those of refitting without the play", () => {
  const hyper = smallHyper(2)
  const { observations } = simulate(hyper, 40, stream(91, "data"), { censoring: true, collinear: false })
  const sample = (plays: Observations, seed: number) =>
    sampleFirstBlock(condense(plays, hyper.constantMean), hyper, { rngs: [stream(seed, "loo")], draws: 4000 })
  const { pointwise, khat } = leaveOneOut(sample(observations, 1).particles, observations)
  assert.ok(khat !== null && khat < 0.7)
  for (const k of [0, 17, 39]) {
    const others = Array.from({ length: 40 }, (_, row) => row).filter((row) => row !== k)
    const refit = sample(takeRows(observations, others), 2 + k).particles
    near(pointwise[k], scoreModel(refit, takeRows(observations, [k])).joint, 0.1, `play ${k}`)
  }
})
