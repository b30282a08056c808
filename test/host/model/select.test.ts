import assert from "node:assert/strict"
import { test } from "node:test"
import { condense } from "../../../host/model/condense.js"
import { createParticles } from "../../../host/model/particles.js"
import type { Hyper } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { type Sample, sampleFirstBlock } from "../../../host/model/select.js"
import { createWorkspace, drawPrior, sweep } from "../../../host/model/sweep.js"
import { near, observationsOf, priorOf, readReference } from "./reference.js"
import { chiSquare, simulate, smallHyper } from "./simulate.js"

const SUBJECTS = [1, 2, 3, 4, 5]
const reference = readReference("gibbs.json")

function fit(subject: number, seed: number, draws: number, hyper = priorOf(subject)): Sample {
  const data = condense(observationsOf(subject, "1"), hyper.constantMean)
  return sampleFirstBlock(data, hyper, { rngs: [stream(seed, "subject", subject)], draws })
}

test("at 500 draws every inclusion probability is within .08 and every mean within .25 sd of the reference, for 5 seeds", () => {
  for (const subject of SUBJECTS) {
    const { mean, sd, pip } = reference.numpy[`s${subject}_b1`]
    for (let seed = 1; seed <= 5; seed++) {
      const { posterior } = fit(subject, seed, 500)
      for (let q = 0; q < mean.length; q++) {
        near(posterior.inclusion[q], pip[q], 0.08, `subject ${subject} seed ${seed} inclusion ${q}`)
        near(posterior.mean[q], mean[q], 0.25 * sd[q], `subject ${subject} seed ${seed} mean ${q}`)
      }
    }
  }
})

test("the particles themselves, not only the averages over all sweeps, meet the same bounds", () => {
  for (const subject of SUBJECTS) {
    const { mean, sd, pip } = reference.numpy[`s${subject}_b1`]
    const { m, p, beta, gamma } = fit(subject, 6, 500).particles
    for (let q = 0; q < p; q++) {
      let included = 0
      let sum = 0
      for (let i = 0; i < m; i++) {
        included += gamma[i * p + q] / m
        sum += beta[i * p + q] / m
      }
      near(included, pip[q], 0.1, `subject ${subject} inclusion ${q}`)
      near(sum, mean[q], 0.25 * sd[q], `subject ${subject} mean ${q}`)
    }
  }
})

test("a long run is within 4 combined Monte Carlo errors of numpy, R and JAGS", () => {
  for (const subject of SUBJECTS) {
    // The references have t₅(0, 1) for the constant.
    const hyper = { ...priorOf(subject), constantMean: 0 }
    hyper.s2x = [1, ...hyper.s2x.slice(1)]
    const { posterior } = fit(subject, 7, 20_000, hyper)
    const compare = (name: string, other: any, draws: number): void => {
      for (let q = 0; q < other.mean.length; q++) {
        const error = Math.hypot(other.sd[q] / Math.sqrt(draws), posterior.meanError[q])
        near(posterior.mean[q], other.mean[q], 4 * error + 1e-5, `${name} subject ${subject} mean ${q}`)
        const binomial = Math.sqrt((other.pip[q] * (1 - other.pip[q])) / draws)
        const pipError = Math.hypot(Math.max(other.pip_mcse?.[q] ?? 0, binomial), posterior.inclusionError[q])
        near(posterior.inclusion[q], other.pip[q], 4 * pipError + 1e-4, `${name} subject ${subject} pip ${q}`)
      }
    }
    // Effective draws of the references: their chains' kept draws over an autocorrelation time of about 3.
    compare("numpy", reference.numpy[`s${subject}_b1`], 7000)
    compare("R", reference.R[`s${subject}_b1`], 3500)
    if (reference.jags[`s${subject}_b1`]) compare("JAGS", reference.jags[`s${subject}_b1`], 7000)
    const { sigma_mean, sigma_sd, sd } = reference.numpy[`s${subject}_b1`]
    near(posterior.sigma, sigma_mean, 0.06 * sigma_sd, `subject ${subject} σ`)
    near(posterior.sigmaSd / sigma_sd, 1, 0.05, `subject ${subject} sd of σ`)
    for (let q = 0; q < sd.length; q++) near(posterior.sd[q] / sd[q], 1, 0.12, `subject ${subject} sd ${q}`)
  }
})

test("the prior of the constant (mean of y instead of 0) moves its estimate by less than a twentieth of its sd", () => {
  const own = fit(4, 8, 10_000).posterior
  const { mean, sd } = reference.numpy.s4_b1
  near(own.mean[0], mean[0], 0.05 * sd[0], "constant")
})

