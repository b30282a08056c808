// Plays and songs for `fit` from plain CSV files: which column is what, and which cell breaks a rule.
//
// Plays: subject, song, censored (1 = heard to the end), log_duration (taken as it is, in any unit) or duration_s
// (seconds), block (left out: all plays are one block). Songs: song, and every column that is not named below is an
// attribute, taken as it stands. Other columns of the plays are ignored.

import Papa from "papaparse"
import { readNumber } from "../catalogue/columns.js"
import type { Song } from "../model/features.js"
import { MIN_HEARD_S } from "../model/observations.js"
import { CommandError } from "./command.js"

export interface FitPlay {
  subject: string
  song: Song
  block: number
  y: number
  censored: boolean
}

export interface FitInput {
  songs: Song[]
  /** The songs by what their `song` cell says. */
  byLabel: ReadonlyMap<string, Song>
  plays: FitPlay[]
  /** Plays under MIN_HEARD_S by subject, left out of `plays`; only where the times are in seconds. */
  tooShort: Map<string, number>
  /** Names to ignore that are no columns of the songs file: perhaps misspelt. */
  notThere: string[]
}

/** Columns of the songs file that are never attributes. */
const NOT_ATTRIBUTES = new Set(["song", "genre", "title", "artist", "length_s", "log_length"])
/** Broken cells that are listed before "and n more". */
const LISTED = 10

/** `name`: for messages; `text`: the file. */
export interface NamedText {
  name: string
  text: string
}

export function readFitInput(
  playsFile: NamedText,
  songsFile: NamedText,
  ignore: readonly string[],
): FitInput {
  const songsTable = readTable(songsFile)
  const songs = readSongs(songsTable, ignore)
  const notThere = ignore.filter((name) => !songsTable.header.includes(name))
  return {
    songs: [...songs.values()],
    byLabel: songs,
    notThere,
    ...readPlays(playsFile, songs, songsFile.name),
  }
}

/** The songs in the order of the file, by what their `song` cell says; their ids are their places, from 1. */
function readSongs(table: Table, ignore: readonly string[]): Map<string, Song> {
  table.require("song")
  const attributes = table.header.filter(
    (name) => name !== "" && !NOT_ATTRIBUTES.has(name) && !ignore.includes(name),
  )
  const songs = new Map<string, Song>()
  table.each((cell, fail) => {
    const label = cell("song")
    if (label === "") fail("song", "must not be empty")
    if (songs.has(label)) fail("song", "must stand in one row only")
    const values: Record<string, number> = {}
    for (const name of attributes) {
      const value = readNumber(cell(name))
      if (value === undefined)
        fail(name, "must be a number; a column that is no attribute goes into --ignore")
      else values[name] = value
    }
    // Log times are taken as they come: no length is needed.
    songs.set(label, { id: songs.size + 1, attributes: values, lengthS: Number.POSITIVE_INFINITY })
  })
  return songs
}

function readPlays(
  file: NamedText,
  songs: ReadonlyMap<string, Song>,
  songsName: string,
): { plays: FitPlay[]; tooShort: Map<string, number> } {
  const table = readTable(file)
  for (const name of ["subject", "song", "censored"]) table.require(name)
  const inLogs = table.header.includes("log_duration")
  if (!inLogs) table.require("duration_s", "log_duration or duration_s")
  const inBlocks = table.header.includes("block")
  const plays: FitPlay[] = []
  const tooShort = new Map<string, number>()
  table.each((cell, fail) => {
    const subject = cell("subject")
    if (subject === "") fail("subject", "must not be empty")
    const song = songs.get(cell("song"))
    if (song === undefined) fail("song", `must be a song of ${songsName}`)
    const block = inBlocks ? readWhole(cell("block")) : 1
    if (block === undefined) fail("block", "must be a whole number")
    const censored = cell("censored")
    if (censored !== "0" && censored !== "1") fail("censored", "must be 0, or 1 for heard to the end")
    const column = inLogs ? "log_duration" : "duration_s"
    const time = readNumber(cell(column))
    if (time === undefined) fail(column, "must be a number")
    else if (!inLogs && time < 0) fail(column, "must be seconds, 0 or more")
    if (song === undefined || block === undefined || time === undefined) return
    if (!inLogs && time < MIN_HEARD_S) {
      tooShort.set(subject, (tooShort.get(subject) ?? 0) + 1)
      return
    }
    plays.push({ subject, song, block, y: inLogs ? time : Math.log(time), censored: censored === "1" })
  })
  return { plays, tooShort }
}

interface Table {
  header: string[]
  require(column: string, words?: string): void
  /** Visits every row that is not empty; throws when all are visited and a cell failed. */
  each(visit: (cell: (column: string) => string, fail: (column: string, rule: string) => void) => void): void
}

/** Rows are numbered as in the file: 1 is the header. */
function readTable(file: NamedText): Table {
  const parsed = Papa.parse<string[]>(file.text.replace(/^\uFEFF/, ""), {
    delimitersToGuess: [",", ";", "\t"],
  })
  const header = (parsed.data[0] ?? []).map((name) => name.trim())
  const twice = header.find((name, i) => name !== "" && header.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new CommandError(
      `${file.name}: row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`,
    )
  }
  const columns = new Map(header.map((name, i) => [name, i]))
  return {
    header,
    require(column, words = column) {
      if (columns.has(column)) return
      const there = header.filter((name) => name !== "").join(", ") || "none"
      throw new CommandError(`${file.name}: row 1: needs a column ${words}; there are ${there}`)
    },
    each(visit) {
      const broken: string[] = []
      let rows = 0
      for (let i = 1; i < parsed.data.length; i++) {
        const cells = parsed.data[i]
        if (cells.every((cell) => cell.trim() === "")) continue
        rows++
        const cell = (column: string): string => cells[columns.get(column) ?? -1]?.trim() ?? ""
        if (cells.length !== header.length) {
          broken.push(`row ${i + 1}: must have ${header.length} cells like the header, got ${cells.length}`)
          continue
        }
        visit(cell, (column, rule) => {
          broken.push(`row ${i + 1}, column ${column}: ${rule}, got ${JSON.stringify(cell(column))}`)
        })
      }
      if (rows === 0) throw new CommandError(`${file.name}: row 2: needs at least one row, found none`)
      if (broken.length === 0) return
      const more = broken.length > LISTED ? [`and ${broken.length - LISTED} more`] : []
      throw new CommandError(
        [...broken.slice(0, LISTED), ...more].map((line) => `${file.name}: ${line}`).join("\n  "),
      )
    },
  }
}

function readWhole(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
