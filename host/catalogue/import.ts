// Catalogue import: songs from a CSV file.
//
// Recognised columns: song or track_id (identifier), title, artist, genre, duration_s or length_s (seconds), file (the
// audio file, absolute or relative to the music folder). Every other column whose cells are all numbers is an attribute;
// log_length and columns of `ignore` are not.
// A song's number is its file number on the card, 1 … 65535. Identifiers that are such numbers are used as
// they are; where one is not, all new songs get the next free numbers in the order of the rows, and the
// identifier is kept as the song's source. Importing the same file again changes nothing.

import type { Song } from "../store/songs.js"
import type { Store } from "../store/store.js"
import { sameSong, storeSongs } from "./change.js"
import { CatalogueError, type Columns, type ImportError, type ReadSong, readCatalogue } from "./columns.js"

interface ImportOptions {
  /** Numeric columns that are no attributes. */
  ignore?: readonly string[]
  /** Import the good rows although others are bad. */
  skipBad?: boolean
  /** Unix milliseconds, for the event log. */
  at: number
  /** Why songs change that models have used. */
  reason?: string
}

export interface ImportResult {
  added: number
  updated: number
  unchanged: number
  /** Bad rows that were left out. */
  skipped: number
  /** The rules broken; without `skipBad` any of them means that nothing was imported. */
  errors: ImportError[]
  /** Names of the attribute columns. */
  attributes: string[]
}

const MAX_SONG = 65535

/** Imports all good rows, or none where a row is bad and `skipBad` is not set. */
export async function importCatalogue(
  store: Store,
  csv: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const { songs: rows, errors, columns, badRows } = readCatalogue(csv, options.ignore ?? [])
  const result: ImportResult = {
    added: 0,
    updated: 0,
    unchanged: 0,
    skipped: 0,
    errors,
    attributes: columns.attributes,
  }
  if (errors.length > 0 && (options.skipBad !== true || rows.length === 0)) return result
  result.skipped = badRows
  const held = await store.songs.all()
  const numbered = number(rows, held, columns)
  const before = new Map(held.map((song) => [song.id, song]))
  const changed: Song[] = []
  for (const song of numbered) {
    const old = before.get(song.id)
    if (old === undefined) result.added++
    else if (sameSong(old, song)) {
      result.unchanged++
      continue
    } else result.updated++
    changed.push(song)
  }
  await storeSongs(store, changed, result, options.at, options.reason)
  return result
}

/** Gives every row its file number. */
function number(rows: readonly ReadSong[], held: readonly Song[], columns: Columns): Song[] {
  const bySource = new Map(held.map((song) => [song.source, song.id]))
  const taken = new Set(held.map((song) => song.id))
  const fits = columns.song !== undefined && rows.every((song) => isFileNumber(song.source))
  // A number that another source already has would give one file to two songs: then all new rows are numbered.
  const free = (song: ReadSong): boolean => !taken.has(Number(song.source)) || bySource.has(song.source)
  const keep = fits && rows.every((song) => free(song))
  let next = 0
  const songs: Song[] = []
  for (const { row, ...song } of rows) {
    let id = bySource.get(song.source)
    if (id === undefined && keep) id = Number(song.source)
    while (id === undefined && next < MAX_SONG) {
      next++
      if (!taken.has(next)) id = next
    }
    if (id === undefined) {
      throw new CatalogueError(`row ${row}: a card holds ${MAX_SONG} songs, there is no number for this one`)
    }
    taken.add(id)
    songs.push({ id, ...song })
  }
  return songs
}

function isFileNumber(source: string): boolean {
  return /^[1-9]\d{0,4}$/.test(source) && Number(source) <= MAX_SONG
}
