// Diagnostics: how far to trust an estimate, and what "not at all" looks like.
//
//   effectiveSampleSize(logWeights)     (Σw)²/Σw²
//   paretoKHat(logWeights)              k-hat: shape of the weights' tail (Vehtari, Simpson, Gelman, Yao & Gabry,
//                                       Pareto smoothed importance sampling, JMLR 2024), fitted as Zhang & Stephens 2009
//   splitRHat(chains)                   Gelman et al., Bayesian Data Analysis, 3rd ed., section 11.4

import { exp, expm1, log, log1p } from "../model/elementary.js"
import { logSumExp } from "./particles.js"

/** Above this, importance weights have no reliable mean (Vehtari et al.). */
export const KHAT_LIMIT = 0.7
/** Fewest weights in a tail for which a shape is worth fitting (as in the R package loo). */
const MIN_TAIL = 5

/** (Σw)²/Σw² of unnormalised log weights: between 1 and their number; 0 where every weight is 0. */
export function effectiveSampleSize(logWeights: ArrayLike<number>): number {
  const total = logSumExp(logWeights)
  if (!Number.isFinite(total)) return 0
  let squares = 0
  for (let i = 0; i < logWeights.length; i++) squares += exp(2 * (logWeights[i] - total))
  return 1 / squares
}

/**
 * Shape of the generalised Pareto tail of the weights; null where the tail has fewer than MIN_TAIL weights or
 * they are all equal (nothing to fit, and nothing to fear).
 */
export function paretoKHat(logWeights: ArrayLike<number>): number | null {
  const sorted = Float64Array.from(logWeights).sort()
  return fitTail(sorted)?.shape ?? hillShape(sorted)
}

/** Log weights with their tail replaced by the quantiles of its Pareto fit (Pareto smoothing), none above the
 *  largest of the raw ones; unchanged where there is no tail to fit. Same order as they came. */
export function smoothWeights(logWeights: ArrayLike<number>): {
  logWeights: Float64Array
  khat: number | null
} {
  const n = logWeights.length
  const smooth = Float64Array.from(logWeights)
  const sorted = smooth.slice().sort()
  const tail = fitTail(sorted)
  if (tail === null) return { logWeights: smooth, khat: hillShape(sorted) }
  const { shape, spread, size, cut, largest } = tail
  const order = Array.from(smooth.keys()).sort((a, b) => smooth[a] - smooth[b] || a - b)
  for (let rank = 0; rank < size; rank++) {
    const probability = (rank + 0.5) / size
    const exceedance =
      shape === 0 ? -spread * log1p(-probability) : (spread * expm1(-shape * log1p(-probability))) / shape
    smooth[order[n - size + rank]] = Math.min(largest, largest + log(cut + exceedance))
  }
  return { logWeights: smooth, khat: shape }
}

/** Number of weights in the tail (Vehtari et al.), 0 where they are too few. */
function tailSize(n: number): number {
  const size = Math.min(Math.ceil(0.2 * n), Math.ceil(3 * Math.sqrt(n)))
  return size < MIN_TAIL || n <= size ? 0 : size
}

/** Hill's (1975) estimate of the shape, from logs alone: for tails so long that most exceedances are 0 in double
 *  precision. Null where there is no tail or it is flat. */
function hillShape(sorted: Float64Array): number | null {
  const n = sorted.length
  const size = tailSize(n)
  const cut = sorted[n - size - 1]
  if (size === 0 || !Number.isFinite(cut) || !(sorted[n - 1] > cut)) return null
  let sum = 0
  for (let i = n - size; i < n; i++) sum += sorted[i] - cut
  return sum / size
}

/** Generalised Pareto fit of the upper tail of sorted log weights; weights are relative to the largest. */
function fitTail(
  sorted: Float64Array,
): { shape: number; spread: number; size: number; cut: number; largest: number } | null {
  const n = sorted.length
  const size = tailSize(n)
  const largest = sorted[n - 1]
  if (size === 0 || !Number.isFinite(largest)) return null
  const cut = exp(sorted[n - size - 1] - largest)
  const tail = new Float64Array(size)
  for (let i = 0; i < size; i++) tail[i] = exp(sorted[n - size + i] - largest) - cut
  const fit = fitGeneralisedPareto(tail)
  return fit === null ? null : { ...fit, size, cut, largest }
}

/** Weight of the prior guess ½ for the shape, in observations (Vehtari et al., appendix). */
const SHAPE_PRIOR = 10

/** Shape and spread of a generalised Pareto distribution from exceedances in increasing order, ≥ 0; null where
 *  too many are 0. */
function fitGeneralisedPareto(x: Float64Array): { shape: number; spread: number } | null {
  const n = x.length
  const quartile = x[Math.floor(n / 4 + 0.5) - 1]
  if (!(x[n - 1] > 0) || !(quartile > 0)) return null
  const grid = 30 + Math.floor(Math.sqrt(n))
  const theta = new Float64Array(grid)
  const logLik = new Float64Array(grid)
  for (let j = 0; j < grid; j++) {
    theta[j] = 1 / x[n - 1] + (1 - Math.sqrt(grid / (j + 0.5))) / (3 * quartile)
    const k = meanLog1p(-theta[j], x)
    logLik[j] = n * (log(-theta[j] / k) - k - 1)
  }
  const total = logSumExp(logLik)
  let mean = 0
  for (let j = 0; j < grid; j++) mean += theta[j] * exp(logLik[j] - total)
  const raw = meanLog1p(-mean, x)
  return { shape: (raw * n + SHAPE_PRIOR / 2) / (n + SHAPE_PRIOR), spread: -raw / mean }
}

function meanLog1p(factor: number, x: Float64Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += log1p(factor * x[i])
  return sum / x.length
}

/** Split R-hat of chains of equal length: each is halved, so a drift shows as well as a disagreement.
 *  Null where a half has fewer than 2 draws; 1 where nothing varies. */
export function splitRHat(chains: readonly ArrayLike<number>[]): number | null {
  const half = Math.floor((chains[0]?.length ?? 0) / 2)
  if (half < 2) return null
  const means = new Float64Array(2 * chains.length)
  let within = 0
  chains.forEach((chain, c) => {
    const offset = chain.length - 2 * half
    for (let side = 0; side < 2; side++) {
      const part = new Float64Array(half)
      for (let i = 0; i < half; i++) part[i] = chain[offset + side * half + i]
      let sum = 0
      for (let i = 0; i < half; i++) sum += part[i]
      means[2 * c + side] = sum / half
      within += variance(part) / (2 * chains.length)
    }
  })
  const between = variance(means)
  if (within === 0) return between === 0 ? 1 : Number.POSITIVE_INFINITY
  return Math.sqrt((half - 1) / half + between / within)
}

/** Sample variance, divisor n − 1. */
function variance(values: ArrayLike<number>): number {
  const n = values.length
  let mean = 0
  for (let i = 0; i < n; i++) mean += values[i]
  mean /= n
  let squares = 0
  for (let i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean)
  return squares / (n - 1)
}
