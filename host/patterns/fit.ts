// The dictionary of weekly patterns of a study, and everybody's place in it.
//
// It is learnt from those with enough plays; the others are projected on it and say so. The dictionary is a model of
// everybody (kind `patterns`), a listener's embedding one of the listener (`pattern`) that names the dictionary it
// belongs to: coefficients of two dictionaries can't be compared.

import { createHash } from "node:crypto"
import { EVERYBODY } from "../store/models.js"
import type { Study } from "../study/study.js"
import { encode, learnDictionary, reconstruction } from "./dictionary.js"
import { leastSquares } from "./embedding.js"
import { bytesOfValues, type Matrix, rowOf, rowsOf } from "./matrix.js"
import { type Person, peopleOf, readHeard, type Source } from "./people.js"
import { divideBy, normaliseWeeks, type Smoothing, spreadOf } from "./preprocess.js"
import { CHANNELS, type Channel, HOURS, type Ratios } from "./week.js"

export interface FitOptions {
  /** Left out: min(32, listeners/4). */
  atoms?: number
  lambda: number
  starts: number
  iterations: number
  seed: number
  source: Source
  smoothing: Smoothing
  /** A dictionary that exists, of another study perhaps: nothing is learnt, everybody is projected. Its channels, smoothing
   *  and weight of codes hold. */
  dictionary?: GivenDictionary
  /** Left out: shrunk where the median listener was observed for less than SHORT_WEEKS. */
  ratios?: Ratios
}

export interface GivenDictionary {
  id: string
  atoms: Matrix
  channels: Channel[]
  lambda: number
  smoothing: Smoothing
  /** What rows are divided by. */
  scale: number
}

export const DEFAULT_FIT = {
  lambda: 2,
  starts: 5,
  iterations: 100,
  seed: 1,
  source: "study",
  smoothing: "valid",
} as const satisfies FitOptions

const MOST_ATOMS = 32
const LISTENERS_PER_ATOM = 4
export const LEAST_PLAYS = 30
export const LEAST_WEEKS = 2
/** Below this a cell has so few plays that their ratio says little (measured with simulated plays). */
const SHORT_WEEKS = 12

/** `fitted`: the dictionary was learnt from it too; `projected`: too few plays or weeks for that; `empty`: no play. */
type Standing = "fitted" | "projected" | "empty"

export interface PatternRow {
  subject: number | null
  listener: string
  standing: Standing
  plays: number
  weeks: number
  tooShort: number
  untimed: number
  outside: number
  /** Channels that say nothing: the same value in every hour. */
  flat: Channel[]
  /** Sparse codes, one an atom, none negative; null without a dictionary or without plays. */
  codes: number[] | null
  /** Least squares on the atoms, with an intercept that is not kept. */
  coefficients: number[] | null
}

export interface PatternFit {
  /** Version of the stored dictionary, and the hash that names it; null where there is none. */
  version: number | null
  id: string | null
  /** Why there is no dictionary. */
  noAnswer: string | null
  atoms: number
  lambda: number
  channels: Channel[]
  /** Channels that nobody's plays tell of. */
  dropped: Channel[]
  ratios: Ratios
  smoothing: Smoothing
  source: Source
  objective: number | null
  objectives: number[]
  /** Share of the variance of the matrix that the codes explain, 0 … 1; share of codes that are not 0. */
  explained: number | null
  used: number | null
  fitted: number
  people: PatternRow[]
}

/** What everybody's week becomes before a dictionary is learnt; shared with the evaluation. */
export interface Prepared {
  people: Person[]
  ratios: Ratios
  channels: Channel[]
  dropped: Channel[]
  /** All people's rows, divided by the standard deviation of the rows of those that are fitted. */
  x: Matrix
  scale: number
  flat: Channel[][]
  /** Rows of `x` that have enough plays and weeks. */
  eligible: number[]
}

export async function preparePatterns(study: Study, options: FitOptions): Promise<Prepared> {
  const heard = await readHeard(study, options.source)
  const raw = peopleOf(heard, "raw")
  const ratios = options.ratios ?? (isShort(raw) ? "shrunk" : "raw")
  const people = ratios === "raw" ? raw : peopleOf(heard, ratios)
  return { ...prepare(people, options), ratios }
}

function isShort(people: readonly Person[]): boolean {
  const weeks = people.flatMap(({ week }) => (week.plays > 0 ? [week.weeks] : [])).sort((a, b) => a - b)
  return weeks.length > 0 && weeks[weeks.length >> 1] < SHORT_WEEKS
}

