// Drift alarm: are the newest plays what the model expected?
//
// The block's predictive score, T(y) = Σ_k log mean_m p(y_k | θ_m), is ranked among those of replicate blocks: the same
// songs, each replicate heard by a listener drawn from the particles. If the taste has not changed, every rank is
// equally likely, however little is known of the taste; a score below nearly all replicates means that it has, or
// that somebody else has listened.

import { log } from "../model/elementary.js"
import { logDensity, logSurvival } from "./likelihood.js"
import type { Observations } from "./observations.js"
import { logSumExp, normalisedWeights, type Particles } from "./particles.js"
import type { Rng } from "./random.js"
import { systematic } from "./resample.js"

export interface Drift {
  /** T of the block, and the mean over the replicates. */
  score: number
  expected: number
  /** Share of blocks, this one included, that score as low: 1/100 at least. */
  p: number
}

/** Alarm at this p: one in a hundred blocks of an unchanged listener. */
export const DRIFT_LIMIT = 0.01
const REPLICATES = 99
/** Terms p(y_k | θ_m) that are worth computing: bounds the particles of the mixture. */
const TERMS = 400_000
const MIXTURE = { least: 8, most: 100 }

/** Judges rows `from` … n − 1 by particles that have not seen them. */
export function driftOf(particles: Particles, observations: Observations, from: number, rng: Rng): Drift {
  const { p, beta, sigma2 } = particles
  const { n, x, y, censored, logLength } = observations
  const count = n - from
  const weights = normalisedWeights(particles.logWeights)
  const afforded = Math.floor(TERMS / (REPLICATES * count))
  const m = Math.max(MIXTURE.least, Math.min(MIXTURE.most, afforded))
  const mixture = systematic(weights, m, rng.uniform())
  const listeners = systematic(weights, REPLICATES, rng.uniform())
  const dot = (row: number, i: number): number => {
    let mu = 0
    for (let q = 0; q < p; q++) mu += x[row * p + q] * beta[i * p + q]
    return mu
  }
  // Means of the mixture's particles: count × m.
  const mu = new Float64Array(count * m)
  for (let k = 0; k < count; k++) for (let a = 0; a < m; a++) mu[k * m + a] = dot(from + k, mixture[a])
  const sigma = Float64Array.from(mixture, (i) => Math.sqrt(sigma2[i]))
  const terms = new Float64Array(m)
  const scoreOf = (k: number, time: number, isCensored: boolean): number => {
    for (let a = 0; a < m; a++) {
      const mean = mu[k * m + a]
      terms[a] = isCensored ? logSurvival(time, mean, sigma[a]) : logDensity(time, mean, sigma[a])
    }
    return logSumExp(terms) - log(m)
  }
  let score = 0
  for (let k = 0; k < count; k++) score += scoreOf(k, y[from + k], censored[from + k] === 1)
  let expected = 0
  let asLow = 1
  for (const i of listeners) {
    let replicate = 0
    const spread = Math.sqrt(sigma2[i])
    for (let k = 0; k < count; k++) {
      const row = from + k
      const end = censored[row] === 1 ? y[row] : (logLength?.[row] ?? Number.POSITIVE_INFINITY)
      const time = dot(row, i) + spread * rng.normal()
      replicate += scoreOf(k, Math.min(time, end), time >= end)
    }
    expected += replicate / REPLICATES
    if (replicate <= score) asLow++
  }
  return { score, expected, p: asLow / (REPLICATES + 1) }
}
