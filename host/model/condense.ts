// What the sampler needs of a subject's plays: sums over the events, and the censored plays song by song.
//
// With z = y for events and z > y for censored plays, X'z and z'z change only through the censored rows. Plays of one
// song share their features, so x'β is needed once per song, and X'z changes once per song. Features are kept
// sparse: of a dozen genre indicators one is 1. Times are relative to `origin` (the prior mean of the constant),
// which becomes 0.
//
// A play that is to count in part has its likelihood raised to a power ω, 0 < ω ≤ 1. For an event that scales its
// terms in the sums; for a censored play see sweep.ts.

import { type Observations, songGroups } from "./observations.js"

export interface Condensed {
  /** Sum of the powers of the events, plus the number of censored rows. */
  n: number
  p: number
  origin: number
  /** P×P: Σ ω x x' over the events plus Σ x x' over the censored rows. */
  xtx: Float64Array
  /** Length P and scalar: Σ ω x (y − origin) and Σ ω (y − origin)² over the events. */
  xty: Float64Array
  yy: number
  /** Number of songs with censored plays. */
  songs: number
  /** Length songs + 1: features of song s are entries feature[s] … feature[s + 1] − 1 of `column` and `value`. */
  feature: Int32Array
  column: Int32Array
  value: Float64Array
  /** Length songs + 1: censored plays of song s are entries play[s] … play[s + 1] − 1 of `bound` and `fade`. */
  play: Int32Array
  /** y − origin. */
  bound: Float64Array
  /** 1 − ω; null where every play counts in full. */
  fade: Float64Array | null
}

/**
 * Rows `rows[0 … count − 1]` of the observations; all rows in order where `rows` is left out. `power`: ω of every
 * row of the observations, left out where all are 1.
 */
export function condense(
  observations: Observations,
  origin: number,
  rows?: ArrayLike<number>,
  count = rows === undefined ? observations.n : rows.length,
  power?: Float64Array,
): Condensed {
  const { p, x, y, censored } = observations
  const xtx = new Float64Array(p * p)
  const xty = new Float64Array(p)
  let n = 0
  let yy = 0
  const ends: number[] = []
  for (let row = 0; row < count; row++) {
    const r = rows === undefined ? row : rows[row]
    const at = r * p
    const event = censored[r] === 0
    const weight = event && power !== undefined ? power[r] : 1
    n += weight
    for (let a = 0; a < p; a++) {
      const scaled = weight * x[at + a]
      if (scaled !== 0) for (let b = 0; b <= a; b++) xtx[a * p + b] += scaled * x[at + b]
    }
    if (event) {
      const centred = y[r] - origin
      for (let q = 0; q < p; q++) xty[q] += weight * x[at + q] * centred
      yy += weight * centred * centred
    } else {
      ends.push(r)
    }
  }
  for (let a = 0; a < p; a++) for (let b = 0; b < a; b++) xtx[b * p + a] = xtx[a * p + b]
  return {
    n,
    p,
    origin,
    xtx,
    xty,
    yy,
    ...censoredPlays(observations, origin, songGroups(observations, ends), power),
  }
}

function censoredPlays(
  { p, x, y }: Observations,
  origin: number,
  songs: readonly (readonly number[])[],
  power: Float64Array | undefined,
): Pick<Condensed, "songs" | "feature" | "column" | "value" | "play" | "bound" | "fade"> {
  const feature = [0]
  const column: number[] = []
  const value: number[] = []
  const play = [0]
  const bound: number[] = []
  const fade: number[] = []
  for (const rows of songs) {
    for (let q = 0; q < p; q++) {
      if (x[rows[0] * p + q] === 0) continue
      column.push(q)
      value.push(x[rows[0] * p + q])
    }
    for (const r of rows) {
      bound.push(y[r] - origin)
      fade.push(power === undefined ? 0 : 1 - power[r])
    }
    feature.push(column.length)
    play.push(bound.length)
  }
  return {
    songs: songs.length,
    feature: Int32Array.from(feature),
    column: Int32Array.from(column),
    value: Float64Array.from(value),
    play: Int32Array.from(play),
    bound: Float64Array.from(bound),
    fade: fade.some((part) => part > 0) ? Float64Array.from(fade) : null,
  }
}
