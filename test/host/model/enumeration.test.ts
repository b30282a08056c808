// The first-block sampler, the particle path and the evidence against posteriors that are known exactly.
//
// Pinned: with 10⁸ degrees of freedom the priors hold σ² and S at their scales, and each of the 2^(P−1) models has
// a closed form; columns may then be as collinear as one likes. Free: with v = 5 and orthogonal columns the
// coefficients are independent given σ², so a one-dimensional integral for each of them, with its t prior, and one
// over σ² give everything. Neither takes the sampler's route: no Cholesky factor of X'X, no S.

import assert from "node:assert/strict"
import { test } from "node:test"
import { logEvidence } from "../../../host/model/evidence.js"
import { type Observations, takeRows } from "../../../host/model/observations.js"
import { logSumExp } from "../../../host/model/particles.js"
import type { Posterior } from "../../../host/model/posterior.js"
import type { Hyper } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { fitFirstBlock, updateTaste } from "../../../host/model/taste.js"
import { near } from "./reference.js"

const P = 12
/** Twelve probabilities and means, of one seed, within this many Monte Carlo errors. */
const ERRORS = 5

interface Exact {
  inclusion: number[]
  mean: number[]
  /** Mean of σ, where it is not pinned. */
  sigma?: number
  logEvidence: number
}

function observe(rows: readonly (readonly number[])[], y: ArrayLike<number>): Observations {
  const n = rows.length
  return {
    n,
    p: P,
    x: Float64Array.from(rows.flat()),
    y: Float64Array.from(y),
    censored: new Uint8Array(n),
    song: new Uint32Array(n),
    source: Uint32Array.from({ length: n }, (_, k) => k),
    tooShort: 0,
    unknownSong: 0,
  }
}

const indices = (n: number): number[] => Array.from({ length: n }, (_, k) => k)
const names = indices(P).map((q) => (q === 0 ? "Constant" : `x${q}`))

// ---- pinned: every model, correlated and collinear columns

const pinned: Hyper = {
  names,
  v: 1e8,
  pi: 0.3,
  s2x: [0.5, 0.8, 0.3, 0.5, 1.2, 0.2, 0.4, 0.9, 0.6, 0.6, 0.25, 0.25],
  s2y: 0.6,
  constantMean: 1,
  notes: [],
}

/** Columns: independent, correlated (3 with 2, 4 with 3), a copy (9 of 8), two indicators and their sum (10, 11, 7). */
function collinearPlays(): Observations {
  const rng = stream(61, "pinned")
  const rows: number[][] = []
  const y: number[] = []
  for (let k = 0; k < 40; k++) {
    const [a, b, c, d, e, f] = indices(6).map(() => rng.normal())
    const rock = k % 4 === 0 ? 1 : 0
    const pop = k % 4 === 1 ? 1 : 0
    const row = [1, a, b, 0.8 * b + 0.6 * c, 0.95 * c + 0.3 * d, e, 0.5 * a + f, rock + pop, d, d, rock, pop]
    rows.push(row)
    y.push(1.2 + 0.5 * a - 0.4 * row[3] + 0.3 * d + 0.6 * rock + Math.sqrt(0.6) * rng.normal())
  }
  return observe(rows, y)
}

/** Sums over all models, each from its n × n covariance σ²I + XSX'. */
function enumerate(hyper: Hyper, { n, x, y }: Observations): Exact {
  const inclusion = new Array<number>(P).fill(0)
  const mean = new Array<number>(P).fill(0)
  const logs: number[] = []
  const models: { set: number[]; beta: number[] }[] = []
  const residual = Array.from(y, (value) => value - hyper.constantMean)
  for (let code = 0; code < 1 << (P - 1); code++) {
    const set = [0, ...indices(P).filter((q) => q > 0 && ((code >> (q - 1)) & 1) === 1)]
    const covariance = new Float64Array(n * n)
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        let sum = a === b ? hyper.s2y : 0
        for (const q of set) sum += hyper.s2x[q] * x[a * P + q] * x[b * P + q]
        covariance[a * n + b] = sum
      }
    }
    const { solution, logDet } = solve(covariance, residual)
    let quadratic = n * Math.log(2 * Math.PI) + logDet
    for (let k = 0; k < n; k++) quadratic += residual[k] * solution[k]
    const size = set.length - 1
    logs.push(-0.5 * quadratic + size * Math.log(hyper.pi) + (P - 1 - size) * Math.log(1 - hyper.pi))
    const beta = set.map((q) => {
      let sum = q === 0 ? hyper.constantMean : 0
      for (let k = 0; k < n; k++) sum += hyper.s2x[q] * x[k * P + q] * solution[k]
      return sum
    })
    models.push({ set, beta })
  }
  const total = logSumExp(logs)
  models.forEach(({ set, beta }, code) => {
    const weight = Math.exp(logs[code] - total)
    set.forEach((q, a) => {
      inclusion[q] += weight
      mean[q] += weight * beta[a]
    })
  })
  return { inclusion, mean, logEvidence: total }
}

