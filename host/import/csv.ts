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
import { ImportError, MAX_ROWS, type ReadPlays, Rows } from "./imported.js"

const NAMES = {
  artist: ["artist", "artist_name", "creator"],
  title: ["title", "track", "track_name", "name"],
  album: ["album", "release_name"],
  time: ["time", "timestamp", "started_at", "listened_at", "date"],
  reason: ["end_reason", "reason"],
}
const SPANS = {
  length: { length_s: 1000, duration_s: 1000, length_ms: 1, duration_ms: 1 },
  heard: { heard_s: 1000, heard_ms: 1, ms_played: 1 },
}

export function readPlaysCsv(text: string): ReadPlays {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\uFEFF/, ""), {
    skipEmptyLines: false,
    preview: MAX_ROWS + 2,
  })
  const unclosed = new Map(
    errors.filter(({ type }) => type === "Quotes").map((e) => [(e.row ?? 0) + 1, e.message]),
  )
  const header = (data[0] ?? []).map((name) => name.trim().toLowerCase())
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
  for (const [i, cells] of data.entries()) {
    if (i === 0 || cells.every((cell) => cell.trim() === "")) continue
    const row = i + 1
    const cell = (at: number): string => (at < 0 ? "" : withoutGuard(cells[at] ?? ""))
    rows.read(row, () => {
      const quotes = unclosed.get(row)
      if (quotes !== undefined) {
        rows.fail(
          row,
          "",
          cells.at(-1),
          `must have its quotes in pairs (${quotes}); what follows may be in this row`,
        )
      } else if (
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
