import { test } from "node:test"
import {
  append,
  column,
  copyFactor,
  createFactor,
  pivot,
  remove,
  solveTransposed,
} from "../../../host/model/cholesky.js"
import { stream } from "../../../host/model/random.js"
import { near } from "./reference.js"

/** A positive definite matrix and a right-hand side. */
function system(p: number, seed: number): { matrix: Float64Array; rhs: Float64Array } {
  const rng = stream(seed, "system")
  const x = Float64Array.from({ length: 3 * p * p }, () => rng.normal())
  const matrix = new Float64Array(p * p)
  for (let a = 0; a < p; a++) {
    for (let b = 0; b < p; b++) {
      for (let row = 0; row < 3 * p; row++) matrix[a * p + b] += x[row * p + a] * x[row * p + b]
    }
    matrix[a * p + a] += 0.5
  }
  return { matrix, rhs: Float64Array.from({ length: p }, () => rng.normal()) }
}

/** Inverse and log determinant of the sub-matrix of `set` by Gauss-Jordan elimination. */
function eliminate(matrix: Float64Array, p: number, set: number[]): { inverse: number[][]; logDet: number } {
  const k = set.length
  const rows = set.map((a, i) => [
    ...set.map((b) => matrix[a * p + b]),
    ...set.map((_, j) => (i === j ? 1 : 0)),
  ])
  let logDet = 0
  for (let c = 0; c < k; c++) {
    const pivotValue = rows[c][c]
    logDet += Math.log(pivotValue)
    rows[c] = rows[c].map((value) => value / pivotValue)
    for (let r = 0; r < k; r++) {
      if (r === c) continue
      const factor = rows[r][c]
      rows[r] = rows[r].map((value, j) => value - factor * rows[c][j])
    }
  }
  return { inverse: rows.map((row) => row.slice(k)), logDet }
}

test("after 400 random additions and removals the factor still solves the active system", () => {
  const p = 9
  const { matrix, rhs } = system(p, 1)
  const rng = stream(2, "walk")
  const factor = createFactor(p)
  const kept = createFactor(p)
  for (let step = 0; step < 400; step++) {
    const q = rng.int(p)
    const row = Array.from(factor.order.subarray(0, factor.k)).indexOf(q)
    const before = Array.from(factor.order.subarray(0, factor.k))
    const others = before.filter((a) => a !== q)
    // d and r from the definition: what q adds to the others.
    const { inverse, logDet } = eliminate(matrix, p, [...others, q])
    const d = 1 / inverse[others.length][others.length]
    if (row >= 0) column(factor, row)
    else pivot(factor, matrix, rhs, q)
    near(factor.d / d, 1, 1e-9, "d")
    const mean = [...others, q].reduce((sum, a, i) => sum + inverse[others.length][i] * rhs[a], 0)
    near(factor.r, mean * d, 1e-8, "r")
    if (row >= 0) {
      remove(factor, row)
    } else {
      append(factor, q)
      let half = 0
      for (let i = 0; i < factor.k; i++) half += Math.log(factor.lower[i * p + i])
      near(2 * half, logDet, 1e-8, "log determinant")
    }
    copyFactor(factor, kept)
    solveTransposed(kept, kept.u)
    const active = Array.from(kept.order.subarray(0, kept.k))
    const exact = eliminate(matrix, p, active).inverse
    for (let i = 0; i < kept.k; i++) {
      near(
        kept.w[i],
        active.reduce((sum, a, j) => sum + exact[i][j] * rhs[a], 0),
        1e-8,
        `solution ${active[i]}`,
      )
    }
  }
})

test("a column that repeats another one keeps a positive pivot", () => {
  const matrix = Float64Array.from([4, 4, 4, 4])
  const rhs = Float64Array.from([2, 2])
  const factor = createFactor(2)
  pivot(factor, matrix, rhs, 0)
  append(factor, 0)
  pivot(factor, matrix, rhs, 1)
  near(factor.r, 0, 1e-12, "nothing left to explain")
  if (!(factor.d > 0)) throw new Error(`d is ${factor.d}`)
})
