// Donors: other models that may speak for a subject, what is believed of them beforehand, and which are asked.
//
//   tasteDonor, aggregateDonor            one interface over both kinds of model
//   donorPrior(logLikeness) → log prior   own model and donors, from a representation or from nothing
//   nearestDonors(target, centres, …)     the donors worth scoring
//
// Scoring every donor for every subject costs subjects² · particles · plays. Above DONOR_LIMIT donors only those are
// scored that do best with one particle each, their posterior mean: on the target's plays, plus the log prior. That
// is the same judgement at 1/M of the cost, and the ones it leaves out are those whose weight would vanish.

import { type Aggregate, aggregateLogLikelihood, predictAggregate } from "./aggregate.js"
import { log } from "./elementary.js"
import { logDensity, logSurvival } from "./likelihood.js"
import type { Observations } from "./observations.js"
import { logSumExp, normalisedWeights, type Particles } from "./particles.js"
import { type Predictions, predictSongs } from "./predict.js"
import { type Score, type Scorer, scoreMatrix, scorerOf } from "./score.js"

/** Donors up to which all are scored. */
export const DONOR_LIMIT = 300

/** The songs of which predictions are wanted, n of them. */
export interface SongTable {
  /** Length n, song numbers. */
  ids: Uint32Array
  /** n × P, row-major. */
  x: Float64Array
  /** Length n. */
  logLength: Float64Array
}

export interface Donor {
  /** How well the model does on plays it has not seen. */
  score(observations: Observations): Score
  predict(songs: SongTable): Predictions
  /** Γ: 1 where the model may speak of the song; same length as `songs`. */
  knows(songs: ArrayLike<number>): Uint8Array
}

/** Another subject's model; `heard`: the songs that subject has heard. */
export function tasteDonor(particles: Particles, heard: ReadonlySet<number>): Donor {
  let scorer: Scorer | undefined
  return {
    score(observations) {
      scorer ??= scorerOf(particles)
      return scorer(observations)
    },
    predict: ({ x, logLength }) => predictSongs(particles, x, logLength),
    knows: (songs) => Uint8Array.from(songs, (song) => (heard.has(song) ? 1 : 0)),
  }
}

/** The song constants, which must not have been fitted to the target's plays. */
export function aggregateDonor(aggregate: Aggregate): Donor {
  const heard = new Set(aggregate.songs)
  const equal = new Float64Array(aggregate.m)
  return {
    score: (observations) =>
      scoreMatrix(aggregateLogLikelihood(aggregate, observations), equal, observations.n),
    predict: ({ ids, logLength }) => predictAggregate(aggregate, ids, logLength),
    knows: (songs) => Uint8Array.from(songs, (song) => (heard.has(song) ? 1 : 0)),
  }
}

/**
 * Log prior, the own model first: half for the own model, half for the donors together. `logLikeness`: one per
 * donor, natural log, unnormalised, −∞ = certainly not; undefined where nothing is known of one, which then keeps an
 * equal share. The donors of which something is known divide what is left in proportion to their likeness.
 */
export function donorPrior(logLikeness: readonly (number | undefined)[]): Float64Array {
  const count = logLikeness.length
  const known = logLikeness.filter((value) => value !== undefined)
  for (const value of known) {
    if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY) {
      throw new RangeError(`log prior of a donor: must be a number below infinity, got ${value}`)
    }
  }
  const total = logSumExp(known)
  const equal = -log(2 * count)
  const share = log(known.length) + equal
  const prior = Float64Array.from({ length: 1 + count }, () => equal)
  prior[0] = -Math.LN2
  logLikeness.forEach((value, d) => {
    if (value === undefined) return
    prior[d + 1] = Number.isFinite(total) ? share + value - total : Number.NEGATIVE_INFINITY
  })
  return prior
}

/** A model as one particle: its posterior means. */
export interface Centre {
  /** Length P. */
  beta: Float64Array
  sigma: number
}

export function centreOf(particles: Particles): Centre {
  const { m, p, beta, sigma2, logWeights } = particles
  const weights = normalisedWeights(logWeights)
  const centre = new Float64Array(p)
  let variance = 0
  for (let i = 0; i < m; i++) {
    for (let q = 0; q < p; q++) centre[q] += weights[i] * beta[i * p + q]
    variance += weights[i] * sigma2[i]
  }
  return { beta: centre, sigma: Math.sqrt(variance) }
}

/**
 * Indices, increasing, of the `limit` centres that score best; all of them where there are no more. `logLikeness`: one
 * per centre, added to its score where it is known. Equal ones: the first.
 */
export function nearestDonors(
  target: Observations,
  centres: readonly Centre[],
  logLikeness?: readonly (number | undefined)[],
  limit = DONOR_LIMIT,
): Int32Array {
  const all = Int32Array.from(centres.keys())
  if (centres.length <= limit) return all
  const { n, p, x, y, censored } = target
  const scores = Float64Array.from(centres, ({ beta, sigma }, d) => {
    let score = logLikeness?.[d] ?? 0
    for (let k = 0; k < n; k++) {
      let mu = 0
      for (let q = 0; q < p; q++) mu += x[k * p + q] * beta[q]
      score += censored[k] === 1 ? logSurvival(y[k], mu, sigma) : logDensity(y[k], mu, sigma)
    }
    return score
  })
  // No difference of −∞ and −∞, which would be NaN.
  const before = (a: number, b: number): number =>
    scores[a] > scores[b] ? -1 : scores[a] < scores[b] ? 1 : a - b
  return all.sort(before).slice(0, limit).sort()
}
