// How the number of patterns and the weight of their codes matter, what each channel adds, and what a classifier without
// patterns makes of the same weeks. A part of the people is put aside before anything is chosen and judged once at the
// end: the choice among so many settings flatters the best of them.

import { encode, reconstruction } from "../dictionary.js"
import { type Matrix, rowOf, rowsOf, zeros } from "../matrix.js"
import type { Channel } from "../week.js"
import { attentionScores } from "./attention.js"
import { type Area, areasOf, type Judged, learnByFold, partOf, partsOf } from "./evaluate.js"
import { type Fold, foldsOf } from "./folds.js"

export interface SweepOptions {
  atoms: readonly number[]
  lambdas: readonly number[]
  starts: number
  iterations: number
  seed: number
  folds: number
  progress?: (done: number, of: number) => void
}

interface Setting extends Area {
  atoms: number
  lambda: number
  /** Of the variance of people that the atoms were not learnt from, by their sparse codes; 0 … 1. */
  explained: number
  /** Share of their codes that are not 0. */
  used: number
}

export interface Sweep {
  people: number
  /** Put aside. */
  heldOut: number
  settings: Setting[]
  /** The setting with the highest area; the others follow with it. */
  best: { atoms: number; lambda: number }
  /** The area without one channel. */
  without: ({ channel: Channel } & Area)[]
  attention: Area
  /** The best setting on the people that were put aside. */
  onHeldOut: Area
}

const ASIDE = 5

export function sweep(judged: Judged, channels: readonly Channel[], options: SweepOptions): Sweep {
  const { seed } = options
  const [aside] = foldsOf(judged.weeks.rows, ASIDE, seed)
  const kept = restrict(judged, aside.train)
  const folds = foldsOf(kept.weeks.rows, options.folds, seed)
  const labels = [...kept.activities]
  const dropped = channels.length < 2 ? [] : channels
  const of = options.atoms.length * options.lambdas.length + dropped.length + 2
  let done = 0
  const step = <T>(value: T): T => {
    options.progress?.(++done, of)
    return value
  }
  const settings = options.lambdas.flatMap((lambda) =>
    options.atoms.map((atoms) => step(settingOf(kept.weeks, labels, folds, { ...options, atoms, lambda }))),
  )
  const best = settings.reduce((a, b) => ((b.area ?? 0) > (a.area ?? 0) ? b : a))
  const chosen = { ...options, atoms: best.atoms, lambda: best.lambda }
  const points = kept.weeks.columns / channels.length
  const without = dropped.map((channel, i) => {
    const rest = withoutColumns(kept.weeks, i * points, points)
    const { area, low, high } = settingOf(rest, labels, folds, chosen)
    return step({ channel, area, low, high })
  })
  const byFold = folds.map((fold) =>
    attentionScores(
      kept.hours,
      labels.map(([, own]) => own),
      fold,
      seed,
    ),
  )
  const attention = step(
    areasOf(
      labels.map(([activity, own], a) => ({
        activity,
        parts: folds.map((fold, i) => partOf(byFold[i][a], own, fold)),
      })),
      folds,
      seed,
    ).mean,
  )
  const onHeldOut = step(settingOf(judged.weeks, [...judged.activities], [aside], chosen))
  const { area, low, high } = onHeldOut
  return {
    people: kept.weeks.rows,
    heldOut: aside.test.length,
    settings,
    best: { atoms: best.atoms, lambda: best.lambda },
    without,
    attention,
    onHeldOut: { area, low, high },
  }
}

function settingOf(
  weeks: Matrix,
  labels: readonly [string, Uint8Array][],
  folds: readonly Fold[],
  options: { atoms: number; lambda: number; starts: number; iterations: number; seed: number },
): Setting {
  const { atoms, lambda, seed } = options
  const learnt = learnByFold(weeks, folds, options)
  const scored = labels.map(([activity, own]) => ({
    activity,
    parts: partsOf(own, folds, (fold) => learnt[fold].embedding),
  }))
  const told = folds.map(({ test }, i) => {
    const rows = rowsOf(weeks, test)
    return reconstruction(rows, learnt[i].atoms, encode(rows, learnt[i].atoms, lambda))
  })
  const mean = (of: (one: { explained: number; used: number }) => number): number =>
    told.reduce((sum, one) => sum + of(one), 0) / told.length
  return {
    ...{ atoms, lambda },
    ...areasOf(scored, folds, seed).mean,
    explained: mean(({ explained }) => explained),
    used: mean(({ used }) => used),
  }
}

function restrict(judged: Judged, rows: readonly number[]): Judged {
  return {
    weeks: rowsOf(judged.weeks, rows),
    hours: rowsOf(judged.hours, rows),
    plays: Float64Array.from(rows, (row) => judged.plays[row]),
    covariates: judged.covariates && rowsOf(judged.covariates, rows),
    activities: new Map(
      [...judged.activities].map(([name, labels]) => [name, Uint8Array.from(rows, (row) => labels[row])]),
    ),
  }
}

function withoutColumns(x: Matrix, from: number, count: number): Matrix {
  const made = zeros(x.rows, x.columns - count)
  for (let row = 0; row < x.rows; row++) {
    const own = rowOf(x, row)
    made.values.set(own.subarray(0, from), row * made.columns)
    made.values.set(own.subarray(from + count), row * made.columns + from)
  }
  return made
}
