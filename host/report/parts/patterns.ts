// Weekly listening patterns (PACE): one listener's way into the matrix, the patterns as lines, how they were learnt, what
// they tell of activities, and who listens in which of them.

import * as Plot from "@observablehq/plot"
import { integer, number, string } from "../../archive/field.js"
import { ENOUGH_PEOPLE } from "../../patterns/evaluation/evaluate.js"
import type { PatternsView } from "../../patterns/stored.js"
import { ACCENT, armKeys, armScales, draw, WARM } from "../draw.js"
import { hoursKeptBack, WEEKDAYS } from "../hours.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { ReportData } from "../study-data.js"

/** Patterns that are drawn: the heaviest; the file has all. */
const DRAWN = 8
const MIDNIGHTS = [0, 24, 48, 72, 96, 120, 144]

/** The week as an axis, days at their midnights. */
const week = {
  label: "hour of the week",
  domain: [0, 168],
  ticks: MIDNIGHTS,
  tickFormat: (hour: number): string => WEEKDAYS[hour / 24] ?? "",
}

type Learnt = PatternsView & { dictionary: NonNullable<PatternsView["dictionary"]> }

/** What there is to show, or why there is nothing. */
function learntOf(data: ReportData): Learnt | string {
  const keptBack = hoursKeptBack(data)
  if (keptBack !== null) return keptBack
  const { dictionary, ...rest } = data.patterns
  return dictionary === null
    ? "no weekly patterns have been learnt: fieldtune patterns fit"
    : { ...rest, dictionary }
}

const EXAMPLE: readonly Column[] = [
  string("channel", "volume, repetition, organicity or liked."),
  integer("hour", "Hour of the week, 0 = Monday from midnight to one."),
  integer("plays", "Plays that began in it, all weeks together."),
  number("week", "The channel in that hour."),
  number("normalised", "Sum of three hours, centred and divided by its largest size.", {
    missing: "at the week's ends",
  }),
]

