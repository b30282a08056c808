// Dictionary learning against scikit-learn, against its own optimality conditions, and on patterns that were planted.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { gunzipSync } from "node:zlib"
import { packageRoot } from "../../../host/firmware/manifest.js"
import { stream } from "../../../host/model/random.js"
import { encode, learnDictionary, objectiveOf } from "../../../host/patterns/dictionary.js"
import { leastSquares } from "../../../host/patterns/embedding.js"
import { type Matrix, rowOf, zeros } from "../../../host/patterns/matrix.js"
import { matchedCosines, mixturesOf, plantedAtoms } from "./planted.js"

const REFERENCE = join(packageRoot(), "test", "reference", "companions")
const rows = gunzipSync(readFileSync(join(REFERENCE, "pace-matrix.csv.gz")))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line) => line.split(",").map((cell) => Number(cell) / 1e5))
const X: Matrix = { rows: rows.length, columns: rows[0].length, values: Float64Array.from(rows.flat()) }
const OBJECTIVES = JSON.parse(readFileSync(join(REFERENCE, "pace-objectives.json"), "utf8")) as {
  lambda: number
  coded: number
  learnt: number
}[]

function startingAtoms(): Matrix {
  const start = zeros(8, X.columns)
  for (let k = 0; k < 8; k++) {
    const row = rowOf(X, k)
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
    rowOf(start, k).set(row.map((value) => Number((value / norm).toFixed(12))))
  }
  return start
}

test("codes with fixed atoms reach scikit-learn's objective within a millionth", () => {
  for (const { lambda, coded } of OBJECTIVES) {
    const start = startingAtoms()
    const codes = encode(X, start, lambda)
    const objective = objectiveOf(X, start, codes, lambda)
    assert.ok(Math.abs(objective / coded - 1) < 1e-6, `lambda ${lambda}: ${objective}, theirs ${coded}`)
  }
})

test("codes are optimal: the gradient is zero where they are positive, and not negative where they are zero", () => {
  const start = startingAtoms()
  const lambda = 2
  const codes = encode(X, start, lambda)
  const residual = new Float64Array(X.columns)
  for (let row = 0; row < X.rows; row++) {
    residual.set(rowOf(X, row))
    for (let k = 0; k < 8; k++) {
      const code = codes.values[row * 8 + k]
      for (let j = 0; j < X.columns; j++) residual[j] -= code * start.values[k * X.columns + j]
    }
    for (let k = 0; k < 8; k++) {
      const code = codes.values[row * 8 + k]
      const gradient =
        lambda - residual.reduce((sum, value, j) => sum + value * start.values[k * X.columns + j], 0)
      assert.ok(code >= 0)
      if (code > 0) assert.ok(Math.abs(gradient) < 1e-8, `row ${row}, atom ${k}: gradient ${gradient}`)
      else assert.ok(gradient > -1e-8, `row ${row}, atom ${k}: gradient ${gradient}`)
    }
  }
})

test("a full fit from the same start is no worse than scikit-learn's by a thousandth; the objective never rises", () => {
  for (const { lambda, learnt: theirs } of OBJECTIVES) {
    const start = startingAtoms()
    const before = start.values.slice()
    const common = { atoms: 8, lambda, starts: 1, iterations: 500, seed: 1 }
    const { objective, objectives, atoms, codes } = learnDictionary(X, { ...common, start })
    assert.ok(objective <= 1.001 * theirs, `lambda ${lambda}: ${objective}, theirs ${theirs}`)
    assert.ok(Math.abs(objective - objectiveOf(X, atoms, codes, lambda)) < 1e-9 * objective)
    for (let i = 1; i < objectives.length; i++) {
      // The objective of a turn comes from products that cancel: the last bits may differ.
      assert.ok(
        objectives[i] <= objectives[i - 1] * (1 + 1e-12),
        `turn ${i}: ${objectives[i - 1]}, ${objectives[i]}`,
      )
    }
    for (let k = 0; k < 8; k++) {
      const norm = rowOf(atoms, k).reduce((sum, value) => sum + value * value, 0)
      assert.ok(norm <= 1 + 1e-12, `${norm}`)
    }
    assert.deepEqual(start.values, before, "the start stays as it was")
  }
})

test("planted patterns are found again in 200 mixtures of them", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const planted = plantedAtoms(8, seed)
    const x = mixturesOf(planted, 200, 3, 0.5, seed)
    const { atoms } = learnDictionary(x, { atoms: 8, lambda: 2, starts: 5, iterations: 100, seed })
    const worst = Math.min(...matchedCosines(atoms, planted))
    assert.ok(worst >= 0.95, `seed ${seed}: ${worst}`)
  }
})

test("the same seed gives the same bits, whatever was learnt before", () => {
  const planted = plantedAtoms(4, 9)
  const x = mixturesOf(planted, 60, 2, 0.5, 9)
  const options = { atoms: 4, lambda: 2, starts: 3, iterations: 30, seed: 5 }
  const first = learnDictionary(x, options)
  learnDictionary(x, { ...options, seed: 6 })
  assert.deepEqual(learnDictionary(x, options), first)
})

test("more atoms than rows, and rows of zeros, end in a dictionary without anything that is no number", () => {
  const x = zeros(3, 5)
  rowOf(x, 0).set([1, 0, 0, 0, 0])
  rowOf(x, 1).set([0, 2, 0, 0, 0])
  const { atoms, codes, objective } = learnDictionary(x, {
    atoms: 6,
    lambda: 0.1,
    starts: 2,
    iterations: 20,
    seed: 1,
  })
  for (const value of [...atoms.values, ...codes.values, objective]) assert.ok(Number.isFinite(value))
  // Two rows that are atoms themselves: z = ‖x‖ − λ, and ½λ² + λz remain of each.
  const expected = [1, 2].reduce((sum, norm) => sum + 0.1 ** 2 / 2 + 0.1 * (norm - 0.1), 0)
  assert.ok(Math.abs(objective - expected) < 1e-9, `${objective}, expected ${expected}`)
  assert.throws(
    () => learnDictionary(zeros(0, 5), { atoms: 1, lambda: 1, starts: 1, iterations: 1, seed: 1 }),
    /no rows/,
  )
})

test("least squares with an intercept leave a residual that no atom and no constant explains", () => {
  const rng = stream(3, "embedding")
  const atoms = plantedAtoms(5, 3)
  const x = mixturesOf(atoms, 6, 3, 1, 4)
  // Atoms need no mean of zero.
  for (let i = 0; i < atoms.values.length; i++) atoms.values[i] += 0.01 * rng.uniform()
  const coefficients = leastSquares(x, atoms)
  for (let row = 0; row < x.rows; row++) {
    const left = rowOf(x, row).map(
      (value, j) =>
        value -
        [...rowOf(coefficients, row)].reduce((sum, c, k) => sum + c * atoms.values[k * x.columns + j], 0),
    )
    const mean = left.reduce((sum, value) => sum + value, 0) / left.length
    for (let k = 0; k < atoms.rows; k++) {
      const dot = left.reduce((sum, value, j) => sum + (value - mean) * atoms.values[k * x.columns + j], 0)
      assert.ok(Math.abs(dot) < 1e-7, `row ${row}, atom ${k}: ${dot}`)
    }
  }
})
