import assert from "node:assert/strict"
import { test } from "node:test"
import { averagePredictions, averagingWeights, leaveOneOut } from "../../../host/model/average.js"
import { borrow } from "../../../host/model/borrow.js"
import { condense } from "../../../host/model/condense.js"
import { logEvidence } from "../../../host/model/evidence.js"
import type { Observations } from "../../../host/model/observations.js"
import { cloneParticles, normalisedWeights, type Particles } from "../../../host/model/particles.js"
import { predictSongs } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import { scoreModel } from "../../../host/model/score.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import { simulate, smallHyper } from "./simulate.js"

const hyper = smallHyper(6)

/** Squared error of E[log T] over 200 songs and the share borrowed, averaged over listeners with n plays each, whose
 *  donors are one of another taste and one of nearly their own. */
function study(
  n: number,
  listeners: number,
): { own: number; averaged: number; borrowed: number; methods: Set<string> } {
  const found = { own: 0, averaged: 0, borrowed: 0, methods: new Set<string>() }
  for (let listener = 0; listener < listeners; listener++) {
    const rng = stream(94, n, listener)
    const censored = { censoring: true, collinear: false }
    const fit = (plays: Observations): Particles =>
      sampleFirstBlock(condense(plays, hyper.constantMean), hyper, { rngs: [rng], draws: 200, burnIn: 300 })
        .particles
    const other = simulate(hyper, 200, rng, censored)
    const like = simulate(hyper, 200, rng, censored)
    const taste = cloneParticles(like.truth)
    taste.gamma.fill(1)
    for (let q = 0; q < 6; q++) taste.beta[q] += 0.2 * rng.normal()
    const plays = simulate(hyper, n, rng, censored, taste).observations
    const donors = [fit(other.observations), fit(like.observations)]
    const own = fit(plays)
    const scores = donors.map((donor) => scoreModel(donor, plays))
    const model = { particles: own, observations: plays, evidence: logEvidence(plays, hyper, rng) }
    const { method, logWeights } = borrow("switch", model, scores)
    const { x } = like.observations
    const logLength = new Float64Array(200).fill(1)
    const predictions = [own, ...donors].map((model) => ({ predictions: predictSongs(model, x, logLength) }))
    const actual = predictSongs(taste, x, logLength).logTime
    const error = (of: Float64Array): number => of.reduce((sum, v, j) => sum + (v - actual[j]) ** 2 / 200, 0)
    found.own += error(predictions[0].predictions.logTime) / listeners
    found.averaged += error(averagePredictions(predictions, logWeights).logTime) / listeners
    found.borrowed += (1 - normalisedWeights(logWeights)[0]) / listeners
    found.methods.add(method)
  }
  return found
}

test("listeners with 6 plays borrow from one of like taste, and their error falls by half or more", () => {
  const { own, averaged, borrowed, methods } = study(6, 20)
  assert.deepEqual([...methods], ["marginal"])
  assert.ok(averaged < 0.5 * own && borrowed > 0.3, JSON.stringify({ own, averaged, borrowed }))
})

test("listeners with 200 plays borrow little and lose nothing by it", () => {
  const { own, averaged, borrowed, methods } = study(200, 12)
  assert.deepEqual([...methods], ["stacking"])
  assert.ok(averaged < 1.15 * own && borrowed < 0.35, JSON.stringify({ own, averaged, borrowed }))
})

test("without donors the own model speaks alone, and with donors where no averaging is asked for", () => {
  const { observations, truth } = simulate(hyper, 5, stream(95, "alone"), {
    censoring: true,
    collinear: false,
  })
  const own = { particles: truth, observations, evidence: -9 }
  assert.deepEqual(Array.from(borrow("switch", own, []).logWeights), [0])
  const donor = scoreModel(truth, observations)
  assert.deepEqual(Array.from(normalisedWeights(borrow("own", own, [donor]).logWeights)), [1, 0])
})

test("each weighting judges the own model as it says: marginal by its evidence, stacking left-one-out", () => {
  const rng = stream(96, "own")
  const { observations, truth } = simulate(hyper, 12, rng, { censoring: true, collinear: false })
  const data = condense(observations, hyper.constantMean)
  const { particles } = sampleFirstBlock(data, hyper, { rngs: [rng], draws: 200 })
  const own = { particles, observations, evidence: -31.5 }
  const [score, donor] = [particles, truth].map((model) => scoreModel(model, observations))
  const logPrior = [Math.log(0.9), Math.log(0.1)]
  const { logWeights } = borrow("marginal", own, [donor], logPrior)
  assert.deepEqual(Array.from(logWeights), [-31.5 + logPrior[0], donor.joint + logPrior[1]])
  for (const method of ["density", "geometric", "bayes"] as const) {
    assert.deepEqual(borrow(method, own, [donor]).logWeights, averagingWeights(method, score, [donor]))
  }
  const held = { ...score, pointwise: leaveOneOut(particles, observations).pointwise }
  assert.deepEqual(borrow("stacking", own, [donor]).logWeights, averagingWeights("stacking", held, [donor]))
})
