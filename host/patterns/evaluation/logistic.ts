// Logistic regression with a ridge and balanced classes, as scikit-learn defines it (class_weight="balanced"):
//
//   minimise  ½‖w‖² + C·Σ cᵢ log(1 + exp(−yᵢ(w·xᵢ + b))),   y = ±1,  cᵢ = n/(2·number of the class of i)
//
// by Newton's method; the steps are solved by conjugate gradients, which need no matrix of features × features, so that
// a whole raw week may be the features.

import { exp, log1p } from "../../model/elementary.js"
import { type Matrix, rowOf } from "../matrix.js"

export interface Logistic {
  weights: Float64Array
  intercept: number
}

const MOST_STEPS = 100
const TOLERANCE = 1e-10
const LEAST_DECREASE = 1e-4
/** Of the conjugate gradients, as a share of the gradient; smaller near the end, for quadratic convergence. */
const LOOSE = 0.1

/**
 * @param labels 1 or 0 for every row; both occur
 * @param c inverse of the penalty, above 0
 * @param tolerance a gradient so small beside the first one is zero
 */
export function fitLogistic(
  x: Matrix,
  labels: ArrayLike<number>,
  c: number,
  tolerance = TOLERANCE,
): Logistic {
  const problem = new Problem(x, labels, c)
  const size = x.columns + 1
  let at = new Float64Array(size)
  let next = new Float64Array(size)
  const gradient = new Float64Array(size)
  const step = new Float64Array(size)
  let value = problem.value(at)
  let first = 0
  for (let i = 0; i < MOST_STEPS; i++) {
    problem.gradient(gradient)
    const norm = Math.sqrt(dot(gradient, gradient))
    if (i === 0) first = norm
    if (norm <= tolerance * first || norm === 0) break
    const share = norm / first
    problem.newtonStep(gradient, Math.min(LOOSE, share) * norm, step)
    const slope = dot(gradient, step)
    let length = 1
    let moved = Number.POSITIVE_INFINITY
    for (; length > 1e-10; length /= 2) {
      for (let j = 0; j < size; j++) next[j] = at[j] + length * step[j]
      moved = problem.value(next)
      if (moved <= value + LEAST_DECREASE * length * slope) break
    }
    // Nothing smaller can be told from here.
    if (!(moved < value)) {
      problem.value(at)
      break
    }
    ;[at, next] = [next, at]
    value = moved
  }
  return { weights: at.slice(0, x.columns), intercept: at[x.columns] }
}

/** w·x + b of every row. */
export function scores(x: Matrix, { weights, intercept }: Logistic): Float64Array {
  return Float64Array.from({ length: x.rows }, (_, i) => intercept + dot(rowOf(x, i), weights))
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j]
  return sum
}

/** The objective at a point, and its derivatives there. The last coordinate is the intercept. */
class Problem {
  private readonly sign: Float64Array
  private readonly cost: Float64Array
  private readonly margin: Float64Array
  private readonly curvature: Float64Array
  private readonly product: Float64Array
  private point: Float64Array = new Float64Array(0)

  constructor(
    private readonly x: Matrix,
    labels: ArrayLike<number>,
    c: number,
  ) {
    const { rows } = x
    let ones = 0
    for (let i = 0; i < rows; i++) ones += labels[i]
    if (ones === 0 || ones === rows) throw new RangeError("labels: both 0 and 1 must occur")
    this.sign = Float64Array.from({ length: rows }, (_, i) => (labels[i] === 1 ? 1 : -1))
    this.cost = Float64Array.from({ length: rows }, (_, i) =>
      labels[i] === 1 ? (c * rows) / (2 * ones) : (c * rows) / (2 * (rows - ones)),
    )
    this.margin = new Float64Array(rows)
    this.curvature = new Float64Array(rows)
    this.product = new Float64Array(rows)
  }

  value(at: Float64Array): number {
    const { x, sign, cost, margin } = this
    this.point = at
    let sum = 0
    for (let j = 0; j < x.columns; j++) sum += at[j] * at[j]
    sum /= 2
    this.times(at, margin)
    for (let i = 0; i < x.rows; i++) {
      const m = sign[i] * margin[i]
      margin[i] = m
      sum += cost[i] * (m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m)
    }
    return sum
  }

  /** At the point whose value was asked for last. */
  gradient(out: Float64Array): void {
    const { x, sign, cost, margin, curvature, product } = this
    for (let i = 0; i < x.rows; i++) {
      const m = margin[i]
      // 1/(1 + exp(m)) without overflow.
      const off = m > 0 ? exp(-m) / (1 + exp(-m)) : 1 / (1 + exp(m))
      product[i] = -sign[i] * cost[i] * off
      curvature[i] = cost[i] * off * (1 - off)
    }
    this.transposedTimes(product, out)
    for (let j = 0; j < x.columns; j++) out[j] += this.point[j]
  }

  /** Solves H·step = −gradient until the residual is below `enough`. */
  newtonStep(gradient: Float64Array, enough: number, step: Float64Array): void {
    const size = gradient.length
    step.fill(0)
    const residual = gradient.map((value) => -value)
    const direction = residual.slice()
    const bent = new Float64Array(size)
    let square = dot(residual, residual)
    for (let i = 0; i < 2 * size && Math.sqrt(square) > enough; i++) {
      this.hessianTimes(direction, bent)
      const curve = dot(direction, bent)
      if (!(curve > 0)) break
      const length = square / curve
      for (let j = 0; j < size; j++) {
        step[j] += length * direction[j]
        residual[j] -= length * bent[j]
      }
      const after = dot(residual, residual)
      const factor = after / square
      for (let j = 0; j < size; j++) direction[j] = residual[j] + factor * direction[j]
      square = after
    }
  }

  private hessianTimes(v: Float64Array, out: Float64Array): void {
    const { x, curvature, product } = this
    this.times(v, product)
    for (let i = 0; i < x.rows; i++) product[i] *= curvature[i]
    this.transposedTimes(product, out)
    for (let j = 0; j < x.columns; j++) out[j] += v[j]
  }

  private times(v: Float64Array, out: Float64Array): void {
    const { rows, columns, values } = this.x
    for (let i = 0; i < rows; i++) {
      let sum = v[columns]
      for (let j = 0, at = i * columns; j < columns; j++, at++) sum += values[at] * v[j]
      out[i] = sum
    }
  }

  private transposedTimes(v: Float64Array, out: Float64Array): void {
    const { rows, columns, values } = this.x
    out.fill(0)
    for (let i = 0; i < rows; i++) {
      const factor = v[i]
      out[columns] += factor
      for (let j = 0, at = i * columns; j < columns; j++, at++) out[j] += factor * values[at]
    }
  }
}
