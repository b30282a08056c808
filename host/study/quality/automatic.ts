// Plays that look as if nobody listened: for hours every song is heard to its end, one after the other, and nobody
// touches a button.
//
// The share of songs that a listener lets end is taken as Beta distributed over listeners (by moments over the other
// listeners), and learned from the listener's own plays outside such runs. A run of k songs then has the probability
// Π (a + i)/(a + b + i), i = 0 … k − 1, with a = prior + own finished, b = prior + own others. Every song that was not
// let end gives a run the chance to begin, so the number of such runs to expect is that times the probability. Below
// RARE the run is reported: among a thousand listeners as different as these one has such a run by chance.

import { END_FINISHED, FLAG_LIKED, FLAG_ORGANIC } from "../../../src/record.js"
import type { PlayFact, SkipCount } from "../../store/board-facts.js"

/** Beta distribution of the share of songs that a listener lets end. */
export interface SkipPrior {
  finished: number
  others: number
  /** Listeners that it was learned from; 0 = it is uniform. */
  listeners: number
}

export interface AutomaticRun {
  plays: number
  /** Time heard, ms. */
  heardMs: number
  /** Runs like it that are to be expected by chance. */
  expected: number
  /** When the sync arrived that brought its first play, Unix ms. */
  since: number
}

/** A shorter run is nobody's business. */
export const LONG_RUN_MS = 2 * 3_600_000
/** Runs to be expected by chance in the plays that are looked at. */
export const RARE = 0.001
/** Between the end of a song and the beginning of the next, ms: the sound board takes a moment. */
const NEXT_SONG_MS = 30_000
/** Times are in polls of the player. */
const EARLY_MS = 2000
/** Plays that make a listener's share known well enough for the prior, and listeners that make a prior. */
const ENOUGH_PLAYS = 20
const ENOUGH_LISTENERS = 3
/** Bounds of the prior's weight in plays: listeners are never all alike, nor is nothing common to them. */
const LEAST_WEIGHT = 1
const MOST_WEIGHT = 20
const EDGE = 0.02

/** The prior for `subject` from everybody else. */
export function skipPrior(counts: readonly SkipCount[], subject: number | null): SkipPrior {
  const others = counts.filter((count) => count.subject !== subject && count.plays >= ENOUGH_PLAYS)
  if (others.length < ENOUGH_LISTENERS) return { finished: 1, others: 1, listeners: 0 }
  const shares = others.map(({ finished, plays }) => finished / plays)
  const mean = Math.min(1 - EDGE, Math.max(EDGE, sum(shares) / shares.length))
  const total = sum(shares.map((share) => (share - mean) ** 2)) / (shares.length - 1)
  const noise = sum(others.map(({ plays }) => (mean * (1 - mean)) / plays)) / others.length
  const between = Math.max(total - noise, 0)
  const weight = between === 0 ? MOST_WEIGHT : (mean * (1 - mean)) / between - 1
  const bounded = Math.min(MOST_WEIGHT, Math.max(LEAST_WEIGHT, weight))
  return { finished: mean * bounded, others: (1 - mean) * bounded, listeners: others.length }
}

/** Runs that are too improbable, oldest first; `plays` of one listener in order of epoch and sequence. */
export function automaticRuns(plays: readonly PlayFact[], prior: SkipPrior): AutomaticRun[] {
  const long: PlayFact[][] = []
  let finished = 0
  let others = 0
  for (const run of untouchedRuns(plays)) {
    if (run.length > 1 && heardIn(run) >= LONG_RUN_MS) long.push(run)
    else for (const { reason } of run) reason === END_FINISHED ? finished++ : others++
  }
  return long
    .map((run) => {
      const a = prior.finished + finished
      const b = prior.others + others
      let probability = 1
      for (let i = 0; i < run.length; i++) probability *= (a + i) / (a + b + i)
      const expected = (others + 1) * probability
      return { plays: run.length, heardMs: heardIn(run), expected, since: run[0].syncAt }
    })
    .filter(({ expected }) => expected < RARE)
}

/** Plays in runs: a play that was touched, or does not follow the one before, begins a new one. */
function untouchedRuns(plays: readonly PlayFact[]): PlayFact[][] {
  const runs: PlayFact[][] = []
  let before: PlayFact | undefined
  for (const play of plays) {
    if (before !== undefined && isUntouched(before) && isUntouched(play) && follows(play, before)) {
      runs[runs.length - 1].push(play)
    } else {
      runs.push([play])
    }
    before = play
  }
  return runs
}

function isUntouched({ reason, pauses, flags }: PlayFact): boolean {
  return reason === END_FINISHED && pauses === 0 && (flags & (FLAG_LIKED | FLAG_ORGANIC)) === 0
}

function follows(play: PlayFact, before: PlayFact): boolean {
  const pause = play.startMs - before.startMs - before.heardMs
  return (
    play.epoch === before.epoch &&
    play.boot === before.boot &&
    play.sequence === before.sequence + 1 &&
    play.volume === before.volume &&
    pause >= -EARLY_MS &&
    pause <= NEXT_SONG_MS
  )
}

function heardIn(run: readonly PlayFact[]): number {
  return sum(run.map(({ heardMs }) => heardMs))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
