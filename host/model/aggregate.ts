// Aggregate model: one constant per song heard, over all subjects (Chung 2007, section 2, "aggregate").
//
//   y_k = δ_j(k) + σε, the most recent play of each (subject, song), censored as everywhere
//   δ_j ~ N(ȳ, s²_y), σ² ~ IG(v/2, v·s²_y/2)
//
// What an average listener does with a song, whatever the reasons; it has no attributes, so a song that nobody
// heard has no constant.

import { exp } from "./elementary.js"
import { logDensity, logSurvival } from "./likelihood.js"
import { expectedShare, type Predictions } from "./predict.js"
import { inverseGamma, PRIOR_DF } from "./prior.js"
import type { Rng } from "./random.js"
import { DEFAULT_DRAWS } from "./select.js"

/** One play of any subject; the order of a list of them is the order in time. */
export interface AggregatePlay {
  subject: number
  song: number
  /** Log time heard. */
  y: number
  censored: boolean
}

export interface Aggregate {
  /** Song numbers with a constant, increasing, length J. */
  songs: Uint32Array
  /** Number of draws M. */
  m: number
  /** M × J, row-major. */
  delta: Float64Array
  /** Length M. */
  sigma2: Float64Array
  /** Plays used: one per subject and song. */
  plays: number
  /** Prior mean ȳ and variance s²_y of a constant: what is known of a song that nobody heard. */
  mean: number
  variance: number
}

/** Sweeps left out: without selection the chain forgets its start in a few. */
const BURN_IN = 200

/** Keeps the last play of each (subject, song), in the order of time. */
export function latestPlays(plays: readonly AggregatePlay[]): AggregatePlay[] {
  const latest = new Map<string, AggregatePlay>()
  for (const play of plays) {
    const key = `${play.subject} ${play.song}`
    latest.delete(key)
    latest.set(key, play)
  }
  return [...latest.values()]
}

/** Draws from the posterior of the constants; no play at all gives an aggregate without songs. */
export function fitAggregate(plays: readonly AggregatePlay[], rng: Rng, m = DEFAULT_DRAWS): Aggregate {
  const used = latestPlays(plays)
  const n = used.length
  const songs = Uint32Array.from(new Set(used.map((play) => play.song))).sort()
  const indexOf = new Map(Array.from(songs, (song, j) => [song, j]))
  const result: Aggregate = {
    songs,
    m,
    delta: new Float64Array(m * songs.length),
    sigma2: new Float64Array(m),
    plays: n,
    ...spreadOf(used),
  }
  if (n === 0) return result
  const { mean, variance } = result
  const songOf = (play: AggregatePlay): number => indexOf.get(play.song)!
  // The plays seen to their end stay as they are: per song their number, mean and squares about it say it all.
  const count = songs.length
  const heard = new Int32Array(count)
  const seen = new Int32Array(count)
  const seenMean = new Float64Array(count)
  let seenSquares = 0
  for (const play of used) {
    const j = songOf(play)
    heard[j]++
    if (play.censored) continue
    seen[j]++
    const ahead = play.y - seenMean[j]
    seenMean[j] += ahead / seen[j]
    seenSquares += ahead * (play.y - seenMean[j])
  }
  const cut = used.filter((play) => play.censored)
  const cutAt = Int32Array.from(cut, songOf)
  const bound = Float64Array.from(cut, (play) => play.y)
  const latent = new Float64Array(cut.length)
  const sums = new Float64Array(count)
  const delta = new Float64Array(count).fill(mean)
  const half = PRIOR_DF / 2
  let sigma2 = variance
  for (let sweep = 0; sweep < BURN_IN + m; sweep++) {
    const sigma = Math.sqrt(sigma2)
    for (let j = 0; j < count; j++) sums[j] = seen[j] * seenMean[j]
    for (let k = 0; k < latent.length; k++) {
      const mu = delta[cutAt[k]]
      latent[k] = mu + sigma * rng.normalAbove((bound[k] - mu) / sigma)
      sums[cutAt[k]] += latent[k]
    }
    let squares = seenSquares
    for (let j = 0; j < count; j++) {
      const precision = heard[j] / sigma2 + 1 / variance
      delta[j] = (sums[j] / sigma2 + mean / variance) / precision + rng.normal() / Math.sqrt(precision)
      const off = seenMean[j] - delta[j]
      squares += seen[j] * off * off
    }
    for (let k = 0; k < latent.length; k++) {
      const off = latent[k] - delta[cutAt[k]]
      squares += off * off
    }
    sigma2 = inverseGamma(rng, half + 0.5 * n, half * variance + 0.5 * squares)
    if (sweep >= BURN_IN) {
      result.delta.set(delta, (sweep - BURN_IN) * count)
      result.sigma2[sweep - BURN_IN] = sigma2
    }
  }
  return result
}

function spreadOf(plays: readonly AggregatePlay[]): { mean: number; variance: number } {
  let mean = 0
  for (const play of plays) mean += play.y / plays.length
  let squares = 0
  for (const play of plays) squares += (play.y - mean) * (play.y - mean)
  const variance = plays.length > 1 ? squares / (plays.length - 1) : 0
  // One play, or equal ones, say nothing of the spread: a factor e either way.
  return { mean, variance: variance > 1e-12 * Math.max(1, mean * mean) ? variance : 1 }
}

/** Predictions for `songs` (numbers, length n); `known[i]` is 0 and the predictions 0 where a song has no constant. */
export function predictAggregate(
  aggregate: Aggregate,
  songs: ArrayLike<number>,
  logLength: Float64Array,
): Predictions & { known: Uint8Array } {
  const { m, delta, sigma2 } = aggregate
  const n = songs.length
  const count = aggregate.songs.length
  const result = {
    logTime: new Float64Array(n),
    seconds: new Float64Array(n),
    share: new Float64Array(n),
    known: new Uint8Array(n),
  }
  const columns = new Map(Array.from(aggregate.songs, (song, j) => [song, j]))
  for (let i = 0; i < n; i++) {
    const j = columns.get(songs[i])
    if (j === undefined) continue
    result.known[i] = 1
    for (let draw = 0; draw < m; draw++) {
      const mu = delta[draw * count + j]
      result.logTime[i] += mu / m
      result.share[i] += expectedShare(mu, Math.sqrt(sigma2[draw]), logLength[i]) / m
    }
    result.seconds[i] = result.share[i] * exp(logLength[i])
  }
  return result
}

/**
 * Log likelihood of plays (length n each: log times, flags, song numbers) under every draw: M × n, row-major. A song
 * without a constant is judged by the constants' prior. The score of the aggregate as a model of one subject's
 * plays is honest only if these plays are not among the ones it was fitted to.
 */
export function aggregateLogLikelihood(
  aggregate: Aggregate,
  plays: { n: number; y: Float64Array; censored: Uint8Array; song: Uint32Array },
): Float64Array {
  const { m, delta, sigma2, songs, mean, variance } = aggregate
  const columns = new Map(Array.from(songs, (song, j) => [song, j]))
  const out = new Float64Array(m * plays.n)
  for (let k = 0; k < plays.n; k++) {
    const j = columns.get(plays.song[k])
    for (let draw = 0; draw < m; draw++) {
      const mu = j === undefined ? mean : delta[draw * songs.length + j]
      const sigma = Math.sqrt(j === undefined ? sigma2[draw] + variance : sigma2[draw])
      out[draw * plays.n + k] =
        plays.censored[k] === 1 ? logSurvival(plays.y[k], mu, sigma) : logDensity(plays.y[k], mu, sigma)
    }
  }
  return out
}
