// What was listened to: how long, how much, on which days and at which hours.

import * as Plot from "@observablehq/plot"
import { END_FINISHED, END_REASONS, END_SKIPPED } from "../../../src/record.js"
import { integer, number, string } from "../../archive/field.js"
import { hourOfWeek, localTime } from "../../study/time-zone.js"
import { ACCENT, armKeys, armScales, draw, GREY, WARM } from "../draw.js"
import { hoursKeptBack, tellsHour, WEEKDAYS } from "../hours.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { ReportData, ReportPlay } from "../study-data.js"
import { endChosen } from "../study-data.js"
import { groupBy, quantileOf, summaryOf } from "../summary.js"
import { MEASURES } from "./shares.js"

export function hoursHeard(plays: readonly ReportPlay[]): number {
  return plays.reduce((sum, { heardMs }) => sum + heardMs, 0) / 3_600_000
}

export const NO_PLAYS = "no play of a listener has arrived yet"

// ── how long ─────────────────────────────────────────────────────────────────────────────────────────────────────

const ENDS = ["skipped or stopped by the listener", "heard to the end", "ended by something else"] as const
const END_COLOURS = [WARM, ACCENT, GREY]

/** Which of ENDS. */
function endOf(reason: number): (typeof ENDS)[number] {
  if (reason === END_FINISHED) return ENDS[1]
  return endChosen(reason) ? ENDS[0] : ENDS[2]
}

const TIMES: readonly Column[] = [
  number("from_s", "Seconds heard, from here …", { unit: "s" }),
  number("to_s", "… to below here.", { unit: "s" }),
  string("end", "How the plays ended."),
  integer("plays", "Plays."),
]
/** Widths of the bins: ten to a factor of ten. */
const PER_DECADE = 10
/** What is shorter counts into the first bin, seconds. */
const FIRST_S = 0.1

