// Modified Fedorov exchange (Cook & Nachtsheim, Technometrics 22, 1980) for utility plus information:
//
//   maximise Σ_{j∈d} u_j + λ·log|M_d| over d of Q songs (Chung 2007, eq. 20)
//
// Each song of the design in turn is exchanged for the best of all candidates, if one is better; sweeps repeat
// until one brings nothing. Ties go to the lower song number. By Cauchy and Schwarz d_ic² ≤ d_i d_c, so a swap gains
// at most u_c − u_i + λ(d_c − d_i): most candidates are ruled out by two numbers instead of k products.
//
// In a large catalogue the exchange runs on a pool, the songs of largest u_c + λ d_c. When it has come to an end,
// every song outside the pool is tried against every slot; those that would still better the design join the pool, and
// it goes on. So the end is always one that no song of the whole catalogue can better.

import { count, countKinds, fits, type Rules } from "./constraints.js"
import { cross, type Determinant, measure, project, swap, swapGain } from "./determinant.js"

/** A smaller gain, in units of the utility or of λ, whichever is larger, is rounding. */
const TOLERANCE = 1e-9
/** Every exchange raises the objective, so this is never met; it bounds the loop if rounding says otherwise. */
const MAX_SWEEPS = 200

export interface Exchange {
  /** Length Q: rows, the fixed ones first. */
  members: Int32Array
  exchanges: number
  sweeps: number
}

/** Catalogues up to this size are searched whole, and the pool of a larger one. */
const WHOLE = 5000
const POOL = 1500

/** Betters `start` (length Q, the fixed rows first). `utility`: length N; `determinant` may be left out where
 *  `lambda` is 0, and is left as of the last sweep otherwise. */
export function exchange(
  rules: Rules,
  utility: Float64Array,
  lambda: number,
  determinant: Determinant | undefined,
  start: ArrayLike<number>,
): Exchange {
  const { rows } = rules
  if (lambda === 0 || determinant === undefined || rows.length <= WHOLE) {
    return exchangeAmong(rules, rows, utility, lambda, determinant, start)
  }
  const result: Exchange = { members: Int32Array.from(start), exchanges: 0, sweeps: 0 }
  measure(determinant, result.members)
  let pool = poolOf(rows, utility, lambda, determinant, result.members)
  for (;;) {
    determinant.tracked = pool
    const found = exchangeAmong(rules, pool, utility, lambda, determinant, result.members)
    determinant.tracked = null
    result.members = found.members
    result.exchanges += found.exchanges
    result.sweeps += found.sweeps
    measure(determinant, result.members)
    const joining = entrants(rules, pool, utility, lambda, determinant, result.members)
    if (joining.length === 0) return result
    pool = ascending([...pool, ...joining])
  }
}

/** The rows of largest u + λd, the members among them, ascending. */
function poolOf(
  rows: Int32Array,
  utility: Float64Array,
  lambda: number,
  { leverage }: Determinant,
  members: Int32Array,
): Int32Array {
  const keys = Float64Array.from(rows, (row) => utility[row] + lambda * leverage[row])
  const least = keys.slice().sort()[keys.length - POOL]
  return ascending([...rows.filter((_, r) => keys[r] >= least), ...members])
}

function ascending(rows: readonly number[]): Int32Array {
  return Int32Array.from(new Set(rows)).sort()
}

/** Rows outside the pool that would better the design in some slot. */
function entrants(
  rules: Rules,
  pool: Int32Array,
  utility: Float64Array,
  lambda: number,
  state: Determinant,
  members: Int32Array,
): number[] {
  const { leverage } = state
  const slots = members.subarray(rules.fixed.length)
  let weakest = Number.POSITIVE_INFINITY
  for (const i of slots) weakest = Math.min(weakest, utility[i] + lambda * leverage[i])
  const least = TOLERANCE * Math.max(1, lambda)
  const inPool = new Uint8Array(utility.length)
  for (const row of pool) inPool[row] = 1
  let possible = rules.rows.filter(
    (c) => inPool[c] === 0 && utility[c] + lambda * leverage[c] - weakest > least,
  )
  const counts = countKinds(rules, members)
  const found: number[] = []
  for (const i of slots) {
    project(state, i)
    possible = possible.filter((c) => {
      const gain = utility[c] - utility[i] + lambda * swapGain(leverage[c], leverage[i], cross(state, c))
      if (!(gain > least && fits(rules, counts, c, i))) return true
      found.push(c)
      return false
    })
  }
  return found
}

/** Exchanges among `rows`, ascending, the members among them. */
function exchangeAmong(
  rules: Rules,
  rows: Int32Array,
  utility: Float64Array,
  lambda: number,
  determinant: Determinant | undefined,
  start: ArrayLike<number>,
): Exchange {
  const members = Int32Array.from(start)
  const inside = new Uint8Array(utility.length)
  for (const row of members) inside[row] = 1
  const counts = countKinds(rules, members)
  const { fixed } = rules
  const informed = lambda > 0 ? determinant : undefined
  const least = TOLERANCE * Math.max(1, lambda)
  let exchanges = 0
  let sweeps = 0
  for (let changed = true; changed && sweeps < MAX_SWEEPS; sweeps++) {
    changed = false
    if (informed !== undefined) measure(informed, members)
    for (let slot = fixed.length; slot < members.length; slot++) {
      const i = members[slot]
      const best = informed === undefined ? bestByUtility(i) : bestInformed(informed, i)
      if (best < 0) continue
      members[slot] = best
      inside[i] = 0
      inside[best] = 1
      count(rules, counts, i, -1)
      count(rules, counts, best, 1)
      if (informed !== undefined) swap(informed, i, best, members)
      exchanges++
      changed = true
    }
  }
  return { members, exchanges, sweeps }

  function bestInformed(state: Determinant, i: number): number {
    const { leverage } = state
    project(state, i)
    const di = leverage[i]
    let best = -1
    let most = least
    for (let r = 0; r < rows.length; r++) {
      const c = rows[r]
      if (inside[c] === 1) continue
      const dc = leverage[c]
      const apart = utility[c] - utility[i]
      if (apart + lambda * (dc - di) <= most) continue
      const gain = apart + lambda * swapGain(dc, di, cross(state, c))
      if (gain > most && fits(rules, counts, c, i)) {
        most = gain
        best = c
      }
    }
    return best
  }

  function bestByUtility(i: number): number {
    let best = -1
    let most = least
    for (let r = 0; r < rows.length; r++) {
      const c = rows[r]
      const gain = utility[c] - utility[i]
      if (gain > most && inside[c] === 0 && fits(rules, counts, c, i)) {
        most = gain
        best = c
      }
    }
    return best
  }
}
