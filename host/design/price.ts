// The price of learning and of chance: what share of the highest total utility a playlist gives up.
//
// A share needs a zero. Where no allowed song has a negative utility (a share heard, seconds) it is 0. Where one has, as
// logs can, it is the utility of the worst allowed song, so that shares keep their meaning: 0 the best playlist,
// 1 the worst song in every slot.

import type { Rules } from "./constraints.js"

/** Utility per slot that counts as nothing. */
export function zeroOf({ rows }: Rules, utility: Float64Array): number {
  let zero = 0
  for (let r = 0; r < rows.length; r++) if (utility[rows[r]] < zero) zero = utility[rows[r]]
  return zero
}

/**
 * Total utility to be expected of `design` (length Q, the fixed rows first) when a share `epsilon` of its free slots is
 * drawn at random (random.ts, closed form, which leaves out that caps may turn a draw away).
 */
export function expectedUtility(
  rules: Rules,
  design: ArrayLike<number>,
  utility: Float64Array,
  epsilon: number,
): number {
  const { rows, fixed, size } = rules
  const free = size - fixed.length
  let all = 0
  let held = 0
  let chosen = 0
  for (let r = 0; r < rows.length; r++) all += utility[rows[r]]
  for (let i = 0; i < fixed.length; i++) held += utility[fixed[i]]
  for (let i = fixed.length; i < size; i++) chosen += utility[design[i]]
  const others = all - held - chosen
  const whole = Math.floor(epsilon * free)
  const extra = epsilon * free - whole
  const given = (emptied: number): number => {
    if (emptied === 0) return held + chosen
    const drawn = emptied / (rows.length - size + emptied)
    const kept = 1 - (emptied / free) * (1 - drawn)
    return held + kept * chosen + drawn * others
  }
  return (1 - extra) * given(whole) + (extra > 0 ? extra * given(whole + 1) : 0)
}

/** Shares of ε that are told apart when it is lowered. */
const STEPS = 30

/** The largest share up to `epsilon` of random slots that leaves at least `floor` of total utility to be expected; 0
 *  where there is none. */
export function affordableEpsilon(
  rules: Rules,
  design: ArrayLike<number>,
  utility: Float64Array,
  epsilon: number,
  floor: number,
): number {
  if (expectedUtility(rules, design, utility, epsilon) >= floor) return epsilon
  let low = 0
  let high = epsilon
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    if (expectedUtility(rules, design, utility, middle) >= floor) low = middle
    else high = middle
  }
  return low
}