function prepare(people: Person[], { smoothing, dictionary }: FitOptions): Omit<Prepared, "ratios"> {
  const eligible = people.flatMap(({ week }, row) =>
    week.plays >= LEAST_PLAYS && week.weeks >= LEAST_WEEKS ? [row] : [],
  )
  const tells = (channel: Channel): boolean =>
    eligible.some((row) => {
      const { week } = people[row]
      const from = CHANNELS.indexOf(channel) * HOURS
      return (
        !week.unknown.includes(channel) && week.channels.subarray(from, from + HOURS).some((v) => v !== 0)
      )
    })
  const channels = dictionary?.channels ?? CHANNELS.filter(tells)
  const { x, flat } = normaliseWeeks(
    people.map(({ week }) => week.channels),
    channels,
    smoothing,
  )
  const scale = dictionary?.scale ?? spreadOf(rowsOf(x, eligible))
  if (scale > 0) divideBy(x, scale)
  return {
    ...{ people, channels, x, scale, flat, eligible },
    dropped: CHANNELS.filter((channel) => !channels.includes(channel)),
  }
}

/** Patterns that so many listeners are enough for. */
export function atomsFor(listeners: number): number {
  return Math.min(MOST_ATOMS, Math.floor(listeners / LISTENERS_PER_ATOM))
}

/** Learns the dictionary and stores it with everybody's embedding. @param now Unix milliseconds */
export async function fitPatterns(study: Study, given: FitOptions, now: number): Promise<PatternFit> {
  const { dictionary } = given
  const options =
    dictionary === undefined
      ? given
      : { ...given, lambda: dictionary.lambda, smoothing: dictionary.smoothing }
  const prepared = await preparePatterns(study, options)
  const { people, x, eligible, channels, scale } = prepared
  const atoms = dictionary?.atoms.rows ?? options.atoms ?? atomsFor(eligible.length)
  const noAnswer = dictionary === undefined ? obstacle(prepared, atoms) : null
  const rows = eligible.length > 0 ? eligible : [...people.keys()]
  const learnt =
    dictionary === undefined && noAnswer === null
      ? learnDictionary(rowsOf(x, rows), { ...options, atoms })
      : null
  const used = dictionary?.atoms ?? learnt?.atoms ?? null
  const id = used && (dictionary?.id ?? nameOf(used, channels, scale, options))
  const { lambda, smoothing, source, seed, starts } = options
  const places = used && { codes: encode(x, used, lambda), coefficients: leastSquares(x, used) }
  const fitted = dictionary === undefined ? eligible : []
  const described = people.map((person, row) => describe(person, row, prepared.flat[row], places, fitted))
  const fit: PatternFit = {
    ...{ version: null, id, noAnswer, atoms, lambda, channels, smoothing, source },
    ...{ dropped: prepared.dropped, ratios: prepared.ratios, fitted: fitted.length },
    objective: learnt?.objective ?? null,
    objectives: learnt?.objectives ?? [],
    ...(used && places
      ? reconstruction(rowsOf(x, rows), used, rowsOf(places.codes, rows))
      : { explained: null, used: null }),
    people: described,
  }
  if (used === null) return fit
  const { people: _, version: __, noAnswer: ___, ...summary } = fit
  const stored = await study.store.models.save({
    ...{ subject: EVERYBODY, kind: "patterns", at: now, diagnostics: {} },
    particles: bytesOfValues(used.values),
    summary: { ...summary, scale, seed, starts },
  })
  for (const [i, row] of described.entries()) {
    if (row.subject === null) continue
    await study.store.models.save({
      ...{ subject: row.subject, kind: "pattern", at: now, diagnostics: {} },
      particles: bytesOfValues(people[i].week.channels),
      summary: { ...row, dictionary: id, counts: [...people[i].week.counts] },
    })
  }
  return { ...fit, version: stored.version }
}

function obstacle({ eligible, scale, channels }: Prepared, atoms: number): string | null {
  if (eligible.length === 0) {
    return `nobody has ${LEAST_PLAYS} plays of at least 30 s in ${LEAST_WEEKS} weeks`
  }
  if (channels.length === 0 || scale === 0) return "everybody's week is flat"
  if (atoms < 1) {
    return `a pattern takes ${LISTENERS_PER_ATOM} listeners with ${LEAST_PLAYS} plays in ${LEAST_WEEKS} weeks, and there are ${eligible.length}`
  }
  return null
}

/** Codes and coefficients of all rows. */
interface Places {
  codes: Matrix
  coefficients: Matrix
}

function describe(
  { subject, listener, week }: Person,
  row: number,
  flat: Channel[],
  places: Places | null,
  fitted: readonly number[],
): PatternRow {
  const { plays, weeks, tooShort, untimed, outside } = week
  const standing = plays === 0 ? "empty" : fitted.includes(row) ? "fitted" : "projected"
  const placed = plays > 0 ? places : null
  return {
    ...{ subject, listener, standing, plays, weeks, tooShort, untimed, outside, flat },
    codes: placed && [...rowOf(placed.codes, row)],
    coefficients: placed && [...rowOf(placed.coefficients, row)],
  }
}

function nameOf(
  atoms: Matrix,
  channels: Channel[],
  scale: number,
  { lambda, smoothing }: FitOptions,
): string {
  return createHash("sha256")
    .update(JSON.stringify({ channels, scale, lambda, smoothing, atoms: atoms.rows, columns: atoms.columns }))
    .update(bytesOfValues(atoms.values))
    .digest("hex")
}
