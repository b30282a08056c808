// Plays from plain CSV. Columns by name, in any order; other columns are passed over:
//   artist (artist_name, creator)                        needed
//   title (track, track_name, name)                      needed
//   album (release_name)
//   time (timestamp, started_at, listened_at, date)      ISO 8601 with a zone, or Unix seconds or milliseconds
//   length_s, duration_s, length_ms, duration_ms
//   heard_s, heard_ms, ms_played
//   end_reason (reason)

import Papa from "papaparse"
import { withoutGuard } from "../export/spreadsheet.js"
import { ImportError, linesOf, MAX_ROWS, type ReadPlays, Rows } from "./imported.js"

const NAMES = {
  artist: ["artist", "artist_name", "creator"],
  title: ["title", "track", "track_name", "name"],
  album: ["album", "release_name"],
  time: ["time", "timestamp", "started_at", "listened_at", "date"],
  reason: ["end_reason", "reason"],
}
const DELIMITERS = [",", ";", "\t", "|"]
/** Empty ones included: spreadsheets save a million of them. */
const MAX_RECORDS = 2 * MAX_ROWS
/** Characters of a record. A quote that is not closed within them is taken for one that never is. */
const MAX_RECORD = 1 << 16
/** Characters of a broken record that a message quotes. */
const SHOWN = 100
const SPANS = {
  length: { length_s: 1000, duration_s: 1000, length_ms: 1, duration_ms: 1 },
  heard: { heard_s: 1000, heard_ms: 1, ms_played: 1 },
}

export function readPlaysCsv(text: string): ReadPlays {
  const given = text.replace(/^\uFEFF/, "")
  const records = recordsOf(
    given.includes("\n") ? given : given.replaceAll("\r", "\n"),
    delimiterOf(given, [NAMES.artist, NAMES.title]),
  )
  const header = (records.next().value?.cells ?? []).map((name) => name.trim().toLowerCase())
  const column = (names: readonly string[]): number => header.findIndex((name) => names.includes(name))
  const [artist, title] = [column(NAMES.artist), column(NAMES.title)]
  if (artist < 0 || title < 0) {
    const got = JSON.stringify(header.slice(0, 20).join(", ").slice(0, 200))
    throw new ImportError(`row 1: needs columns artist and title, got ${got}`)
  }
  const twice = header.find((name, i) => name !== "" && header.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new ImportError(`row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`)
  }
  const [album, time, reason] = [NAMES.album, NAMES.time, NAMES.reason].map(column)
  const [length, heard] = [SPANS.length, SPANS.heard].map((units) => ({
    at: column(Object.keys(units)),
    units: units as Record<string, number>,
  }))
  const rows = new Rows()
  let row = 1
  for (const { cells, problem } of records) {
    row++
    if (row > MAX_RECORDS)
      throw new ImportError(`row ${row}: a file has at most ${MAX_RECORDS} rows, got more`)
    if (problem === null && cells.every((cell) => cell.trim() === "")) continue
    const cell = (at: number): string => (at < 0 ? "" : withoutGuard(cells[at] ?? ""))
    rows.read(row, () => {
      if (problem !== null) rows.fail(row, "", cells.join(), problem)
      else if (
        cells.length < header.length ||
        cells.slice(header.length).some((more) => more.trim() !== "")
      ) {
        // A comma in a name without quotes moves all that follows into the wrong columns.
        rows.fail(row, "", cells.length, `must have ${header.length} cells like the header`)
      }
      return {
        localSecond: null,
        startedAt: cell(time).trim() === "" ? null : rows.moment(row, header[time], cell(time)),
        artist: rows.text(row, header[artist], cell(artist), true),
        title: rows.text(row, header[title], cell(title), true),
        album: rows.text(row, "album", cell(album), false),
        lengthMs:
          length.at < 0
            ? null
            : rows.length(row, header[length.at], cell(length.at), length.units[header[length.at]]),
        heardMs:
          heard.at < 0
            ? null
            : rows.span(row, header[heard.at], cell(heard.at), heard.units[header[heard.at]]),
        endReason: rows.text(row, "end_reason", cell(reason), false) || null,
      }
    })
  }
  const missing = [
    ...(time < 0 ? ["when they began"] : []),
    ...(length.at < 0 ? ["how long the songs are"] : []),
    ...(heard.at < 0 ? ["how long they were heard"] : []),
    ...(reason < 0 ? ["how they ended"] : []),
  ]
  const notes = missing.length > 0 ? [`the file does not say ${missing.join(", ")}`] : []
  const result = rows.result(notes)
  if (result.plays.length + result.badRows === 0) throw new ImportError("row 2: there are no plays")
  return result
}

