// A researcher's own attributes for songs that the catalogue has: a table with one row per song, and a column or two by
// which the song is known.

import Papa from "papaparse"
import type { Song } from "../store/songs.js"
import { CatalogueError, type ImportError, readNumber } from "./columns.js"

/** How a row names its song; the first of these whose columns are there, where nothing else is asked for. */
export const JOIN_KEYS = ["song", "source", "file", "title+artist", "title"] as const
export type JoinKey = (typeof JOIN_KEYS)[number]

export interface Joined {
  key: JoinKey
  /** Columns that became attributes. */
  attributes: string[]
  /** Songs with new values, all attributes in. */
  songs: Song[]
  updated: number
  unchanged: number
  /** Values that took the place of others. */
  replaced: number
  /** Rows that name no song of the catalogue, as they name it. */
  unmatched: { row: number; key: string }[]
  /** Songs that no row names. */
  without: number[]
  errors: ImportError[]
  badRows: number
}

const MAX_ROWS = 100_000

/** Throws CatalogueError where the file as a whole can't be joined. An empty cell leaves the song as it is. */
export function joinAttributes(
  held: readonly Song[],
  csv: string,
  asked?: JoinKey,
  ignore: readonly string[] = [],
): Joined {
  const { data } = Papa.parse<string[]>(csv.replace(/^\uFEFF/, ""), { skipEmptyLines: "greedy" })
  const header = (data[0] ?? []).map((name) => name.trim())
  const twice = header.find((name, i) => header.indexOf(name) !== i)
  if (twice !== undefined)
    throw new CatalogueError(`row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`)
  if (data.length - 1 > MAX_ROWS)
    throw new CatalogueError(`a table has at most ${MAX_ROWS} rows, got ${data.length - 1}`)
  const key = keyOf(header, asked)
  const keyColumns = key.split("+")
  const attributes = header.filter(
    (name, column) =>
      name !== "" &&
      !(JOIN_KEYS as readonly string[]).includes(name) &&
      name !== "artist" &&
      !ignore.includes(name) &&
      isNumeric(data.slice(1).map((cells) => cells[column] ?? "")),
  )
  if (attributes.length === 0)
    throw new CatalogueError(
      `row 1: no column holds numbers besides ${keyColumns.join(" and ")}; there are ${header.join(", ")}`,
    )
  const found = new Map<string, Song[]>()
  for (const song of held) {
    const name = nameOf(key, (column) => keyValue(song, column))
    found.set(name, [...(found.get(name) ?? []), song])
  }
  const result: Joined = {
    ...{ key, attributes, songs: [], updated: 0, unchanged: 0, replaced: 0 },
    ...{ unmatched: [], without: [], errors: [], badRows: 0 },
  }
  const rowOf = new Map<number, number>()
  data.slice(1).forEach((cells, i) => {
    const row = i + 2
    const shown = keyColumns.map((column) => cell(cells, header, column)).join(" + ")
    const matches = found.get(nameOf(key, (column) => cell(cells, header, column))) ?? []
    const errors = faultsOf(row, cells, header, { key, shown, matches, attributes, rowOf })
    if (errors.length > 0) {
      result.errors.push(...errors)
      result.badRows++
      return
    }
    if (matches.length === 0) {
      result.unmatched.push({ row, key: shown })
      return
    }
    const [song] = matches
    rowOf.set(song.id, row)
    const values = attributes.flatMap((name) => {
      const text = cell(cells, header, name)
      return text === "" ? [] : [[name, Number(text)] as const]
    })
    const different = values.filter(([name, value]) => song.attributes[name] !== value)
    result.replaced += different.filter(([name]) => song.attributes[name] !== undefined).length
    if (different.length === 0) {
      result.unchanged++
      return
    }
    result.updated++
    result.songs.push({ ...song, attributes: { ...song.attributes, ...Object.fromEntries(values) } })
  })
  result.without = held.filter((song) => !rowOf.has(song.id)).map((song) => song.id)
  return result
}

function keyOf(header: readonly string[], asked: JoinKey | undefined): JoinKey {
  const has = (key: JoinKey): boolean => key.split("+").every((column) => header.includes(column))
  const key = asked ?? JOIN_KEYS.find(has)
  if (key === undefined || !has(key)) {
    const wanted = asked ?? JOIN_KEYS.join(", ")
    throw new CatalogueError(
      `row 1: needs the columns of a key (${wanted}) to know the songs by, there are ${header.join(", ")}`,
    )
  }
  return key
}

/** More numbers than other texts: then the others are mistakes in a column of numbers. */
function isNumeric(cells: readonly string[]): boolean {
  const filled = cells.map((text) => text.trim()).filter((text) => text !== "")
  return filled.filter((text) => readNumber(text) !== undefined).length > filled.length / 2
}

function faultsOf(
  row: number,
  cells: readonly string[],
  header: readonly string[],
  known: {
    key: JoinKey
    shown: string
    matches: readonly Song[]
    attributes: readonly string[]
    rowOf: ReadonlyMap<number, number>
  },
): ImportError[] {
  const { key, shown, matches, attributes, rowOf } = known
  if (cells.length !== header.length) {
    const rule = `must have ${header.length} cells like the header`
    return [{ row, column: "", value: String(cells.length), rule }]
  }
  const before = matches.length === 1 ? rowOf.get(matches[0].id) : undefined
  return [
    ...(matches.length > 1
      ? [
          {
            ...{ row, column: key, value: shown },
            rule: `must name one song, names ${matches.map((song) => song.id).join(", ")}`,
          },
        ]
      : []),
    ...(before === undefined
      ? []
      : [{ row, column: key, value: shown, rule: `must stand once, is in row ${before} too` }]),
    ...attributes.flatMap((column) => {
      const value = cell(cells, header, column)
      const bad = value !== "" && readNumber(value) === undefined
      return bad ? [{ row, column, value, rule: "must be a number like the rest of its column" }] : []
    }),
  ]
}

function cell(cells: readonly string[], header: readonly string[], column: string): string {
  return cells[header.indexOf(column)]?.trim() ?? ""
}

function keyValue(song: Song, column: string): string {
  if (column === "song") return String(song.id)
  if (column === "source") return song.source
  if (column === "file") return song.file ?? ""
  return column === "title" ? song.title : song.artist
}

/** Names are compared without regard to case, width and spacing; identifiers and paths are not. */
function nameOf(key: JoinKey, value: (column: string) => string): string {
  const loose = key.startsWith("title")
  const parts = key.split("+").map((column) => {
    const text = value(column)
    return loose ? text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim() : text
  })
  return JSON.stringify(parts)
}
