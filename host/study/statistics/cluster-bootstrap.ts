// Two means compared by a bootstrap over clusters: whoever was drawn comes with all of its values, so plays of one
// listener are never taken for independent ones.
//
//   θ = Σ w x/Σ w of the first group less the same of the second;  w = 1: every cluster counts the same
//   θ* from as many clusters as there are, drawn with replacement in each group by itself
//   interval: the percentile interval of θ* (Efron & Tibshirani 1993, chapter 13)
//
// RESAMPLES + 1 is a multiple of 1/tail for the usual levels, so the bounds are draws themselves and nothing is
// interpolated. Percentile intervals of few clusters are too narrow by about √((n − 1)/n).

import type { Rng } from "../../model/random.js"
import type { NoTest } from "./welch.js"

/** One listener's part of a mean. */
export interface Cluster {
  /** Mean of its values, finite. */
  value: number
  /** How much it counts, above 0: 1 for a mean over clusters, its number of values for a mean over values. */
  weight: number
}

export interface ClusterInterval {
  /** θ, in the unit of the values. */
  difference: number
  /** Standard deviation of θ*. */
  standardError: number
  low: number
  high: number
  /** Share of the resamples inside the interval, between 0 and 1. */
  level: number
  resamples: number
}

const RESAMPLES = 3999
/** With fewer clusters in a group resampling can't tell how much they vary. */
const LEAST_CLUSTERS = 2

/**
 * The interval of the difference of the groups' means at `level`. Without an answer where a group has fewer than two
 * clusters.
 * @throws RangeError where a value, a weight or the level is out of range
 */
export function clusterBootstrap(
  first: readonly Cluster[],
  second: readonly Cluster[],
  rng: Rng,
  level = 0.95,
): ClusterInterval | NoTest {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`clusterBootstrap: level ${level} is not between 0 and 1`)
  }
  for (const [name, group] of [["first", first] as const, ["second", second] as const]) {
    for (const { value, weight } of group) {
      if (!Number.isFinite(value) || !(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
        throw new RangeError(`clusterBootstrap: value ${value} of weight ${weight} in the ${name} group`)
      }
    }
    if (group.length < LEAST_CLUSTERS) {
      return { reason: `the ${name} group has ${group.length} of the ${LEAST_CLUSTERS} that a spread takes` }
    }
  }
  const drawn = new Float64Array(RESAMPLES)
  for (let r = 0; r < RESAMPLES; r++) drawn[r] = resampledMean(first, rng) - resampledMean(second, rng)
  let mean = 0
  for (const value of drawn) mean += value / RESAMPLES
  let squares = 0
  for (const value of drawn) squares += (value - mean) ** 2
  drawn.sort()
  const tail = Math.max(1, Math.round(((1 - level) / 2) * (RESAMPLES + 1)))
  return {
    difference: weightedMean(first) - weightedMean(second),
    standardError: Math.sqrt(squares / (RESAMPLES - 1)),
    low: drawn[tail - 1],
    high: drawn[RESAMPLES - tail],
    level,
    resamples: RESAMPLES,
  }
}

function weightedMean(group: readonly Cluster[]): number {
  let sum = 0
  let total = 0
  for (const { value, weight } of group) {
    sum += weight * value
    total += weight
  }
  return sum / total
}

function resampledMean(group: readonly Cluster[], rng: Rng): number {
  let sum = 0
  let total = 0
  for (let i = 0; i < group.length; i++) {
    const { value, weight } = group[rng.int(group.length)]
    sum += weight * value
    total += weight
  }
  return sum / total
}
