// Reading the rows of a catalogue file: which column is what, and which cells break a rule.

import Papa from "papaparse"
import type { Song } from "../store/songs.js"

/** A row as read, before it has its number. */
export interface ReadSong extends Omit<Song, "id"> {
  row: number
}

export interface ImportError {
  /** Row of the file, 1 = the header. */
  row: number
  column: string
  value: string
  rule: string
}

export interface Columns {
  song: string | undefined
  title: string | undefined
  artist: string | undefined
  genre: string | undefined
  file: string | undefined
  length: string
  /** In the order of the file. */
  attributes: string[]
}

/** The file as a whole can't be a catalogue: no header, no rows, no length, a name twice. */
export class CatalogueError extends Error {
  override name = "CatalogueError"
}

const SONG_NAMES = ["song", "track_id"]
const LENGTH_NAMES = ["duration_s", "length_s"]
/** Says again what the length says. */
const DERIVED_NAMES = ["log_length"]
/** Three bytes of the playlist hold the length in ms. */
const MAX_LENGTH_S = 16777.215
const MAX_TEXT = 500

/** A row with the number it has in the file, 1 = the header. */
interface Row {
  row: number
  cells: string[]
}

export function readCatalogue(
  csv: string,
  ignore: readonly string[],
): { songs: ReadSong[]; errors: ImportError[]; badRows: number; columns: Columns } {
  const parsed = Papa.parse<string[]>(csv.replace(/^\uFEFF/, ""), { skipEmptyLines: false })
  const header = (parsed.data[0] ?? []).map((name) => name.trim())
  const rows = parsed.data
    .slice(1)
    .map((cells, i): Row => ({ row: i + 2, cells }))
    .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""))
  const columns = recognise(header, rows, ignore)
  const errors: ImportError[] = []
  const songs: ReadSong[] = []
  const seen = new Map<string, number>()
  let badRows = 0
  for (const { row, cells } of rows) {
    const before = errors.length
    const song = readRow(row, cells, header, columns, errors)
    const first = seen.get(song.source)
    if (first !== undefined) {
      const column = columns.song ?? "song"
      errors.push({ row, column, value: song.source, rule: `must stand once, is in row ${first} too` })
    }
    seen.set(song.source, first ?? row)
    if (errors.length === before) songs.push(song)
    else badRows++
  }
  return { songs, errors, badRows, columns }
}

function recognise(header: readonly string[], rows: readonly Row[], ignore: readonly string[]): Columns {
  const twice = header.find((name, i) => header.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new CatalogueError(`row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`)
  }
  if (rows.length === 0) throw new CatalogueError("row 2: a catalogue has at least one song, found none")
  const unknown = ignore.find((name) => !header.includes(name))
  if (unknown !== undefined) {
    throw new CatalogueError(
      `row 1: the column to ignore must be there, got ${JSON.stringify(unknown)}; there are ${header.join(", ")}`,
    )
  }
  const named = (names: readonly string[]): string | undefined => names.find((name) => header.includes(name))
  const length = named(LENGTH_NAMES)
  if (length === undefined) {
    throw new CatalogueError(
      `row 1: needs a column ${LENGTH_NAMES.join(" or ")}, there are ${header.join(", ")}`,
    )
  }
  const words = new Set([
    ...SONG_NAMES,
    "title",
    "artist",
    "genre",
    "file",
    ...LENGTH_NAMES,
    ...DERIVED_NAMES,
    ...ignore,
  ])
  // A column with more numbers than other texts is meant as numbers: its other cells are errors of their rows.
  const attributes = header.filter((name, column) => {
    if (name === "" || words.has(name)) return false
    const filled = rows.map(({ cells }) => cells[column]?.trim() ?? "").filter((cell) => cell !== "")
    return filled.filter((cell) => readNumber(cell) !== undefined).length > filled.length / 2
  })
  return {
    song: named(SONG_NAMES),
    title: named(["title"]),
    artist: named(["artist"]),
    genre: named(["genre"]),
    file: named(["file"]),
    length,
    attributes,
  }
}

function readRow(
  row: number,
  cells: readonly string[],
  header: readonly string[],
  columns: Columns,
  errors: ImportError[],
): ReadSong {
  const cell = (column: string): string => cells[header.indexOf(column)]?.trim() ?? ""
  const fail = (column: string, value: string, rule: string): void => {
    errors.push({ row, column, value, rule })
  }
  if (cells.length !== header.length) {
    fail("", String(cells.length), `must have ${header.length} cells like the header`)
  }
  const text = (column: string | undefined): string => {
    const value = column === undefined ? "" : cell(column)
    if (column !== undefined && (value.length > MAX_TEXT || /\p{Cc}/u.test(value))) {
      fail(
        column,
        value.slice(0, 40),
        `must be text of at most ${MAX_TEXT} characters without control characters`,
      )
    }
    return value
  }
  const source = columns.song === undefined ? String(row - 1) : text(columns.song)
  if (source === "" && columns.song !== undefined) fail(columns.song, source, "must not be empty")
  const seconds = readNumber(cell(columns.length))
  if (seconds === undefined || seconds < 0.001 || seconds > MAX_LENGTH_S) {
    fail(columns.length, cell(columns.length), `must be seconds from 0.001 to ${MAX_LENGTH_S}`)
  }
  const attributes: Record<string, number> = {}
  for (const name of columns.attributes) {
    const value = readNumber(cell(name))
    if (value === undefined) fail(name, cell(name), "must be a number like the rest of its column")
    else attributes[name] = value
  }
  const file = text(columns.file)
  return {
    row,
    source,
    title: text(columns.title),
    artist: text(columns.artist),
    genre: text(columns.genre),
    lengthMs: Math.round((seconds ?? 0) * 1000),
    attributes,
    ...(file === "" ? {} : { file }),
  }
}

/** A plain decimal number; undefined for anything else, "1e999", "NaN" and the empty text included. */
export function readNumber(text: string): number | undefined {
  // The digits of a long text may be read in one way only: two ways would take the square of its length.
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
