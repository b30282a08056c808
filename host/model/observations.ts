// Observations: listens turned into log times with a censoring flag (one row per play that teaches something).
//
//   y = log(seconds heard); censored 1 = the listener would have gone on for an unknown time
//   x = the song's features, first column 1
//
// Skipped, stopped and gone back from: the end of the listen is the listener's own. Finished: censored at the
// song's length. Power lost, sleep timer, battery, replaced, error: censored at the time heard, because the
// listener did not choose that end.

import { log } from "../model/elementary.js"
import { type FeatureSpec, featureMatrix, type Song } from "./features.js"

export interface Observations {
  n: number
  p: number
  /** n × P, row-major. */
  x: Float64Array
  /** Length n: natural log of the time heard. */
  y: Float64Array
  /** Length n: 1 = right-censored at y. */
  censored: Uint8Array
  /** Length n: song numbers. */
  song: Uint32Array
  /** Length n: log of the song's length, infinite where it is not known. Left out: of none. */
  logLength?: Float64Array
  /** Length n: wave that the play belongs to. Left out: all belong to one. */
  wave?: Uint32Array
  /** Length n: index of the play that the row comes from, increasing. */
  source: Uint32Array
  /** Plays below MIN_HEARD_S, which are kept in the log and left out here. */
  tooShort: number
  /** Plays of songs that are not in the catalogue, left out. */
  unknownSong: number
}

export interface HeardPlay {
  song: number
  /** Seconds heard, pauses out. */
  heardS: number
  /** One of END_REASONS of the listen record. */
  reason: string
  /** Wave of the playlist that it was played from; 0 where that is not known. */
  wave?: number
}

/** A listen shorter than this is a slip of the finger, not a judgement of the song. */
export const MIN_HEARD_S = 0.5

/** Ends that are the listener's own choice; every other end censors. */
const CHOSEN_ENDS: ReadonlySet<string> = new Set(["skipped", "stopped", "previous"])

/** Rows for the plays (in their order) of songs in `songs`. */
export function observePlays(
  plays: readonly HeardPlay[],
  spec: FeatureSpec,
  songs: ReadonlyMap<number, Song>,
): Observations {
  const rows: Row[] = []
  let tooShort = 0
  let unknownSong = 0
  plays.forEach((play, source) => {
    const song = songs.get(play.song)
    if (song === undefined) {
      unknownSong++
    } else if (!(play.heardS >= MIN_HEARD_S)) {
      tooShort++
    } else {
      // A finished listen may have been timed a little past the catalogue's length of the song.
      const heard = play.reason === "finished" ? Math.min(play.heardS, song.lengthS) : play.heardS
      const censored = !CHOSEN_ENDS.has(play.reason)
      rows.push({ song, y: log(heard), censored, source, wave: play.wave })
    }
  })
  return observeRows(rows, spec, tooShort, unknownSong)
}

interface Row {
  song: Song
  y: number
  censored: boolean
  source: number
  wave?: number
}

/** Observations from rows whose log time and censoring are already known. */
export function observeRows(
  rows: readonly Row[],
  spec: FeatureSpec,
  tooShort = 0,
  unknownSong = 0,
): Observations {
  const x = featureMatrix(
    spec,
    rows.map((row) => row.song),
  )
  return {
    n: rows.length,
    p: spec.names.length,
    x,
    y: Float64Array.from(rows, (row) => row.y),
    censored: Uint8Array.from(rows, (row) => (row.censored ? 1 : 0)),
    song: Uint32Array.from(rows, (row) => row.song.id),
    logLength: Float64Array.from(rows, (row) => log(row.song.lengthS)),
    wave: Uint32Array.from(rows, (row) => row.wave ?? 0),
    source: Uint32Array.from(rows, (row) => row.source),
    tooShort,
    unknownSong,
  }
}

/** The rows named by `indices`, in that order; counts of plays left out stay with the whole. */
export function takeRows(observations: Observations, indices: ArrayLike<number>): Observations {
  const { p } = observations
  const n = indices.length
  const taken: Observations = {
    n,
    p,
    x: new Float64Array(n * p),
    y: new Float64Array(n),
    censored: new Uint8Array(n),
    song: new Uint32Array(n),
    logLength: observations.logLength && new Float64Array(n),
    wave: observations.wave && new Uint32Array(n),
    source: new Uint32Array(n),
    tooShort: 0,
    unknownSong: 0,
  }
  for (let row = 0; row < n; row++) {
    const from = indices[row]
    for (let q = 0; q < p; q++) taken.x[row * p + q] = observations.x[from * p + q]
    taken.y[row] = observations.y[from]
    taken.censored[row] = observations.censored[from]
    taken.song[row] = observations.song[from]
    if (taken.logLength && observations.logLength) taken.logLength[row] = observations.logLength[from]
    if (taken.wave && observations.wave) taken.wave[row] = observations.wave[from]
    taken.source[row] = observations.source[from]
  }
  return taken
}

/** The rows named by `indices` song by song: groups in the order of their first row, which has their features. */
export function songGroups({ p, x, song }: Observations, indices: ArrayLike<number>): number[][] {
  const groups: number[][] = []
  const bySong = new Map<number, number[][]>()
  for (let place = 0; place < indices.length; place++) {
    const row = indices[place]
    const found = bySong.get(song[row]) ?? []
    let same: number[] | undefined
    for (const group of found) {
      let q = 0
      while (q < p && x[group[0] * p + q] === x[row * p + q]) q++
      if (q === p) same = group
    }
    if (same !== undefined) {
      same.push(row)
      continue
    }
    groups.push([row])
    bySong.set(song[row], [...found, groups[groups.length - 1]])
  }
  return groups
}
