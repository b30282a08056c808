import assert from "node:assert/strict"
import { test } from "node:test"
import { plainKernel } from "../../../host/model/kernel.js"
import { createParticles, normalisedWeights } from "../../../host/model/particles.js"
import { expectedShare, explainer, predictSongs } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import { drawPrior } from "../../../host/model/sweep.js"
import { near, observationsOf, particlesFrom, priorOf, readReference } from "./reference.js"

test("the expected share heard is the 40-digit value, also where exp(μ) would overflow", () => {
  for (const [mu, sigma, logLength, expected] of readReference("normal.json").share as number[][]) {
    near(expectedShare(mu, sigma, logLength), expected, 1e-12 + 1e-10 * expected, `share(${mu}, ${sigma})`)
  }
})

test("the expected share heard is what simulated listens average to", () => {
  const rng = stream(71, "listens")
  let sum = 0
  for (let i = 0; i < 200_000; i++) sum += Math.min(1, Math.exp(4.5 + 1.2 * rng.normal() - 5.2))
  near(expectedShare(4.5, 1.2, 5.2), sum / 200_000, 0.005, "share")
})

test("predictions are weighted over the particles", () => {
  const particles = particlesFrom(
    [
      [5, 0.5],
      [4, 0],
    ],
    [1, 0.25],
  )
  particles.logWeights.set([Math.log(3) - 900, -900])
  const logLength = Float64Array.of(5.3, 5.3)
  const { logTime, share, seconds } = predictSongs(particles, Float64Array.of(1, 2, 1, 0), logLength)
  near(logTime[0], 0.75 * 6 + 0.25 * 4, 1e-12, "log time")
  near(share[1], 0.75 * expectedShare(5, 1, 5.3) + 0.25 * expectedShare(4, 0.5, 5.3), 1e-12, "share")
  near(seconds[1], share[1] * Math.exp(5.3), 1e-9, "seconds")
  assert.ok(seconds[0] < Math.exp(5.3))
})

test("why this song: its largest terms first, with intervals that hold the mean; absent attributes say nothing", () => {
  const rng = stream(72, "terms")
  const particles = createParticles(1000, 4)
  for (let i = 0; i < 1000; i++) {
    const row = [1, 0.2 + 0.1 * rng.normal(), -0.9 + 0.1 * rng.normal(), 5]
    row.forEach((value, q) => {
      particles.beta[i * 4 + q] = value
    })
  }
  particles.gamma.fill(1)
  const terms = explainer(particles)([1, 2, 1, 0], 3)
  assert.deepEqual(
    terms.map((term) => term.column),
    [2, 1],
  )
  near(terms[1].mean, 0.4, 0.02, "mean")
  // A central 80 % interval of a normal reaches 1.2816 sd to either side; here the sd is 0.2.
  near(terms[1].low, 0.4 - 0.2563, 0.04, "low")
  near(terms[1].high, 0.4 + 0.2563, 0.04, "high")
})

test("predictions are the weighted means of closed forms, the same bits with SIMD and without", () => {
  const hyper = priorOf(2)
  for (const m of [1, 2, 33]) {
    const rng = stream(111, m)
    const particles = createParticles(m, hyper.names.length)
    for (let i = 0; i < m; i++) drawPrior(hyper, particles, i, rng)
    particles.logWeights.set(Float64Array.from({ length: m }, () => rng.normal()))
    const { x, n, p } = observationsOf(2, "1")
    const logLength = Float64Array.from({ length: n }, (_, k) => [0.4, -3, 6, 40][k % 4] + 0.3 * rng.normal())
    const found = predictSongs(particles, x, logLength)
    assert.deepEqual(found, predictSongs(particles, x, logLength, plainKernel()))
    const weights = normalisedWeights(particles.logWeights)
    for (let k = 0; k < n; k += 17) {
      let logTime = 0
      let share = 0
      for (let i = 0; i < m; i++) {
        let mu = 0
        for (let q = 0; q < p; q++) mu += x[k * p + q] * particles.beta[i * p + q]
        logTime += weights[i] * mu
        share += weights[i] * expectedShare(mu, Math.sqrt(particles.sigma2[i]), logLength[k])
      }
      near(found.logTime[k], logTime, 1e-12 * Math.max(1, Math.abs(logTime)), "log time")
      near(found.share[k], share, 1e-12, "share")
    }
  }
})
