// The known answers of test/reference/thesis, read once per test file.

import { readFileSync } from "node:fs"
import Papa from "papaparse"
import { describeFeatures, type FeatureSpec, type Song } from "../../../host/model/features.js"
import { type Observations, observeRows } from "../../../host/model/observations.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import { freezePrior, type Hyper } from "../../../host/model/prior.js"

const FOLDER = new URL("../../../../test/reference/thesis/", import.meta.url)

export function readReference(name: string): any {
  return JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"))
}

/** The known answers of test/reference/average. */
export function readAverageReference(name: string): any {
  return JSON.parse(readFileSync(new URL(`../average/${name}`, FOLDER), "utf8"))
}

export const referencePath = (name: string): string => new URL(name, FOLDER).pathname

function readRows(name: string): Record<string, string>[] {
  return Papa.parse<Record<string, string>>(readFileSync(new URL(name, FOLDER), "utf8"), {
    header: true,
    skipEmptyLines: true,
  }).data
}

const NOT_ATTRIBUTES = ["song", "genre", "length_s", "log_length", "song_constant"]

export const songs: Song[] = readRows("songs.csv").map((row) => ({
  id: Number(row.song),
  genre: row.genre,
  lengthS: Number(row.length_s),
  attributes: Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !NOT_ATTRIBUTES.includes(name))
      .map(([name, value]) => [name, Number(value)]),
  ),
}))

export const spec: FeatureSpec = describeFeatures(songs, { standardise: false, genres: false })

const plays = readRows("plays.csv")
const songById = new Map(songs.map((song) => [song.id, song]))

/** One subject's plays of the given blocks, "1" or "12". */
export function observationsOf(subject: number, blocks: string): Observations {
  const rows = plays
    .filter((row) => Number(row.subject) === subject && blocks.includes(row.block))
    .map((row, source) => ({
      song: songById.get(Number(row.song))!,
      y: Number(row.log_duration),
      censored: row.censored === "1",
      source,
    }))
  return observeRows(rows, spec)
}

/** The prior frozen at the subject's first block. */
export function priorOf(subject: number): Hyper {
  return answered(freezePrior(observationsOf(subject, "1"), spec))
}

/** The value, where there is one. */
export function answered<T extends object>(value: T | { reason: string }): T {
  if ("reason" in value) throw new Error(`no answer: ${value.reason}`)
  return value
}

/** Particles with equal weights from rows of β and a list of σ². */
export function particlesFrom(beta: number[][], sigma2: number[]): Particles {
  const particles = createParticles(beta.length, beta[0].length)
  particles.beta.set(beta.flat())
  particles.gamma.set(beta.flat().map((value) => (value === 0 ? 0 : 1)))
  particles.sigma2.set(sigma2)
  particles.scale.fill(1)
  return particles
}

/** Asserts that |found − expected| ≤ limit, and says by how much it is not. */
export function near(found: number, expected: number, limit: number, what: string): void {
  if (!(Math.abs(found - expected) <= limit)) {
    throw new Error(`${what}: ${found}, expected ${expected} within ${limit}`)
  }
}