export function timesHeard({ plays }: ReportData): Part {
  const title = "How long songs were heard"
  const head = {
    id: "time-heard",
    title,
    says: "Every play by the time that it was heard, pauses left out, on a scale on which every step is the same factor. A song that was heard to the end could not be heard longer (the model treats it so); a skip is the listener's own choice.",
  }
  if (plays.length === 0) return noAnswer(head, NO_PLAYS)
  const counts = new Map<string, number>()
  for (const { heardMs, reason } of plays) {
    const bin = Math.floor(PER_DECADE * Math.log10(Math.max(FIRST_S, heardMs / 1000)) + 1e-9)
    const key = `${bin} ${ENDS.indexOf(endOf(reason))}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const edge = (bin: number): number => Number((10 ** (bin / PER_DECADE)).toPrecision(4))
  const rows = [...counts]
    .map(([key, count]) => {
      const [bin, end] = key.split(" ").map(Number)
      return { bin, end: ENDS[end], plays: count }
    })
    .sort((a, b) => a.bin - b.bin || ENDS.indexOf(a.end) - ENDS.indexOf(b.end))
    .map(({ bin, ...rest }) => ({ from_s: edge(bin), to_s: edge(bin + 1), ...rest }))
  const seconds = plays.map(({ heardMs }) => heardMs / 1000).sort((a, b) => a - b)
  const median = quantileOf(seconds, 0.5)
  const ended = plays.filter(({ reason }) => reason === END_FINISHED).length
  const alt = `${plays.length} plays; half of them were heard for less than ${median.toFixed(0)} s; ${((100 * ended) / plays.length).toFixed(1)} % were heard to the end.`
  const svg = draw({
    title,
    subtitle: alt,
    keys: [
      ...ENDS.filter((end) => rows.some((row) => row.end === end)).map((label) => ({
        label,
        colour: END_COLOURS[ENDS.indexOf(label)],
      })),
      { label: "median", colour: "currentColor", symbol: "dashes" },
    ],
    alt,
    height: 300,
    plot: {
      x: { type: "log", label: "seconds heard (equal factors)", tickFormat: "~r" },
      y: { label: "plays", grid: true },
      color: { domain: [...ENDS], range: END_COLOURS },
      marks: [
        Plot.rectY(
          rows,
          Plot.stackY({ x1: "from_s", x2: "to_s", y: "plays", fill: "end", order: [...ENDS] }),
        ),
        Plot.ruleY([0]),
        Plot.ruleX([median], { strokeDasharray: "4 3" }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: TIMES, rows }
}

// ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────────

const PER_SUBJECT: readonly Column[] = [
  integer("wave", "Wave."),
  string("arm", "Arm."),
  integer("subject", "Number of the listener."),
  integer("plays", "Plays from playlists of the wave, slips included."),
]
/** At most about so many bins. */
const BINS = 20

/** 1, 2, 5, 10, 20, 50, … */
function binWidth(most: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power * BINS >= most) return step * power
  }
}

export function playsPerListener({ arms, waves, plays, subjects, measures }: ReportData): Part {
  const title = "Plays of a listener in a wave"
  const head = {
    id: "plays-per-listener",
    title,
    says: "How many plays each listener with a playlist has in each wave. Listeners with few plays have shares that vary much, and count as much as others in the comparison of the arms.",
  }
  if (plays.length === 0 || waves.length === 0) return noAnswer(head, NO_PLAYS)
  const counts = new Map<string, number>()
  for (const { subject, wave } of plays) {
    const key = `${subject} ${wave}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const asked = measures[0].values.map(({ subject, wave }) => ({ subject, wave }))
  const rows = asked
    .map(({ subject, wave }) => ({
      wave,
      arm: subjects.get(subject) ?? "?",
      subject,
      plays: counts.get(`${subject} ${wave}`) ?? 0,
    }))
    .sort((a, b) => a.wave - b.wave || a.subject - b.subject)
  const { median, least, most } = summaryOf(rows.map((row) => row.plays))
  const width = binWidth(most ?? 0)
  const binned = groupBy(rows, (row) => `${row.wave} ${row.arm} ${Math.floor(row.plays / width)}`)
  const bins = [...binned.values()].map((group) => {
    const from = width * Math.floor(group[0].plays / width)
    return { wave: group[0].wave, arm: group[0].arm, from, to: from + width, count: group.length }
  })
  bins.sort((a, b) => a.wave - b.wave || arms.indexOf(a.arm) - arms.indexOf(b.arm) || a.from - b.from)
  const highest = Math.max(
    ...[...groupBy(bins, ({ wave, from }) => `${wave} ${from}`).values()].map((group) =>
      group.reduce((sum, { count }) => sum + count, 0),
    ),
  )
  const alt = `Median ${median} plays of a listener in a wave, from ${least} to ${most}.`
  const svg = draw({
    title,
    subtitle: alt,
    keys: arms.length > 1 ? armKeys(arms) : [],
    alt,
    height: 90 + 130 * Math.min(6, waves.length),
    plot: {
      ...armScales(arms),
      marginRight: 60,
      fy: { label: "wave", padding: 0.14 },
      x: { label: "plays", nice: true, domain: [0, Math.max(1, most ?? 1)] },
      y: { label: "listeners", grid: true, ticks: Math.min(4, highest), tickFormat: "d" },
      marks: [
        Plot.rectY(bins, { x1: "from", x2: "to", y: "count", fill: "arm", fy: "wave", insetLeft: 1 }),
        Plot.ruleY([0]),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: PER_SUBJECT, rows }
}

// ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const DAYS: readonly Column[] = [
  string("date", "Day in the study's time zone."),
  integer("plays", "Plays that began on it."),
  number("hours", "Time heard.", { unit: "h" }),
  integer("listeners", "Listeners with a play on it."),
]

export function overDays({ plays, plan }: ReportData): Part {
  const title = "Listening over the days of the study"
  const head = {
    id: "days",
    title,
    says: `Hours heard on each day (${plan.timeZone}). A day without listening in a wave points to a board or to a public holiday; the quality section says which boards were silent.`,
  }
  if (plays.length === 0) return noAnswer(head, NO_PLAYS)
  if (plan.privacy.exportTimes === "none") return noAnswer(head, NO_TIMES)
  const dated = plays.filter((play) => play.startedAt !== null)
  if (dated.length === 0) return noAnswer(head, NO_CLOCK)
  const byDay = groupBy(dated, ({ startedAt }) => localTime(startedAt as number, plan.timeZone).date)
  const rows = daysFrom([...byDay.keys()]).map((date) => {
    const group = byDay.get(date) ?? []
    const hours = hoursHeard(group)
    return { date, plays: group.length, hours, listeners: new Set(group.map(({ subject }) => subject)).size }
  })
  const left = plays.length - dated.length
  const most = rows.reduce((best, row) => (row.hours > best.hours ? row : best))
  const alt = `${rows.length} days; most on ${most.date}: ${most.hours.toFixed(1)} h by ${most.listeners} listeners.${left > 0 ? ` ${left} plays without a known time are left out.` : ""}`
  const drawn = rows.map((row) => ({ ...row, day: new Date(`${row.date}T00:00:00Z`) }))
  const svg = draw({
    title,
    subtitle: alt,
    alt,
    height: 280,
    plot: {
      x: { type: "utc", label: null },
      y: { label: "hours heard", grid: true },
      marks: [
        Plot.rectY(drawn, {
          x: "day",
          interval: "day",
          y: "hours",
          fill: ACCENT,
          insetLeft: 1,
          insetRight: 1,
        }),
        Plot.ruleY([0]),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: DAYS, rows }
}

const NO_TIMES = "the plan exports no times (privacy.exportTimes: none)"
const NO_CLOCK = "no play has a known time: the clocks of the boards are not known"
const DAY_MS = 86_400_000
/** More days than this are a clock that went wrong: only those with plays are listed then. */
const MOST_DAYS = 1000

/** Every day from the first to the last, YYYY-MM-DD. */
function daysFrom(dates: readonly string[]): string[] {
  const sorted = [...dates].sort()
  const first = Date.parse(`${sorted[0]}T00:00:00Z`)
  const count = (Date.parse(`${sorted[sorted.length - 1]}T00:00:00Z`) - first) / DAY_MS + 1
  if (count > MOST_DAYS) return sorted
  return Array.from({ length: count }, (_, i) => new Date(first + i * DAY_MS).toISOString().slice(0, 10))
}

const HOURS: readonly Column[] = [
  string("weekday", "Day of the week in the study's time zone."),
  integer("hour", "Hour that the plays began in, 0 … 23."),
  integer("plays", "Plays."),
  number("hours_heard", "Time heard.", { unit: "h" }),
]

export function overHours(data: ReportData): Part {
  const { plays, plan } = data
  const title = "Listening over the hours of the week"
  const head = {
    id: "hours",
    title,
    says: `Plays by the day of the week and the hour in which they began (${plan.timeZone}); the darker, the more. Plays whose beginning is not known to half an hour are left out.`,
  }
  const keptBack = hoursKeptBack(data)
  if (plays.length === 0) return noAnswer(head, NO_PLAYS)
  if (keptBack !== null) return noAnswer(head, keptBack)
  const sure = plays.filter(tellsHour)
  if (sure.length === 0) return noAnswer(head, "no play has a beginning that is known to half an hour")
  const byHour = groupBy(sure, ({ startedAt }) => hourOfWeek(startedAt, plan.timeZone))
  const rows = WEEKDAYS.flatMap((weekday, day) =>
    Array.from({ length: 24 }, (_, hour) => {
      const group = byHour.get(day * 24 + hour) ?? []
      const heard = hoursHeard(group)
      return { weekday, hour, plays: group.length, hours_heard: heard }
    }),
  )
  const most = rows.reduce((best, row) => (row.plays > best.plays ? row : best))
  const alt = `Most plays began on ${most.weekday} from ${most.hour} to ${most.hour + 1} h: ${most.plays} of ${sure.length}.${sure.length < plays.length ? ` ${plays.length - sure.length} plays are left out.` : ""}`
  const svg = draw({
    title,
    subtitle: alt,
    alt,
    height: 270,
    plot: {
      x: { label: "hour of the day", domain: Array.from({ length: 24 }, (_, hour) => hour), padding: 0.05 },
      y: { label: null, domain: [...WEEKDAYS], padding: 0.08 },
      marks: [
        Plot.cell(rows, {
          x: "hour",
          y: "weekday",
          stroke: "currentColor",
          strokeOpacity: 0.12,
          fill: "none",
        }),
        Plot.cell(rows, {
          ...{ x: "hour", y: "weekday", fill: ACCENT },
          fillOpacity: (row: { plays: number }) => row.plays / most.plays,
        }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: HOURS, rows }
}

// ── the numbers of every wave and arm ────────────────────────────────────────────────────────────────────────────

const DESCRIPTIVES: readonly Column[] = [
  { ...integer("wave", "Wave.") },
  string("arm", "Arm; all = everybody."),
  { ...integer("listeners", "Listeners with a playlist of the wave.") },
  { ...integer("with_plays", "Those of them with a play that counts."), heading: "with plays" },
  integer("plays", "Plays from playlists of the wave, slips included."),
  {
    ...integer("slips", "Plays shorter than what counts for share heard."),
    heading: "slips",
  },
  { ...number("plays_mean", "Plays of a listener, mean."), shown: "decimals", heading: "plays each, mean" },
  { ...number("plays_median", "Plays of a listener, median."), shown: "decimals", heading: "median" },
  { ...integer("plays_least", "Fewest plays of a listener."), heading: "least" },
  { ...integer("plays_most", "Most plays of a listener."), heading: "most" },
  { ...integer("songs", "Different songs heard.") },
  { ...number("hours", "Time heard.", { unit: "h" }), shown: "decimals" },
  { ...number("skipped", "Share of the plays that were skipped."), shown: "percent" },
  {
    ...number("heard_mean", "Share heard: mean over the listeners.", { missing: "no plays that count" }),
    shown: "percent",
    heading: "share heard",
  },
  {
    ...number("heard_sd", "Standard deviation over the listeners.", { missing: "fewer than two" }),
    shown: "percent",
    heading: "sd",
  },
  {
    ...number("finished_mean", "Share finished: mean over the listeners.", {
      missing: "no plays that count",
    }),
    shown: "percent",
    heading: "share finished",
  },
  {
    ...number("finished_sd", "Standard deviation over the listeners.", { missing: "fewer than two" }),
    shown: "percent",
    heading: "sd",
  },
]

export function descriptives({ arms, waves, plays, measures, unassigned }: ReportData): Part {
  const heard = measures.find(({ measure }) => measure === "shareHeard")!
  const finished = measures.find(({ measure }) => measure === "shareFinished")!
  const outside = plays.filter(({ wave }) => wave === null).length
  const left = [
    ...(outside > 0
      ? [`${outside} plays come from no playlist that the study knows and count in no wave.`]
      : []),
    ...(unassigned > 0 ? [`${unassigned} plays of boards that nobody carried are in no row.`] : []),
  ]
  const head = {
    id: "descriptives",
    title: "Listening by wave and arm",
    says: [
      `Share heard: ${MEASURES.shareHeard.says}; share finished: ${MEASURES.shareFinished.says}; both of plays of ${heard.minHeardMs / 1000} s or more, per listener, then the mean over listeners.`,
      ...left,
    ].join(" "),
    thesis: "table 7",
  }
  if (waves.length === 0) return noAnswer(head, "no playlist has been published yet")
  const all = arms.length > 1 ? [...arms, null] : [...arms]
  const rows = waves.flatMap((wave) =>
    all.map((arm) => {
      const inArm = <T extends { arm: string; wave: number | null }>(row: T): boolean =>
        row.wave === wave && (arm === null || row.arm === arm)
      const own = plays.filter(inArm)
      const people = heard.values.filter(inArm)
      const perPerson = new Map(people.map(({ subject }) => [subject, 0]))
      for (const { subject } of own) perPerson.set(subject, (perPerson.get(subject) ?? 0) + 1)
      const counts = summaryOf([...perPerson.values()])
      const shares = (measure: typeof heard) =>
        summaryOf(measure.values.filter(inArm).flatMap(({ value }) => value ?? []))
      const [h, f] = [shares(heard), shares(finished)]
      return {
        wave,
        arm: arm ?? "all",
        listeners: people.length,
        with_plays: h.n,
        plays: own.length,
        slips: own.filter(({ heardMs }) => heardMs < heard.minHeardMs).length,
        plays_mean: counts.mean,
        plays_median: counts.median,
        plays_least: counts.least,
        plays_most: counts.most,
        songs: new Set(own.map(({ song }) => song)).size,
        hours: hoursHeard(own),
        skipped:
          own.length === 0 ? null : own.filter(({ reason }) => reason === END_SKIPPED).length / own.length,
        ...{ heard_mean: h.mean, heard_sd: h.sd, finished_mean: f.mean, finished_sd: f.sd },
      }
    }),
  )
  return { kind: "table", ...head, columns: DESCRIPTIVES, rows }
}

// ── how plays ended ──────────────────────────────────────────────────────────────────────────────────────────────

const REASONS: readonly Column[] = [
  string("end", "How the play ended, as the board recorded it."),
  string("taken_as", "What the model makes of it."),
  integer("plays", "Plays."),
  { ...number("share", "Share of all plays."), shown: "percent" },
]

export function ends({ plays }: ReportData): Part {
  const head = {
    id: "ends",
    title: "How plays ended",
    says: "An end that the listener did not choose says only that the song would have been heard for at least that long.",
  }
  if (plays.length === 0) return noAnswer(head, NO_PLAYS)
  const counts = groupBy(plays, ({ reason }) => reason)
  const rows = END_REASONS.map((end, reason) => {
    const count = counts.get(reason)?.length ?? 0
    const chosen = endChosen(reason) && reason !== END_FINISHED
    return {
      end,
      taken_as: chosen ? "the listener's choice" : "at least this long",
      plays: count,
      share: count / plays.length,
    }
  }).filter((row) => row.plays > 0)
  return { kind: "table", ...head, columns: REASONS, rows }
}
