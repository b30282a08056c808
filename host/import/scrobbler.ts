// Rockbox and other players without a network: .scrobbler.log (AudioScrobbler portable player log 1.0 and 1.1).
//
// Lines of tabs: artist, album, title, track number, length in seconds, L (listened to at least half) or S (skipped),
// Unix seconds at which it began, MusicBrainz id. Header lines begin with #: #AUDIOSCROBBLER/version, #TZ/UTC or
// #TZ/UNKNOWN (then the seconds are those of the local clock), #CLIENT/name. A player without a clock writes 0; some
// write no header at all, some a byte-order mark.

import { localTime, momentOf } from "../study/time-zone.js"
import { ImportError, type ReadPlays, Rows } from "./imported.js"

const FIELDS = 7
const MAX_FIELDS = 9
const ROUND_MS = 60_000

/** `timeZone`: that of the player's clock where the log says that it does not know it; null = nobody knows. */
export function readScrobbler(text: string, timeZone: string | null): ReadPlays {
  const rows = new Rows()
  let utc = false
  let timeless = 0
  let zoneless = 0
  let entries = 0
  for (const [i, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "") continue
    if (line.startsWith("#")) {
      const zone = /^#TZ\/(\S+)/.exec(line)?.[1]
      if (zone !== undefined) utc = zone.toUpperCase() === "UTC"
      continue
    }
    const row = i + 1
    const cells = line.split("\t")
    entries++
    rows.read(row, () => {
      if (cells.length < FIELDS || cells.length > MAX_FIELDS) {
        rows.fail(row, "", cells.length, `must have ${FIELDS} to ${MAX_FIELDS} fields between tabs`)
      }
      const [artist, album, title, , length, rating, second] = cells
      if (rating !== "L" && rating !== "S") rows.fail(row, "rating", rating, "must be L or S")
      let startedAt: number | null = null
      if (second?.trim() === "0") timeless++
      else {
        const shown = rows.second(row, "timestamp", second)
        if (utc) startedAt = shown
        else if (timeZone === null) zoneless++
        else if (shown !== null) startedAt = fromLocal(shown, timeZone)
      }
      return {
        startedAt,
        artist: rows.text(row, "artist", artist, true),
        title: rows.text(row, "title", title, true),
        album: rows.text(row, "album", album, false),
        lengthMs: rows.span(row, "length", length, 1000),
        heardMs: null,
        endReason: rating === "S" ? "skipped" : null,
      }
    })
  }
  if (entries === 0) throw new ImportError("the log has no entries")
  const notes = ["how long a play was heard is not in this format: L says at least half, S says skipped"]
  if (timeless > 0) notes.push(`${timeless} entries without a time: the player had no clock`)
  if (zoneless > 0) {
    notes.push(
      `${zoneless} times left out: the log does not say in which time zone they are; --time-zone says it`,
    )
  }
  return { plays: rows.plays, errors: rows.errors, notes }
}

/** Seconds of a local clock that were written as if they were UTC. */
function fromLocal(shown: number, timeZone: string): number {
  const { date, minute } = localTime(shown, "UTC")
  return momentOf(date, minute, timeZone) + (shown % ROUND_MS)
}
