import assert from "node:assert/strict"
import { test } from "node:test"
import { plainKernel, simdKernel } from "../../../host/model/kernel.js"
import { logLikelihoodMatrix } from "../../../host/model/likelihood.js"
import { type Observations, takeRows } from "../../../host/model/observations.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { scoreMatrix, scorerOf } from "../../../host/model/score.js"
import { drawPrior } from "../../../host/model/sweep.js"
import { near, observationsOf, priorOf, readReference } from "./reference.js"

/** M draws of the prior with weights that differ. */
function particlesOf(subject: number, m: number): Particles {
  const hyper = priorOf(subject)
  const rng = stream(101, subject, m)
  const particles = createParticles(m, hyper.names.length)
  for (let i = 0; i < m; i++) drawPrior(hyper, particles, i, rng)
  particles.logWeights.set(Float64Array.from({ length: m }, () => 3 * rng.normal()))
  return particles
}

/** Every twentieth play of a subject, and some of one song again, so that columns are used twice. */
function playsOf(subject: number): Observations {
  return takeRows(observationsOf(subject, "12"), [
    ...Array.from({ length: 50 }, (_, k) => 20 * k),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
  ])
}

for (const m of [1, 2, 7, 100]) {
  test(`${m} particles: scores are the log mean densities, one play at a time and all together`, () => {
    const particles = particlesOf(1, m)
    const scorer = scorerOf(particles)
    for (const subject of [2, 3, 2]) {
      const plays = playsOf(subject)
      const expected = scoreMatrix(logLikelihoodMatrix(particles, plays), particles.logWeights, plays.n)
      const found = scorer(plays)
      near(found.joint, expected.joint, 1e-10 * Math.abs(expected.joint), "joint")
      for (let k = 0; k < plays.n; k++) {
        near(
          found.pointwise[k],
          expected.pointwise[k],
          1e-12 * Math.abs(expected.pointwise[k]) + 1e-13,
          `${k}`,
        )
      }
    }
  })

  test(`${m} particles: the SIMD kernel and the plain one give the same bits, far plays included`, () => {
    const simd = simdKernel()
    assert.ok(simd !== undefined, "this engine has SIMD")
    const plain = plainKernel()
    const particles = particlesOf(4, m)
    const scorers = [scorerOf(particles, simd), scorerOf(particles, plain)]
    const plays = playsOf(5)
    // Beyond the table of log Φ, where densities vanish, and where survival is certain.
    plays.y.set([400, -400, 25, -25, 90, -90, 3, -3], 0)
    plays.censored.set([1, 1, 1, 1, 0, 0, 1, 1], 0)
    for (const target of [plays, playsOf(1), plays]) {
      const [a, b] = scorers.map((scorer) => scorer(target))
      assert.deepEqual(a, b)
      assert.ok(Number.isFinite(a.joint) && a.pointwise.every(Number.isFinite))
    }
  })
}

test("pair weights of the fixtures: numpy's log likelihoods, summed", () => {
  const fixtures = readReference("particles.json")
  const fixture = fixtures.s1
  const particles = createParticles(fixture.particles_beta.length, fixture.particles_beta[0].length)
  particles.beta.set(fixture.particles_beta.flat())
  particles.sigma2.set(fixture.particles_sigma2)
  const block = observationsOf(1, "2")
  const lw: number[] = fixture.lw
  const largest = Math.max(...lw)
  const mean = lw.reduce((sum, value) => sum + Math.exp(value - largest) / lw.length, 0)
  near(scorerOf(particles)(block).joint, largest + Math.log(mean), 1e-8, "joint")
})

test("song numbers that mean another song are noticed", () => {
  const particles = particlesOf(1, 10)
  const scorer = scorerOf(particles)
  const plays = playsOf(1)
  const other = { ...playsOf(2), song: plays.song }
  scorer(plays)
  assert.deepEqual(scorer(other), scorerOf(particles)(other))
})

test("plays with other columns than the model's are refused", () => {
  const plays = playsOf(1)
  assert.throws(() => scorerOf(createParticles(3, 4))(plays), /observations: 18 columns, but the model has 4/)
})
