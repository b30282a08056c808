// The Cholesky factor of the active part of a symmetric positive definite matrix, changed one variable at a time.
//
//   M (P×P) = X'X/σ² + diag(1/S),  b = X'(z − m)/σ²,  active set γ of size k
//   L L' = M_γγ (k×k lower, row-major with stride P),  u = L⁻¹ b_γ
//
// Adding variable q appends a row: w = L⁻¹ M_γq, d = M_qq − w'w (what q explains beyond γ), r = b_q − w'u.
// Removing one deletes a row and folds its column back in by a rank-one update. Both cost k² flops. Golub & Van
// Loan, Matrix Computations, 4th ed., section 6.5.

/** A pivot this far below its diagonal is rounding error of a collinear column, not information. */
const PIVOT_FLOOR = 1e-13

export interface ActiveFactor {
  readonly p: number
  /** Number of active variables. */
  k: number
  /** The first k entries: active variables, in the order of the rows of L. */
  readonly order: Int32Array
  /** P×P, row-major, stride P: the first k rows hold L. */
  readonly lower: Float64Array
  /** The first k entries: u. */
  readonly u: Float64Array
  /** Scratch of length P: w after `pivot`, a solution after `column` and `solve`. */
  readonly w: Float64Array
  /** After `pivot` and `column`: d and r as defined above. */
  d: number
  r: number
}

export function createFactor(p: number): ActiveFactor {
  return {
    p,
    k: 0,
    order: new Int32Array(p),
    lower: new Float64Array(p * p),
    u: new Float64Array(p),
    w: new Float64Array(p),
    d: 0,
    r: 0,
  }
}

export function copyFactor(from: ActiveFactor, to: ActiveFactor): void {
  const { p, k } = from
  to.k = k
  for (let i = 0; i < k; i++) {
    to.order[i] = from.order[i]
    to.u[i] = from.u[i]
    for (let j = 0; j <= i; j++) to.lower[i * p + j] = from.lower[i * p + j]
  }
}

/** d and r of the inactive variable `q` given the active ones; w stays in place for `append`. */
export function pivot(f: ActiveFactor, matrix: Float64Array, rhs: Float64Array, q: number): void {
  const { p, k, order, lower, u, w } = f
  const diagonal = matrix[q * p + q]
  let d = diagonal
  let r = rhs[q]
  for (let i = 0; i < k; i++) {
    const row = i * p
    let value = matrix[q * p + order[i]]
    for (let j = 0; j < i; j++) value -= lower[row + j] * w[j]
    value /= lower[row + i]
    w[i] = value
    d -= value * value
    r -= value * u[i]
  }
  const floor = PIVOT_FLOOR * diagonal
  f.d = d > floor ? d : floor
  f.r = r
}

/** Makes `q` active; `pivot(f, …, q)` must have been the last call. */
export function append(f: ActiveFactor, q: number): void {
  const { p, k, lower, w } = f
  const root = Math.sqrt(f.d)
  for (let j = 0; j < k; j++) lower[k * p + j] = w[j]
  lower[k * p + k] = root
  f.u[k] = f.r / root
  f.order[k] = q
  f.k = k + 1
}

/** d and r of the active variable in row `i`, as if it were to be added to the others. */
export function column(f: ActiveFactor, i: number): void {
  const { p, k, lower, u, w } = f
  // w = L⁻¹ e_i; then (M⁻¹)_ii = w'w = 1/d and the mean's entry is w'u = r/d.
  let inverse = 0
  let mean = 0
  for (let row = i; row < k; row++) {
    let value = row === i ? 1 : 0
    for (let j = i; j < row; j++) value -= lower[row * p + j] * w[j]
    value /= lower[row * p + row]
    w[row] = value
    inverse += value * value
    mean += value * u[row]
  }
  f.d = 1 / inverse
  f.r = mean / inverse
}

/** Makes the variable in row `i` inactive; u follows L, so b is not needed. */
export function remove(f: ActiveFactor, i: number): void {
  const { p, k, order, lower, u, w } = f
  // The rows below lose their entry in column i; L₃₃L₃₃' + l l' is refactored by Givens rotations, which carry u.
  for (let row = i + 1; row < k; row++) w[row] = lower[row * p + i]
  let carried = u[i]
  for (let c = i + 1; c < k; c++) {
    const diagonal = lower[c * p + c]
    const length = Math.sqrt(diagonal * diagonal + w[c] * w[c])
    const cos = diagonal / length
    const sin = w[c] / length
    lower[c * p + c] = length
    for (let row = c + 1; row < k; row++) {
      const kept = lower[row * p + c]
      lower[row * p + c] = cos * kept + sin * w[row]
      w[row] = cos * w[row] - sin * kept
    }
    const kept = u[c]
    u[c] = cos * kept + sin * carried
    carried = cos * carried - sin * kept
  }
  for (let row = i + 1; row < k; row++) {
    order[row - 1] = order[row]
    u[row - 1] = u[row]
    for (let j = 0; j < i; j++) lower[(row - 1) * p + j] = lower[row * p + j]
    for (let j = i + 1; j <= row; j++) lower[(row - 1) * p + j - 1] = lower[row * p + j]
  }
  f.k = k - 1
}

/** w = L'⁻¹ v for `v` of length k (v may be w itself). */
export function solveTransposed(f: ActiveFactor, v: Float64Array): void {
  const { p, k, lower, w } = f
  for (let i = k - 1; i >= 0; i--) {
    let value = v[i]
    for (let row = i + 1; row < k; row++) value -= lower[row * p + i] * w[row]
    w[i] = value / lower[i * p + i]
  }
}
