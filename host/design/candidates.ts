// The songs that a playlist may be chosen from, as the designs read them: flat arrays, one row per song.

import { log } from "../model/elementary.js"
import { type FeatureSpec, featureMatrix, type Song } from "../model/features.js"

export interface Candidates {
  /** Length N ≥ 1: song numbers, ascending. Rows of everything else are in this order. */
  ids: Int32Array
  /** Columns of `x`. */
  p: number
  /** N × P, row-major: the features of the model, column 0 the constant. */
  x: Float64Array
  /** Columns of `x` that are numeric attributes (the constant and the indicators of genres are not). */
  numeric: Int32Array
  /** Length N: log of the song's length, in the unit of the plays. */
  logLength: Float64Array
  /** Length N: a code per genre, −1 where it is not known. */
  genre: Int32Array
  /** Length N: a code per artist, −1 where it is not known. */
  artist: Int32Array
}

/** Rows for `songs`, in ascending order of their numbers; times in seconds. */
export function describeCandidates(
  spec: FeatureSpec,
  songs: readonly (Song & { artist?: string })[],
): Candidates {
  const ordered = [...songs].sort((a, b) => a.id - b.id)
  return {
    ids: Int32Array.from(ordered, (song) => song.id),
    p: spec.names.length,
    x: featureMatrix(spec, ordered),
    numeric: Int32Array.from(spec.attributes, (_, i) => i + 1),
    logLength: Float64Array.from(ordered, (song) => log(song.lengthS)),
    genre: codes(ordered.map((song) => song.genre)),
    artist: codes(ordered.map((song) => song.artist)),
  }
}

/** 0, 1, 2, … in the order of first appearance; −1 for none. */
function codes(names: readonly (string | undefined)[]): Int32Array {
  const known = new Map<string, number>()
  return Int32Array.from(names, (name) => {
    if (!name) return -1
    const code = known.get(name) ?? known.size
    known.set(name, code)
    return code
  })
}
