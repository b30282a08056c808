// A matrix from a file, so that any program's matrix can be coded and learnt from: JSON with the fields X (rows are
// listeners), D0 (rows are atoms) and lambda. Such a file comes from elsewhere: its size is bounded, every number is
// checked, and an error names the place.

import { type Matrix, zeros } from "./matrix.js"

export const MAX_MATRIX_BYTES = 256 << 20
const MAX_ENTRIES = 20_000_000
/** Squares and sums of larger numbers have no digits left for what differs. */
const LARGEST = 1e12

export class MatrixError extends Error {
  override name = "MatrixError"
}

export interface MatrixFile {
  x: Matrix
  start: Matrix | null
  lambda: number | null
}

/** @throws MatrixError */
export function readMatrixFile(text: string): MatrixFile {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new MatrixError(`must be JSON: ${(error as Error).message}`)
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new MatrixError("must be an object with the fields X, D0 and lambda")
  }
  const { X, D0, lambda } = given as Record<string, unknown>
  const x = matrixOf(X, "X")
  const start = D0 === undefined || D0 === null ? null : matrixOf(D0, "D0")
  if (start !== null && start.columns !== x.columns) {
    throw new MatrixError(`D0: its rows must have ${x.columns} numbers like those of X, got ${start.columns}`)
  }
  if (lambda === undefined || lambda === null) return { x, start, lambda: null }
  if (typeof lambda !== "number" || !(lambda >= 0 && lambda <= LARGEST)) {
    throw new MatrixError(`lambda: must be a number from 0 to ${LARGEST}, got ${JSON.stringify(lambda)}`)
  }
  return { x, start, lambda }
}

function matrixOf(given: unknown, name: string): Matrix {
  if (!Array.isArray(given) || given.length === 0) throw new MatrixError(`${name}: must be a list of rows`)
  const columns: unknown = given[0]?.length
  if (!Array.isArray(given[0]) || given[0].length === 0) {
    throw new MatrixError(`${name}[0]: must be a list of numbers`)
  }
  if (given.length * given[0].length > MAX_ENTRIES) {
    throw new MatrixError(
      `${name}: must have at most ${MAX_ENTRIES} entries, got ${given.length} × ${given[0].length}`,
    )
  }
  const matrix = zeros(given.length, given[0].length)
  for (const [i, row] of given.entries()) {
    if (!Array.isArray(row) || row.length !== columns) {
      const got = Array.isArray(row) ? `${row.length} numbers` : typeof row
      throw new MatrixError(`${name}[${i}]: must have ${columns} numbers like the first row, got ${got}`)
    }
    for (const [j, value] of row.entries()) {
      if (typeof value !== "number" || !(Math.abs(value) <= LARGEST)) {
        throw new MatrixError(
          `${name}[${i}][${j}]: must be a number of at most ${LARGEST}, got ${JSON.stringify(value)?.slice(0, 40)}`,
        )
      }
      matrix.values[i * matrix.columns + j] = value
    }
  }
  return matrix
}