const sizes: [string, { pi: number; expectedSize?: number }][] = [
  ["π = ½", { pi: 0.5 }],
  ["π = .2", { pi: 0.2 }],
  ["an expected model size of 1.5", { pi: 0.5, expectedSize: 1.5 }],
  ["all variables in", { pi: 1 }],
]
for (const [name, prior] of sizes) {
  test(`with known σ and S and ${name} inclusion and means are those of exact enumeration`, () =>
    againstEnumeration(prior))
}

function againstEnumeration(prior: { pi: number; expectedSize?: number }): void {
  // A prior with so many degrees of freedom holds σ² and S at their scales.
  const scales = { v: 1e9, s2y: 0.6, s2x: [0.8, 0.3, 0.5, 1.2, 0.2, 0.4, 0.9] }
  const hyper: Hyper = { ...smallHyper(7), ...scales, ...prior }
  const { observations } = simulate(hyper, 24, stream(21, "data"), { censoring: false, collinear: true })
  const exact = enumerate(hyper, observations.x, observations.y)
  const data = condense(observations, hyper.constantMean)
  const { posterior } = sampleFirstBlock(data, hyper, {
    rngs: [stream(22, "chain")],
    draws: 20_000,
    sweepsPerDraw: 2,
  })
  for (let q = 0; q < exact.inclusion.length; q++) {
    near(posterior.inclusion[q], exact.inclusion[q], 4 * posterior.inclusionError[q] + 1e-6, `inclusion ${q}`)
    near(posterior.mean[q], exact.mean[q], 4 * posterior.meanError[q] + 1e-6, `mean ${q}`)
  }
}

/** Prior probability of one model with `size` of `attributes` variables. */
function modelPrior({ pi, expectedSize }: Hyper, size: number, attributes: number): number {
  if (expectedSize === undefined) return pi ** size * (1 - pi) ** (attributes - size)
  // ∫ π^k (1 − π)^(J − k) dBeta(1, b): by the product form of the Beta function.
  const b = (attributes - expectedSize) / expectedSize
  let value = 1
  for (let i = 0; i < size; i++) value *= (1 + i) / (1 + b + i)
  for (let i = 0; i < attributes - size; i++) value *= (b + i) / (1 + b + size + i)
  return value
}

/** Inclusion probabilities and means by summing over all 2^(P−1) models at fixed σ² and S, each model's marginal
 *  likelihood from its n × n covariance S-weighted Gram matrix: not the route the sampler takes. */
function enumerate(hyper: Hyper, x: Float64Array, y: Float64Array): { inclusion: number[]; mean: number[] } {
  const p = hyper.names.length
  const n = y.length
  const inclusion = new Array<number>(p).fill(0)
  const mean = new Array<number>(p).fill(0)
  const models: { set: number[]; log: number; beta: number[] }[] = []
  for (let code = 0; code < 1 << (p - 1); code++) {
    const set = [0, ...Array.from({ length: p - 1 }, (_, q) => q + 1).filter((q) => (code >> (q - 1)) & 1)]
    const cov = Array.from({ length: n }, (_, a) =>
      Array.from({ length: n }, (_, b) => {
        let sum = a === b ? hyper.s2y : 0
        for (const q of set) sum += hyper.s2x[q] * x[a * p + q] * x[b * p + q]
        return sum
      }),
    )
    const residual = Array.from(y, (value) => value - hyper.constantMean)
    const { solution, logDet } = solve(cov, residual)
    const quadratic = residual.reduce((sum, value, k) => sum + value * solution[k], 0)
    const beta = set.map((q) => {
      let sum = q === 0 ? hyper.constantMean : 0
      for (let k = 0; k < n; k++) sum += hyper.s2x[q] * x[k * p + q] * solution[k]
      return sum
    })
    const log = Math.log(modelPrior(hyper, set.length - 1, p - 1)) - 0.5 * (logDet + quadratic)
    models.push({ set, log, beta })
  }
  const largest = Math.max(...models.map((model) => model.log))
  const total = models.reduce((sum, model) => sum + Math.exp(model.log - largest), 0)
  for (const { set, log, beta } of models) {
    const weight = Math.exp(log - largest) / total
    set.forEach((q, a) => {
      inclusion[q] += weight
      mean[q] += weight * beta[a]
    })
  }
  return { inclusion, mean }
}

