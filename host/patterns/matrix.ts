// Dense matrices, row by row in one array.

export interface Matrix {
  rows: number
  columns: number
  /** rows × columns, row after row. */
  values: Float64Array
}

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, values: new Float64Array(rows * columns) }
}

export function rowOf({ columns, values }: Matrix, row: number): Float64Array {
  return values.subarray(row * columns, (row + 1) * columns)
}

/** The rows of `from` that `rows` names, in that order. */
export function rowsOf(from: Matrix, rows: readonly number[]): Matrix {
  const made = zeros(rows.length, from.columns)
  for (const [i, row] of rows.entries()) made.values.set(rowOf(from, row), i * from.columns)
  return made
}

/** Little endian, on every machine. */
export function bytesOfValues(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true)
  return bytes
}

/** The values that bytesOfValues was given. */
export function valuesOfBytes(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float64Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true))
}
