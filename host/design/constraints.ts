// What a playlist must respect besides its objective: from the researcher's words to the pool of songs that a design
// may choose from, with the songs that it must have and how many of one genre or artist it may have.
//
//   openPool(candidates, constraints, size) → Pool
//   fill(pool, order, chosen, size)           first come, first served, within the shares

import type { Candidates } from "./candidates.js"

export interface Constraints {
  /** Length N, 1 = may be chosen; left out: every song. */
  allowed?: Uint8Array
  /** Song numbers of earlier playlists that should rest, newest wave first. Where too few songs are left, the
   *  oldest waves are let in again, and the design says so. */
  resting?: readonly (readonly number[])[]
  /** Song numbers that must be in the playlist, whatever they are worth; they need not have rested. */
  fixed?: readonly number[]
  /** Largest share of the slots for one genre and for one artist, 0 < share ≤ 1; one slot is always allowed.
   *  Songs whose genre or artist is not known do not count. */
  maxShareGenre?: number
  maxShareArtist?: number
}

/** A playlist that cannot be made as asked. The message gives the rule and the values. */
export class DesignError extends Error {
  override name = "DesignError"
}

/** The songs a design may choose from; its arrays are in ascending order of song numbers. */
export interface Pool {
  /** Number of songs n ≥ Q. */
  n: number
  /** Length n: rows of the candidates. */
  rows: Int32Array
  /** Length n each: codes, −1 where not known. */
  genre: Int32Array
  artist: Int32Array
  /** Slots that one genre and one artist may have; infinite where there is no limit. */
  genreCap: number
  artistCap: number
  /** Places in the pool (0 … n − 1) of the songs that must be in. */
  fixed: Int32Array
  /** What had to be relaxed, in words. */
  notes: string[]
}

/** The pool for a playlist of `size` songs; throws a DesignError where no such playlist exists. */
export function openPool(candidates: Candidates, constraints: Constraints, size: number): Pool {
  const { ids } = candidates
  const { allowed, resting = [], fixed = [] } = constraints
  if (!Number.isInteger(size) || size < 1) {
    throw new DesignError(`size: a playlist has a whole number of songs from 1, got ${size}`)
  }
  if (allowed && allowed.length !== ids.length) {
    throw new DesignError(`allowed: one entry for each of the ${ids.length} songs, got ${allowed.length}`)
  }
  const rowOf = new Map(Array.from(ids, (song, row) => [song, row]))
  const must = new Set<number>()
  for (const song of fixed) {
    const row = rowOf.get(song)
    if (row === undefined) throw new DesignError(`fixed: song ${song} is not in the catalogue`)
    if (allowed && allowed[row] === 0) throw new DesignError(`fixed: song ${song} is not allowed`)
    must.add(row)
  }
  if (must.size > size) {
    throw new DesignError(`fixed: ${must.size} songs must be in a playlist of ${size}`)
  }
  for (let waves = resting.length; ; waves--) {
    const rests = new Set(resting.slice(0, waves).flat())
    const rows = Int32Array.from(ids.keys()).filter(
      (row) => must.has(row) || ((!allowed || allowed[row] === 1) && !rests.has(ids[row])),
    )
    const pool = poolOf(candidates, constraints, size, rows, must)
    const found = fillable(pool, size)
    if (found >= size) {
      if (waves < resting.length) {
        pool.notes.push(
          `too few songs had rested: those of the ${resting.length - waves} oldest of ${resting.length} resting waves may return`,
        )
      }
      return pool
    }
    if (waves > 0) continue
    const limited = pool.genreCap < size || pool.artistCap < size
    const limits = limited ? ` and ${found} fit the limits per genre and artist` : ""
    throw new DesignError(
      `size: ${size} songs asked for, ${rows.length} of ${ids.length} are allowed${limits}`,
    )
  }
}

function poolOf(
  candidates: Candidates,
  constraints: Constraints,
  size: number,
  rows: Int32Array,
  must: Set<number>,
): Pool {
  const pool: Pool = {
    n: rows.length,
    rows,
    genre: rows.map((row) => candidates.genre[row]),
    artist: rows.map((row) => candidates.artist[row]),
    genreCap: slotsOf("maxShareGenre", constraints.maxShareGenre, size),
    artistCap: slotsOf("maxShareArtist", constraints.maxShareArtist, size),
    fixed: Int32Array.from(rows.keys()).filter((place) => must.has(rows[place])),
    notes: [],
  }
  if (fill(pool, pool.fixed, [], size).length < pool.fixed.length) {
    throw new DesignError(
      `fixed: songs ${Array.from(pool.fixed, (i) => candidates.ids[rows[i]]).join(", ")} break the limit of ${pool.genreCap} per genre and ${pool.artistCap} per artist`,
    )
  }
  return pool
}

/** Whole slots within a share of `size`; a share such as .1 of 30 must not lose a slot to rounding. */
function slotsOf(place: string, share: number | undefined, size: number): number {
  if (share === undefined || share === 1) return Number.POSITIVE_INFINITY
  if (!(share > 0 && share < 1))
    throw new DesignError(`${place}: a share is above 0 and at most 1, got ${share}`)
  return Math.max(1, Math.floor(share * size + 1e-9))
}

/** How many songs can be filled in: the rarest genres and artists first, which leaves the fewest dead ends. */
function fillable(pool: Pool, size: number): number {
  if (pool.genreCap >= size && pool.artistCap >= size) return pool.n
  const genres = countCodes(pool.genre)
  const artists = countCodes(pool.artist)
  const crowd = (i: number): number =>
    (genres.get(pool.genre[i]) ?? 0) / pool.genreCap + (artists.get(pool.artist[i]) ?? 0) / pool.artistCap
  const order = Array.from(pool.rows.keys()).sort((a, b) => crowd(a) - crowd(b) || a - b)
  return fill(pool, order, pool.fixed, size).length
}

/** Songs per code; −1 is no code. */
export function countCodes(codes: Int32Array): Map<number, number> {
  const counts = new Map<number, number>()
  for (const code of codes) if (code >= 0) counts.set(code, (counts.get(code) ?? 0) + 1)
  return counts
}

/** `chosen` and then those of `order` (places in the pool) that the shares admit, up to `size`. */
export function fill(
  pool: Pool,
  order: ArrayLike<number>,
  chosen: ArrayLike<number>,
  size: number,
): Int32Array {
  const filled: number[] = []
  const taken = new Uint8Array(pool.n)
  const genres = new Map<number, number>()
  const artists = new Map<number, number>()
  const take = (i: number): void => {
    filled.push(i)
    taken[i] = 1
    genres.set(pool.genre[i], (genres.get(pool.genre[i]) ?? 0) + 1)
    artists.set(pool.artist[i], (artists.get(pool.artist[i]) ?? 0) + 1)
  }
  for (let j = 0; j < chosen.length; j++) take(chosen[j])
  for (let j = 0; j < order.length && filled.length < size; j++) {
    const i = order[j]
    if (taken[i] === 1) continue
    if (pool.genre[i] >= 0 && (genres.get(pool.genre[i]) ?? 0) >= pool.genreCap) continue
    if (pool.artist[i] >= 0 && (artists.get(pool.artist[i]) ?? 0) >= pool.artistCap) continue
    take(i)
  }
  return Int32Array.from(filled)
}
