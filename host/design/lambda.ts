// How much information is worth: the weight λ_k of the log determinant for the playlist after k earlier ones.
//
// Thesis (Chung 2007, p. 38): λ_k = [log{(N_d − k)Q + 1}]², which stays high and falls off a cliff at k = N_d.
// Default: the researcher says what share of the highest utility exploration may cost at first, the cap. The k-th
// playlist may spend cap·(1 − k/N_d), a straight path to 0, and λ_k is the largest weight, to within a factor of
// 1.1, whose playlist stays inside that. In terms of listening it means the same in every study, whatever the unit
// of utility, whereas a λ does not: as knowledge grows, the same λ buys less and less.

import { log } from "../model/elementary.js"

export function thesisLambda(made: number, planned: number, size: number): number {
  const left = Math.max(0, planned - made)
  const root = log(left * size + 1)
  return root * root
}

/** Share of the highest utility that playlist `made` + 1 may give up for information. */
export function explorationBudget(cap: number, made: number, planned: number): number {
  return cap * Math.max(0, 1 - made / planned)
}

/** Factor between the weights tried at first, and how many of them up and down from the scale of utility: at 4^12
 *  times the scale a design is as informative as can be, at 4^−12 of it as useful as can be. */
const STRIDE = 4
const STRIDES = 12
/** Ratio of the bracket at which bisection ends. */
const CLOSE = 1.1

/**
 * The largest λ found whose design has at least utility `floor`, and that design; λ = 0 gives `greedy`, which is
 * inside by definition. `design(λ, from)`: the exchange, started from an earlier result. `scale` > 0: a utility
 * per slot, where the search begins.
 */
export function searchLambda<D extends { utility: number }>(
  greedy: D,
  floor: number,
  scale: number,
  design: (lambda: number, from: D) => D,
): { lambda: number; design: D } {
  let low = 0
  let high = scale
  let inside = greedy
  let next = design(high, greedy)
  for (let stride = 0; next.utility >= floor; stride++) {
    low = high
    inside = next
    if (stride === STRIDES) return { lambda: low, design: inside }
    high *= STRIDE
    next = design(high, inside)
  }
  for (let stride = 0; low === 0; stride++) {
    if (stride === STRIDES) return { lambda: 0, design: greedy }
    const lower = high / STRIDE
    next = design(lower, greedy)
    if (next.utility >= floor) {
      low = lower
      inside = next
    } else high = lower
  }
  while (high / low > CLOSE) {
    const middle = Math.sqrt(low * high)
    next = design(middle, inside)
    if (next.utility >= floor) {
      low = middle
      inside = next
    } else high = middle
  }
  return { lambda: low, design: inside }
}
