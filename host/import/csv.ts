// Plays from plain CSV. Columns by name, in any order; other columns are passed over:
//   artist (artist_name, creator)                        needed
//   title (track, track_name, name)                      needed
//   album (release_name)
//   time (timestamp, started_at, listened_at, date)      ISO 8601 with a zone, or Unix seconds or milliseconds
//   length_s, duration_s, length_ms, duration_ms
//   heard_s, heard_ms, ms_played
//   end_reason (reason)

import Papa from "papaparse"
import { ImportError, type ReadPlays, Rows } from "./imported.js"

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
  const { data } = Papa.parse<string[]>(text.replace(/^\uFEFF/, ""), { skipEmptyLines: false })
  const header = (data[0] ?? []).map((name) => name.trim().toLowerCase())
  const column = (names: readonly string[]): number => header.findIndex((name) => names.includes(name))
  const [artist, title] = [column(NAMES.artist), column(NAMES.title)]
  if (artist < 0 || title < 0) {
    throw new ImportError(
      `row 1: needs columns artist and title, got ${header.slice(0, 20).join(", ").slice(0, 200)}`,
    )
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
    // An apostrophe keeps spreadsheets from computing a text (fieldtune export): it is not part of it.
    const cell = (at: number): string => (at < 0 ? "" : (cells[at] ?? "").replace(/^'(?=[=+\-@\t\r])/, ""))
    const span = ({ at, units }: typeof length): number | null =>
      at < 0 ? null : rows.span(row, header[at], cell(at), units[header[at]])
    rows.read(row, () => ({
      startedAt: cell(time).trim() === "" ? null : rows.moment(row, header[time], cell(time)),
      artist: rows.text(row, header[artist], cell(artist), true),
      title: rows.text(row, header[title], cell(title), true),
      album: rows.text(row, "album", cell(album), false),
      lengthMs: span(length),
      heardMs: span(heard),
      endReason: rows.text(row, "end_reason", cell(reason), false) || null,
    }))
  }
  if (rows.plays.length + rows.errors.length === 0) throw new ImportError("row 2: there are no plays")
  const missing = [
    ...(time < 0 ? ["when they began"] : []),
    ...(length.at < 0 ? ["how long the songs are"] : []),
    ...(heard.at < 0 ? ["how long they were heard"] : []),
    ...(reason < 0 ? ["how they ended"] : []),
  ]
  const notes = missing.length > 0 ? [`the file does not say ${missing.join(", ")}`] : []
  return { plays: rows.plays, errors: rows.errors, notes }
}
