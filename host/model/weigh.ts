// Weighing particles by plays: the log likelihood of a run of plays under every particle, song by song.
//
//   log w_m += Σ_k ω_k log p(y_k | θ_m)
//
// Plays of one song share x'β, and its events need no more than their number, mean and spread:
//   Σ ω ((y − μ)/σ)² = (Σ ω (y − ȳ)² + (ȳ − μ)² Σ ω)/σ²,
// and plays that were heard to the same end are one play with the sum of their powers.

import { clearJoint, columnsOf, openModel, type PackedModel, survivalOf } from "./columns.js"
import { type Observations, songGroups } from "./observations.js"

export interface Block {
  songs: number
  observations: Observations
  /** Length songs: a row of the observations that has the song's features. */
  row: Int32Array
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
  const { y, censored } = observations
  const counted: number[] = []
  for (let place = from; place < to; place++) {
    if (power === undefined || power[rows[place]] !== 0) counted.push(rows[place])
  }
  const groups = songGroups(observations, counted)
  const songs = groups.length
  const events = new Float64Array(songs)
  const mean = new Float64Array(songs)
  const spread = new Float64Array(songs)
  const end = [0]
  const bound: number[] = []
  const ends: number[] = []
  groups.forEach((plays, s) => {
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
    end.push(bound.length)
  })
  return {
    songs,
    observations,
    row: Int32Array.from(groups, (plays) => plays[0]),
    events,
    mean,
    spread,
    end: Int32Array.from(end),
    bound: Float64Array.from(bound),
    power: Float64Array.from(ends),
  }
}

/** Adds the log likelihood of the block to `out`, length M. `model`: the particles, packed once for many blocks. */
export function weigh(model: PackedModel, block: Block, out: Float64Array): void {
  const { m, sigma } = model
  const { songs, observations, row, events, mean, spread, end, bound, power } = block
  const state = openModel(model, songs + bound.length)
  const { kernel, joint, precision } = state
  clearJoint(state)
  let total = 0
  let apart = 0
  for (let s = 0; s < songs; s++) {
    const columns = columnsOf(state, observations, row[s])
    if (events[s] !== 0) {
      kernel.squares(model.pairs, precision, columns.mu, mean[s], events[s], joint)
      total += events[s]
      apart += spread[s]
    }
    for (let k = end[s]; k < end[s + 1]; k++) {
      kernel.add(model.pairs, survivalOf(state, columns, bound[k]), power[k], joint)
    }
  }
  for (let i = 0; i < m; i++) {
    out[i] += state.memory[joint / 8 + i] + total * model.constant[i] - (0.5 * apart) / (sigma[i] * sigma[i])
  }
}