export function patternExample(data: ReportData): Part {
  const head = {
    id: "pattern-example",
    title: "From plays to a week: one listener",
    says: "The listener with the most plays: plays by the hour of the week, the mean number of plays in an hour of that name, and the same smoothed over three hours, centred and scaled, which is what patterns are learnt from. The first two are drawn as shares of their largest value.",
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const { dictionary, example } = learnt
  if (example === null) return noAnswer(head, "no listener has a play that counts")
  const first = dictionary.firstHour
  const rows = example.weeks.flatMap(({ channel, week: hours, normalised }) =>
    hours.map((value, hour) => ({
      ...{ channel, hour, plays: example.counts[hour], week: value },
      normalised: normalised[hour - first] ?? null,
    })),
  )
  const volume = rows.filter(({ channel }) => channel === example.weeks[0].channel)
  const [most, largest] = [
    Math.max(...volume.map(({ plays }) => plays)),
    Math.max(...volume.map((row) => row.week)),
  ]
  const steps = ["plays", example.weeks[0].channel, "normalised"]
  const lines = volume.flatMap(({ hour, plays, week: value, normalised }) => [
    { step: steps[0], hour, value: plays / most },
    { step: steps[1], hour, value: largest > 0 ? value / largest : 0 },
    ...(normalised === null ? [] : [{ step: steps[2], hour, value: normalised }]),
  ])
  const busiest = volume.reduce((a, b) => (b.plays > a.plays ? b : a))
  const alt = `Subject ${example.subject}: most plays (${busiest.plays}) began on ${WEEKDAYS[Math.floor(busiest.hour / 24)]} at ${busiest.hour % 24} h.`
  const svg = draw({
    title: head.title,
    subtitle: alt,
    alt,
    height: 320,
    plot: {
      marginRight: 90,
      x: week,
      y: { label: null, ticks: [0, 1] },
      fy: { domain: steps, label: null },
      marks: [
        Plot.ruleX(MIDNIGHTS, { strokeOpacity: 0.15 }),
        Plot.ruleY([0], { strokeOpacity: 0.3 }),
        Plot.lineY(lines, { x: "hour", y: "value", fy: "step", stroke: ACCENT, strokeWidth: 1.5 }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: EXAMPLE, rows }
}

const LINES: readonly Column[] = [
  integer("pattern", "Number of the pattern."),
  string("channel", "volume, repetition, organicity or liked."),
  integer("hour", "Hour of the week, 0 = Monday from midnight to one."),
  number("value", "Of the pattern, whose squares sum to at most 1 over all channels."),
]

export function patternLines(data: ReportData): Part {
  const title = "The weekly patterns"
  const head = {
    id: "patterns",
    title,
    says: "Each pattern is a line over the week for every channel, above zero where the channel is above a listener's own mean. A listener's week is a sum of a few of them. The heaviest are drawn; the file has all.",
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const { dictionary, patterns } = learnt
  const first = dictionary.firstHour
  const rows = patterns.flatMap(({ pattern, lines }) =>
    lines.flatMap((line, c) =>
      line.map((value, point) => ({ pattern, channel: dictionary.channels[c], hour: point + first, value })),
    ),
  )
  const shown = patterns.slice(0, DRAWN)
  const nameOf = (pattern: number): string => `pattern ${pattern}`
  const drawn = rows
    .filter(({ pattern }) => shown.some((one) => one.pattern === pattern))
    .map((row) => ({ ...row, name: nameOf(row.pattern) }))
  const alt = `${dictionary.atoms} patterns, ${dictionary.fitted === 0 ? "learnt in another study" : `learnt from ${dictionary.fitted} listeners`}; pattern ${shown[0].pattern} weighs most and is the strongest of ${shown[0].listeners} listeners.`
  const svg = draw({
    title,
    subtitle: alt,
    keys: armKeys(dictionary.channels).map(({ symbol: _, ...key }) => ({ ...key, symbol: "line" as const })),
    alt,
    height: 60 + 84 * shown.length,
    plot: {
      marginRight: 90,
      x: week,
      y: { label: null, ticks: 3 },
      fy: { domain: shown.map(({ pattern }) => nameOf(pattern)), label: null },
      ...armScales(dictionary.channels),
      marks: [
        Plot.ruleX(MIDNIGHTS, { strokeOpacity: 0.15 }),
        Plot.ruleY([0], { strokeOpacity: 0.3 }),
        Plot.lineY(drawn, {
          x: "hour",
          y: "value",
          z: "channel",
          fy: "name",
          stroke: "channel",
          strokeWidth: 1.3,
        }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: LINES, rows }
}

const TURNS: readonly Column[] = [
  integer("turn", "Turn of the learning."),
  string("curve", "objective, area or explained."),
  number(
    "value",
    "objective: share of the first turn's; area: mean under the ROC curve; explained: share of the variance of listeners that were not learnt from.",
  ),
]

export function patternTurns(data: ReportData): Part {
  const title = "How the patterns were learnt"
  const head = {
    id: "pattern-turns",
    title,
    says: "What is minimised, as a share of its value after the first turn; and, where activities are known, the mean area under the ROC curve and the explained variance of listeners that the patterns were not learnt from.",
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const { dictionary, evaluation } = learnt
  if (dictionary.objective === null) return noAnswer(head, "the patterns were learnt in another study")
  const [start] = dictionary.objectives
  const rows = [
    ...dictionary.objectives.map((value, i) => ({ turn: i + 1, curve: "objective", value: value / start })),
    ...(evaluation?.curve ?? []).flatMap(({ turns, area, explained }) => [
      ...(area === null ? [] : [{ turn: turns, curve: "area", value: area }]),
      { turn: turns, curve: "explained", value: explained },
    ]),
  ]
  const curves = [...new Set(rows.map(({ curve }) => curve))]
  const alt = `After ${dictionary.objectives.length} turns the objective is ${((100 * dictionary.objective) / start).toFixed(1)} % of that after the first.`
  const svg = draw({
    title,
    subtitle: alt,
    keys: armKeys(curves),
    alt,
    height: 240,
    plot: {
      x: { label: "turn", type: "log", tickFormat: "d", ticks: 5 },
      y: { label: null, grid: true },
      ...armScales(curves),
      marks: [
        Plot.lineY(rows, { x: "turn", y: "value", stroke: "curve", strokeWidth: 1.5 }),
        Plot.dot(
          rows.filter(({ curve }) => curve !== "objective"),
          { x: "turn", y: "value", stroke: "curve", symbol: "curve" },
        ),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: TURNS, rows }
}

const AREAS: readonly Column[] = [
  string("features", "What is known of a listener."),
  string("activity", "Activity; mean = over all of them."),
  {
    ...number("area", "Area under the ROC curve, .5 = guessing.", { missing: "no answer" }),
    shown: "decimals",
    digits: 3,
    bounds: ["low", "high"],
  },
  {
    ...number("low", "Lower bound of the 95 % interval over listeners.", { missing: "too few listeners" }),
    shown: "decimals",
    digits: 3,
    elsewhere: true,
  },
  {
    ...number("high", "Upper bound.", { missing: "too few listeners" }),
    shown: "decimals",
    digits: 3,
    elsewhere: true,
  },
]

const NOT_JUDGED = "no activities have been judged: fieldtune patterns evaluate --labels FILE.csv"

export function patternAreas(data: ReportData): Part {
  const people = data.patterns.evaluation?.people ?? 0
  const head = {
    id: "pattern-areas",
    title: "What patterns tell of activities",
    says: `Self-reported activities told from the patterns of listeners nobody has seen, beside what is known without patterns; the published range is .56 to .74 by activity (PACE 2024).${people > 0 && people < ENOUGH_PEOPLE ? ` With ${people} listeners, fewer than ${ENOUGH_PEOPLE}, the intervals stand for themselves and nothing is claimed.` : ""}`,
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const { evaluation } = learnt
  if (evaluation === null) return noAnswer(head, NOT_JUDGED)
  const rows = evaluation.sets.flatMap(({ features, byActivity, mean }) => [
    ...byActivity.map(({ activity, area, low, high }) => ({ features, activity, area, low, high })),
    { features, activity: "mean", area: mean.area, low: mean.low, high: mean.high },
  ])
  return { kind: "table", ...head, columns: AREAS, rows }
}

const WEIGHTS: readonly Column[] = [
  string("activity", "Activity."),
  integer("pattern", "Number of the pattern."),
  number(
    "weight",
    "Of the standardised coefficient of the pattern, log odds; above 0: more of it, more likely.",
  ),
]

export function patternActivities(data: ReportData): Part {
  const title = "Activities and patterns"
  const head = {
    id: "pattern-activities",
    title,
    says: "Weights of the patterns for each activity, from all listeners at once, with the penalty that cross-validation chose: the fuller, the more the pattern says. Blue: more of the pattern goes with the activity; orange: less.",
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const { dictionary, evaluation } = learnt
  const weights = evaluation?.weights ?? null
  if (evaluation === null || weights === null || weights.rows.length === 0) return noAnswer(head, NOT_JUDGED)
  if (weights.dictionary !== dictionary.id) {
    return noAnswer(
      head,
      "the patterns were learnt anew since the activities were judged: fieldtune patterns evaluate",
    )
  }
  const rows = weights.rows.flatMap(({ activity, weights: own }) =>
    own.map((weight, k) => ({ activity, pattern: k + 1, weight })),
  )
  const most = rows.reduce((a, b) => (Math.abs(b.weight) > Math.abs(a.weight) ? b : a))
  const alt = `Pattern ${most.pattern} says most, of ${most.activity}: ${most.weight.toFixed(2)}.`
  const svg = draw({
    title,
    subtitle: alt,
    alt,
    height: 70 + 26 * weights.rows.length,
    plot: {
      marginLeft: 120,
      x: { label: "pattern", domain: weights.rows[0].weights.map((_, k) => k + 1), padding: 0.05 },
      y: { label: null, domain: weights.rows.map(({ activity }) => activity), padding: 0.08 },
      marks: [
        Plot.cell(rows, {
          ...{ x: "pattern", y: "activity" },
          fill: ({ weight }: { weight: number }) => (weight > 0 ? ACCENT : WARM),
          fillOpacity: ({ weight }: { weight: number }) => Math.abs(weight) / (Math.abs(most.weight) || 1),
        }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: WEIGHTS, rows }
}

const LISTENERS: readonly Column[] = [
  integer("subject", "Number of the listener."),
  string(
    "standing",
    "fitted: the patterns were learnt from it too; projected: too few plays or weeks for that; empty: no plays.",
  ),
  integer("plays", "Plays that count."),
  { ...number("weeks", "Observed.", { unit: "weeks" }), shown: "decimals", digits: 1 },
  string("strongest", "Patterns with the largest codes."),
]

export function patternListeners(data: ReportData): Part {
  const head = {
    id: "pattern-listeners",
    title: "Who listens in which patterns",
    says: "Codes of different dictionaries can't be compared.",
  }
  const learnt = learntOf(data)
  if (typeof learnt === "string") return noAnswer(head, learnt)
  const rows = learnt.listeners.map(({ strongest, ...row }) => ({
    ...row,
    strongest: strongest.map(({ pattern, code }) => `${pattern} (${code.toFixed(1)})`).join(", ") || "none",
  }))
  return { kind: "table", ...head, columns: LISTENERS, rows }
}
