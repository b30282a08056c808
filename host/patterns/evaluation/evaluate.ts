// How well weekly patterns tell what people do while they listen (PACE): for each self-reported activity the area under
// the ROC curve on people whose activities nobody has seen, with the dictionary learnt anew without them, beside what is
// known without patterns.
//
// Areas are means over folds, in which scores can be compared. Intervals resample people within their folds; the fits
// stay, so they tell how much the area depends on who was judged, not on who was learnt from.

import { log1p } from "../../model/elementary.js"
import { stream } from "../../model/random.js"
import { encode, type LearnOptions, learnDictionary, reconstruction } from "../dictionary.js"
import { leastSquares } from "../embedding.js"
import { type Matrix, rowsOf, zeros } from "../matrix.js"
import { scoreFold, weightsOn } from "./classify.js"
import { type Fold, foldsOf } from "./folds.js"
import { areaOf, ascending, rocAuc } from "./roc-auc.js"

/** Everybody whose activities are known; rows in one order throughout. */
export interface Judged {
  /** Normalised weeks, as the dictionary is learnt from. */
  weeks: Matrix
  /** The weeks as they are, people × (CHANNELS × HOURS). */
  hours: Matrix
  /** Plays in all. */
  plays: Float64Array
  /** Gender, age and the like as numbers, people × covariates; null where nothing is known. */
  covariates: Matrix | null
  /** By name: 1 or 0 for everybody. */
  activities: Map<string, Uint8Array>
}

export interface EvaluateOptions {
  atoms: number
  lambda: number
  starts: number
  iterations: number
  seed: number
  folds: number
  /** How often labels are shuffled, to see that nothing is found then; 0 = not at all. */
  permutations: number
  progress?: (done: number, of: number) => void
}

export interface Area {
  area: number | null
  /** 95 % interval over people. */
  low: number | null
  high: number | null
}

export interface EvaluatedSet {
  features: string
  byActivity: ({ activity: string } & Area)[]
  /** Over the activities that have an answer. */
  mean: Area
}

export interface Evaluation {
  people: number
  activities: { activity: string; people: number; noAnswer: string | null }[]
  sets: EvaluatedSet[]
  /** Mean area and explained variance of people that the patterns were not learnt from, by the turns of learning. */
  curve: { turns: number; area: number | null; explained: number }[]
  /** Mean area of the patterns with shuffled labels, and its standard deviation over the shuffles. */
  permuted: { times: number; mean: number; sd: number } | null
}

/** Weights of activities on the patterns of a stored dictionary, standardised: what a pattern says of an activity. */
export interface ActivityWeights {
  dictionary: string
  rows: { activity: string; weights: number[] }[]
}

/** What is known of people: features for an activity, of a fold; null where there are none. */
interface FeatureSet {
  features: string
  of(activity: string, fold: number): Matrix | null
  /** There is no such set where nothing is known beside. */
  takesCovariates?: true
}

/** Name of the set that is the point of it all. */
export const PATTERNS = "patterns"
/** Fewer people of a class than this leave folds without one. */
const LEAST_OF_A_CLASS = 10
/** Turns after which the curve is judged. */
const TURNS = [1, 2, 5, 10, 20, 50, 100]
const RESAMPLES = 999
const LEVEL = 0.95

/** The published range over activities (PACE, arXiv 2405.01417). */
export const PUBLISHED = [0.56, 0.74] as const
/** With fewer people an area says little of other people. */
export const ENOUGH_PEOPLE = 200

