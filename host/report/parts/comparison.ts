// The arms compared: every pair, by Welch's t-test over listeners and by a bootstrap over listeners.

import { boolean, integer, number, type Row, string } from "../../archive/field.js"
import { stream } from "../../model/random.js"
import { type Cluster, clusterBootstrap } from "../../study/statistics/cluster-bootstrap.js"
import { welchTest } from "../../study/statistics/welch.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { Measure, MeasureValue, ReportData } from "../study-data.js"
import { groupBy, meanOf } from "../summary.js"
import { MEASURES } from "./shares.js"

const noShare = ({ measure }: Row): boolean =>
  Object.values(MEASURES).some(({ name, share }) => name === measure && !share)

const bound = (name: string, description: string): Column => ({
  ...number(name, description, { missing: "as the number that it bounds" }),
  elsewhere: true,
})

const COLUMNS: readonly Column[] = [
  string("measure", "What is compared.", { missing: "never" }),
  string("period", "The wave; the mean over waves; or the change from one to others.", { missing: "never" }),
  boolean("primary", "Whether the plan says that the study is judged by this row."),
  string("arm", "First arm."),
  string("versus", "Second arm."),
  { ...integer("n_arm", "Listeners of the first arm with an answer."), heading: "n" },
  { ...integer("n_versus", "Listeners of the second arm with an answer."), heading: "n versus" },
  {
    ...number("mean_arm", "Mean over the listeners of the first arm."),
    shown: "percent",
    unless: noShare,
    heading: "mean",
  },
  {
    ...number("mean_versus", "Mean over those of the second."),
    shown: "percent",
    unless: noShare,
    heading: "mean versus",
  },
  {
    ...number("difference", "First mean less second, with its 95 % interval (Welch).", {
      missing: "too few listeners",
    }),
    ...{ shown: "points", unless: noShare, bounds: ["low", "high"] },
    heading: "difference, Welch",
  },
  bound("low", "Lower bound of the 95 % interval (Welch)."),
  bound("high", "Upper bound."),
  { ...number("t", "Welch's t."), shown: "decimals", digits: 2 },
  { ...number("df", "Welch's degrees of freedom."), shown: "decimals", digits: 1 },
  { ...number("p", "Two-sided."), shown: "p" },
  {
    ...number("bootstrap_error", "Standard error of the difference by a bootstrap over listeners."),
    ...{ shown: "points", unless: noShare, bounds: ["bootstrap_low", "bootstrap_high"] },
    heading: "bootstrap error, interval",
  },
  bound("bootstrap_low", "Lower bound of the 95 % percentile interval of that bootstrap."),
  bound("bootstrap_high", "Upper bound."),
  {
    ...number("plays_difference", "Difference of the means over plays: who plays more counts more.", {
      missing: "no mean of plays",
    }),
    ...{ shown: "points", unless: noShare, bounds: ["plays_low", "plays_high"] },
    heading: "over plays, bootstrap",
  },
  bound("plays_low", "Lower bound of its 95 % interval, bootstrap over listeners with all their plays."),
  bound("plays_high", "Upper bound."),
  string("no_answer", "Why there is no test.", { missing: "there is one" }),
]

const HEAD = {
  id: "arms-compared",
  title: "Arms compared",
  thesis: "table 9",
}

/** A value of a listener, and how many plays it rests on. */
interface Of {
  subject: number
  arm: string
  value: number
  /** For a mean over plays; null where the value is no mean of plays. */
  plays: Cluster | null
}

interface Period {
  name: string
  primary: boolean
  values: Of[]
}

