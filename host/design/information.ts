// What a playlist can teach about a subject's coefficients.
//
//   information of a play   w(a)/σ²,  w(a) = Φ(a) − a φ(a) + φ(a)²/(1 − Φ(a)),  a = (L − x'β)/σ
//   of a playlist d         log|Σ_d (w/σ²) x x' + R| − log|R|
//
// A play ends by itself (an event, information 1/σ²) or is cut off by the end of the song at log length L (information
// h(h − a)/σ² with the normal hazard h = φ/(1 − Φ)); w is the expectation over both: 1 for a song so long that nobody
// sits it out, 0 for one that everybody hears to the end. Profile `thesis` takes w = 1 (Chung 2007, eq. 20), which
// overstates what liked songs teach. R: precision of the coefficients before the playlist.

import { append, column, createFactor, pivot, solveTransposed } from "../model/cholesky.js"
import { effectiveSampleSize } from "../model/diagnose.js"
import { logNormalCdf } from "../model/likelihood.js"
import { normalisedWeights, type Particles } from "../model/particles.js"

/** What is known of a subject's coefficients before the playlist, restricted to the selected variables. */
export interface Knowledge {
  /** Length k: columns of x, ascending. */
  columns: Int32Array
  /** k × k: posterior precision R of these coefficients. */
  precision: Float64Array
  /** Residual variance σ² of log time: square of the posterior mean of σ. */
  sigma2: number
}

const HALF_LOG_2PI = 0.9189385332046727

/** w(a): expected information of one play, as a share of that of an uncensored one; from 0 to 1. */
export function playInformation(a: number): number {
  const logDensity = -0.5 * a * a - HALF_LOG_2PI
  const density = Math.exp(logDensity)
  // φ²/(1 − Φ) − aφ = φ (h − a): h in logs, since both of its parts vanish far out.
  const hazard = Math.exp(logDensity - logNormalCdf(-a))
  return Math.exp(logNormalCdf(a)) + density * (hazard - a)
}

/** Expected information of a play of each of N songs, E[w/σ²] over the particles: length N. `x`: N × P row-major;
 *  `logLength`: length N, in the unit of the plays. */
export function expectedInformation(
  particles: Particles,
  x: Float64Array,
  logLength: Float64Array,
): Float64Array {
  const { m, p, beta, sigma2 } = particles
  const n = logLength.length
  const weights = normalisedWeights(particles.logWeights)
  const information = new Float64Array(n)
  const active = new Int32Array(p)
  for (let i = 0; i < m; i++) {
    if (weights[i] === 0) continue
    const base = i * p
    let k = 0
    for (let q = 0; q < p; q++) if (beta[base + q] !== 0) active[k++] = q
    const sigma = Math.sqrt(sigma2[i])
    const scale = weights[i] / sigma2[i]
    for (let song = 0; song < n; song++) {
      let mu = 0
      for (let c = 0; c < k; c++) mu += x[song * p + active[c]] * beta[base + active[c]]
      information[song] += scale * playInformation((logLength[song] - mu) / sigma)
    }
  }
  return information
}

/** Variables in the model with at least this probability are selected. */
const SELECTED = 0.5
/** Least variance of a coefficient, as a share of its prior variance: particles that all agree are still not sure. */
const VARIANCE_FLOOR = 1e-6

/**
 * Knowledge from particles: the selected variables (inclusion ≥ .5, and the constant) and the inverse of their
 * weighted covariance. Few effective particles know the variances better than the correlations: these are shrunk by
 * k/ESS (all the way at ESS ≤ k), so that the inverse always exists.
 */
export function knowledgeOf(particles: Particles): Knowledge {
  const { m, p, beta, gamma, scale, sigma2 } = particles
  const weights = normalisedWeights(particles.logWeights)
  const inclusion = new Float64Array(p)
  const mean = new Float64Array(p)
  const prior = new Float64Array(p)
  let sigma = 0
  for (let i = 0; i < m; i++) {
    sigma += weights[i] * Math.sqrt(sigma2[i])
    for (let q = 0; q < p; q++) {
      inclusion[q] += weights[i] * gamma[i * p + q]
      mean[q] += weights[i] * beta[i * p + q]
      prior[q] += weights[i] * scale[i * p + q]
    }
  }
  const columns = Int32Array.from(mean.keys()).filter((q) => q === 0 || inclusion[q] >= SELECTED)
  const k = columns.length
  const covariance = new Float64Array(k * k)
  for (let i = 0; i < m; i++) {
    for (let r = 0; r < k; r++) {
      const deviation = weights[i] * (beta[i * p + columns[r]] - mean[columns[r]])
      for (let c = 0; c <= r; c++) {
        covariance[r * k + c] += deviation * (beta[i * p + columns[c]] - mean[columns[c]])
      }
    }
  }
  const kept = 1 - Math.min(1, k / effectiveSampleSize(particles.logWeights))
  for (let r = 0; r < k; r++) {
    const floor = VARIANCE_FLOOR * (prior[columns[r]] > 0 ? prior[columns[r]] : 1)
    covariance[r * k + r] = Math.max(covariance[r * k + r], floor)
    for (let c = 0; c < r; c++) {
      covariance[r * k + c] *= kept
      covariance[c * k + r] = covariance[r * k + c]
    }
  }
  return { columns, precision: invert(covariance, k).inverse, sigma2: sigma * sigma }
}

/** Inverse and log determinant of a symmetric positive definite matrix (k × k). */
export function invert(matrix: Float64Array, k: number): { inverse: Float64Array; logDet: number } {
  const factor = createFactor(k)
  const none = new Float64Array(k)
  let logDet = 0
  for (let q = 0; q < k; q++) {
    pivot(factor, matrix, none, q)
    logDet += Math.log(factor.d)
    append(factor, q)
  }
  const inverse = new Float64Array(k * k)
  for (let q = 0; q < k; q++) {
    column(factor, q)
    factor.w.fill(0, 0, q)
    solveTransposed(factor, factor.w)
    for (let r = 0; r < k; r++) inverse[r * k + q] = factor.w[r]
  }
  return { inverse, logDet }
}
