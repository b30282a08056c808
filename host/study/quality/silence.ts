// How surprising a silence is.
//
// A board that is in reach is heard every few minutes; then it is carried out of reach, or switched off, and is silent.
// Pauses up to `reach` are no silence. What a silence has beyond that is taken as exponential (the usual tail of what
// exceeds a threshold) with a mean of the board's own, and that mean as inverse gamma around the study's, worth
// PRIOR_SILENCES silences. So a silence of `reach` + t has, given n silences with the excess E in all,
//   P(longer) = (S / (S + t))^(PRIOR_SILENCES + n),  S = PRIOR_SILENCES · study mean + E
// (Lomax distribution). Real silences, such as nights, differ less than exponential ones: the probability is an upper
// bound in practice.

import { exp, log1p } from "../../model/elementary.js"
import type { Plan } from "../plan.js"

export interface Rhythm {
  silences: number
  /** What the silences had beyond `reach`, ms in all. */
  excessMs: number
}

/** Silences that the study's mean counts for. */
export const PRIOR_SILENCES = 8
/** With fewer silences in the study than this, the plan decides. */
export const ENOUGH_SILENCES = 10
/** A silence that is less probable is a warning, a problem. */
export const UNLIKELY = 0.01
export const VERY_UNLIKELY = 0.001

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** A day and a night out of reach of the host's network are nothing special. */
const PATIENCE_MS = 36 * HOUR_MS

/** `times` ascending, ms. */
export function rhythmOf(times: readonly number[], reach: number): Rhythm {
  const rhythm = { silences: 0, excessMs: 0 }
  for (let i = 1; i < times.length; i++) {
    const excess = times[i] - times[i - 1] - reach
    if (excess <= 0) continue
    rhythm.silences++
    rhythm.excessMs += excess
  }
  return rhythm
}

export function addRhythms(rhythms: Iterable<Rhythm>): Rhythm {
  const sum = { silences: 0, excessMs: 0 }
  for (const { silences, excessMs } of rhythms) {
    sum.silences += silences
    sum.excessMs += excessMs
  }
  return sum
}

/** Probability that a silence is longer than `silentMs`; 1 up to `reach`. `study` has at least one silence. */
export function silenceProbability(silentMs: number, reach: number, own: Rhythm, study: Rhythm): number {
  const beyond = silentMs - reach
  if (beyond <= 0) return 1
  const scale = (PRIOR_SILENCES * study.excessMs) / study.silences + own.excessMs
  return exp(-(PRIOR_SILENCES + own.silences) * log1p(beyond / scale))
}

/** Longest time, ms, that the plan lets pass between two syncs that a board starts by itself; null = on demand. */
function plannedPause({ syncMinutes, syncHours }: Plan): number | null {
  if (syncMinutes === 0) return null
  const interval = syncMinutes * MINUTE_MS
  if (syncHours.length === 0) return interval
  let longest = 0
  for (const [i, { to }] of syncHours.entries()) {
    const next = syncHours[(i + 1) % syncHours.length]
    const wait = minuteOf(next.from) - minuteOf(to) + (i + 1 === syncHours.length ? 24 * 60 : 0)
    longest = Math.max(longest, wait * MINUTE_MS)
  }
  return longest + interval
}

/** Pauses up to this are no silence, ms. */
export function reachOf(plan: Plan): number {
  return Math.max(HOUR_MS, 2 * (plannedPause(plan) ?? 0))
}

/** How long a board may be silent by the plan alone, ms: a day and a half beside the planned pause; on demand, from
 *  the beginning of one gap between waves to the end of the next. */
export function patienceOf(plan: Plan): number {
  const pause = plannedPause(plan)
  return pause === null ? (plan.waves.days + 2 * plan.waves.gapDays) * DAY_MS : PATIENCE_MS + pause
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number)
  return 60 * hours + minutes
}
