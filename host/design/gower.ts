// Gower's distance between songs (Gower 1971), for the benchmark design: songs near those finished in the last wave.
//
//   d_ij = mean over the variables known for both of |x_i − x_j|/range, or 0/1 for same/other genre
//
// Genre is one nominal variable. Taken apart into indicators it would count as often as it has levels.

import type { Candidates } from "./candidates.js"

/** Distances between songs that share no known variable: nothing says that they are alike. */
const STRANGERS = 1

/** The distances of row `i` to the other songs, as a function; ranges are those of all the candidates. */
export function gowerDistance(candidates: Candidates): (i: number, j: number) => number {
  const { ids, p, x, numeric, genre } = candidates
  const n = ids.length
  const columns = numeric.length
  // n × columns, scaled to ranges of 1. A column that does not vary keeps all songs at distance 0.
  const scaled = new Float64Array(n * columns)
  for (let c = 0; c < columns; c++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let i = 0; i < n; i++) {
      low = Math.min(low, x[i * p + numeric[c]])
      high = Math.max(high, x[i * p + numeric[c]])
    }
    const range = high > low ? high - low : 1
    for (let i = 0; i < n; i++) scaled[i * columns + c] = x[i * p + numeric[c]] / range
  }
  return (i, j) => {
    let sum = 0
    for (let c = 0; c < columns; c++) sum += Math.abs(scaled[i * columns + c] - scaled[j * columns + c])
    const known = genre[i] >= 0 && genre[j] >= 0
    if (known && genre[i] !== genre[j]) sum += 1
    const variables = columns + (known ? 1 : 0)
    return variables > 0 ? sum / variables : STRANGERS
  }
}

/** Distances whose digits beyond this differ by rounding only, and are ties. */
const DIGITS = 1e10

/** Length N: total distance of every song to the songs in rows `finished`. */
export function totalDistances(candidates: Candidates, finished: readonly number[]): Float64Array {
  const distance = gowerDistance(candidates)
  return Float64Array.from(candidates.ids, (_, i) => {
    let total = 0
    for (const j of finished) total += distance(i, j)
    return Math.round(total * DIGITS) / DIGITS
  })
}
