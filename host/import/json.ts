// Listening logs in JSON: ListenBrainz (exports and what its API takes: an array of listens, {payload}, or a listen per
// line) and Spotify's extended streaming history and account data ("Understanding your data", support.spotify.com).

import { ImportError, type ImportedPlay, linesOf, MAX_ROWS, type ReadPlays, Rows } from "./imported.js"

const MAX_LINE = 1 << 20
const MAX_DEPTH = 64
/** Lists and objects of a file: a listen has fewer than ten. */
const MAX_PARTS = 5_000_000

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [...'"\\[]{}'].map((c) => c.charCodeAt(0))

type Entry = Record<string, unknown>

export function readListenBrainz(text: string): ReadPlays {
  const rows = new Rows()
  entriesOf(text).forEach((entry, i) => {
    const row = i + 1
    rows.read(row, () => {
      const listen = objectOf(rows, row, "listen", entry)
      const track = objectOf(rows, row, "track_metadata", listen.track_metadata)
      const more = isObject(track.additional_info) ? track.additional_info : {}
      const at = listen.listened_at
      return {
        localSecond: null,
        startedAt: at === undefined || at === null ? null : rows.second(row, "listened_at", at),
        artist: rows.text(row, "artist_name", track.artist_name, true),
        title: rows.text(row, "track_name", track.track_name, true),
        album: rows.text(row, "release_name", track.release_name, false),
        lengthMs:
          rows.length(row, "duration_ms", more.duration_ms, 1) ??
          rows.length(row, "duration", more.duration, 1000),
        heardMs: rows.span(row, "heard_ms", more.heard_ms, 1),
        endReason: rows.text(row, "end_reason", more.end_reason, false) || null,
      }
    })
  })
  return rows.result(["a listen says nothing of how long it was heard, unless it came from fieldtune"])
}

/** Words of Spotify for what this project has words for; null: it does not know either. */
const ENDS = new Map<string, string | null>([
  ["trackdone", "finished"],
  ["fwdbtn", "skipped"],
  ["backbtn", "previous"],
  ["unknown", null],
  ["none", null],
  ["", null],
])

export function readSpotify(text: string): ReadPlays {
  const rows = new Rows()
  let others = 0
  let offline = 0
  let account = 0
  entriesOf(text).forEach((entry, i) => {
    const row = i + 1
    if (isObject(entry) && !("endTime" in entry) && entry.master_metadata_track_name === null) {
      others++
      return
    }
    if (isObject(entry) && entry.offline === true) offline++
    if (isObject(entry) && "endTime" in entry) account++
    rows.read(row, () => {
      const stream = objectOf(rows, row, "stream", entry)
      return "endTime" in stream ? accountStream(rows, row, stream) : extendedStream(rows, row, stream)
    })
  })
  const notes = [
    "the time is the one at which playing ended, less the time played: pauses make plays begin later than they did",
    "song lengths are not in this format",
  ]
  if (offline > 0) {
    notes.push(
      `${offline} streams were played offline: the time is still that of ts, offline_timestamp is not used`,
    )
  }
  if (account > 0) {
    notes.push(
      "account data give times to the minute: the same play from the extended history would count as another one, so take one of the two",
    )
  }
  if (others > 0) notes.push(`${others} streams are no songs (podcasts, videos, songs without a name)`)
  return rows.result(notes)
}

function extendedStream(rows: Rows, row: number, stream: Entry): Omit<ImportedPlay, "row"> {
  const end = rows.moment(row, "ts", stream.ts)
  const heardMs = rows.span(row, "ms_played", stream.ms_played, 1)
  const reason = rows.text(row, "reason_end", stream.reason_end, false)
  return {
    localSecond: null,
    startedAt: end === null ? null : end - (heardMs ?? 0),
    artist: rows.text(
      row,
      "master_metadata_album_artist_name",
      stream.master_metadata_album_artist_name,
      true,
    ),
    title: rows.text(row, "master_metadata_track_name", stream.master_metadata_track_name, true),
    album: rows.text(row, "master_metadata_album_album_name", stream.master_metadata_album_album_name, false),
    lengthMs: null,
    heardMs,
    endReason: (ENDS.has(reason) ? ENDS.get(reason) : reason) ?? (stream.skipped === true ? "skipped" : null),
  }
}

/** Account data: end to the minute in UTC, no reasons. */
function accountStream(rows: Rows, row: number, stream: Entry): Omit<ImportedPlay, "row"> {
  const time = rows.text(row, "endTime", stream.endTime, true)
  const end = rows.moment(row, "endTime", `${time}Z`)
  const heardMs = rows.span(row, "msPlayed", stream.msPlayed, 1)
  return {
    localSecond: null,
    startedAt: end === null ? null : end - (heardMs ?? 0),
    artist: rows.text(row, "artistName", stream.artistName, true),
    title: rows.text(row, "trackName", stream.trackName, true),
    album: "",
    lengthMs: null,
    heardMs,
    endReason: null,
  }
}

/** The entries of an array, of {payload: […]} or {payload: {listens: […]}}, or of lines. */
function entriesOf(text: string): unknown[] {
  const trimmed = text.replace(/^\uFEFF/, "").trim()
  if (trimmed === "") throw new ImportError("the file is empty")
  const whole = parsed(trimmed)
  if (whole === undefined) {
    const values: unknown[] = []
    for (const [, line] of linesOf(trimmed)) {
      // One more than allowed is enough to be refused.
      if (values.length > MAX_ROWS) break
      if (line.trim() !== "") values.push(line.length > MAX_LINE ? undefined : parsed(line))
    }
    if (values[0] === undefined) {
      throw new ImportError(
        `must be JSON of at most ${MAX_DEPTH} levels and ${MAX_PARTS} lists and objects, or such a value in every line`,
      )
    }
    return values
  }
  if (Array.isArray(whole)) return whole
  const payload = isObject(whole) ? whole.payload : undefined
  if (Array.isArray(payload)) return payload
  if (isObject(payload) && Array.isArray(payload.listens)) return payload.listens
  if (isObject(whole)) return [whole]
  throw new ImportError("must hold a list of plays")
}

/** undefined where it is no JSON, or none that is bounded. */
function parsed(text: string): unknown {
  if (!isBounded(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether JSON that is well-formed keeps to MAX_DEPTH and MAX_PARTS; looked at before any of it is built. */
function isBounded(text: string): boolean {
  let depth = 0
  let parts = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) quoted = !quoted
    else if (quoted) {
      if (code === BACKSLASH) i++
    } else if (code === BRACKET || code === BRACE) {
      if (++depth > MAX_DEPTH || ++parts > MAX_PARTS) return false
    } else if (code === BRACKET_END || code === BRACE_END) depth--
  }
  return true
}

function isObject(value: unknown): value is Entry {
  return value !== null && typeof value === "object" && !Array.isArray(value)
}

function objectOf(rows: Rows, row: number, name: string, value: unknown): Entry {
  if (isObject(value)) return value
  rows.fail(row, name, value, "must be a JSON object")
  return {}
}
