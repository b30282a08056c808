// Weighing particles by plays: the log likelihood of a run of plays under every particle, song by song.
//
//   log w_m += Σ_k ω_k log p(y_k | θ_m)
//
// Plays of one song share x'β, and its events need no more than their number, mean and spread:
//   Σ ω ((y − μ)/σ)² = (Σ ω (y − ȳ)² + (ȳ − μ)² Σ ω)/σ²,
// and plays that were heard to the same end are one play with the sum of their powers.

import { log } from "../model/elementary.js"
import { logNormalCdf } from "./normal-cdf.js"
import { type Observations, songGroups } from "./observations.js"
import type { Particles } from "./particles.js"

const HALF_LOG_2PI = 0.9189385332046727

export interface Block {
  songs: number
  /** Length songs + 1: features of song s are entries feature[s] … feature[s + 1] − 1 of `column` and `value`. */
  feature: Int32Array
  column: Int32Array
  value: Float64Array
  /** Length songs each: Σ ω, ȳ and Σ ω (y − ȳ)² of the events. */
  events: Float64Array
  mean: Float64Array
  spread: Float64Array
  /** Length songs + 1: ends of song s are entries end[s] … end[s + 1] − 1 of `bound` (y) and `power` (Σ ω). */
  end: Int32Array
  bound: Float64Array
  power: Float64Array
}

/** The plays in places `from` … `to` − 1 of `rows`. `power`: of every row of the observations, of one sign; left out
 *  where all are 1. */
export function gather(
  observations: Observations,
  rows: ArrayLike<number>,
  from: number,
  to: number,
  power?: Float64Array,
): Block {
  const { p, x, y, censored } = observations
  const counted: number[] = []
  for (let place = from; place < to; place++) {
    if (power === undefined || power[rows[place]] !== 0) counted.push(rows[place])
  }
  const groups = songGroups(observations, counted)
  const songs = groups.length
  const feature = [0]
  const column: number[] = []
  const value: number[] = []
  const events = new Float64Array(songs)
  const mean = new Float64Array(songs)
  const spread = new Float64Array(songs)
  const end = [0]
  const bound: number[] = []
  const ends: number[] = []
  groups.forEach((plays, s) => {
    const at = plays[0] * p
    for (let q = 0; q < p; q++) {
      if (x[at + q] === 0) continue
      column.push(q)
      value.push(x[at + q])
    }
    for (const r of plays) {
      const weight = power === undefined ? 1 : power[r]
      if (censored[r] === 0) {
        events[s] += weight
        mean[s] += weight * y[r]
        continue
      }
      let same = end[s]
      while (same < bound.length && bound[same] !== y[r]) same++
      if (same === bound.length) {
        bound.push(y[r])
        ends.push(0)
      }
      ends[same] += weight
    }
    if (events[s] !== 0) mean[s] /= events[s]
    for (const r of plays) {
      if (censored[r] === 1) continue
      const apart = y[r] - mean[s]
      spread[s] += (power === undefined ? 1 : power[r]) * apart * apart
    }
    feature.push(column.length)
    end.push(bound.length)
  })
  return {
    songs,
    feature: Int32Array.from(feature),
    column: Int32Array.from(column),
    value: Float64Array.from(value),
    events,
    mean,
    spread,
    end: Int32Array.from(end),
    bound: Float64Array.from(bound),
    power: Float64Array.from(ends),
  }
}

/** Adds the log likelihood of the block to `out`, length M. */
export function weigh(particles: Particles, block: Block, out: Float64Array): void {
  const { m, p, beta, sigma2 } = particles
  const { songs, feature, column, value, events, mean, spread, end, bound, power } = block
  // Coefficient by coefficient, so that the loops over the particles run along memory.
  const across = new Float64Array(p * m)
  const precision = new Float64Array(m)
  const squares = new Float64Array(m)
  const mu = new Float64Array(m)
  for (let i = 0; i < m; i++) {
    precision[i] = 1 / Math.sqrt(sigma2[i])
    for (let q = 0; q < p; q++) across[q * m + i] = beta[i * p + q]
  }
  let total = 0
  let apart = 0
  for (let s = 0; s < songs; s++) {
    mu.fill(0)
    for (let f = feature[s]; f < feature[s + 1]; f++) {
      const at = column[f] * m
      const factor = value[f]
      for (let i = 0; i < m; i++) mu[i] += factor * across[at + i]
    }
    if (events[s] !== 0) {
      const count = events[s]
      const centre = mean[s]
      for (let i = 0; i < m; i++) {
        const e = centre - mu[i]
        squares[i] += count * e * e
      }
      total += count
      apart += spread[s]
    }
    for (let k = end[s]; k < end[s + 1]; k++) {
      const times = power[k]
      const y = bound[k]
      for (let i = 0; i < m; i++) out[i] += times * logNormalCdf((mu[i] - y) * precision[i])
    }
  }
  for (let i = 0; i < m; i++) {
    out[i] -= total * (HALF_LOG_2PI + 0.5 * log(sigma2[i])) + (0.5 * (apart + squares[i])) / sigma2[i]
  }
}