/** Gaussian elimination of a positive definite matrix. */
function solve(matrix: Float64Array, rhs: readonly number[]): { solution: Float64Array; logDet: number } {
  const n = rhs.length
  const solution = Float64Array.from(rhs)
  let logDet = 0
  for (let c = 0; c < n; c++) {
    logDet += Math.log(matrix[c * n + c])
    for (let r = c + 1; r < n; r++) {
      const factor = matrix[r * n + c] / matrix[c * n + c]
      for (let j = c; j < n; j++) matrix[r * n + j] -= factor * matrix[c * n + j]
      solution[r] -= factor * solution[c]
    }
  }
  for (let r = n - 1; r >= 0; r--) {
    for (let j = r + 1; j < n; j++) solution[r] -= matrix[r * n + j] * solution[j]
    solution[r] /= matrix[r * n + r]
  }
  return { solution, logDet }
}

// ---- free: one-dimensional integrals, orthogonal columns

const free: Hyper = {
  names,
  v: 5,
  pi: 0.5,
  s2x: [0.5, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.2, 0.3, 0.4],
  s2y: 0.5,
  constantMean: 1,
  notes: [],
}

/** 32 rows of the Hadamard matrix of order 16, each twice: columns with X'X = 32·I. */
function orthogonalPlays(): Observations {
  const rng = stream(62, "free")
  const parity = (bits: number): number => (bits === 0 ? 0 : (bits & 1) ^ parity(bits >> 1))
  const rows = indices(32).map((k) => indices(P).map((q) => (parity(k & 15 & q) === 0 ? 1 : -1)))
  const y = rows.map(
    (row) => 1.3 + 0.6 * row[1] - 0.3 * row[2] + 0.2 * row[3] + 0.15 * row[4] + 0.6 * rng.normal(),
  )
  return observe(rows, y)
}

/** Γ(5/2)/(Γ(2)·√(5π)) and Γ(5/2). */
const T5_CONSTANT = 8 / (3 * Math.PI * Math.sqrt(5))
const LOG_GAMMA_5_2 = Math.log(0.75 * Math.sqrt(Math.PI))
const LIKELIHOOD_SDS = 12
const POINTS = 2000

/** Factor by which a coefficient with a t₅(0, s) prior multiplies the likelihood at 0, and its mean; `b` = x'y,
 *  `d` = x'x. Trapezoidal rule over the normal likelihood, whose tails are nothing at its ends. */
function coefficient(b: number, d: number, sigma2: number, s2: number): { log: number; mean: number } {
  const centre = b / d
  const spread = Math.sqrt(sigma2 / d)
  const step = (2 * LIKELIHOOD_SDS) / POINTS
  let sum = 0
  let first = 0
  for (let k = 0; k <= POINTS; k++) {
    const u = -LIKELIHOOD_SDS + k * step
    const beta = centre + spread * u
    const prior = (T5_CONSTANT / Math.sqrt(s2)) * (1 + (beta * beta) / (5 * s2)) ** -3
    const mass = prior * Math.exp(-0.5 * u * u) * step * spread
    sum += mass
    first += mass * beta
  }
  // exp(b²/2dσ²) is the likelihood at its maximum against that at 0.
  return { log: Math.log(sum) + (b * b) / (2 * d * sigma2), mean: first / sum }
}

