// Share heard and share finished by arm and wave: every listener, and the mean with its interval.

import * as Plot from "@observablehq/plot"
import { integer, number, string } from "../../archive/field.js"
import { tQuantile } from "../../study/statistics/welch.js"
import { armKeys, armScales, draw } from "../draw.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { Measure, ReportData } from "../study-data.js"
import { groupBy, summaryOf } from "../summary.js"
import { lanesOf } from "../swarm.js"

const LEVEL = 0.95
export const MEASURES: Record<Measure["measure"], { id: string; name: string; says: string; share: boolean }> =
  {
    shareHeard: {
      id: "share-heard",
      name: "share heard",
      says: "mean over the plays of min(1, time heard / length of the song)",
      share: true,
    },
    shareFinished: {
      id: "share-finished",
      name: "share finished",
      says: "share of the plays that were heard to the end",
      share: true,
    },
    secondsHeard: { id: "seconds-heard", name: "seconds heard", says: "mean time heard of a play", share: false },
    plays: { id: "plays-counted", name: "plays", says: "number of plays", share: false },
  }

const COLUMNS: readonly Column[] = [
  integer("wave", "Wave."),
  string("arm", "Arm."),
  string("row", "subject: one listener; mean: the mean over the listeners of the arm."),
  integer("subject", "Number of the listener.", { missing: "a mean" }),
  integer("n", "Plays that count of a listener; listeners of a mean."),
  number("value", "The measure."),
  number("low", "Lower bound of the 95 % interval of the mean (Student's t).", {
    missing: "a listener, or a mean of fewer than two",
  }),
  number("high", "Upper bound.", { missing: "as low" }),
]

interface Mark {
  wave: number
  /** Place of the arm, from 0, and where beside it the mark is. */
  x: number
  value: number
  low: number
  high: number
}

/** The listeners stand left of the middle of their arm's place, the mean right of it. */
const SWARM = -0.2
const MEAN = 0.14
/** Share between two listeners of a lane, and width of a lane in places. */
const APART = 0.018
const LANES = 6
const LANE = 0.055

/** A figure for each measure that is a share. */
export function sharesByArm(data: ReportData): Part[] {
  return data.measures.filter(({ measure }) => MEASURES[measure].share).map((measure) => byArm(data, measure))
}

function byArm({ arms, waves }: ReportData, { measure, values, minHeardMs }: Measure): Part {
  const { id, name, says } = MEASURES[measure]
  const title = `${name[0].toUpperCase()}${name.slice(1)} by arm and wave`
  const head = {
    id: `${id}-by-arm`,
    title,
    says: `Each mark is a listener: ${says}, of plays of ${minHeardMs / 1000} s or more. The bar is the mean over the listeners of the arm with its 95 % interval (Student's t). First waves are random in every arm, so there arms can only differ by chance.`,
  }
  const known = values.filter((row) => row.value !== null)
  if (known.length === 0) return noAnswer(head, "no play of a playlist has arrived yet")
  const people: { wave: number; arm: string; x: number; value: number }[] = []
  const means: Mark[] = []
  const said: string[] = []
  const rows = []
  for (const wave of waves) {
    for (const [place, arm] of arms.entries()) {
      const group = known.filter((row) => row.wave === wave && row.arm === arm)
      const found = group.map(({ value }) => value as number)
      const lanes = lanesOf(found, APART, LANES)
      for (const [i, { subject, plays, value }] of group.entries()) {
        rows.push({ wave, arm, row: "subject", subject, n: plays, value, low: null, high: null })
        people.push({ wave, arm, x: place + SWARM + LANE * lanes[i], value: found[i] })
      }
      const { n, mean, sd } = summaryOf(found)
      if (mean === null) continue
      const reach = sd === null ? null : (tQuantile(1 - LEVEL, n - 1) * sd) / Math.sqrt(n)
      const [low, high] = reach === null ? [null, null] : [mean - reach, mean + reach]
      rows.push({ wave, arm, row: "mean", subject: null, n, value: mean, low, high })
      means.push({ wave, x: place + MEAN, value: mean, low: low ?? mean, high: high ?? mean })
      said.push(`wave ${wave}, ${arm}: ${(100 * mean).toFixed(1)} %`)
    }
  }
  const several = arms.length > 1
  const alt = `Means: ${said.join("; ")}.`
  const svg = draw({
    title,
    subtitle: `${groupBy(known, ({ subject }) => subject).size} listeners; mean with its 95 % interval beside them`,
    keys: several ? armKeys(arms) : [],
    alt,
    height: 340,
    plot: {
      ...armScales(arms),
      marginTop: 34,
      marginBottom: 16,
      fx: { label: "wave", padding: 0.08, domain: waves, axis: "top" },
      x: { domain: [-0.5, arms.length - 0.5], axis: null },
      y: { percent: true, label: `${name}, %`, grid: true, domain: [0, 100] },
      marks: [
        Plot.frame({ strokeOpacity: 0.15 }),
        Plot.dot(people, { fx: "wave", x: "x", y: "value", stroke: "arm", symbol: "arm", r: 3 }),
        Plot.ruleX(means, { fx: "wave", x: "x", y1: "low", y2: "high", strokeWidth: 2 }),
        Plot.dot(means, { fx: "wave", x: "x", y: "value", fill: "currentColor", r: 4 }),
        Plot.text(means, {
          ...{ fx: "wave", x: "x", y: "value", fontWeight: "bold", dy: -1 },
          ...(arms.length * waves.length > 8 ? { fontSize: 9, dx: 4 } : { dx: 7 }),
          textAnchor: "start",
          text: ({ value }: Mark) => (100 * value).toFixed(1),
        }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: COLUMNS, rows }
}
