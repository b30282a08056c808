// Who takes part in a rehearsed study: virtual listeners drawn from a stated population. Everything about a listener
// follows from the seed and the listener's number, whatever the boards and the designs do.
//
// What the thesis's experiment fixes is taken from it (T. S. Chung, "My Mobile Music", 2007, as this project's model
// states it): σ about 2, about 98 plays a wave, a median of 137 s for an average song (the unit in which its
// simulations censor 25 to 35 % of the plays), coefficients of the size of its table 1. Everything else is this
// project's assumption, to be changed where a researcher knows better; the report of a rehearsal prints it.

import type { FeatureSpec } from "../../model/features.js"
import { type Rng, stream } from "../../model/random.js"
import { drawTaste, type Taste, type TasteLaw } from "../listener.js"

export interface Population extends TasteLaw {
  /** Change of each coefficient that matters, and of the constant, from wave to wave (log seconds, standard deviation):
   *  other moods, other company. */
  drift: number
  constantDrift: number
  /** Plays of a listener in a wave: mean, and spread between waves and listeners (log). */
  plays: number
  playsSpread: number
  /** Probability that a listener listens on a day of a wave. */
  listens: number
  /** Probability that the board reaches the host in the evening of such a day; on the last day of a wave it does. */
  reaches: number
  /** Probabilities that a listener drops out, and loses the board, within a wave. */
  dropsOut: number
  loses: number
  /** Drift of a board's clock, standard deviation between boards, parts per million. */
  clockPpm: number
}

export const POPULATION: Population = {
  typicalS: 137,
  typicalSpread: 0.25,
  sigma: 2,
  sigmaSpread: 0.1,
  liked: 4,
  effect: 0.4,
  effectSpread: 0.15,
  drift: 0.15,
  constantDrift: 0.15,
  plays: 98,
  playsSpread: 0.3,
  listens: 0.8,
  reaches: 0.6,
  dropsOut: 0.03,
  loses: 0.02,
  clockPpm: 20,
}

/** The population with all tastes, and what changes them, scaled by `effect`; 0: every song is the same to everybody. */
export function scaledPopulation(population: Population, effect: number): Population {
  const { effect: size, effectSpread, drift } = population
  return { ...population, effect: size * effect, effectSpread: effectSpread * effect, drift: drift * effect }
}

/** A day of a wave on which a listener listens. */
interface Outing {
  /** Day of the wave, from 0. */
  day: number
  /** When it begins, milliseconds after midnight. */
  at: number
  /** Songs that are heard, whole or in part. */
  plays: number
  /** The board reaches the host afterwards. */
  reaches: boolean
}

/** What a listener does in one wave. */
interface WaveLife {
  taste: Taste
  /** At most one a day, ascending day. */
  outings: Outing[]
  /** On the morning after this day the listener brings the board back for good; null where not. */
  leavesAfter: number | null
  /** In the night after this day the board gets lost, and is replaced on the next morning; null where not. */
  losesAfter: number | null
}

export interface Life {
  /** One per wave. */
  waves: WaveLife[]
}

/** Between these hours an outing begins. */
const FIRST_HOUR = 10
const LAST_HOUR = 20
const HOUR_MS = 3_600_000

/** The life of listener `subject` over so many waves of `days` days. */
export function drawLife(
  { seed, population, spec }: { seed: number; population: Population; spec: FeatureSpec },
  subject: number,
  { waves, days }: { waves: number; days: number },
): Life {
  const life: Life = { waves: [] }
  let taste = drawTaste(spec, stream(seed, "taste", subject), population)
  let gone = false
  for (let wave = 1; wave <= waves; wave++) {
    if (wave > 1) taste = drifted(taste, population, stream(seed, "taste", subject, "wave", wave))
    const rng = stream(seed, "life", subject, "wave", wave)
    const outings = drawOutings(population, days, rng)
    const leaves = rng.uniform() < population.dropsOut
    const leavesAfter = rng.int(days)
    const loses = rng.uniform() < population.loses
    const losesAfter = rng.int(days)
    const kept = outings.filter(({ day }) => !gone && !(leaves && day > leavesAfter))
    life.waves.push({
      taste,
      outings: kept,
      leavesAfter: !gone && leaves ? leavesAfter : null,
      losesAfter: !gone && loses && !(leaves && losesAfter >= leavesAfter) ? losesAfter : null,
    })
    gone ||= leaves
  }
  return life
}

function drawOutings({ plays, playsSpread, listens, reaches }: Population, days: number, rng: Rng): Outing[] {
  const total = plays * Math.exp(playsSpread * rng.normal() - 0.5 * playsSpread ** 2)
  const drawn = Array.from({ length: days }, (_, day) => ({
    day,
    at: Math.round((FIRST_HOUR + (LAST_HOUR - FIRST_HOUR) * rng.uniform()) * HOUR_MS),
    listens: rng.uniform() < listens,
    reaches: day === days - 1 || rng.uniform() < reaches,
  }))
  // Whoever would not listen at all listens on the first day.
  if (drawn.every((day) => !day.listens)) drawn[0].listens = true
  const heard = drawn.filter((day) => day.listens)
  const whole = Math.max(heard.length, Math.round(total))
  return heard.map(({ day, at, reaches }, i) => {
    const before = Math.floor((whole * i) / heard.length)
    return { day, at, reaches, plays: Math.floor((whole * (i + 1)) / heard.length) - before }
  })
}

function drifted({ beta, sigma }: Taste, { drift, constantDrift }: Population, rng: Rng): Taste {
  const moved = beta.map((value, column) => {
    const step = rng.normal()
    if (column === 0) return value + constantDrift * step
    return value === 0 ? 0 : value + drift * step
  })
  return { beta: moved, sigma }
}
