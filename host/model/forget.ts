// Forgetting: tastes change, and a play of an earlier wave counts less (model with a power of the likelihood).
//
//   ω_k = δ^(W − w_k),  W the newest wave taken in, w_k the wave of play k, 0 < δ ≤ 1
//
// A play whose wave is not known (0) counts in full. δ = 1 never forgets. How the sampler raises a censored likelihood to a power: sweep.ts.

import type { Observations } from "./observations.js"

/** The newest wave among the first `count` rows; 0 where none is known. */
export function newestWave({ wave }: Observations, count: number): number {
  let newest = 0
  if (wave !== undefined) for (let row = 0; row < count; row++) if (wave[row] > newest) newest = wave[row]
  return newest
}

/** ω of every row when `current` is the newest wave; undefined where all are 1. */
export function powersOf(
  { n, wave }: Observations,
  delta: number,
  current: number,
): Float64Array | undefined {
  if (delta === 1 || wave === undefined) return undefined
  const powers = new Float64Array(n)
  let all = true
  for (let row = 0; row < n; row++) {
    powers[row] = 1
    for (let age = wave[row] > 0 ? current - wave[row] : 0; age > 0; age--) powers[row] *= delta
    if (powers[row] !== 1) all = false
  }
  return all ? undefined : powers
}
