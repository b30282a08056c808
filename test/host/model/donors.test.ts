import assert from "node:assert/strict"
import { test } from "node:test"
import { fitAggregate } from "../../../host/model/aggregate.js"
import { averagePredictions } from "../../../host/model/average.js"
import { borrow } from "../../../host/model/borrow.js"
import { condense } from "../../../host/model/condense.js"
import {
  aggregateDonor,
  centreOf,
  donorPrior,
  nearestDonors,
  tasteDonor,
} from "../../../host/model/donors.js"
import { logEvidence } from "../../../host/model/evidence.js"
import { cloneParticles, createParticles, type Particles } from "../../../host/model/particles.js"
import { predictSongs } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import { near } from "./reference.js"
import { simulate, smallHyper } from "./simulate.js"

const hyper = smallHyper(6)
const CENSORED = { censoring: true, collinear: false }

/** A cheap model: 20 particles around a taste. */
function cloud(taste: Particles, seed: number): Particles {
  const rng = stream(71, "cloud", seed)
  const particles = createParticles(20, 6)
  particles.gamma.fill(1)
  for (let i = 0; i < 20; i++) {
    for (let q = 0; q < 6; q++) particles.beta[i * 6 + q] = taste.beta[q] + 0.1 * rng.normal()
    particles.sigma2[i] = taste.sigma2[0] * Math.exp(0.1 * rng.normal())
  }
  return particles
}

test("without a representation, or with an even one, half of the prior is the own model's and the donors share the rest", () => {
  const expected = [1 / 2, 1 / 6, 1 / 6, 1 / 6]
  for (const likeness of [
    [undefined, undefined, undefined],
    [3, 3, 3],
    [undefined, -7, -7],
  ]) {
    donorPrior(likeness).forEach((value, i) => {
      near(Math.exp(value), expected[i], 1e-12, `${likeness}: ${i}`)
    })
  }
})

test("a given matrix of likeness becomes the donors' prior; a donor that nothing is known of keeps an equal share", () => {
  const likeness = [
    [Math.log(3), Math.log(1), undefined],
    [0, Number.NEGATIVE_INFINITY, undefined],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined],
  ]
  const expected = [
    [1 / 2, 1 / 4, 1 / 12, 1 / 6],
    [1 / 2, 1 / 3, 0, 1 / 6],
    [1 / 2, 0, 0, 1 / 6],
  ]
  likeness.forEach((row, target) => {
    donorPrior(row).forEach((value, i) => {
      near(Math.exp(value), expected[target][i], 1e-12, `${target}, ${i}`)
    })
  })
  assert.throws(() => donorPrior([0, Number.NaN]), /log prior of a donor: .*got NaN/)
})

test("with few plays a right prior brings the average nearer to the truth than none, a wrong one not so near", () => {
  const errors = { none: 0, right: 0, wrong: 0 }
  for (let listener = 0; listener < 30; listener++) {
    const rng = stream(72, listener)
    const others = [0, 1, 2, 3].map(() => simulate(hyper, 60, rng, CENSORED))
    const { observations } = simulate(hyper, 3, rng, CENSORED, others[0].truth)
    const donors = others.map(({ truth }, d) => cloud(truth, d))
    const own = { particles: cloud(createTaste(), 9), observations, evidence: -6 }
    const scores = donors.map((donor) => tasteDonor(donor, new Set()).score(observations))
    const { x, n } = others[0].observations
    const logLength = new Float64Array(n).fill(1)
    const parts = [own.particles, ...donors].map((model) => ({
      predictions: predictSongs(model, x, logLength),
    }))
    const truth = predictSongs(others[0].truth, x, logLength).logTime
    const errorWith = (likeness?: number[]): number => {
      const { logWeights } = borrow("marginal", own, scores, likeness && donorPrior(likeness))
      const { logTime } = averagePredictions(parts, logWeights)
      return logTime.reduce((sum, v, j) => sum + (v - truth[j]) ** 2 / n, 0) / 30
    }
    errors.none += errorWith()
    errors.right += errorWith([3, 0, 0, 0])
    errors.wrong += errorWith([0, 3, 3, 3])
  }
  assert.ok(errors.right < 0.8 * errors.none && errors.none < errors.wrong, JSON.stringify(errors))
})

function createTaste(): Particles {
  const taste = createParticles(1, 6)
  taste.beta[0] = hyper.constantMean
  taste.sigma2[0] = 0.5
  return taste
}

