// The picture of a number that every listener has in every wave: who stands where in each arm, and the mean beside them.

import * as Plot from "@observablehq/plot"
import { integer, number, string } from "../archive/field.js"
import { tQuantile } from "../study/statistics/welch.js"
import { armKeys, armScales, draw } from "./draw.js"
import type { Column, Figure } from "./part.js"
import { summaryOf } from "./summary.js"
import { lanesOf } from "./swarm.js"

const LEVEL = 0.95

export interface Standing {
  wave: number
  arm: string
  subject: number
  /** A share. */
  value: number
  /** What the value rests on. */
  n: number | null
}

interface ByArm {
  title: string
  subtitle: string
  /** Of the vertical axis, in percent. */
  label: string
  arms: readonly string[]
  waves: readonly number[]
  /** Of the axis, percent; left out: as the values need it. */
  domain?: [number, number]
  /** A level to be compared with, a share. */
  limit?: number
  standings: readonly Standing[]
}

const COLUMNS: readonly Column[] = [
  integer("wave", "Wave."),
  string("arm", "Arm."),
  string("row", "subject: one listener; mean: the mean over the listeners of the arm."),
  integer("subject", "Number of the listener.", { missing: "a mean" }),
  integer("n", "Plays behind the value of a listener; listeners of a mean.", { missing: "not of plays" }),
  number("value", "The share."),
  number("low", "Lower bound of the 95 % interval of the mean (Student's t).", {
    missing: "a listener, or a mean of fewer than two",
  }),
  number("high", "Upper bound.", { missing: "as low" }),
]

interface Mark {
  wave: number
  x: number
  value: number
  low: number
  high: number
}

/** The listeners stand left of the middle of their arm's place, the mean right of it. */
const SWARM = -0.2
const MEAN = 0.14
/** Part of the axis between two listeners of a lane, and width of a lane in places. */
const APART = 0.018
const LANES = 5
const LANE = 0.05
/** From so many places on the means need small print. */
const CROWDED = 8

export function drawByArm(given: ByArm): Pick<Figure, "svg" | "alt" | "columns" | "rows"> {
  const { arms, waves, standings, domain, limit } = given
  const largest = standings.reduce((most, { value }) => Math.max(most, value), limit ?? 0)
  const apart = APART * (domain === undefined ? largest || 1 : (domain[1] - domain[0]) / 100)
  const people: { wave: number; arm: string; x: number; value: number }[] = []
  const means: Mark[] = []
  const said: string[] = []
  const rows = []
  for (const wave of waves) {
    for (const [place, arm] of arms.entries()) {
      const group = standings.filter((row) => row.wave === wave && row.arm === arm)
      const lanes = lanesOf(
        group.map(({ value }) => value),
        apart,
        LANES,
      )
      for (const [i, { subject, n, value }] of group.entries()) {
        rows.push({ wave, arm, row: "subject", subject, n, value, low: null, high: null })
        people.push({ wave, arm, x: place + SWARM + LANE * lanes[i], value })
      }
      const { n, mean, sd } = summaryOf(group.map(({ value }) => value))
      if (mean === null) continue
      const reach = sd === null ? null : (tQuantile(1 - LEVEL, n - 1) * sd) / Math.sqrt(n)
      const [low, high] = reach === null ? [null, null] : [mean - reach, mean + reach]
      rows.push({ wave, arm, row: "mean", subject: null, n, value: mean, low, high })
      means.push({ wave, x: place + MEAN, value: mean, low: low ?? mean, high: high ?? mean })
      said.push(`wave ${wave}, ${arm}: ${(100 * mean).toFixed(1)} %`)
    }
  }
  const ends = [...people.map(({ value }) => value), ...means.flatMap(({ low, high }) => [low, high])]
  const least = 100 * ends.reduce((a, b) => Math.min(a, b), 0)
  const highest = 105 * ends.reduce((a, b) => Math.max(a, b), limit ?? 0) || 1
  const crowded = arms.length * waves.length > CROWDED
  const alt = `Means: ${said.join("; ")}.`
  const svg = draw({
    title: given.title,
    subtitle: given.subtitle,
    keys: arms.length > 1 ? armKeys(arms) : [],
    alt,
    height: 330,
    plot: {
      ...armScales(arms),
      marginTop: 34,
      marginBottom: 16,
      fx: { label: "wave", padding: 0.08, domain: waves, axis: "top" },
      x: { domain: [-0.5, arms.length - 0.5], axis: null },
      y: { percent: true, label: given.label, grid: true, domain: domain ?? [least, highest] },
      marks: [
        Plot.frame({ strokeOpacity: 0.15 }),
        ...(limit === undefined ? [] : [Plot.ruleY([limit], { strokeDasharray: "4 3" })]),
        Plot.dot(people, { fx: "wave", x: "x", y: "value", stroke: "arm", symbol: "arm", r: 3 }),
        Plot.ruleX(means, { fx: "wave", x: "x", y1: "low", y2: "high", strokeWidth: 2 }),
        Plot.dot(means, { fx: "wave", x: "x", y: "value", fill: "currentColor", r: 4 }),
        Plot.text(means, {
          ...{ fx: "wave", x: "x", y: "value", fontWeight: "bold", dy: -1, textAnchor: "start" },
          ...(crowded ? { fontSize: 9, dx: 4 } : { dx: 7 }),
          text: ({ value }: Mark) => (100 * value).toFixed(1),
        }),
      ],
    },
  })
  return { svg, alt, columns: COLUMNS, rows }
}