export function evaluate(judged: Judged, options: EvaluateOptions): Evaluation {
  const { weeks, plays, covariates, activities } = judged
  const folds = foldsOf(weeks.rows, options.folds, options.seed)
  const embeddings = learnByFold(weeks, folds, options).map(({ embedding }) => embedding)
  const answered = [...activities].filter(([, labels]) => obstacle(labels) === null)
  const volume = { rows: plays.length, columns: 1, values: plays.map(log1p) }
  const all: FeatureSet[] = [
    { features: "total volume", of: () => volume },
    { features: "covariates", of: () => covariates, takesCovariates: true },
    { features: "the other activities", of: (activity) => others(activities, activity) },
    { features: PATTERNS, of: (_, fold) => embeddings[fold] },
    {
      features: "patterns and covariates",
      of: (_, fold) => covariates && beside(embeddings[fold], covariates),
      takesCovariates: true,
    },
    { features: "the raw week", of: () => weeks },
  ]
  const sets = all.filter(({ takesCovariates }) => covariates !== null || !takesCovariates)
  const turns = TURNS.filter((count) => count <= options.iterations)
  const of = sets.length * answered.length + turns.length + options.permutations
  let done = 0
  const made = sets.map(({ features, of: matrix }): EvaluatedSet => {
    const scored = answered.map(([activity, labels]) => {
      const parts = partsOf(labels, folds, (fold) => matrix(activity, fold))
      options.progress?.(++done, of)
      return { activity, parts }
    })
    return { features, ...areasOf(scored, folds, options.seed) }
  })
  const curve = turns.map((count) => {
    const point = pointOf(judged, answered, folds, { ...options, starts: 1, iterations: count })
    options.progress?.(++done, of)
    return { turns: count, ...point }
  })
  const permuted = permute(judged, answered, folds, embeddings, options, () => options.progress?.(++done, of))
  return {
    people: weeks.rows,
    activities: [...activities].map(([activity, labels]) => ({
      activity,
      people: labels.reduce((sum, label) => sum + label, 0),
      noAnswer: obstacle(labels),
    })),
    sets: made,
    curve,
    permuted,
  }
}

/** Of all people at once, with a mild penalty: a picture of the patterns, not a judgement of them. */
export function activityWeights(
  judged: Judged,
  { id, atoms }: { id: string; atoms: Matrix },
): ActivityWeights {
  const embedded = leastSquares(judged.weeks, atoms)
  const rows = [...judged.activities].flatMap(([activity, labels]) =>
    obstacle(labels) === null ? [{ activity, weights: [...weightsOn(embedded, labels)] }] : [],
  )
  return { dictionary: id, rows }
}

/** What patterns are worth after so many turns from one start. */
function pointOf(
  { weeks }: Judged,
  answered: readonly [string, Uint8Array][],
  folds: readonly Fold[],
  options: EvaluateOptions,
): { area: number | null; explained: number } {
  const learnt = learnByFold(weeks, folds, { ...options, enough: 0 })
  const parts = answered.flatMap(([, labels]) => partsOf(labels, folds, (fold) => learnt[fold].embedding))
  const explained = folds.reduce((sum, { test }, i) => {
    const [rows, { atoms }] = [rowsOf(weeks, test), learnt[i]]
    return sum + reconstruction(rows, atoms, encode(rows, atoms, options.lambda)).explained / folds.length
  }, 0)
  return { area: meanAreaOf(parts), explained }
}

/** For each fold the atoms that its training people give, and everybody's coefficients on them. */
export function learnByFold(
  weeks: Matrix,
  folds: readonly Fold[],
  options: LearnOptions,
): { atoms: Matrix; embedding: Matrix }[] {
  return folds.map(({ train }, i) => {
    const { atoms } = learnDictionary(rowsOf(weeks, train), { ...options, seed: options.seed + i })
    return { atoms, embedding: leastSquares(weeks, atoms) }
  })
}

/** Scores of the test people of every fold that has an answer; `matrix` gives the features of a fold, null for none. */
export function partsOf(
  labels: Uint8Array,
  folds: readonly Fold[],
  matrix: (fold: number) => Matrix | null,
): Part[] {
  return folds.flatMap((fold, i) => {
    const features = matrix(i)
    const scores = features && scoreFold(features, labels, fold)
    return scores === null ? [] : [partOf(scores, labels, fold)]
  })
}

export function partOf(scores: Float64Array, labels: Uint8Array, { test }: Fold): Part {
  return { scores, labels: Uint8Array.from(test, (row) => labels[row]), test }
}

function meanAreaOf(parts: readonly Part[]): number | null {
  return meanOf(parts.flatMap(({ scores, labels }) => rocAuc(scores, labels) ?? []))
}

function obstacle(labels: Uint8Array): string | null {
  const ones = labels.reduce((sum, label) => sum + label, 0)
  const fewest = Math.min(ones, labels.length - ones)
  if (fewest >= LEAST_OF_A_CLASS) return null
  return `${ones} of ${labels.length} people have it; ${LEAST_OF_A_CLASS} with and ${LEAST_OF_A_CLASS} without are the least`
}