/** The one by which the header has one of each of the `names`. The library would try all of them on the whole file. */
export function delimiterOf(text: string, names: readonly (readonly string[])[]): string {
  const first = /^[^\r\n]*/.exec(text.slice(0, MAX_RECORD + 1))?.[0] ?? ""
  if (first.length > MAX_RECORD) {
    throw new ImportError(`row 1: a header has at most ${MAX_RECORD} characters, got more`)
  }
  const fits = (delimiter: string): boolean => {
    const found = first.split(delimiter).map((name) => name.replaceAll('"', "").trim().toLowerCase())
    return names.every((wanted) => found.some((name) => wanted.includes(name)))
  }
  return DELIMITERS.find(fits) ?? ","
}

interface CsvRecord {
  cells: string[]
  /** The rule that it breaks as CSV. */
  problem: string | null
}

/**
 * The records one by one, empty ones too. The library gets a few at a time: what it keeps of broken quotes would fill
 * the memory, and a quote that is never closed would swallow all that follows it.
 */
export function* recordsOf(text: string, delimiter: string): Generator<CsvRecord, undefined> {
  let batch: string[] = []
  let size = 0
  for (const { lines, problem } of blocksOf(text)) {
    if (problem !== null || size > MAX_RECORD) {
      yield* parsedRecords(batch, delimiter)
      batch = []
      size = 0
    }
    if (problem !== null) yield { cells: [lines.slice(0, SHOWN)], problem }
    else {
      batch.push(lines)
      size += lines.length + 1
    }
  }
  yield* parsedRecords(batch, delimiter)
}

function* parsedRecords(blocks: readonly string[], delimiter: string): Generator<CsvRecord> {
  if (blocks.length === 0) return
  const { data, errors } = Papa.parse<string[]>(blocks.join("\n"), { delimiter, newline: "\n" })
  if (!errors.some(({ type }) => type === "Quotes")) {
    // Of an empty text the library makes no record.
    for (const cells of data.length === 0 ? [[""]] : data) yield { cells, problem: null }
  } else if (blocks.length > 1) for (const block of blocks) yield* parsedRecords([block], delimiter)
  else
    yield {
      cells: [blocks[0].slice(0, SHOWN)],
      problem: `must have its quotes in pairs (${errors[0].message})`,
    }
}

/** Lines that belong together, as a quote is open between them. */
function* blocksOf(text: string): Generator<{ lines: string; problem: string | null }> {
  let open: string[] = []
  let size = 0
  const unclosed = function* (): ReturnType<typeof blocksOf> {
    yield { lines: open[0], problem: `must close its quotes within ${MAX_RECORD} characters` }
    // The rest have their own quotes in pairs, or the block would have ended.
    for (const lines of open.slice(1)) yield { lines, problem: lengthProblem(lines.length) }
  }
  for (const [, line] of linesOf(text)) {
    const odd = hasOddQuotes(line)
    const isOpen = open.length === 0 ? odd : !odd
    open.push(line)
    size += line.length + 1
    if (isOpen && size <= MAX_RECORD) continue
    if (isOpen) yield* unclosed()
    else yield { lines: open.join("\n"), problem: lengthProblem(size) }
    open = []
    size = 0
  }
  if (open.length > 0) yield* unclosed()
}

function hasOddQuotes(line: string): boolean {
  let odd = false
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) odd = !odd
  return odd
}

function lengthProblem(size: number): string | null {
  return size > MAX_RECORD ? `must have at most ${MAX_RECORD} characters` : null
}