export function armsCompared(data: ReportData): Part {
  const { arms, measures, plan } = data
  const says = [
    "Each row compares two arms by a mean over listeners, so that a listener counts once however much was played.",
    "Welch's t-test does not assume equal variances; the bootstrap draws listeners with all their plays (3,999 times, seeded by the plan) and assumes no distribution.",
    "“Over plays” gives every play the same say instead.",
    "Only the row marked primary was announced by the plan as what the study is judged by; of twenty others one is expected to have p below .05 by chance.",
    data.blind ? "Arms are codes: a difference has a size here, and no name." : "",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ")
  const head = { ...HEAD, says }
  const because = whyNotCompared(data)
  if (because !== null) return noAnswer(head, because)
  const rows = measures.flatMap((measure) =>
    periodsOf(measure, data.waves).flatMap(({ name, primary, values }) =>
      pairsOf(arms).map(([arm, versus]) => {
        const asked = { measure: measure.measure, period: name, primary, arm, versus }
        return { ...asked, measure: MEASURES[measure.measure].name, ...compare(values, asked, plan.seed) }
      }),
    ),
  )
  if (!rows.some(({ n_arm, n_versus }) => n_arm + n_versus > 0)) {
    return noAnswer(head, "no play of a playlist has arrived yet")
  }
  rows.sort((a, b) => Number(b.primary) - Number(a.primary))
  return { kind: "table", ...head, columns: COLUMNS, rows }
}

/** Why there are no two arms to compare; null where there are. */
export function whyNotCompared({ arms, armsTold }: ReportData): string | null {
  if (!armsTold) return "the study is blind and its arms have no codes yet"
  return arms.length < 2 ? "the study has one arm, so there is nothing to compare it with" : null
}

function compare(values: readonly Of[], { measure, period, arm, versus }: Asked, seed: number) {
  const first = values.filter((value) => value.arm === arm)
  const second = values.filter((value) => value.arm === versus)
  const plain = (group: readonly Of[]): number[] => group.map(({ value }) => value)
  // A number of plays is no mean of plays.
  const byPlay = (group: readonly Of[]): Cluster[] =>
    measure === "plays" ? [] : group.flatMap(({ plays }) => plays ?? [])
  const alike = (group: readonly Of[]): Cluster[] => group.map(({ value }) => ({ value, weight: 1 }))
  const rng = (what: string) => stream(seed, "report", what, measure, period, arm, versus)
  const welch = welchTest(plain(first), plain(second))
  const listeners = clusterBootstrap(alike(first), alike(second), rng("listeners"))
  const plays = clusterBootstrap(byPlay(first), byPlay(second), rng("plays"))
  const mean = (group: readonly Of[]): number | null => (group.length === 0 ? null : meanOf(plain(group)))
  const tested = "reason" in welch ? null : welch
  return {
    n_arm: first.length,
    n_versus: second.length,
    mean_arm: mean(first),
    mean_versus: mean(second),
    difference: tested?.difference ?? null,
    low: tested?.low ?? null,
    high: tested?.high ?? null,
    t: tested?.t ?? null,
    df: tested?.df ?? null,
    p: tested?.p ?? null,
    bootstrap_error: "reason" in listeners ? null : listeners.standardError,
    bootstrap_low: "reason" in listeners ? null : listeners.low,
    bootstrap_high: "reason" in listeners ? null : listeners.high,
    plays_difference: "reason" in plays ? null : plays.difference,
    plays_low: "reason" in plays ? null : plays.low,
    plays_high: "reason" in plays ? null : plays.high,
    no_answer:
      "reason" in welch ? welch.reason.replace("first sample", arm).replace("second sample", versus) : null,
  }
}

interface Asked {
  measure: Measure["measure"]
  period: string
  arm: string
  versus: string
}

/** Every wave; the waves that count together, where they are several; and the change from the first wave to them. */
function periodsOf({ values, counted, primary }: Measure, waves: readonly number[]): Period[] {
  const known = values.filter(({ value }) => value !== null)
  const single = waves.map((wave) => ({
    name: `wave ${wave}`,
    primary: primary && counted.length === 1 && counted[0] === wave,
    values: known.filter((row) => row.wave === wave).flatMap((row) => meanOver([row], [wave])),
  }))
  const people = [...groupBy(known, ({ subject }) => subject).values()]
  const together =
    counted.length < 2
      ? []
      : [
          {
            name: `waves ${counted.join(", ")} together`,
            primary,
            values: people.flatMap((rows) => meanOver(rows, counted)),
          },
        ]
  return [...single, ...together, ...changesOf({ values, counted }, waves)]
}

/** Change of every listener with an answer in the first wave and in all later ones that count; none where no later one
 *  does. */
export function changesOf(
  { values, counted }: Pick<Measure, "values" | "counted">,
  waves: readonly number[],
): Period[] {
  const [first] = waves
  const later = counted.filter((wave) => wave !== first)
  if (first === undefined || later.length === 0) return []
  const known = values.filter(({ value }) => value !== null)
  const name = `change from wave ${first} to ${later.length === 1 ? `wave ${later[0]}` : `waves ${later.join(", ")}`}`
  const people = [...groupBy(known, ({ subject }) => subject).values()]
  const changed = people.flatMap((rows) => {
    const [before] = meanOver(rows, [first])
    const [after] = meanOver(rows, later)
    if (before === undefined || after === undefined) return []
    return [{ ...after, value: after.value - before.value, plays: null }]
  })
  return [{ name, primary: false, values: changed }]
}

/** Mean of the listener's waves, where it has an answer in all of them. `rows`: of one listener, values known. */
function meanOver(rows: readonly MeasureValue[], waves: readonly number[]): Of[] {
  const wanted = rows.filter(({ wave }) => waves.includes(wave))
  if (wanted.length < waves.length) return []
  const [{ subject, arm }] = wanted
  const value = meanOf(wanted.map((row) => row.value as number))
  const weight = wanted.reduce((sum, { plays }) => sum + plays, 0)
  const total = wanted.reduce((sum, row) => sum + row.plays * (row.value as number), 0)
  return [{ subject, arm, value, plays: weight > 0 ? { value: total / weight, weight } : null }]
}

function pairsOf(arms: readonly string[]): [string, string][] {
  return arms.flatMap((arm, i) => arms.slice(i + 1).map((versus): [string, string] => [arm, versus]))
}
