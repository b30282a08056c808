// What a model expects of songs (Chung 2007, eq. 15, whose three readings are named apart here).
//
//   logTime  E[log T] = Σ w x'β
//   seconds  E[min(T, ℓ)] = Σ w [ exp(μ + σ²/2)·Φ((log ℓ − μ − σ²)/σ) + ℓ·Φ((μ − log ℓ)/σ) ]
//   share    E[min(T, ℓ)]/ℓ
//
// μ = x'β, ℓ the song's length. E[T] itself is infinite under the posterior (the inverse gamma tail of σ²), so it
// is not offered. T is the time a listener would go on for if songs had no end, in the unit of the plays.

import { exp } from "../model/elementary.js"
import { logNormalCdf } from "./normal-cdf.js"
import { normalisedWeights, type Particles } from "./particles.js"

export interface Predictions {
  /** Length n each, in the order of the songs. */
  logTime: Float64Array
  seconds: Float64Array
  share: Float64Array
}

/** `x`: n × P row-major; `logLength`: length n, log of the songs' lengths in the unit of the plays. */
export function predictSongs(particles: Particles, x: Float64Array, logLength: Float64Array): Predictions {
  const { m, p, beta, gamma, sigma2 } = particles
  const n = logLength.length
  const weights = normalisedWeights(particles.logWeights)
  const logTime = new Float64Array(n)
  const share = new Float64Array(n)
  const active = new Int32Array(p)
  for (let i = 0; i < m; i++) {
    const base = i * p
    let k = 0
    for (let q = 0; q < p; q++) if (gamma[base + q] === 1) active[k++] = q
    const sigma = Math.sqrt(sigma2[i])
    for (let song = 0; song < n; song++) {
      let mu = 0
      for (let a = 0; a < k; a++) mu += x[song * p + active[a]] * beta[base + active[a]]
      logTime[song] += weights[i] * mu
      share[song] += weights[i] * expectedShare(mu, sigma, logLength[song])
    }
  }
  // Rounded weights may sum to a little more than 1.
  for (let song = 0; song < n; song++) share[song] = Math.min(1, share[song])
  const seconds = share.map((value, song) => value * exp(logLength[song]))
  return { logTime, seconds, share }
}

/** E[min(T, ℓ)]/ℓ of a lognormal T with log mean `mu` and log standard deviation `sigma` (> 0); in [0, 1]. */
export function expectedShare(mu: number, sigma: number, logLength: number): number {
  const ahead = (logLength - mu) / sigma
  // In logs: far above the length exp(μ + σ²/2) overflows although its share of the sum vanishes.
  const ended = exp(mu - logLength + 0.5 * sigma * sigma + logNormalCdf(ahead - sigma))
  const finished = exp(logNormalCdf(-ahead))
  return Math.min(1, ended + finished)
}

/** One term x_p β_p of a song's expected log time. */
export interface Term {
  /** Column number, 0 … P − 1. */
  column: number
  mean: number
  /** The central interval of the asked probability. */
  low: number
  high: number
}

/** Probability inside the interval of a term, unless another is asked for. */
const TERM_INTERVAL = 0.8

/** The terms of one song, largest first by size of the mean, the constant left out: why this song.
 *  `x`: length P; `limit`: how many. */
export function explainSong(
  particles: Particles,
  x: ArrayLike<number>,
  limit: number,
  interval = TERM_INTERVAL,
): Term[] {
  const { m, p, beta } = particles
  const weights = normalisedWeights(particles.logWeights)
  const terms: Term[] = []
  for (let column = 1; column < p; column++) {
    if (x[column] === 0) continue
    let mean = 0
    for (let i = 0; i < m; i++) mean += weights[i] * beta[i * p + column] * x[column]
    if (mean !== 0) terms.push({ column, mean, low: mean, high: mean })
  }
  terms.sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean) || a.column - b.column)
  const largest = terms.slice(0, limit)
  for (const term of largest) {
    const values = Float64Array.from({ length: m }, (_, i) => beta[i * p + term.column] * x[term.column])
    term.low = weightedQuantile(values, weights, (1 - interval) / 2)
    term.high = weightedQuantile(values, weights, (1 + interval) / 2)
  }
  return largest
}

/** Smallest value whose cumulated weight reaches `probability`; `weights` sum to 1. */
export function weightedQuantile(values: Float64Array, weights: Float64Array, probability: number): number {
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b] || a - b)
  let cumulated = 0
  for (const i of order) {
    cumulated += weights[i]
    if (cumulated >= probability) return values[i]
  }
  return values[order[order.length - 1]]
}
