// Stacking weights (Yao, Vehtari, Simpson & Gelman 2018): the mixture of fixed densities that does best on plays.
//
//   maximise f(w) = (1/n) Σ_k log Σ_m w_m d_mk over w ≥ 0, Σ w = 1
//
// f is concave with gradient g_m = (1/n) Σ_k a_km and Hessian −A'A/n, a_km = d_mk/Σ_l w_l d_lk, and w·g = 1, so the
// largest g_m bounds what is left to gain: max f − f(w) ≤ max_m g_m − 1. At the maximum few models carry weight. An
// active set of them is brought to its own maximum by Newton's method (Aw = 1 makes the step on Σw = 1 simply
// w ← 2w − y/Σy, Hy = 1), the model with the largest gradient joins, and so on until the bound is below TOLERANCE.
// The start, a few EM steps w_m ← w_m·g_m from equal weights, gives every play a model that can explain it.

import { exp, log } from "./elementary.js"

/** Largest distance from the maximum of f, in nats per play. */
const TOLERANCE = 1e-9
const EM_STEPS = 10
/** Models to start the active set with, and what that may cost in f. */
const START_MODELS = 20
const START_LOSS = 1
/** Far above what was ever needed: a joining model leaves a few Newton steps to do. */
const NEWTON_LIMIT = 2000
/** Added to the Hessian's diagonal, relative to it: alike models make it singular. */
const RIDGE = 1e-10
/** Weight that a joining model starts with, and below which one leaves. */
const JOIN = 0.01
const LEAVE = 1e-9

/** Log weights, one per model. `pointwise`: ℓ_m = log d_m per model, each of length n. Without plays all weigh the same. */
export function stackingWeights(pointwise: readonly Float64Array[]): Float64Array {
  const models = pointwise.length
  const n = pointwise[0].length
  const weights = new Float64Array(models).fill(1 / models)
  if (n === 0) return weights.map(log)
  const density = relativeDensities(pointwise)
  const state: State = {
    n,
    density,
    weights,
    gradient: new Float64Array(models),
    inverse: new Float64Array(n),
  }
  for (let i = 0; i < EM_STEPS; i++) {
    evaluate(state)
    for (let m = 0; m < models; m++) weights[m] *= state.gradient[m]
  }
  let score = thin(state, evaluate(state))
  for (let i = 0; i < NEWTON_LIMIT; i++) {
    const best = largestOf(state.gradient)
    if (state.gradient[best] - 1 <= TOLERANCE) break
    const tried = newton(state, score)
    if (tried !== undefined && tried - score > TOLERANCE / 10) {
      score = tried
      continue
    }
    // The active set has nothing to gain any more: let the best of the others in.
    const joined = join(state, best, score)
    if (joined === undefined) break
    score = joined
  }
  return weights.map(log)
}

interface State {
  n: number
  /** models × n, relative to the best model of each play. */
  density: Float64Array
  weights: Float64Array
  /** At `weights`: g, and 1/mixture per play. */
  gradient: Float64Array
  inverse: Float64Array
}

function relativeDensities(pointwise: readonly Float64Array[]): Float64Array {
  const n = pointwise[0].length
  const density = new Float64Array(pointwise.length * n)
  for (let k = 0; k < n; k++) {
    let best = Number.NEGATIVE_INFINITY
    for (const values of pointwise) best = Math.max(best, values[k])
    pointwise.forEach((values, m) => {
      density[m * n + k] = exp(values[k] - best)
    })
  }
  return density
}

/** f at the weights; fills in gradient and inverse. */
function evaluate({ n, density, weights, gradient, inverse }: State): number {
  inverse.fill(0)
  for (let m = 0; m < weights.length; m++) {
    if (weights[m] > 0) for (let k = 0; k < n; k++) inverse[k] += weights[m] * density[m * n + k]
  }
  let score = 0
  for (let k = 0; k < n; k++) {
    score += log(inverse[k]) / n
    inverse[k] = 1 / inverse[k]
  }
  for (let m = 0; m < weights.length; m++) {
    let sum = 0
    for (let k = 0; k < n; k++) sum += density[m * n + k] * inverse[k]
    gradient[m] = sum / n
  }
  return score
}

