// The time of the week as a covariate: is more or less of a song heard at other times by the same listener, is it
// interrupted more often, and does that explain a difference between arms?
//
//   share heard = listener + time of the week + rest
//
// Times are compared within listeners, so that it does not matter who listens when. The effects δ of the times are least
// squares with a level for every listener; the arms are then compared once with the shares as they are, once less δ.

import * as Plot from "@observablehq/plot"
import { END_FINISHED } from "../../../src/record.js"
import { boolean, integer, number, string } from "../../archive/field.js"
import { moments, tQuantile, welchTest } from "../../study/statistics/welch.js"
import { hourOfWeek } from "../../study/time-zone.js"
import { ACCENT, draw, GREY } from "../draw.js"
import { hoursKeptBack, tellsHour } from "../hours.js"
import { type Column, noAnswer, type Part } from "../part.js"
import { endChosen, MIN_HEARD_MS, type ReportData, type ReportPlay } from "../study-data.js"
import { groupBy, meanOf } from "../summary.js"
import { whyNotCompared } from "./comparison.js"
import { NO_PLAYS } from "./listening.js"

const TIMES_OF_DAY = ["night, 0-6 h", "morning, 6-10 h", "day, 10-17 h", "evening, 17-24 h"] as const
const DAYS = ["weekdays", "weekend"] as const
const TIMES = DAYS.flatMap((days) => TIMES_OF_DAY.map((time) => `${days}, ${time}`))
const LEAST_LISTENERS = 3
const SWEEPS = 200
const LEVEL = 0.95

interface PlacedPlay extends ReportPlay {
  time: number
  /** Of the song heard, 0 … 1. */
  share: number
  /** 1 where the listener ended it before its end, else 0. */
  interrupted: number
}

/** What is compared between times. */
type Measure = "share" | "interrupted"
const MEASURES: [Measure, string][] = [
  ["share", "share heard"],
  ["interrupted", "share interrupted"],
]

function placed({ plays, plan }: ReportData): PlacedPlay[] {
  return plays.flatMap((play) => {
    if (!tellsHour(play)) return []
    if (play.lengthMs === null || play.wave === null || play.heardMs < MIN_HEARD_MS) return []
    // Nobody knows how much would have been heard.
    if (!endChosen(play.reason)) return []
    const share = play.reason === END_FINISHED ? 1 : Math.min(1, play.heardMs / play.lengthMs)
    const interrupted = play.reason === END_FINISHED ? 0 : 1
    return [{ ...play, share, interrupted, time: timeOf(play.startedAt, plan.timeZone) }]
  })
}

function timeOf(at: number, timeZone: string): number {
  const hours = hourOfWeek(at, timeZone)
  const hour = hours % 24
  const time = hour < 6 ? 0 : hour < 10 ? 1 : hour < 17 ? 2 : 3
  return (hours < 5 * 24 ? 0 : TIMES_OF_DAY.length) + time
}

/** Why neither part has an answer. */
function obstacle(data: ReportData, known: readonly PlacedPlay[]): string | null {
  if (data.plays.length === 0) return NO_PLAYS
  const keptBack = hoursKeptBack(data)
  if (keptBack !== null) return keptBack
  if (known.length === 0) return "no play from a playlist has a beginning that is known to half an hour"
  return null
}

/** Listening by the time of the week, and the arms with it taken out. */
export function byTimeOfWeek(data: ReportData): Part[] {
  const known = placed(data)
  const because = obstacle(data, known)
  if (because !== null) return [noAnswer(TIME_HEAD, because), noAnswer(ARMS_HEAD, because)]
  const effects = { share: effectsOf(known, "share"), interrupted: effectsOf(known, "interrupted") }
  return [timeOfWeek(known, effects), armsByContext(data, known, effects.share)]
}

const CONTEXT: readonly Column[] = [
  string(
    "measure",
    "share heard: mean share of the song; share interrupted: plays that the listener ended before their end.",
  ),
  string("time", "Time of the week in the study's time zone."),
  integer("plays", "Plays."),
  integer("listeners", "Listeners with plays then and at other times."),
  {
    ...number(
      "difference",
      "A listener's mean share then less its mean over all times, mean over listeners.",
      {
        missing: "too few listeners",
      },
    ),
    shown: "points",
  },
  {
    ...number("low", "Lower bound of its 95 % interval (t, listeners as units).", {
      missing: "too few listeners",
    }),
    shown: "points",
  },
  { ...number("high", "Upper bound.", { missing: "too few listeners" }), shown: "points" },
  {
    ...number("effect", "δ: least squares with a level for every listener.", { missing: "no plays" }),
    shown: "points",
  },
]

const TIME_HEAD = {
  id: "context",
  title: "Listening by the time of the week",
  says: `How much more or less of a song the same listeners hear at some times than over all times, and how much more often they interrupt it, in points of percent, with 95 % intervals over listeners. Left out: plays whose beginning is not known to half an hour, and those that something else than the listener or the song's end has ended. Of ${MEASURES.length * TIMES.length} intervals about one misses zero by chance.`,
}

