// Rows of numbers over replications: their mean, and how far single runs lie apart.

export interface Spread {
  /** Same length each: over the runs; sd 0 where there is one run. */
  mean: number[]
  sd: number[]
  min: number[]
  max: number[]
}

export function mean(rows: readonly (readonly number[])[]): number[] {
  return rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
}

export function spreadOf(rows: readonly (readonly number[])[]): Spread {
  const centre = mean(rows)
  const squares = centre.map((m, i) => rows.reduce((sum, row) => sum + (row[i] - m) * (row[i] - m), 0))
  return {
    mean: centre,
    sd: squares.map((sum) => (rows.length > 1 ? Math.sqrt(sum / (rows.length - 1)) : 0)),
    min: centre.map((_, i) => Math.min(...rows.map((row) => row[i]))),
    max: centre.map((_, i) => Math.max(...rows.map((row) => row[i]))),
  }
}
