// The data of the benches: the reference study of the tests.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import Papa from "papaparse"
import { packageRoot } from "../host/firmware/manifest.js"
import { describeFeatures, type FeatureSpec, type Song } from "../host/model/features.js"
import { type Observations, observeRows } from "../host/model/observations.js"
import { freezePrior, type Hyper } from "../host/model/prior.js"

const NOT_ATTRIBUTES = ["song", "genre", "length_s", "log_length", "song_constant"]

function rows(name: string): Record<string, string>[] {
  const text = readFileSync(join(packageRoot(), "test", "reference", "thesis", name), "utf8")
  return Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data
}

export const songs: Song[] = rows("songs.csv").map((row) => ({
  id: Number(row.song),
  lengthS: Number(row.length_s),
  attributes: Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !NOT_ATTRIBUTES.includes(name))
      .map(([name, value]) => [name, Number(value)]),
  ),
}))

export const spec: FeatureSpec = describeFeatures(songs, { standardise: false, genres: false })

/** A subject's plays of the blocks "1" or "12", and its prior, frozen at block 1. */
export function listener(subject: number, blocks: string): { observations: Observations; hyper: Hyper } {
  const byId = new Map(songs.map((song) => [song.id, song]))
  const playsOf = (wanted: string): Observations =>
    observeRows(
      rows("plays.csv")
        .filter((row) => Number(row.subject) === subject && wanted.includes(row.block))
        .map((row, source) => ({
          song: byId.get(Number(row.song))!,
          y: Number(row.log_duration),
          censored: row.censored === "1",
          source,
        })),
      spec,
    )
  const hyper = freezePrior(playsOf("1"), spec)
  if ("reason" in hyper) throw new Error(hyper.reason)
  return { observations: playsOf(blocks), hyper }
}