function integrate(hyper: Hyper, { n, x, y }: Observations): Exact {
  const { pi, v, s2y } = hyper
  const residual = Array.from(y, (value) => value - hyper.constantMean)
  const b = indices(P).map((q) => residual.reduce((sum, value, k) => sum + value * x[k * P + q], 0))
  const yy = residual.reduce((sum, value) => sum + value * value, 0)
  const rate = (v * s2y) / 2
  const logs: number[] = []
  const found: { sigma: number; inclusion: number[]; mean: number[] }[] = []
  const step = 0.02
  for (let logVariance = -6; logVariance <= 5; logVariance += step) {
    const sigma2 = Math.exp(logVariance)
    // IG(5/2, rate) on the scale of log σ², and the likelihood with every coefficient at 0.
    let log = 2.5 * Math.log(rate) - LOG_GAMMA_5_2 - 2.5 * logVariance - rate / sigma2
    log += -0.5 * n * Math.log(2 * Math.PI * sigma2) - yy / (2 * sigma2)
    const inclusion: number[] = []
    const mean: number[] = []
    for (let q = 0; q < P; q++) {
      const own = coefficient(b[q], 32, sigma2, hyper.s2x[q])
      if (q === 0) {
        log += own.log
        inclusion.push(1)
        mean.push(hyper.constantMean + own.mean)
        continue
      }
      const either = logSumExp([own.log + Math.log(pi), Math.log(1 - pi)])
      log += either
      inclusion.push(Math.exp(own.log + Math.log(pi) - either))
      mean.push(inclusion[q] * own.mean)
    }
    logs.push(log + Math.log(step))
    found.push({ sigma: Math.sqrt(sigma2), inclusion, mean })
  }
  const total = logSumExp(logs)
  const average = (of: (point: (typeof found)[number]) => number): number =>
    found.reduce((sum, point, k) => sum + Math.exp(logs[k] - total) * of(point), 0)
  return {
    inclusion: indices(P).map((q) => average((point) => point.inclusion[q])),
    mean: indices(P).map((q) => average((point) => point.mean[q])),
    sigma: average((point) => point.sigma),
    logEvidence: total,
  }
}

// ---- what is compared

const cases = [
  { name: "pinned σ and S, correlated and collinear columns", hyper: pinned, plays: collinearPlays() },
  { name: "free σ and S, orthogonal columns", hyper: free, plays: orthogonalPlays() },
].map((each) => ({
  ...each,
  exact: each.hyper.v > 100 ? enumerate(each.hyper, each.plays) : integrate(each.hyper, each.plays),
}))

/** `largest`: Monte Carlo errors above this would leave nothing to test. */
function compare(posterior: Posterior, exact: Exact, largest: number): void {
  for (let q = 0; q < P; q++) {
    const { inclusion, mean, inclusionError, meanError } = posterior
    assert.ok(
      inclusionError[q] < largest && meanError[q] < largest,
      `${q}: ${inclusionError[q]} ${meanError[q]}`,
    )
    near(inclusion[q], exact.inclusion[q], ERRORS * inclusionError[q] + 1e-5, `inclusion ${q}`)
    near(mean[q], exact.mean[q], ERRORS * meanError[q] + 1e-5, `mean ${q}`)
  }
}

for (const { name, hyper, plays, exact } of cases) {
  test(`${name}: the problem leaves the model open`, () => {
    const open = exact.inclusion.filter((value) => value > 0.05 && value < 0.95)
    assert.ok(open.length >= 5, String(exact.inclusion))
  })

  test(`${name}: a long first block has the exact inclusion probabilities and means`, () => {
    const { posterior } = fitFirstBlock(plays, hyper, {
      seed: 63,
      stream: ["long"],
      draws: 10_000,
      chains: 2,
    })
    compare(posterior, exact, 0.01)
    if (exact.sigma !== undefined) near(posterior.sigma, exact.sigma, ERRORS * posterior.sigmaError, "σ")
  })

  test(`${name}: two blocks taken in one after the other have them too`, () => {
    const half = Math.floor(plays.n / 2)
    const options = { seed: 64, stream: ["blocks"], draws: 4000 }
    const first = fitFirstBlock(takeRows(plays, indices(half)), hyper, options)
    const { posterior } = updateTaste(first, plays, half, options)
    compare(posterior, exact, 0.02)
  })

  test(`${name}: the evidence is the sum over all models`, () => {
    const runs = 6
    const logs = indices(runs).map((run) => logEvidence(plays, hyper, stream(65, "evidence", run), 2000))
    const estimate = logSumExp(logs) - Math.log(runs)
    const error = Math.sqrt(logs.reduce((sum, log) => sum + (log - estimate) ** 2, 0) / (runs - 1) / runs)
    assert.ok(error < 0.1, `standard error ${error}`)
    near(estimate, exact.logEvidence, ERRORS * error + 0.01, "log evidence")
  })
}
