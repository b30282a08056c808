// A row of the matrix by least squares on the atoms with an intercept: the embedding that predicts (PACE). Where atoms
// are almost the same the normal equations have no one solution; a ridge far below the precision of plays decides.

import { type Matrix, rowOf, zeros } from "./matrix.js"
import { makeProducts } from "./products.js"

const RIDGE = 1e-10

/** Coefficients of every row of `x` on the rows of `atoms`: x.rows × atoms.rows. */
export function leastSquares(x: Matrix, atoms: Matrix): Matrix {
  const centred = withoutMeans(atoms)
  const { rows: count, columns } = atoms
  const places = { x: 0, atoms: x.values.length, gram: x.values.length + centred.values.length }
  const out = places.gram + count * count
  const memory = makeProducts(out + x.rows * count)
  memory.heap.set(x.values, places.x)
  memory.heap.set(centred.values, places.atoms)
  memory.products(count, count, columns, places.atoms, places.atoms, places.gram)
  // With an intercept the rows need not be centred: the atoms are.
  memory.products(x.rows, count, columns, places.x, places.atoms, out)
  const gram = memory.heap.slice(places.gram, out)
  let trace = 0
  for (let k = 0; k < count; k++) trace += gram[k * count + k]
  for (let k = 0; k < count; k++) gram[k * count + k] += (RIDGE * (trace || 1)) / count
  factorise(gram, count)
  const coefficients = { rows: x.rows, columns: count, values: memory.heap.slice(out, out + x.rows * count) }
  for (let row = 0; row < x.rows; row++) solve(gram, count, rowOf(coefficients, row))
  return coefficients
}

function withoutMeans(of: Matrix): Matrix {
  const made = zeros(of.rows, of.columns)
  for (let row = 0; row < of.rows; row++) {
    const [from, to] = [rowOf(of, row), rowOf(made, row)]
    let mean = 0
    for (let j = 0; j < from.length; j++) mean += from[j] / from.length
    for (let j = 0; j < from.length; j++) to[j] = from[j] - mean
  }
  return made
}

/** Cholesky: the lower triangle L with L·Lᵀ = a, in place. */
function factorise(a: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k]
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]
    }
  }
}

function solve(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i]
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k]
    b[i] = sum / l[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i] * b[k]
    b[i] = sum / l[i * n + i]
  }
}
