// A classifier of one activity from one set of features, judged on people that it has not seen: features standardised
// and the penalty chosen on the training people alone.

import { type Matrix, rowOf, rowsOf, zeros } from "../matrix.js"
import { type Fold, stratifiedFolds } from "./folds.js"
import { fitLogistic, scores } from "./logistic.js"
import { rocAuc } from "./roc-auc.js"

/** Penalties that are tried: inverse weights of the ridge. */
const PENALTIES = [0.001, 0.01, 0.1, 1, 10]
const INNER_FOLDS = 3
const INNER_SEED = 1
/** Scores of a fit that is this near to its minimum have the order of the minimum's, but for ties of the eye. */
const NEAR = 1e-5
/** A weaker penalty must be better by so much. */
const BETTER = 1e-4

/** Scores of the fold's test people; null where the training people are all of one class. */
export function scoreFold(features: Matrix, labels: Uint8Array, { train, test }: Fold): Float64Array | null {
  const own = train.map((i) => labels[i])
  const ones = own.reduce((sum, label) => sum + label, 0)
  if (Math.min(ones, own.length - ones) < INNER_FOLDS) return null
  const { from, to } = standardised(rowsOf(features, train), rowsOf(features, test))
  return scores(to, fitLogistic(from, own, choosePenalty(from, own), NEAR))
}

/** Weights of the standardised features, from everybody. */
export function weightsOn(features: Matrix, labels: Uint8Array): Float64Array {
  const { from } = standardised(features, features)
  return fitLogistic(from, labels, choosePenalty(from, labels), NEAR).weights
}

function choosePenalty(x: Matrix, labels: ArrayLike<number>): number {
  const folds = stratifiedFolds(labels, INNER_FOLDS, INNER_SEED).map(({ train, test }) => ({
    train: rowsOf(x, train),
    test: rowsOf(x, test),
    fitted: train.map((i) => labels[i]),
    judged: test.map((i) => labels[i]),
  }))
  let best = { area: Number.NEGATIVE_INFINITY, penalty: PENALTIES[0] }
  for (const penalty of PENALTIES) {
    let area = 0
    for (const { train, test, fitted, judged } of folds) {
      area += (rocAuc(scores(test, fitLogistic(train, fitted, penalty, NEAR)), judged) ?? 0.5) / INNER_FOLDS
    }
    if (area > best.area + BETTER) best = { area, penalty }
  }
  return best.penalty
}

/** Both with the training people's means and standard deviations; a feature that is the same for all becomes 0. */
function standardised(train: Matrix, test: Matrix): { from: Matrix; to: Matrix } {
  const { rows, columns } = train
  const mean = new Float64Array(columns)
  const square = new Float64Array(columns)
  for (let i = 0; i < rows; i++) {
    const row = rowOf(train, i)
    for (let j = 0; j < columns; j++) mean[j] += row[j] / rows
  }
  for (let i = 0; i < rows; i++) {
    const row = rowOf(train, i)
    for (let j = 0; j < columns; j++) square[j] += ((row[j] - mean[j]) * (row[j] - mean[j])) / rows
  }
  const apply = (given: Matrix): Matrix => {
    const made = zeros(given.rows, columns)
    for (let i = 0; i < given.rows; i++) {
      for (let j = 0; j < columns; j++) {
        const sd = Math.sqrt(square[j])
        made.values[i * columns + j] = sd > 1e-12 ? (given.values[i * columns + j] - mean[j]) / sd : 0
      }
    }
    return made
  }
  return { from: apply(train), to: apply(test) }
}
