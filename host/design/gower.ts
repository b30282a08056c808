// The benchmark design: songs nearest to those the subject finished last wave, by Gower's distance (Gower,
// Biometrics 27, 1971).
//
//   d_ij = Σ_v δ_v / number of v,  numeric v: |x_iv − x_jv| / range_v,  genre: 0 if equal, else 1
//
// Genre is one nominal variable; as indicators it would count as many times as there are genres. A genre that is
// not known is left out of the pair. Standardising beforehand changes nothing, since ranges scale along.

import type { Candidates } from "./candidates.js"

/** Songs of which nothing comparable is known: nothing says that they are alike. */
const STRANGERS = 1

/** The distance of rows i and j, 0 … 1; ranges are those of all candidates. */
export function gowerDistance(candidates: Candidates): (i: number, j: number) => number {
  const { ids, p, x, numeric, genre } = candidates
  const n = ids.length
  const columns = numeric.length
  // N × columns, in units of the ranges.
  const scaled = new Float64Array(n * columns)
  for (let v = 0; v < columns; v++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let row = 0; row < n; row++) {
      const value = x[row * p + numeric[v]]
      if (value < low) low = value
      if (value > high) high = value
    }
    // A column that does not vary keeps no songs apart.
    if (high > low) for (let r = 0; r < n; r++) scaled[r * columns + v] = x[r * p + numeric[v]] / (high - low)
  }
  return (i, j) => {
    let sum = 0
    let variables = columns
    for (let v = 0; v < columns; v++) sum += Math.abs(scaled[i * columns + v] - scaled[j * columns + v])
    if (genre[i] >= 0 && genre[j] >= 0) {
      variables++
      if (genre[i] !== genre[j]) sum++
    }
    return variables > 0 ? sum / variables : STRANGERS
  }
}

/** Sums that differ further out differ by rounding, and are ties. */
const DIGITS = 1e10

/** Length N: total distance of every candidate to `targets` (rows). */
export function totalDistances(candidates: Candidates, targets: ArrayLike<number>): Float64Array {
  const distance = gowerDistance(candidates)
  return Float64Array.from(candidates.ids, (_, row) => {
    let total = 0
    for (let t = 0; t < targets.length; t++) total += distance(row, targets[t])
    return Math.round(total * DIGITS) / DIGITS
  })
}