function timeOfWeek(known: readonly PlacedPlay[], effects: Record<Measure, number[]>): Part {
  const rows = MEASURES.flatMap(([measure, name]) => rowsOf(known, measure, name, effects[measure]))
  const answered = rows.filter(({ difference }) => difference !== null)
  if (answered.length === 0) {
    return noAnswer(
      TIME_HEAD,
      `no time of the week has plays of ${LEAST_LISTENERS} listeners who listen at other times, too`,
    )
  }
  const beyond = answered.filter(({ low, high }) => (low as number) > 0 || (high as number) < 0)
  const alt =
    beyond.length === 0
      ? "At no time is more or less of a song heard, or interrupted, than chance explains."
      : `Beyond their intervals: ${beyond.map(({ measure, time, difference }) => `${measure}, ${time} (${signedPoints(difference as number)})`).join("; ")}.`
  const points = answered.map(({ difference, low, high, ...row }) => ({
    ...row,
    difference: 100 * (difference as number),
    low: 100 * (low as number),
    high: 100 * (high as number),
  }))
  const svg = draw({
    title: TIME_HEAD.title,
    subtitle: alt,
    alt,
    height: 90 + 26 * TIMES.length,
    plot: {
      marginLeft: 190,
      marginTop: 34,
      x: { label: "points of percent above the listener's own mean", grid: true },
      y: { label: null, domain: TIMES },
      fx: { label: null, domain: MEASURES.map(([, name]) => name) },
      marks: [
        Plot.ruleX([0], { stroke: GREY }),
        Plot.ruleY(points, {
          y: "time",
          x1: "low",
          x2: "high",
          fx: "measure",
          stroke: ACCENT,
          strokeWidth: 2,
        }),
        Plot.dot(points, { y: "time", x: "difference", fx: "measure", fill: ACCENT, r: 4 }),
      ],
    },
  })
  return { kind: "figure", ...TIME_HEAD, svg, alt, columns: CONTEXT, rows }
}

/** A row for every time of the week. */
function rowsOf(known: readonly PlacedPlay[], measure: Measure, name: string, effects: readonly number[]) {
  const bySubject = groupBy(known, ({ subject }) => subject)
  return TIMES.map((time, t) => {
    const own = known.filter((play) => play.time === t)
    const deviations = [...bySubject.values()].flatMap((plays) => {
      const then = plays.filter((play) => play.time === t)
      if (then.length === 0 || then.length === plays.length) return []
      return [meanOf(then.map((play) => play[measure])) - meanOf(plays.map((play) => play[measure]))]
    })
    const n = deviations.length
    const head = { measure: name, time, plays: own.length, listeners: n }
    const effect = own.length === 0 ? null : effects[t]
    if (n < LEAST_LISTENERS) return { ...head, difference: null, low: null, high: null, effect }
    const { mean, variance } = moments(deviations)
    const half = tQuantile(1 - LEVEL, n - 1) * Math.sqrt(variance / n)
    return { ...head, difference: mean, low: mean - half, high: mean + half, effect }
  })
}

const signedPoints = (share: number): string =>
  `${share > 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)} points`

/** δ by time, with a mean of 0 over plays; levels and effects in turn until they stay (the normal equations). */
function effectsOf(plays: readonly PlacedPlay[], measure: Measure): number[] {
  const level = new Map<number, number>()
  const bySubject = groupBy(plays, ({ subject }) => subject)
  const byTime = groupBy(plays, ({ time }) => time)
  let effects: number[] = TIMES.map(() => 0)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const [subject, own] of bySubject) {
      level.set(subject, meanOf(own.map((play) => play[measure] - effects[play.time])))
    }
    effects = TIMES.map((_, t) =>
      meanOf((byTime.get(t) ?? []).map((play) => play[measure] - (level.get(play.subject) ?? 0))),
    )
    const centre = meanOf(plays.map(({ time }) => effects[time]))
    effects = effects.map((effect) => effect - centre)
  }
  return effects
}

const ADJUSTED: readonly Column[] = [
  integer("wave", "Wave."),
  string("arm", "First arm."),
  string("versus", "Second arm."),
  boolean("adjusted", "Whether the effects of the time of the week were taken from every play."),
  { ...integer("n_arm", "Listeners of the first arm."), heading: "n" },
  { ...integer("n_versus", "Listeners of the second arm."), heading: "n versus" },
  {
    ...number("difference", "Mean share heard of the first arm less that of the second.", {
      missing: "too few listeners",
    }),
    ...{ shown: "points", bounds: ["low", "high"] as const },
    heading: "difference, Welch",
  },
  {
    ...number("low", "Lower bound of the 95 % interval.", { missing: "too few listeners" }),
    shown: "points",
    elsewhere: true,
  },
  { ...number("high", "Upper bound.", { missing: "too few listeners" }), shown: "points", elsewhere: true },
  { ...number("p", "Two-sided.", { missing: "too few listeners" }), shown: "p" },
]

const ARMS_HEAD = {
  id: "context-arms",
  title: "The arms compared with the time of the week taken out",
  says: "Share heard by wave, once as it is and once less the effect of the time of the week at which each play began. Where both rows say the same, a difference between the arms does not come from listening at other times. Plays without a known time, and those that something else than the listener or the song's end has ended, are in neither row, so the first may differ from the table of arms.",
}

function armsByContext(data: ReportData, known: readonly PlacedPlay[], effects: readonly number[]): Part {
  const because = whyNotCompared(data)
  if (because !== null) return noAnswer(ARMS_HEAD, because)
  const rows = data.waves.flatMap((wave) =>
    data.arms.slice(1).flatMap((versus) =>
      [false, true].map((adjusted) => {
        const of = (arm: string): number[] =>
          [
            ...groupBy(
              known.filter((play) => play.wave === wave && play.arm === arm),
              ({ subject }) => subject,
            ).values(),
          ].map((plays) => meanOf(plays.map(({ share, time }) => share - (adjusted ? effects[time] : 0))))
        const [a, b] = [of(data.arms[0]), of(versus)]
        const test = welchTest(a, b)
        const { difference, low, high, p } =
          "t" in test ? test : { difference: null, low: null, high: null, p: null }
        return {
          wave,
          arm: data.arms[0],
          versus,
          adjusted,
          n_arm: a.length,
          n_versus: b.length,
          difference,
          low,
          high,
          p,
        }
      }),
    ),
  )
  return { kind: "table", ...ARMS_HEAD, columns: ADJUSTED, rows }
}