function others(activities: ReadonlyMap<string, Uint8Array>, activity: string): Matrix | null {
  const rest = [...activities].filter(([name]) => name !== activity).map(([, labels]) => labels)
  if (rest.length === 0) return null
  const made = zeros(rest[0].length, rest.length)
  for (const [j, labels] of rest.entries()) {
    for (let i = 0; i < labels.length; i++) made.values[i * rest.length + j] = labels[i]
  }
  return made
}

function beside(a: Matrix, b: Matrix): Matrix {
  const made = zeros(a.rows, a.columns + b.columns)
  for (let i = 0; i < a.rows; i++) {
    const to = i * made.columns
    made.values.set(a.values.subarray(i * a.columns, (i + 1) * a.columns), to)
    made.values.set(b.values.subarray(i * b.columns, (i + 1) * b.columns), to + a.columns)
  }
  return made
}

/** One fold's test people. */
export interface Part {
  scores: Float64Array
  labels: Uint8Array
  test: readonly number[]
}

interface Scored {
  activity: string
  parts: Part[]
}

/** Means over folds, with intervals of a bootstrap over people. */
export function areasOf(
  scored: readonly Scored[],
  folds: readonly Fold[],
  seed: number,
): Pick<EvaluatedSet, "byActivity" | "mean"> {
  const rng = stream(seed, "areas")
  const ordered = scored.map(({ activity, parts }) => ({
    activity,
    parts: parts.map((part) => ({
      ...part,
      order: ascending(part.scores),
      times: new Float64Array(part.test.length),
    })),
  }))
  const draws = ordered.map(() => [] as number[])
  const means: number[] = []
  const times = new Float64Array(1 + Math.max(...folds.flatMap(({ test }) => test)))
  for (let i = 0; i < RESAMPLES; i++) {
    // The same people are drawn for all activities, so that the mean over them has an interval, too.
    times.fill(0)
    for (const { test } of folds) {
      for (let k = 0; k < test.length; k++) times[test[rng.int(test.length)]]++
    }
    const areas = ordered.flatMap(({ parts }, a) => {
      const area = meanOf(
        parts.flatMap(({ order, scores, labels, test, times: own }) => {
          for (let k = 0; k < test.length; k++) own[k] = times[test[k]]
          return areaOf(order, scores, labels, own) ?? []
        }),
      )
      if (area === null) return []
      draws[a].push(area)
      return [area]
    })
    const mean = meanOf(areas)
    if (mean !== null) means.push(mean)
  }
  const byActivity = ordered.map(({ activity, parts }, a) => {
    const area = meanOf(parts.flatMap(({ order, scores, labels }) => areaOf(order, scores, labels) ?? []))
    return { activity, area, ...interval(draws[a]) }
  })
  const mean = meanOf(byActivity.flatMap(({ area }) => area ?? []))
  return { byActivity, mean: { area: mean, ...interval(means) } }
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

function interval(draws: number[]): { low: number | null; high: number | null } {
  if (draws.length < RESAMPLES / 2) return { low: null, high: null }
  const sorted = [...draws].sort((a, b) => a - b)
  const rank = Math.round(((1 - LEVEL) / 2) * (sorted.length + 1))
  return { low: sorted[rank - 1], high: sorted[sorted.length - rank] }
}

/** The patterns against labels that belong to nobody: areas must be those of guessing. */
function permute(
  { weeks }: Judged,
  answered: readonly [string, Uint8Array][],
  folds: readonly Fold[],
  embeddings: readonly Matrix[],
  { permutations, seed }: EvaluateOptions,
  done: () => void,
): Evaluation["permuted"] {
  if (permutations === 0 || answered.length === 0) return null
  const means: number[] = []
  for (let i = 0; i < permutations; i++) {
    const order = Uint32Array.from({ length: weeks.rows }, (_, row) => row)
    stream(seed, "permutation", i).shuffle(order)
    const parts = answered.flatMap(([, labels]) =>
      partsOf(
        Uint8Array.from(order, (row) => labels[row]),
        folds,
        (fold) => embeddings[fold],
      ),
    )
    const mean = meanAreaOf(parts)
    if (mean !== null) means.push(mean)
    done()
  }
  const mean = meanOf(means) ?? Number.NaN
  const square = means.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { times: means.length, mean, sd: Math.sqrt(square / Math.max(1, means.length - 1)) }
}
