// What a playlist can teach about a subject's coefficients (Chung 2007, eq. 20-21).
//
//   M_d = R + Σ_{j∈d} a_j a_j',  a_j = √w_j · x_j / σ,  information of d = log|M_d| − log|R|
//
// w_j is the expected information of one play that is censored at the song's end, relative to a play that is
// always seen to the listener's own end. With ε = (log T − x'β)/σ, score of x'β ∝ ε for ε < a and φ(a)/(1 − Φ(a))
// beyond, so its variance is
//
//   w(a) = Φ(a) − aφ(a) + φ(a)²/(1 − Φ(a)),  a = (log length − x'β)/σ
//
// A song that the listener likes more than it is long teaches little (w → 0), a disliked one all it can (w → 1).
// The thesis takes w = 1. How M changes as songs come and go: determinant.ts.

import { exp } from "../model/elementary.js"
import { logNormalCdf } from "../model/normal-cdf.js"
import type { TasteModel } from "../model/taste.js"
import type { Candidates } from "./candidates.js"

const HALF_LOG_2PI = 0.9189385332046727

/** What is known of a subject's coefficients before the playlist, restricted to the selected variables. */
export interface Knowledge {
  /** Length k ≥ 1: columns of x, ascending. */
  columns: Int32Array
  /** k × k: posterior precision R of these coefficients. */
  precision: Float64Array
  /** Residual variance σ² of log time. */
  sigma2: number
  /** Length P: posterior means, where the weights of censored plays are taken. */
  beta: ArrayLike<number>
}

/** w(a); in [0, 1]. */
export function censoredInformation(a: number): number {
  const logDensity = -HALF_LOG_2PI - 0.5 * a * a
  const density = exp(logDensity)
  // φ²/(1 − Φ) − aφ = φ(h − a), the hazard h in logs: both of its parts vanish far out.
  const hazard = exp(logDensity - logNormalCdf(-a))
  return toShare(exp(logNormalCdf(a)) + density * (hazard - a))
}

/** −d² log S/dμ² · σ² of a play censored at a = (y − μ)/σ: h(h − a) with the hazard h = φ/(1 − Φ); in [0, 1]. */
export function observedInformation(a: number): number {
  const hazard = exp(-HALF_LOG_2PI - 0.5 * a * a - logNormalCdf(-a))
  return toShare(hazard * (hazard - a))
}

/** Takes out what rounding adds to a quantity between 0 and 1. */
function toShare(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value
}

/** A variable is selected where it is in the model more often than not. */
const SELECTED = 0.5

/**
 * R = diag(1/s²) + Σ v x x'/σ² over the plays that the model has seen, with v = 1 for events and the observed
 * information of a censored play otherwise (thesis profile: 1). `x`: n × P; `y`: length n, log time;
 * `censored`: length n.
 */
export function knowledgeOf(
  model: Pick<TasteModel, "posterior" | "hyper" | "profile">,
  plays: { n: number; p: number; x: Float64Array; y: Float64Array; censored: Uint8Array },
): Knowledge {
  const { posterior, hyper, profile } = model
  const { n, p, x, y, censored } = plays
  const columns = Int32Array.from(
    posterior.inclusion.flatMap((share, q) => (q === 0 || share > SELECTED ? [q] : [])),
  )
  const k = columns.length
  const sigma2 = posterior.sigma * posterior.sigma
  const precision = new Float64Array(k * k)
  for (let a = 0; a < k; a++) precision[a * k + a] = 1 / hyper.s2x[columns[a]]
  for (let row = 0; row < n; row++) {
    let weight = 1
    if (censored[row] === 1 && profile !== "thesis") {
      let mu = 0
      for (let q = 0; q < p; q++) mu += x[row * p + q] * posterior.mean[q]
      weight = observedInformation((y[row] - mu) / posterior.sigma)
    }
    for (let a = 0; a < k; a++) {
      const scaled = (weight * x[row * p + columns[a]]) / sigma2
      for (let b = 0; b < k; b++) precision[a * k + b] += scaled * x[row * p + columns[b]]
    }
  }
  return { columns, precision, sigma2, beta: posterior.mean }
}

/** The vectors a_j of all candidates, N × k row-major. */
export function informationRows(
  candidates: Candidates,
  knowledge: Knowledge,
  profile: "default" | "thesis",
): Float64Array {
  const { p, x, logLength } = candidates
  const { columns, sigma2, beta } = knowledge
  const n = logLength.length
  const k = columns.length
  const sigma = Math.sqrt(sigma2)
  const rows = new Float64Array(n * k)
  for (let j = 0; j < n; j++) {
    let scale = 1 / sigma
    if (profile !== "thesis") {
      let mu = 0
      for (let q = 0; q < p; q++) mu += x[j * p + q] * beta[q]
      scale = Math.sqrt(censoredInformation((logLength[j] - mu) / sigma)) / sigma
    }
    for (let a = 0; a < k; a++) rows[j * k + a] = scale * x[j * p + columns[a]]
  }
  return rows
}
