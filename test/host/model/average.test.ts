import assert from "node:assert/strict"
import { test } from "node:test"
import {
  type Averaging,
  averagePredictions,
  averagingWeights,
  leaveOneOut,
  mixtureLogDensity,
} from "../../../host/model/average.js"
import { condense } from "../../../host/model/condense.js"
import { featureMatrix } from "../../../host/model/features.js"
import { logDensity } from "../../../host/model/likelihood.js"
import { type Observations, observeRows, takeRows } from "../../../host/model/observations.js"
import { createParticles, normalisedWeights, type Particles } from "../../../host/model/particles.js"
import { freezePrior } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { type Score, scoreModel } from "../../../host/model/score.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import {
  answered,
  near,
  observationsOf,
  particlesFrom,
  readAverageReference,
  readReference,
  songs,
  spec,
} from "./reference.js"
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

test("an own score and its leave-one-out form are the closed ones of a normal mean", () => {
  const rng = stream(92, "normal")
  const [n, sigma, tau] = [15, 0.7, 1.3]
  const y = Float64Array.from({ length: n }, () => 0.4 + sigma * rng.normal())
  const total = y.reduce((sum, v) => sum + v, 0)
  // β ~ N(0, τ²), y_k ~ N(β, σ²): the posterior is N(mean, variance).
  const variance = 1 / (1 / tau ** 2 + n / sigma ** 2)
  const mean = (variance * total) / sigma ** 2
  const particles = createParticles(40_000, 1)
  particles.sigma2.fill(sigma ** 2)
  particles.gamma.fill(1)
  for (let i = 0; i < particles.m; i++) particles.beta[i] = mean + Math.sqrt(variance) * rng.normal()
  const observations: Observations = {
    ...{ n, p: 1, x: new Float64Array(n).fill(1), y, censored: new Uint8Array(n) },
    ...{ song: new Uint32Array(n), source: new Uint32Array(n), tooShort: 0, unknownSong: 0 },
  }
  // Over the posterior, y is normal with mean `mean` and covariance σ²I + v11': Sherman and Morrison give the inverse.
  const squares = y.reduce((sum, v) => sum + (v - mean) ** 2, 0)
  const ahead = total - n * mean
  const inside = (squares - (variance * ahead ** 2) / (sigma ** 2 + n * variance)) / sigma ** 2
  const logDet = n * Math.log(2 * Math.PI * sigma ** 2) + Math.log(1 + (n * variance) / sigma ** 2)
  const score = scoreModel(particles, observations)
  near(score.joint, -0.5 * (logDet + inside), 0.02, "joint")
  const held = leaveOneOut(particles, observations).pointwise
  for (let k = 0; k < n; k++) {
    const without = 1 / (1 / variance - 1 / sigma ** 2)
    const center = without * (mean / variance - y[k] / sigma ** 2)
    near(score.pointwise[k], logDensity(y[k], mean, Math.sqrt(variance + sigma ** 2)), 0.01, `play ${k}`)
    near(held[k], logDensity(y[k], center, Math.sqrt(without + sigma ** 2)), 0.01, `without play ${k}`)
  }
})

test("the mixture's density of a play counts the models that know its song, by their weights", () => {
  const pointwise = [Float64Array.of(-1, -2), Float64Array.of(-3, -0.5), Float64Array.of(-0.1, -4)]
  const known = [undefined, Uint8Array.of(1, 0), Uint8Array.of(0, 1)]
  const weights = [0.2, 0.5, 0.3]
  const density = mixtureLogDensity(pointwise, weights.map(Math.log), known)
  near(density[0], Math.log((0.2 * Math.exp(-1) + 0.5 * Math.exp(-3)) / 0.7), 1e-12, "first")
  near(density[1], Math.log((0.2 * Math.exp(-2) + 0.3 * Math.exp(-4)) / 0.5), 1e-12, "second")
  const lost = mixtureLogDensity(pointwise, [-Infinity, -Infinity, -Infinity], known)
  assert.deepEqual(Array.from(lost), [-1, -2])
})

const LISTENERS = 30

/** 30 listeners of the thesis's experiment: σ about 2, 98 plays of 50 songs, tastes about one another. */
function experiment(): { models: Particles[]; plays: Observations[] } {
  const rng = stream(93, "experiment")
  const ofSong = songs.map(() => 0.3 * rng.normal())
  const models: Particles[] = []
  const plays: Observations[] = []
  for (let i = 0; i < LISTENERS; i++) {
    const beta = spec.names.map((_, q) =>
      q === 0 ? 0.5 + 0.4 * rng.normal() : rng.uniform() < 0.5 ? 0.35 * rng.normal() : 0,
    )
    const sigma = Math.max(0.9, 2 + 0.4 * rng.normal())
    const order = Int32Array.from(songs.keys())
    rng.shuffle(order)
    const rows = Array.from({ length: 98 }, (_, k) => {
      const j = order[k % 50]
      const x = featureMatrix(spec, [songs[j]])
      const log = x.reduce((sum, v, q) => sum + v * beta[q], ofSong[j]) + sigma * rng.normal()
      const bound = Math.log(songs[j].lengthS / 60)
      return { song: songs[j], y: Math.min(log, bound), censored: log >= bound, source: k }
    })
    const observations = observeRows(rows, spec)
    const hyper = answered(freezePrior(observations, spec))
    const data = condense(observations, hyper.constantMean)
    models.push(sampleFirstBlock(data, hyper, { rngs: [rng], draws: 300, burnIn: 400 }).particles)
    plays.push(observations)
  }
  return { models, plays }
}

test("pair weights of the thesis's experiment are spread as numpy finds them, and density as the thesis prints them", () => {
  const expected = readAverageReference("table8.json")
  const { models, plays } = experiment()
  const weights: Record<string, number[]> = { density: [], geometric: [], bayes: [] }
  for (let target = 0; target < LISTENERS; target++) {
    const scores = models.map((model) => scoreModel(model, plays[target]))
    const donors = scores.filter((_, donor) => donor !== target)
    for (const method of ["density", "geometric", "bayes"] as const) {
      weights[method].push(...averagingWeights(method, scores[target], donors).subarray(1))
    }
  }
  const meanOf = (values: number[]): number => values.reduce((sum, v) => sum + v / values.length, 0)
  for (const method of ["density", "geometric"] as const) {
    const values = weights[method].map(Math.exp)
    const mean = meanOf(values)
    // 30 listeners instead of 86, and other ones: between such populations the means differ by .02 or so.
    near(mean, expected[method].mean, 0.05, `mean of ${method}`)
    near(Math.sqrt(meanOf(values.map((v) => (v - mean) ** 2))), expected[method].sd, 0.05, `sd of ${method}`)
  }
  near(meanOf(weights.density.map(Math.exp)), expected.thesis.mean, 0.05, "the thesis's mean")
  const above = weights.density.filter((v) => v > 0).length / weights.density.length
  near(above, expected.density.share_gt1, 0.12, "share of density above 1")
  assert.ok(weights.geometric.every((v) => v < 0) && weights.bayes.every((v) => v < 0))
  // The raw ratio spans dozens of powers of ten: the log of its median is −10.6 in numpy.
  const median = weights.bayes.toSorted((a, b) => a - b)[weights.bayes.length >> 1]
  near(median, expected.logRawRatioMedian, 5, "median log Bayes factor")
  assert.ok(Math.min(...weights.bayes) < -40)
})
