// What the sampler needs of a subject's plays: sums over the events, and the censored plays one by one.
//
// With z = y for events and z > y for censored plays, X'X never changes, X'z and z'z change only through the
// censored rows. Times are taken relative to `origin` (the prior mean of the constant), which becomes 0.

import type { Observations } from "./observations.js"

export interface Condensed {
  n: number
  p: number
  origin: number
  /** P×P: X'X over all rows. */
  xtx: Float64Array
  /** Length P and scalar: X'(y − origin) and Σ(y − origin)² over the events. */
  xty: Float64Array
  yy: number
  /** Number of censored rows; their columns (c × P) and bounds y − origin (length c). */
  c: number
  x: Float64Array
  bound: Float64Array
}

/** Rows `rows[0 … count − 1]` of the observations; all rows in order where `rows` is left out. */
export function condense(
  observations: Observations,
  origin: number,
  rows?: ArrayLike<number>,
  count = rows === undefined ? observations.n : rows.length,
): Condensed {
  const { p, x, y, censored } = observations
  let c = 0
  for (let row = 0; row < count; row++) c += censored[rows === undefined ? row : rows[row]]
  const data: Condensed = {
    n: count,
    p,
    origin,
    xtx: new Float64Array(p * p),
    xty: new Float64Array(p),
    yy: 0,
    c,
    x: new Float64Array(c * p),
    bound: new Float64Array(c),
  }
  const { xtx, xty } = data
  let next = 0
  for (let row = 0; row < count; row++) {
    const r = rows === undefined ? row : rows[row]
    const at = r * p
    for (let a = 0; a < p; a++) {
      const value = x[at + a]
      if (value !== 0) for (let b = 0; b <= a; b++) xtx[a * p + b] += value * x[at + b]
    }
    const centred = y[r] - origin
    if (censored[r] === 1) {
      for (let q = 0; q < p; q++) data.x[next * p + q] = x[at + q]
      data.bound[next++] = centred
    } else {
      for (let q = 0; q < p; q++) xty[q] += x[at + q] * centred
      data.yy += centred * centred
    }
  }
  for (let a = 0; a < p; a++) for (let b = 0; b < a; b++) xtx[b * p + a] = xtx[a * p + b]
  return data
}