function solve(matrix: number[][], rhs: number[]): { solution: number[]; logDet: number } {
  const rows = matrix.map((row, i) => [...row, rhs[i]])
  const n = rows.length
  let logDet = 0
  for (let c = 0; c < n; c++) {
    logDet += Math.log(rows[c][c])
    for (let r = c + 1; r < n; r++) {
      const factor = rows[r][c] / rows[c][c]
      for (let j = c; j <= n; j++) rows[r][j] -= factor * rows[c][j]
    }
  }
  const solution = new Array<number>(n).fill(0)
  for (let r = n - 1; r >= 0; r--) {
    let sum = rows[r][n]
    for (let j = r + 1; j < n; j++) sum -= rows[r][j] * solution[j]
    solution[r] = sum / rows[r][r]
  }
  return { solution, logDet }
}

test("simulation-based calibration: the rank of the truth among the draws is uniform", () => {
  const hyper = smallHyper(5)
  const ranks: Record<string, number[]> = { constant: [], slope: [], sigma2: [], prediction: [] }
  const kept = 63
  for (let sim = 0; sim < 1500; sim++) {
    const rng = stream(31, "calibration", sim)
    const { observations, truth } = simulate(hyper, 15, rng, { censoring: true, collinear: true })
    const { particles } = sampleFirstBlock(condense(observations, hyper.constantMean), hyper, {
      rngs: [rng],
      draws: kept,
      burnIn: 150,
      sweepsPerDraw: 6,
    })
    const { p, beta, sigma2 } = particles
    const x = Float64Array.from({ length: p }, (_, q) => (q === 0 ? 1 : rng.normal()))
    const dot = (values: Float64Array, i: number): number =>
      x.reduce((sum, v, q) => sum + v * values[i * p + q], 0)
    const rank = (of: (i: number) => number, true_: number): number => {
      let below = 0
      for (let i = 0; i < kept; i++) {
        if (of(i) < true_) below++
      }
      return below
    }
    ranks.constant.push(rank((i) => beta[i * p], truth.beta[0]))
    // A coefficient that is exactly zero on both sides has a random place among its equals.
    ranks.slope.push(tiedRank((i) => beta[i * p + 1], truth.beta[1], kept, rng.uniform()))
    ranks.sigma2.push(rank((i) => sigma2[i], truth.sigma2[0]))
    ranks.prediction.push(rank((i) => dot(beta, i), dot(truth.beta, 0)))
  }
  for (const [name, values] of Object.entries(ranks)) {
    // 16 bins, 15 degrees of freedom: 44.3 is passed once in ten thousand.
    const statistic = chiSquare(values, kept + 1, 16)
    assert.ok(statistic < 44.3, `${name}: χ² = ${statistic}`)
  }
})

/** Rank with the place among the equals drawn once, uniformly. */
function tiedRank(of: (i: number) => number, truth: number, kept: number, u: number): number {
  let below = 0
  let equal = 0
  for (let i = 0; i < kept; i++) {
    if (of(i) < truth) below++
    else if (of(i) === truth) equal++
  }
  return below + Math.floor(u * (equal + 1))
}

test("chains from different starts agree: R-hat near 1, and it is null for one chain", () => {
  const hyper = priorOf(2)
  const data = condense(observationsOf(2, "1"), hyper.constantMean)
  const rngs = [1, 2, 3, 4].map((c) => stream(9, "chain", c))
  const { rhat, particles } = sampleFirstBlock(data, hyper, { rngs, draws: 1000 })
  assert.ok(rhat !== null && rhat < 1.03, String(rhat))
  assert.equal(particles.m, 1000)
  assert.equal(fit(2, 1, 50).rhat, null)
})

test("a sweep leaves gamma and beta consistent, and without plays its target is the prior", () => {
  const hyper = smallHyper(4)
  const empty = simulate(hyper, 0, stream(41, "none"), { censoring: false, collinear: false }).observations
  const ws = createWorkspace(hyper)
  const state = createParticles(1, 4)
  const rng = stream(42, "prior")
  drawPrior(hyper, state, 0, rng)
  const data = condense(empty, hyper.constantMean)
  let included = 0
  let constant = 0
  for (let s = 0; s < 20_000; s++) {
    sweep(ws, data, state, 0, rng)
    for (let q = 0; q < 4; q++) assert.equal(state.beta[q] === 0, state.gamma[q] === 0)
    included += state.gamma[2]
    constant += state.beta[0]
  }
  near(included / 20_000, hyper.pi, 0.02, "inclusion")
  near(constant / 20_000, hyper.constantMean, 0.05, "constant")
})
