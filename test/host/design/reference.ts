// The known answers of test/reference/design, and the oracle songs as candidates.

import { readFileSync } from "node:fs"
import { type Candidates, describeCandidates } from "../../../host/design/candidates.js"
import type { Rules } from "../../../host/design/constraints.js"
import type { Knowledge } from "../../../host/design/information.js"
import { resolveRules } from "../../../host/design/resolve.js"
import { describeFeatures } from "../../../host/model/features.js"
import { songs, spec } from "../model/reference.js"

const FOLDER = new URL("../../../../test/reference/design/", import.meta.url)

export function readDesign(name: string): any {
  return JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"))
}

/** The 400 songs with the eleven genre indicators as columns, in the order of the reference. */
export const candidates: Candidates = describeCandidates(spec, songs)

const GENRES = [
  "Alternate",
  "Dance",
  "Jazz",
  "Latin",
  "Metal",
  "Pop",
  "Hip_Hop",
  "Reggae",
  "Rock",
  "Soul",
  "Vocals",
]
/** The same songs described as a catalogue is: six attributes and a genre. */
export const catalogue: Candidates = (() => {
  const plain = songs.map((song) => ({
    ...song,
    attributes: Object.fromEntries(
      Object.entries(song.attributes).filter(([name]) => !GENRES.includes(name)),
    ),
  }))
  return describeCandidates(describeFeatures(plain), plain)
})()

export const names = spec.names

/** No constraints but the size, over all songs or the first ones. */
export function freely(size: number, of: Candidates = candidates): Rules {
  return resolveRules(of, {}, size).rules
}

export interface Subject {
  utility: number[]
  sigma2: number
  selected: string[]
  priorPrecision: number[]
  posteriorPrecision: number[][]
}

/** What the reference took as known of a subject: columns "selected" or "full18", precision "prior" or "posterior". */
export function knownOf(subject: Subject, which: string, precision: string): Knowledge {
  const columns = Int32Array.from(
    which === "selected" ? subject.selected.map((name) => names.indexOf(name)) : names.keys(),
  )
  const k = columns.length
  const matrix = new Float64Array(k * k)
  for (let a = 0; a < k; a++) {
    for (let b = 0; b < k; b++) {
      const prior = a === b ? subject.priorPrecision[columns[a]] : 0
      matrix[a * k + b] = precision === "prior" ? prior : subject.posteriorPrecision[columns[a]][columns[b]]
    }
  }
  return { columns, precision: matrix, sigma2: subject.sigma2, beta: new Float64Array(names.length) }
}