/** Starts with few models, unless some plays cannot do without the others; f with those left. */
function thin(state: State, score: number): number {
  const { weights } = state
  if (weights.length <= START_MODELS) return score
  const before = weights.slice()
  const least = before.toSorted()[weights.length - START_MODELS]
  let sum = 0
  for (let m = 0; m < weights.length; m++) {
    if (before[m] < least) weights[m] = 0
    sum += weights[m]
  }
  for (let m = 0; m < weights.length; m++) weights[m] /= sum
  const few = evaluate(state)
  if (few > score - START_LOSS) return few
  weights.set(before)
  return evaluate(state)
}

function largestOf(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}

/** One Newton step on the models with weight, shortened until f rises; the new f, undefined where it cannot. */
function newton(state: State, score: number): number | undefined {
  const { n, density, weights, inverse } = state
  const active = Array.from(weights.keys()).filter((m) => weights[m] > 0)
  const s = active.length
  const hessian = new Float64Array(s * s)
  for (let a = 0; a < s; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0
      for (let k = 0; k < n; k++)
        sum += density[active[a] * n + k] * density[active[b] * n + k] * inverse[k] * inverse[k]
      hessian[a * s + b] = sum / n
    }
  }
  const y = solveOnes(hessian, s)
  const total = y.reduce((sum, v) => sum + v, 0)
  const direction = Float64Array.from(active, (m, a) => weights[m] - y[a] / total)
  let length = 1
  for (let a = 0; a < s; a++) {
    if (direction[a] < 0) length = Math.min(length, -weights[active[a]] / direction[a])
  }
  const before = weights.slice()
  for (let halving = 0; halving < 30; halving++, length /= 2) {
    let sum = 0
    active.forEach((m, a) => {
      const value = before[m] + length * direction[a]
      weights[m] = value > LEAVE ? value : 0
      sum += weights[m]
    })
    for (const m of active) weights[m] /= sum
    const tried = evaluate(state)
    if (tried > score) return tried
  }
  weights.set(before)
  evaluate(state)
  return undefined
}

/** Gives model `m` a share, as large a one as raises f; the new f, undefined where none does. */
function join(state: State, m: number, score: number): number | undefined {
  const { weights } = state
  const before = weights.slice()
  for (let share = JOIN; share > LEAVE; share /= 4) {
    for (let i = 0; i < weights.length; i++) weights[i] = (1 - share) * before[i]
    weights[m] += share
    const tried = evaluate(state)
    if (tried > score) return tried
  }
  weights.set(before)
  evaluate(state)
  return undefined
}

/** Solves Hy = 1 by Cholesky; `h`: s × s, row-major, lower triangle, overwritten. */
function solveOnes(h: Float64Array, s: number): Float64Array {
  const y = new Float64Array(s).fill(1)
  for (let a = 0; a < s; a++) {
    const diagonal = h[a * s + a] * (1 + RIDGE)
    for (let b = 0; b <= a; b++) {
      let sum = a === b ? diagonal : h[a * s + b]
      for (let c = 0; c < b; c++) sum -= h[a * s + c] * h[b * s + c]
      // A model that the ones before it can imitate keeps the ridge as its pivot.
      h[a * s + b] = a === b ? Math.sqrt(Math.max(sum, RIDGE * diagonal)) : sum / h[b * s + b]
    }
  }
  for (let a = 0; a < s; a++) {
    for (let c = 0; c < a; c++) y[a] -= h[a * s + c] * y[c]
    y[a] /= h[a * s + a]
  }
  for (let a = s - 1; a >= 0; a--) {
    for (let c = a + 1; c < s; c++) y[a] -= h[c * s + a] * y[c]
    y[a] /= h[a * s + a]
  }
  return y
}
