// What is stored of weekly patterns, read back: dictionary, listeners' places, judgement; and all of it for people who
// look (page and report).

import { EVERYBODY, type Model } from "../store/models.js"
import type { Study } from "../study/study.js"
import { type ActivityWeights, activityWeights, type Evaluation, type Judged } from "./evaluation/evaluate.js"
import type { PatternFit, PatternRow } from "./fit.js"
import { type Matrix, rowOf, valuesOfBytes } from "./matrix.js"
import { firstHourOf, normaliseWeek, pointsOf } from "./preprocess.js"
import { CHANNELS, type Channel, HOURS } from "./week.js"

/** What is stored of a listener. */
export interface StoredPattern extends PatternRow {
  at: number
  /** Hash of the dictionary that the codes belong to. */
  dictionary: string
  /** Plays by hour of the week. */
  counts: number[]
  /** CHANNELS × HOURS. */
  hours: Float64Array
}

export async function storedPattern({ store }: Study, subject: number): Promise<StoredPattern | undefined> {
  const model = await store.models.latest(subject, "pattern")
  if (model === undefined) return undefined
  return patternOf(model)
}

function patternOf({ summary, at, particles }: Model): StoredPattern {
  return { ...(summary as unknown as StoredPattern), at, hours: valuesOfBytes(particles) }
}

export interface StoredDictionary {
  version: number
  at: number
  summary: Omit<PatternFit, "people" | "version" | "noAnswer" | "id"> & { id: string; scale: number }
  atoms: Matrix
  /** It was learnt from data that a withdrawal has deleted since. */
  withdrawnData: boolean
}

export async function storedDictionary({ store }: Study): Promise<StoredDictionary | undefined> {
  const model = await store.models.latest(EVERYBODY, "patterns")
  if (model === undefined) return undefined
  const summary = model.summary as unknown as StoredDictionary["summary"]
  const values = valuesOfBytes(model.particles)
  return {
    ...{ version: model.version, at: model.at, summary, withdrawnData: model.withdrawnData },
    atoms: { rows: summary.atoms, columns: values.length / summary.atoms, values },
  }
}

/** The newest judgement of the study's patterns. */
interface StoredEvaluation extends Evaluation {
  at: number
  atoms: number
  lambda: number
  weights: ActivityWeights | null
}

/** @param at Unix milliseconds */
export async function storeEvaluation(
  study: Study,
  evaluation: Evaluation,
  judged: Judged,
  at: number,
): Promise<void> {
  const held = await storedDictionary(study)
  const same = held !== undefined && held.atoms.columns === judged.weeks.columns
  const weights = same ? activityWeights(judged, { id: held.summary.id, atoms: held.atoms }) : null
  await study.store.models.save({
    ...{ subject: EVERYBODY, kind: "pattern-evaluation", at, diagnostics: {}, particles: new Uint8Array(0) },
    summary: { ...evaluation, weights },
  })
}

async function storedEvaluation({ store }: Study): Promise<StoredEvaluation | null> {
  const model = await store.models.latest(EVERYBODY, "pattern-evaluation")
  return model === undefined ? null : { ...(model.summary as unknown as StoredEvaluation), at: model.at }
}

interface PatternView {
  /** 1, 2, 3, … */
  pattern: number
  /** By channel of the dictionary: the line over the week. */
  lines: number[][]
  /** Listeners whose strongest pattern it is, and sum of everybody's codes. */
  listeners: number
  weight: number
}

export interface PatternsView {
  dictionary:
    | (Omit<StoredDictionary["summary"], "scale"> & {
        version: number
        at: number
        withdrawnData: boolean
        /** Hour of the week of a line's first point. */
        firstHour: number
      })
    | null
  /** Heaviest first. */
  patterns: PatternView[]
  /** The listener with the most plays: plays by hour, and by channel the week as it is and normalised. */
  example: {
    subject: number
    counts: number[]
    weeks: { channel: Channel; week: number[]; normalised: number[] }[]
  } | null
  listeners: {
    subject: number
    standing: string
    plays: number
    weeks: number
    strongest: { pattern: number; code: number }[]
  }[]
  evaluation: StoredEvaluation | null
}

const STRONGEST = 3

export async function patternsView(study: Study): Promise<PatternsView> {
  const held = await storedDictionary(study)
  const evaluation = await storedEvaluation(study)
  if (held === undefined) return { dictionary: null, patterns: [], example: null, listeners: [], evaluation }
  const { atoms, summary, version, at, withdrawnData } = held
  const listeners = (await study.store.models.latestOf("pattern"))
    .map(patternOf)
    .filter(({ dictionary }) => dictionary === summary.id)
    .map((listener) => ({ ...listener, strongest: strongestOf(listener.codes) }))
  const heaviest = listeners.reduce<(typeof listeners)[number] | null>(
    (a, b) => (a === null || b.plays > a.plays ? b : a),
    null,
  )
  const { scale: _, ...told } = summary
  return {
    dictionary: { ...told, version, at, withdrawnData, firstHour: firstHourOf(summary.smoothing) },
    patterns: viewsOf(atoms, summary.channels, listeners),
    example: heaviest === null || heaviest.plays === 0 ? null : exampleOf(heaviest, summary),
    listeners: listeners.map(({ subject, standing, plays, weeks, strongest }) => ({
      ...{ subject: subject as number, standing, plays, weeks, strongest },
    })),
    evaluation,
  }
}

/** The largest codes, patterns counted from 1. */
export function strongestOf(codes: readonly number[] | null): { pattern: number; code: number }[] {
  return (codes ?? [])
    .map((code, k) => ({ pattern: k + 1, code }))
    .filter(({ code }) => code > 0)
    .sort((a, b) => b.code - a.code)
    .slice(0, STRONGEST)
}

function viewsOf(
  atoms: Matrix,
  channels: readonly Channel[],
  people: readonly (PatternRow & { strongest: { pattern: number }[] })[],
): PatternView[] {
  const points = atoms.columns / channels.length
  return Array.from({ length: atoms.rows }, (_, k) => ({
    pattern: k + 1,
    lines: channels.map((_, c) => [...rowOf(atoms, k).subarray(c * points, (c + 1) * points)]),
    listeners: people.filter(({ strongest }) => strongest[0]?.pattern === k + 1).length,
    weight: people.reduce((sum, { codes }) => sum + (codes?.[k] ?? 0), 0),
  })).sort((a, b) => b.weight - a.weight || a.pattern - b.pattern)
}

function exampleOf(
  { subject, counts, hours }: StoredPattern,
  { channels, smoothing }: Pick<PatternFit, "channels" | "smoothing">,
): NonNullable<PatternsView["example"]> {
  return {
    subject: subject as number,
    counts,
    weeks: channels.map((channel) => {
      const from = CHANNELS.indexOf(channel) * HOURS
      const week = hours.subarray(from, from + HOURS)
      const normalised = new Float64Array(pointsOf(smoothing))
      normaliseWeek(week, smoothing, normalised)
      return {
        channel,
        week: [...week],
        normalised: [...normalised],
      }
    }),
  }
}
