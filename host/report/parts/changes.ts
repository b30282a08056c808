// What changed for every listener from the first wave to the later ones: each by itself, and the best, the median and the
// worst of every arm.

import * as Plot from "@observablehq/plot"
import { integer, number, string } from "../../archive/field.js"
import { armKeys, armScales, draw } from "../draw.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { Measure, ReportData } from "../study-data.js"
import { summaryOf } from "../summary.js"
import { changesOf } from "./comparison.js"
import { MEASURES } from "./shares.js"

const PEOPLE: readonly Column[] = [
  integer("rank", "Rank by change, 1 = the largest."),
  integer("subject", "Number of the listener."),
  string("arm", "Arm."),
  number("change", "Change of the listener's own mean."),
]

const SUMMARY: readonly Column[] = [
  string("measure", "What changed."),
  string("arm", "Arm."),
  integer("listeners", "Listeners with plays in both periods."),
  { ...number("best", "Largest change.", { missing: "nobody" }), shown: "points" },
  { ...integer("best_subject", "Whose.", { missing: "nobody" }), heading: "listener" },
  { ...number("median", "Median change.", { missing: "nobody" }), shown: "points" },
  { ...number("mean", "Mean change.", { missing: "nobody" }), shown: "points" },
  { ...number("worst", "Smallest change.", { missing: "nobody" }), shown: "points" },
  { ...integer("worst_subject", "Whose.", { missing: "nobody" }), heading: "listener" },
  {
    ...number("gained", "Share of them whose change is above 0.", { missing: "nobody" }),
    shown: "percent",
    heading: "gained",
  },
]

const shares = ({ measures }: ReportData): Measure[] =>
  measures.filter(({ measure }) => MEASURES[measure].share)

/** A figure for each measure that is a share. */
export function changePerListener(data: ReportData): Part[] {
  return shares(data).map((measure) => drawn(data, measure))
}

function drawn({ arms, waves }: ReportData, measure: Measure): Part {
  const { id, name } = MEASURES[measure.measure]
  const [found] = changesOf(measure, waves)
  const title = `Change of ${name}, listener by listener`
  const head = {
    id: `${id}-change`,
    title,
    says: `Each bar is a listener: the mean of the later waves less that of the first, whose songs were random. Sorted from the largest gain to the largest loss.`,
  }
  if (found === undefined) return noAnswer(head, NO_CHANGE)
  if (found.values.length === 0) return noAnswer(head, NOBODY)
  const sorted = [...found.values].sort((a, b) => b.value - a.value || a.subject - b.subject)
  const rows = sorted.map(({ subject, arm, value }, i) => ({ rank: i + 1, subject, arm, change: value }))
  const points = (value: number): string =>
    `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`.replace("-", "−")
  const marked = [rows[0], rows[Math.floor((rows.length - 1) / 2)], rows[rows.length - 1]]
  const named = [...new Set(rows.length < 3 ? rows : marked)]
  const alt = `Largest ${points(rows[0].change)}, smallest ${points(rows[rows.length - 1].change)} percentage points, of ${rows.length} listeners.`
  const svg = draw({
    title,
    subtitle: `${found.name}, percentage points; best, median and worst are named`,
    keys: arms.length > 1 ? armKeys(arms) : [],
    alt,
    height: 320,
    plot: {
      ...armScales(arms),
      marginTop: 30,
      marginBottom: 34,
      x: {
        label: "listeners, by their change",
        ticks: [],
        domain: rows.map(({ rank }) => rank),
        padding: 0.15,
      },
      y: { label: "change, percentage points", percent: true, grid: true, nice: true, inset: 14 },
      marks: [
        Plot.ruleY([0], { stroke: "currentColor" }),
        Plot.barY(rows, { x: "rank", y: "change", fill: "arm", fillOpacity: 0.45 }),
        Plot.dot(rows, { x: "rank", y: "change", fill: "arm", symbol: "arm", r: rows.length > 60 ? 2.5 : 4 }),
        ...[-1, 1].map((side) =>
          Plot.text(
            named.filter(({ change }) => (change < 0 ? -1 : 1) === side),
            {
              ...{ x: "rank", y: "change", fontWeight: "bold", dy: -13 * side },
              textAnchor: side > 0 ? "start" : "end",
              dx: side > 0 ? -8 : 8,
              text: ({ subject, change }) => `no. ${subject}: ${points(change)}`,
            },
          ),
        ),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: PEOPLE, rows }
}

const NO_CHANGE = "a change takes plays of a first wave and of a later one that the plan counts"
const NOBODY = "no listener has plays in the first wave and in the later ones"

export function changesTable(data: ReportData): Part {
  const head = {
    id: "changes",
    title: "Change of every arm's listeners",
    says: "The change of a listener is the mean of its later waves less that of its first, in percentage points. Numbers of listeners are those of the study.",
    thesis: "table 10",
  }
  const rows = shares(data).flatMap((measure) =>
    changesOf(measure, data.waves).flatMap(({ values }) =>
      data.arms.map((arm) => {
        const sorted = values.filter((row) => row.arm === arm).sort((a, b) => a.value - b.value)
        const { n, least, median, mean, most } = summaryOf(sorted.map(({ value }) => value))
        return {
          measure: MEASURES[measure.measure].name,
          ...{ arm, listeners: n, best: most, best_subject: sorted.at(-1)?.subject ?? null, median, mean },
          ...{ worst: least, worst_subject: sorted[0]?.subject ?? null },
          gained: n === 0 ? null : sorted.filter(({ value }) => value > 0).length / n,
        }
      }),
    ),
  )
  if (rows.length === 0) return noAnswer(head, NO_CHANGE)
  if (rows.every(({ listeners }) => listeners === 0)) return noAnswer(head, NOBODY)
  return { kind: "table", ...head, columns: SUMMARY, rows }
}
