// The best set of songs for utility and information, by exchange (Chung 2007, eq. 20-21).
//
//   maximise over sets d of Q songs:  Σ_d u + λ log|M_d|,  M_d = Σ_d v v' + R
//
// v = x times the root of the play's information, on the selected variables. Start: the songs of highest utility.
// Modified Fedorov exchange (Cook & Nachtsheim 1980): each song of the design in turn is swapped for the song outside
// that raises the objective most, until a whole sweep brings nothing. With δ_ij = v_i'M⁻¹v_j, taking i out and c in
// multiplies |M| by
//
//   q = (1 + δ_cc)(1 − δ_ii) + δ_ci²  ≤  1 + δ_cc − δ_ii        (Cauchy-Schwarz)
//
// so u_c − u_i + λ(δ_cc − δ_ii) bounds the gain: most songs are ruled out by two numbers. All δ_cc are kept up to date
// by rank-one changes of M⁻¹ (Sherman & Morrison 1950). Ties go to the lower song number.

import type { Pool } from "./constraints.js"
import { invert } from "./information.js"

export interface Objective {
  /** Length n, the songs of the pool: u. */
  utility: Float64Array
  /** λ ≥ 0. */
  lambda: number
  /** Columns k of `rows`; 0 where there is no information to gain. */
  k: number
  /** n × k row-major: v. */
  rows: Float64Array
  /** k × k: R, positive definite. */
  precision: Float64Array
}

export interface Exchanged {
  /** Length Q: places in the pool, ascending. */
  design: Int32Array
  exchanges: number
  sweeps: number
}

/** A swap must bring more than this, or rounding could go on for ever. */
const TOLERANCE = 1e-9
/** Sweeps after which the design is taken as it is; ten are already rare. */
const SWEEP_LIMIT = 200
/** A determinant that changes by more than this factor leaves no exact digits in an updated inverse. */
const REFRESH = 1e6

/** Exchanges from `start` (places in the pool; those of `pool.fixed` are never taken out). */
export function exchange(pool: Pool, objective: Objective, start: Int32Array): Exchanged {
  const { n, genre, artist, genreCap, artistCap } = pool
  const { utility, lambda, k, rows, precision } = objective
  const design = start.slice()
  const inside = new Uint8Array(n)
  const fixed = new Uint8Array(n)
  for (const i of pool.fixed) fixed[i] = 1
  const genres = new Int32Array(1 + largest(genre))
  const artists = new Int32Array(1 + largest(artist))
  const count = (i: number, by: number): void => {
    inside[i] = by > 0 ? 1 : 0
    if (genre[i] >= 0) genres[genre[i]] += by
    if (artist[i] >= 0) artists[artist[i]] += by
  }
  for (const i of design) count(i, 1)
  const state = createState(n, k)
  let exchanges = 0
  let sweeps = 0
  for (let changed = true; changed && sweeps < SWEEP_LIMIT; sweeps++) {
    changed = false
    // A fresh inverse every sweep: rounding of the updates does not pile up.
    refresh(state, rows, precision, design)
    for (let slot = 0; slot < design.length; slot++) {
      const i = design[slot]
      if (fixed[i] === 1) continue
      const leaving = lambda > 0 ? state.spread[i] : 0
      if (lambda > 0) multiply(state.inverse, rows, i, k, state.g)
      let best = -1
      let gain = TOLERANCE
      for (let c = 0; c < n; c++) {
        if (inside[c] === 1) continue
        const more = utility[c] - utility[i]
        let value = more
        if (lambda > 0) {
          const spread = state.spread[c]
          if (more + lambda * (spread - leaving) <= gain) continue
          const cross = dot(rows, c, k, state.g)
          value += lambda * Math.log(Math.max((1 + spread) * (1 - leaving) + cross * cross, Number.MIN_VALUE))
        }
        if (value <= gain) continue
        if (genre[c] >= 0 && genre[c] !== genre[i] && genres[genre[c]] >= genreCap) continue
        if (artist[c] >= 0 && artist[c] !== artist[i] && artists[artist[c]] >= artistCap) continue
        gain = value
        best = c
      }
      if (best < 0) continue
      count(i, -1)
      count(best, 1)
      design[slot] = best
      exchanges++
      changed = true
      if (lambda > 0 && !swap(state, rows, i, best)) refresh(state, rows, precision, design)
    }
  }
  return { design: design.sort(), exchanges, sweeps }
}

