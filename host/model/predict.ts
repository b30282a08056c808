// What a model expects of songs (Chung 2007, eq. 15, whose three readings are named apart here).
//
//   logTime  E[log T] = Σ w x'β
//   seconds  E[min(T, ℓ)] = Σ w [ exp(μ + σ²/2)·Φ((log ℓ − μ − σ²)/σ) + ℓ·Φ((μ − log ℓ)/σ) ]
//   share    E[min(T, ℓ)]/ℓ
//
// μ = x'β, ℓ the song's length. E[T] itself is infinite under the posterior (the inverse gamma tail of σ²), so it
// is not offered. T is the time a listener would go on for if songs had no end, in the unit of the plays.

import { meansOf, openModel, pack } from "./columns.js"
import { exp } from "./elementary.js"
import type { Kernel } from "./kernel.js"
import { logNormalCdf } from "./normal-cdf.js"
import { normalisedWeights, type Particles } from "./particles.js"

export interface Predictions {
  /** Length n each, in the order of the songs. */
  logTime: Float64Array
  seconds: Float64Array
  share: Float64Array
}

/** `x`: n × P row-major; `logLength`: length n, log of the songs' lengths in the unit of the plays. `kernel`: the inner
 *  loops, for tests. */
export function predictSongs(
  particles: Particles,
  x: Float64Array,
  logLength: Float64Array,
  kernel?: Kernel,
): Predictions {
  const { p } = particles
  const n = logLength.length
  const model = pack(particles)
  const state = openModel(model, 0, kernel)
  // One song after the other through one column.
  const { joint: mu, sigma, precision, weight } = state
  const logTime = new Float64Array(n)
  const share = new Float64Array(n)
  for (let song = 0; song < n; song++) {
    meansOf(state, x, song * p, mu)
    logTime[song] = state.kernel.dot(model.pairs, weight, mu)
    const heard = state.kernel.share(model.pairs, sigma, precision, weight, mu, logLength[song])
    // Rounded weights may sum to a little more than 1.
    share[song] = Math.min(1, heard)
  }
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

/**
 * Explains songs by their largest terms, largest mean first, the constant left out: why this song. Gives a function of
 * x (length P) and how many terms. `interval`: probability inside a term's interval.
 */
export function explainer(
  particles: Particles,
  interval = TERM_INTERVAL,
): (x: ArrayLike<number>, limit: number) => Term[] {
  const { m, p, beta } = particles
  const weights = normalisedWeights(particles.logWeights)
  const columns: (CoefficientSummary | undefined)[] = new Array(p)
  const summary = (column: number): CoefficientSummary => {
    const values = Float64Array.from({ length: m }, (_, i) => beta[i * p + column])
    return summariseCoefficient(values, weights, (1 - interval) / 2)
  }
  return (x, limit) => {
    const terms: Term[] = []
    for (let column = 1; column < p; column++) {
      if (x[column] === 0) continue
      columns[column] ??= summary(column)
      const { mean, fromBelow, fromAbove } = columns[column] as CoefficientSummary
      if (mean === 0) continue
      // A negative feature turns the order of the values round.
      const [low, high] = x[column] > 0 ? fromBelow : fromAbove
      terms.push({ column, mean: mean * x[column], low: low * x[column], high: high * x[column] })
    }
    terms.sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean) || a.column - b.column)
    return terms.slice(0, limit)
  }
}

interface CoefficientSummary {
  mean: number
  /** Values at which the weight cumulated from the smallest (the largest) up reaches the lower and the upper
   *  end of the interval. */
  fromBelow: [number, number]
  fromAbove: [number, number]
}

function summariseCoefficient(
  values: Float64Array,
  weights: Float64Array,
  outside: number,
): CoefficientSummary {
  let mean = 0
  for (let i = 0; i < values.length; i++) mean += weights[i] * values[i]
  if (mean === 0) return { mean, fromBelow: [0, 0], fromAbove: [0, 0] }
  const { sorted, weight } = sortWeighted(values, weights)
  const ends = (): [number, number] => [
    sorted[reaching(weight, outside)],
    sorted[reaching(weight, 1 - outside)],
  ]
  const fromBelow = ends()
  sorted.reverse()
  weight.reverse()
  return { mean, fromBelow, fromAbove: ends() }
}

/** The values in rising order, each with its weight. */
function sortWeighted(
  values: Float64Array,
  weights: Float64Array,
): { sorted: Float64Array; weight: Float64Array } {
  // Particles that have been resampled weigh the same, and numbers alone sort many times as fast.
  if (weights.every((value) => value === weights[0]))
    return { sorted: values.slice().sort(), weight: weights.slice() }
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b] || a - b)
  return {
    sorted: Float64Array.from(order, (i) => values[i]),
    weight: Float64Array.from(order, (i) => weights[i]),
  }
}

/** First place at which the cumulated weight reaches `probability`. */
function reaching(weight: Float64Array, probability: number): number {
  let cumulated = 0
  for (let place = 0; place < weight.length; place++) {
    cumulated += weight[place]
    if (cumulated >= probability) return place
  }
  return weight.length - 1
}

/** Smallest value whose cumulated weight reaches `probability`; `weights` sum to 1. */
export function weightedQuantile(values: Float64Array, weights: Float64Array, probability: number): number {
  const { sorted, weight } = sortWeighted(values, weights)
  return sorted[reaching(weight, probability)]
}
