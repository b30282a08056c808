// What a playlist must respect besides its objective: as the researcher says it, and as the designs check it
// song by song. From the one to the other: resolve.ts.

export interface Constraints {
  /** Songs that must not be chosen: not on the card, withdrawn by the researcher. */
  excluded?: readonly number[]
  /** Songs of earlier playlists that should rest, newest wave first. Where too few songs are left, the oldest
   *  waves are let in again, and the design says so. */
  resting?: readonly (readonly number[])[]
  /** Songs that must be in the playlist, whatever they are worth; they never rest. */
  fixed?: readonly number[]
  /** Largest share of the slots for one genre and for one artist, 0 < share ≤ 1; one slot is always allowed.
   *  Songs whose genre or artist is not known do not count. */
  maxShareGenre?: number
  maxShareArtist?: number
  /** Share of the highest total utility that the playlist must keep in expectation, random slots included, 0 … 1;
   *  left out: 0. Fewer slots are random, and less is explored, as far as it takes; a design that does not go by
   *  utility says so where it does not keep it. */
  utilityFloor?: number
}

/** The rows that may be chosen, and how many of a kind. Rows are places in the arrays of the candidates. */
export interface Rules {
  /** Q. */
  size: number
  /** Length N: 1 = may be chosen. */
  allowed: Uint8Array
  /** Allowed rows, ascending. */
  rows: Int32Array
  /** Rows that are always in, ascending. */
  fixed: Int32Array
  genre: Int32Array
  artist: Int32Array
  /** Most songs of one genre and of one artist. */
  genreCap: number
  artistCap: number
}

/** How many of each genre and artist a selection has. */
export interface Counts {
  genre: Int32Array
  artist: Int32Array
}

export function countKinds(rules: Rules, members: ArrayLike<number>): Counts {
  const counts = {
    genre: new Int32Array(kinds(rules.genre)),
    artist: new Int32Array(kinds(rules.artist)),
  }
  for (let i = 0; i < members.length; i++) count(rules, counts, members[i], 1)
  return counts
}

/** Number of codes in use: the largest plus one. */
export function kinds(codes: Int32Array): number {
  let largest = -1
  for (let i = 0; i < codes.length; i++) if (codes[i] > largest) largest = codes[i]
  return largest + 1
}

/** Adds `change` (1 or −1) for `row`. */
export function count(rules: Rules, counts: Counts, row: number, change: number): void {
  const genre = rules.genre[row]
  const artist = rules.artist[row]
  if (genre >= 0) counts.genre[genre] += change
  if (artist >= 0) counts.artist[artist] += change
}

/** Whether `row` keeps the caps when it comes in for `without` (−1: for nobody). */
export function fits(rules: Rules, counts: Counts, row: number, without: number): boolean {
  const { genre, artist, genreCap, artistCap } = rules
  const g = genre[row]
  if (g >= 0 && counts.genre[g] >= genreCap && (without < 0 || genre[without] !== g)) return false
  const a = artist[row]
  return !(a >= 0 && counts.artist[a] >= artistCap && (without < 0 || artist[without] !== a))
}
