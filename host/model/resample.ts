// Resampling: which particles have descendants.
//
//   systematic(weights, count, rng)   Kitagawa 1996
//   ssp(weights, count, rng)          Srinivasan sampling process (Gerber, Chopin & Whiteley, Ann. Stat. 47, 2019)
//
// Both give a particle of weight w ⌊Mw⌋ or ⌈Mw⌉ descendants, Mw in the mean. Systematic resampling uses one random
// number, and its error depends on the order of the particles; SSP's error vanishes faster than 1/√M in any order.

import type { Rng } from "./random.js"

export type Resampling = "systematic" | "ssp"

/** Indices of `count` descendants' ancestors, in increasing order. `weights`: length M, sum 1. */
export function resample(scheme: Resampling, weights: Float64Array, count: number, rng: Rng): Int32Array {
  return scheme === "ssp" ? ssp(weights, count, rng) : systematic(weights, count, rng.uniform())
}

/** Points (0 + u)/M, (1 + u)/M, … of the cumulated weights; `u`: in [0, 1). */
export function systematic(weights: Float64Array, count: number, u: number): Int32Array {
  const indices = new Int32Array(count)
  let i = 0
  let cumulated = weights[0]
  for (let point = 0; point < count; point++) {
    const target = (point + u) / count
    while (cumulated < target && i < weights.length - 1) cumulated += weights[++i]
    indices[point] = i
  }
  return indices
}

/** A fraction this near to a whole number is one, but for rounding. */
const WHOLE = 1e-12

function ssp(weights: Float64Array, count: number, rng: Rng): Int32Array {
  const copies = new Int32Array(weights.length)
  // The fractions of two particles fight until one of them is 0 or 1; the other one goes on.
  let pending = -1
  let fraction = 0
  let given = 0
  for (let i = 0; i < weights.length; i++) {
    const expected = weights[i] * count
    copies[i] = Math.floor(expected)
    given += copies[i]
    let own = expected - copies[i]
    if (own > 1 - WHOLE) {
      copies[i]++
      given++
      continue
    }
    if (own < WHOLE) continue
    if (pending < 0) {
      pending = i
      fraction = own
      continue
    }
    const up = Math.min(1 - fraction, own)
    const down = Math.min(fraction, 1 - own)
    // The pending one rises by `up`, or falls by `down`, so that the mean of each fraction stays.
    const rises = rng.uniform() * (up + down) < down
    fraction += rises ? up : -down
    own += rises ? -up : down
    if (fraction > 1 - WHOLE || own > 1 - WHOLE) given++
    if (fraction > 1 - WHOLE) copies[pending]++
    if (own > 1 - WHOLE) copies[i]++
    if (own >= WHOLE && own <= 1 - WHOLE) {
      pending = i
      fraction = own
    } else if (fraction < WHOLE || fraction > 1 - WHOLE) {
      pending = -1
    }
  }
  // The last fraction is whole but for rounding of the weights' sum.
  if (given < count && pending >= 0) copies[pending]++
  const indices = new Int32Array(count)
  let next = 0
  for (let i = 0; i < weights.length; i++) {
    for (let c = 0; c < copies[i] && next < count; c++) indices[next++] = i
  }
  // Weights that sum to a little less than 1 may leave a place: the last particle with descendants takes it.
  while (next > 0 && next < count) indices[next] = indices[next++ - 1]
  return indices
}
