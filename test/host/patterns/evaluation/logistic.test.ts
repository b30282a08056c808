// Logistic regression and ROC areas against scikit-learn's.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { packageRoot } from "../../../../host/firmware/manifest.js"
import { foldsOf, stratifiedFolds } from "../../../../host/patterns/evaluation/folds.js"
import { fitLogistic, scores } from "../../../../host/patterns/evaluation/logistic.js"
import { rocAuc } from "../../../../host/patterns/evaluation/roc-auc.js"
import type { Matrix } from "../../../../host/patterns/matrix.js"

const { cases, areas } = JSON.parse(
  readFileSync(join(packageRoot(), "test", "reference", "companions", "logistic.json"), "utf8"),
) as {
  cases: { x: number[][]; y: number[]; c: number; weights: number[]; intercept: number }[]
  areas: { scores: number[]; labels: number[]; times: number[]; area: number; weighted: number }[]
}

const matrix = (rows: readonly number[][]): Matrix => ({
  rows: rows.length,
  columns: rows[0].length,
  values: Float64Array.from(rows.flat()),
})

test("weights and intercept are scikit-learn's within a millionth, with more features than people too", () => {
  for (const { x, y, c, weights, intercept } of cases) {
    const fit = fitLogistic(matrix(x), y, c)
    for (const [j, weight] of weights.entries()) {
      assert.ok(
        Math.abs(fit.weights[j] - weight) < 1e-6,
        `${x.length} × ${weights.length}: ${fit.weights[j]}, ${weight}`,
      )
    }
    assert.ok(Math.abs(fit.intercept - intercept) < 1e-6)
    const [first] = scores(matrix(x), fit)
    const expected = x[0].reduce((sum, value, j) => sum + value * weights[j], intercept)
    assert.ok(Math.abs(first - expected) < 1e-5)
  }
  assert.throws(() => fitLogistic(matrix([[1], [2]]), [1, 1], 1), /both 0 and 1 must occur/)
})

test("areas are scikit-learn's, ties and weights included; one class alone has none", () => {
  for (const { scores: given, labels, times, area, weighted } of areas) {
    assert.ok(Math.abs((rocAuc(given, labels) ?? 0) - area) < 1e-12)
    assert.ok(Math.abs((rocAuc(given, labels, times) ?? 0) - weighted) < 1e-12)
  }
  assert.equal(rocAuc([1, 2], [1, 1]), null)
  assert.equal(rocAuc([1, 1, 1, 1], [1, 0, 1, 0]), 0.5)
})

test("folds part everybody once; stratified ones share out each label", () => {
  for (const folds of [
    foldsOf(23, 5, 1),
    stratifiedFolds(
      Array.from({ length: 23 }, (_, i) => Number(i < 8)),
      5,
      1,
    ),
  ]) {
    const tested = folds.flatMap(({ test: part }) => part).sort((a, b) => a - b)
    assert.deepEqual(
      tested,
      Array.from({ length: 23 }, (_, i) => i),
    )
    for (const { train, test: part } of folds) assert.equal(train.length + part.length, 23)
  }
  const labels = Array.from({ length: 23 }, (_, i) => Number(i < 8))
  for (const { test: part } of stratifiedFolds(labels, 4, 3)) {
    assert.equal(part.filter((i) => labels[i] === 1).length, 2)
  }
})