/** Σ u of a design. */
export function utilityOf(utility: Float64Array, design: ArrayLike<number>): number {
  let sum = 0
  for (let j = 0; j < design.length; j++) sum += utility[design[j]]
  return sum
}

/** log|M| of a design, and δ_ii of each of its songs, in its order. */
export function describeInformation(
  objective: Pick<Objective, "k" | "rows" | "precision">,
  design: ArrayLike<number>,
): { logDet: number; spread: Float64Array } {
  const { k, rows, precision } = objective
  const { inverse, logDet } = invert(gather(rows, precision, design, k), k)
  const g = new Float64Array(k)
  const spread = Float64Array.from(design, (i) => {
    multiply(inverse, rows, i, k, g)
    return dot(rows, i, k, g)
  })
  return { logDet, spread }
}

interface State {
  n: number
  k: number
  /** k × k: M⁻¹. */
  inverse: Float64Array
  /** Length n: δ_cc. */
  spread: Float64Array
  /** Scratch, length k each. */
  g: Float64Array
  h: Float64Array
}

function createState(n: number, k: number): State {
  return {
    n,
    k,
    inverse: new Float64Array(k * k),
    spread: new Float64Array(n),
    g: new Float64Array(k),
    h: new Float64Array(k),
  }
}

function largest(codes: Int32Array): number {
  let code = -1
  for (let i = 0; i < codes.length; i++) if (codes[i] > code) code = codes[i]
  return code
}

/** M of a design. */
function gather(
  rows: Float64Array,
  precision: Float64Array,
  design: ArrayLike<number>,
  k: number,
): Float64Array {
  const matrix = precision.slice()
  for (let j = 0; j < design.length; j++) {
    const base = design[j] * k
    for (let r = 0; r < k; r++) {
      for (let c = 0; c < k; c++) matrix[r * k + c] += rows[base + r] * rows[base + c]
    }
  }
  return matrix
}

/** Inverse and δ from scratch: n k² flops. */
function refresh(state: State, rows: Float64Array, precision: Float64Array, design: Int32Array): void {
  const { n, k, spread, h } = state
  if (k === 0) return
  state.inverse.set(invert(gather(rows, precision, design, k), k).inverse)
  for (let c = 0; c < n; c++) {
    multiply(state.inverse, rows, c, k, h)
    spread[c] = dot(rows, c, k, h)
  }
}

/** Brings inverse and δ up to date after song `i` was swapped for `c`: two rank-one changes, n k flops each. False
 *  where the change was too large for that. */
function swap(state: State, rows: Float64Array, i: number, c: number): boolean {
  const { k, inverse, spread, h } = state
  const up = 1 + spread[c]
  if (up > REFRESH) return false
  multiply(inverse, rows, c, k, h)
  change(state, rows, -1 / up)
  const down = 1 - spread[i]
  if (down < 1 / REFRESH) return false
  multiply(inverse, rows, i, k, h)
  change(state, rows, 1 / down)
  return true
}

/** M⁻¹ += factor · h h', and δ with it. */
function change(state: State, rows: Float64Array, factor: number): void {
  const { n, k, inverse, spread, h } = state
  for (let r = 0; r < k; r++) for (let c = 0; c < k; c++) inverse[r * k + c] += factor * h[r] * h[c]
  for (let j = 0; j < n; j++) {
    const cross = dot(rows, j, k, h)
    spread[j] += factor * cross * cross
  }
}

/** into = matrix · v_i. */
function multiply(matrix: Float64Array, rows: Float64Array, i: number, k: number, into: Float64Array): void {
  for (let r = 0; r < k; r++) {
    let value = 0
    for (let c = 0; c < k; c++) value += matrix[r * k + c] * rows[i * k + c]
    into[r] = value
  }
}

function dot(rows: Float64Array, i: number, k: number, vector: Float64Array): number {
  let value = 0
  for (let c = 0; c < k; c++) value += rows[i * k + c] * vector[c]
  return value
}
