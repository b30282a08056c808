// log|M_d|, M_d = R + Σ_{j∈d} a_j a_j', while songs come into a playlist and go out of it.
//
// With V = M⁻¹, d_j = a_j'V a_j and d_ij = a_i'V a_j, determinants change in closed form,
//
//   add j: log(1 + d_j)     remove i: log(1 − d_i)     swap i for c: log((1 + d_c)(1 − d_i) + d_ic²)
//
// and V and all d_j by two rank-one changes (Sherman & Morrison, Ann. Math. Stat. 21, 1950).

import { log } from "../model/elementary.js"

/** A playlist's information and everything needed to judge a swap. */
export interface Determinant {
  readonly n: number
  readonly k: number
  /** N × k, row-major: a_j. */
  readonly rows: Float64Array
  /** k × k: R. */
  readonly precision: Float64Array
  /** k × k: V. */
  readonly inverse: Float64Array
  /** Length N: d_j of every candidate, or of the tracked ones only. */
  readonly leverage: Float64Array
  /** Rows whose d_j are kept up to date; null = all. */
  tracked: Int32Array | null
  /** log|M_d|. */
  logDet: number
  /** Scratch: k × k and k. */
  readonly factor: Float64Array
  readonly v: Float64Array
}

/** `rows`: N × k; `precision`: k × k. Nothing is measured yet. */
export function createDeterminant(rows: Float64Array, precision: Float64Array): Determinant {
  const k = Math.round(Math.sqrt(precision.length))
  const n = rows.length / k
  return {
    n,
    k,
    rows,
    precision,
    inverse: new Float64Array(k * k),
    leverage: new Float64Array(n),
    tracked: null,
    logDet: 0,
    factor: new Float64Array(k * k),
    v: new Float64Array(k),
  }
}

/** Computes everything anew for the rows in `members`, which must be tracked. @throws RangeError where M_d is not positive definite */
export function measure(state: Determinant, members: ArrayLike<number>): void {
  const { n, k, inverse, leverage, factor, tracked } = state
  state.logDet = logDetOf(state, members)
  invertFactor(factor, inverse, k)
  const count = tracked === null ? n : tracked.length
  for (let t = 0; t < count; t++) {
    const j = tracked === null ? t : tracked[t]
    project(state, j)
    leverage[j] = cross(state, j)
  }
}

/** log|M_d| of the rows in `members`; leaves its Cholesky factor in the scratch matrix and changes nothing else. */
export function logDetOf(state: Determinant, members: ArrayLike<number>): number {
  const { k, rows, precision, factor } = state
  factor.set(precision)
  for (let i = 0; i < members.length; i++) {
    const at = members[i] * k
    for (let a = 0; a < k; a++) for (let b = 0; b <= a; b++) factor[a * k + b] += rows[at + a] * rows[at + b]
  }
  return factorise(factor, k)
}

/** v = V a_j, left in the scratch vector. */
export function project(state: Determinant, j: number): void {
  const { k, rows, inverse, v } = state
  for (let a = 0; a < k; a++) {
    let sum = 0
    for (let b = 0; b < k; b++) sum += inverse[a * k + b] * rows[j * k + b]
    v[a] = sum
  }
}

/** a_c'v: d_ic after `project(state, i)`. */
export function cross(state: Determinant, c: number): number {
  const { k, rows, v } = state
  let sum = 0
  const at = c * k
  for (let a = 0; a < k; a++) sum += rows[at + a] * v[a]
  return sum
}

/** Smallest determinant ratio whose logarithm is taken: below it the swap makes M singular. */
const SINGULAR = 1e-300

/** log|M| gained by taking c in for i. */
export function swapGain(dc: number, di: number, dic: number): number {
  const ratio = (1 + dc) * (1 - di) + dic * dic
  return log(ratio > SINGULAR ? ratio : SINGULAR)
}

/** A rank-one change scales one direction of V: by more than this, V is computed anew to keep its digits. */
const DIGITS_LOST = 1e3

/** Takes row `c` in for row `i`. `members`: the rows after the swap. */
export function swap(state: Determinant, i: number, c: number, members: ArrayLike<number>): void {
  const { leverage } = state
  const gain = 1 + leverage[c]
  if (gain <= DIGITS_LOST) {
    rankOne(state, c, gain, -1)
    const loss = 1 - leverage[i]
    if (loss >= 1 / DIGITS_LOST) {
      rankOne(state, i, loss, 1)
      state.logDet += log(gain) + log(loss)
      return
    }
  }
  measure(state, members)
}

/** V += sign·v v'/ratio with v = V a_j, and what that does to all d. */
function rankOne(state: Determinant, j: number, ratio: number, sign: number): void {
  const { n, k, inverse, leverage, tracked, v } = state
  project(state, j)
  const count = tracked === null ? n : tracked.length
  for (let t = 0; t < count; t++) {
    const c = tracked === null ? t : tracked[t]
    const d = cross(state, c)
    leverage[c] += (sign * d * d) / ratio
  }
  for (let a = 0; a < k; a++) {
    const scaled = (sign * v[a]) / ratio
    for (let b = 0; b < k; b++) inverse[a * k + b] += scaled * v[b]
  }
}

/** Replaces the lower triangle of `m` (k × k) by its Cholesky factor L; gives log|m|. */
function factorise(m: Float64Array, k: number): number {
  let logDet = 0
  for (let a = 0; a < k; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = m[a * k + b]
      for (let c = 0; c < b; c++) sum -= m[a * k + c] * m[b * k + c]
      if (a !== b) m[a * k + b] = sum / m[b * k + b]
      else if (sum > 0) {
        m[a * k + a] = Math.sqrt(sum)
        logDet += log(sum)
      } else {
        throw new RangeError(`information: the precision must be positive definite, pivot ${a} is ${sum}`)
      }
    }
  }
  return logDet
}

/** (L L')⁻¹ into `inverse`, both triangles. */
function invertFactor(lower: Float64Array, inverse: Float64Array, k: number): void {
  for (let column = 0; column < k; column++) {
    for (let a = 0; a < k; a++) {
      let sum = a === column ? 1 : 0
      for (let b = column; b < a; b++) sum -= lower[a * k + b] * inverse[b * k + column]
      inverse[a * k + column] = a < column ? 0 : sum / lower[a * k + a]
    }
    for (let a = k - 1; a >= 0; a--) {
      let sum = inverse[a * k + column]
      for (let b = a + 1; b < k; b++) sum -= lower[b * k + a] * inverse[b * k + column]
      inverse[a * k + column] = sum / lower[a * k + a]
    }
  }
}