test("both kinds of model answer for the songs that were heard", () => {
  const rng = stream(73, "kinds")
  const { observations, truth } = simulate(hyper, 4, rng, CENSORED)
  const songs = {
    ids: Uint32Array.of(2, 9),
    x: observations.x.subarray(0, 12),
    logLength: Float64Array.of(1, 1),
  }
  const taste = tasteDonor(truth, new Set([9]))
  assert.deepEqual(Array.from(taste.knows(songs.ids)), [0, 1])
  assert.deepEqual(taste.predict(songs), predictSongs(truth, songs.x, songs.logLength))
  const plays = [1, 2].map((subject) => ({ subject, song: 2, y: 1 + 0.1 * subject, censored: false }))
  const aggregate = aggregateDonor(fitAggregate(plays, rng, 50))
  assert.deepEqual(Array.from(aggregate.knows(songs.ids)), [1, 0])
  assert.ok(aggregate.predict(songs).share[0] > 0)
  assert.equal(aggregate.score(observations).pointwise.length, 4)
})

test("the centre of a model is its weighted mean", () => {
  const particles = createParticles(2, 2)
  particles.beta.set([1, 4, 3, 0])
  particles.sigma2.set([1, 5])
  particles.logWeights.set([Math.log(3), 0])
  const { beta, sigma } = centreOf(particles)
  near(beta[0], 1.5, 1e-12, "β₀")
  near(beta[1], 3, 1e-12, "β₁")
  near(sigma, Math.SQRT2, 1e-12, "σ")
})

test("up to the limit every donor is asked; above it those that the plays and the prior speak for", () => {
  const rng = stream(74, "near")
  const { observations, truth } = simulate(hyper, 40, rng, CENSORED)
  const tastes = Array.from({ length: 10 }, () => simulate(hyper, 1, rng, CENSORED).truth)
  tastes[7] = truth
  const centres = tastes.map(centreOf)
  assert.deepEqual(Array.from(nearestDonors(observations, centres, undefined, 10)), [...centres.keys()])
  const three = nearestDonors(observations, centres, undefined, 3)
  assert.equal(three.length, 3)
  assert.ok(three.includes(7) && three[0] < three[1] && three[1] < three[2])
  const trusted = nearestDonors(
    observations,
    centres,
    centres.map((_, d) => (d === 4 ? 1e6 : undefined)),
    3,
  )
  assert.ok(trusted.includes(4))
  const barred = nearestDonors(
    observations,
    centres,
    centres.map((_, d) => (d === 7 ? Number.NEGATIVE_INFINITY : 0)),
    9,
  )
  assert.equal(barred.includes(7), false)
})

test("of 400 donors the nearest 100 lose next to nothing against all", () => {
  const rng = stream(75, "many")
  // Ten kinds of listeners, each a little different.
  const kinds = Array.from({ length: 10 }, () => simulate(hyper, 1, rng, CENSORED).truth)
  const vary = (kind: Particles): Particles => {
    const taste = cloneParticles(kind)
    taste.gamma.fill(1)
    for (let q = 0; q < 6; q++) taste.beta[q] += 0.15 * rng.normal()
    return taste
  }
  const models = Array.from({ length: 400 }, (_, d) => cloud(vary(kinds[d % 10]), d))
  const centres = models.map(centreOf)
  const error = { all: 0, near: 0, own: 0 }
  for (let target = 0; target < 12; target++) {
    const n = target % 2 === 0 ? 8 : 40
    const taste = vary(kinds[target % 10])
    const { observations } = simulate(hyper, n, rng, CENSORED, taste)
    const data = condense(observations, hyper.constantMean)
    const { particles } = sampleFirstBlock(data, hyper, { rngs: [rng], draws: 150, burnIn: 250 })
    const own = { particles, observations, evidence: logEvidence(observations, hyper, rng, 150) }
    const catalogue = simulate(hyper, 100, rng, CENSORED).observations
    const logLength = new Float64Array(100).fill(1)
    const truth = predictSongs(taste, catalogue.x, logLength).logTime
    const errorOf = (asked: ArrayLike<number>): number => {
      const donors = Array.from(asked, (d) => models[d])
      const scores = donors.map((donor) => tasteDonor(donor, new Set()).score(observations))
      const { logWeights } = borrow("switch", own, scores)
      const parts = [own.particles, ...donors].map((model) => ({
        predictions: predictSongs(model, catalogue.x, logLength),
      }))
      const { logTime } = averagePredictions(parts, logWeights)
      return logTime.reduce((sum, v, j) => sum + (v - truth[j]) ** 2 / 100, 0) / 12
    }
    error.all += errorOf(centres.map((_, d) => d))
    error.near += errorOf(nearestDonors(observations, centres, undefined, 100))
    error.own += errorOf([])
  }
  assert.ok(error.near < 1.02 * error.all, JSON.stringify(error))
  assert.ok(error.all < 0.6 * error.own, JSON.stringify(error))
})
