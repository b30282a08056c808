// The simulated study of Chung 2007, chapter 3: 400 songs, 5 listeners of known taste, 2 blocks of 50 songs × 10 plays.
//
//   y = log(T/137 s) = x'β + δ_j + σε, σ = .5, censored at the song's length; δ_j = 0 or U(0, .25), the song constant
//
// The thesis does not say in what unit its intercept of 0 counts. With standardised attributes 25 to 35 % of plays are
// censored, as it reports, where the unit is 137 s and songs last 150 to 330 s. Songs of a block are drawn anew
// until the share of censored plays lies between 25 and 35 %.

import { exp, log } from "../model/elementary.js"
import { describeFeatures, type FeatureSpec, featureMatrix, type Song } from "../model/features.js"
import type { Rng } from "../model/random.js"
import { ATTRIBUTES, GENRES, NAMES, SONGS_PER_GENRE, SUBJECTS, TRUTH } from "./printed.js"

/** Seconds per unit of time. */
export const UNIT_S = 137
export const SIGMA = 0.5
const SONGS_PER_BLOCK = 50
const PLAYS_PER_SONG = 10
const CENSORED = { least: 0.25, most: 0.35 }
const LENGTH_S = { least: 150, most: 330 }
const LARGEST_CONSTANT = 0.25
/** Correlation of two attributes, and standard deviation of a genre's own place. */
const CORRELATION = 0.15
const GENRE_SPREAD = 0.5

export interface Study {
  /** Lengths are in units of UNIT_S. Genres are attributes of 0 and 1, in the thesis's order. */
  songs: (Song & { genre: string })[]
  spec: FeatureSpec
  /** J × P, row-major. */
  x: Float64Array
  /** Length J: log length. */
  logLength: Float64Array
  /** Length J: δ. */
  constants: Float64Array
}

export interface Play {
  song: Song
  y: number
  censored: boolean
  block: number
}

/** `constants`: whether songs have constants of their own. */
export function simulateSongs(rng: Rng, constants: boolean): Study {
  const genres = Object.entries(SONGS_PER_GENRE).flatMap(([genre, count]) =>
    new Array<string>(count).fill(genre),
  )
  rng.shuffle(genres)
  const places = new Map(
    Object.keys(SONGS_PER_GENRE).map((genre) => [genre, ATTRIBUTES.map(() => GENRE_SPREAD * rng.normal())]),
  )
  const raw = genres.map((genre) => {
    const shared = Math.sqrt(CORRELATION) * rng.normal()
    return ATTRIBUTES.map(
      (_, a) => places.get(genre)![a] + shared + Math.sqrt(1 - CORRELATION) * rng.normal(),
    )
  })
  const standard = ATTRIBUTES.map((_, a) => standardise(raw.map((row) => row[a])))
  const songs = genres.map((genre, j) => {
    const lengthS = LENGTH_S.least + (LENGTH_S.most - LENGTH_S.least) * rng.uniform()
    const attributes: Record<string, number> = {}
    ATTRIBUTES.forEach((name, a) => {
      attributes[name] = standard[a][j]
    })
    for (const name of GENRES) attributes[name] = genre === name ? 1 : 0
    return { id: j + 1, genre, lengthS: lengthS / UNIT_S, attributes }
  })
  const spec = describeFeatures(songs, { standardise: false, genres: false })
  if (spec.names.join() !== NAMES.join()) throw new Error(`columns: must be ${NAMES}, got ${spec.names}`)
  return {
    songs,
    spec,
    x: featureMatrix(spec, songs),
    logLength: Float64Array.from(songs, (song) => log(song.lengthS)),
    constants: Float64Array.from(songs, () => (constants ? LARGEST_CONSTANT * rng.uniform() : 0)),
  }
}

function standardise(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0)
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0)
  const sd = Math.sqrt(squares / (values.length - 1))
  return values.map((value) => (value - mean) / sd)
}

/** Length J: x'β + δ of a subject (0 … 4). */
export function trueLogTimes({ x, constants }: Study, subject: number): Float64Array {
  const p = NAMES.length
  return constants.map((delta, j) => {
    let mu = delta
    for (let q = 0; q < p; q++) mu += x[j * p + q] * TRUTH[subject][q]
    return mu
  })
}

/** Length J: expected duration in minutes if songs had no end. */
export function trueMinutes(study: Study, subject: number): Float64Array {
  return trueLogTimes(study, subject).map((mu) => (UNIT_S / 60) * exp(mu + 0.5 * SIGMA * SIGMA))
}

/** One play of each of `songs` (indices), as often as `times`. */
export function listen(
  study: Study,
  subject: number,
  songs: ArrayLike<number>,
  times: number,
  block: number,
  rng: Rng,
): Play[] {
  const mu = trueLogTimes(study, subject)
  const plays: Play[] = []
  for (let s = 0; s < songs.length; s++) {
    const j = songs[s]
    for (let repeat = 0; repeat < times; repeat++) {
      const z = mu[j] + SIGMA * rng.normal()
      const end = study.logLength[j]
      plays.push({ song: study.songs[j], y: Math.min(z, end), censored: z >= end, block })
    }
  }
  return plays
}

/** Both blocks of every subject. */
export function simulatePlays(study: Study, rng: Rng): Play[][] {
  return Array.from({ length: SUBJECTS }, (_, subject) =>
    [1, 2].flatMap((block) => {
      const order = Int32Array.from(study.songs.keys())
      for (;;) {
        rng.shuffle(order)
        const plays = listen(
          study,
          subject,
          order.slice(0, SONGS_PER_BLOCK).sort(),
          PLAYS_PER_SONG,
          block,
          rng,
        )
        const share = plays.filter((play) => play.censored).length / plays.length
        if (share >= CENSORED.least && share <= CENSORED.most) return plays
      }
    }),
  )
}
