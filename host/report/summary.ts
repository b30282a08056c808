// Figures that sum up a column of numbers; null where there is none, so that nothing comes out as NaN.

export interface Summary {
  n: number
  mean: number | null
  /** Divisor n − 1; null for fewer than two. */
  sd: number | null
  least: number | null
  median: number | null
  most: number | null
}

export function summaryOf(values: readonly number[]): Summary {
  const n = values.length
  if (n === 0) return { n, mean: null, sd: null, least: null, median: null, most: null }
  const sorted = [...values].sort((a, b) => a - b)
  const mean = meanOf(values)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    n,
    mean,
    sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null,
    least: sorted[0],
    median: quantileOf(sorted, 0.5),
    most: sorted[n - 1],
  }
}

/** Of at least one value. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Of at least one value, ascending: straight lines between order statistics (Hyndman & Fan 1996, definition 7, as R). */
export function quantileOf(sorted: readonly number[], probability: number): number {
  const at = probability * (sorted.length - 1)
  const below = Math.floor(at)
  const above = Math.min(sorted.length - 1, below + 1)
  return sorted[below] + (at - below) * (sorted[above] - sorted[below])
}

/** The values under each key, keys in the order in which they come first. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [item])
    else known.push(item)
  }
  return groups
}
