// The rehearsal's catalogue: real songs drawn by seed from the CSV that ships with the project.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import Papa from "papaparse"
import { packageRoot } from "../firmware/manifest.js"
import type { Rng } from "../model/random.js"

/** The package's copy, from the package's folder; where it comes from is told beside it, in SOURCE.md. */
const SHIPPED = "host/rehearsal/catalogue/fma.csv"

/** Columns of the file that are no attributes of a song. */
export const NO_ATTRIBUTES = ["listens", "audio_licence"]

/** `count` songs of the shipped catalogue as CSV text, in the order of the file. */
export function drawCatalogue(count: number, rng: Rng): string {
  const text = readFileSync(join(packageRoot(), SHIPPED), "utf8")
  const [header, ...rows] = Papa.parse<string[]>(text, { skipEmptyLines: true }).data
  if (count < 1 || count > rows.length) {
    throw new RangeError(`songs: the shipped catalogue has 1 to ${rows.length}, got ${count}`)
  }
  const order = rows.map((_, i) => i)
  rng.shuffle(order)
  const drawn = order.slice(0, count).sort((a, b) => a - b)
  return Papa.unparse([header, ...drawn.map((i) => rows[i])])
}
