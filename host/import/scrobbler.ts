// Rockbox and other players without a network: .scrobbler.log (AudioScrobbler portable player log 1.0 and 1.1).
//
// Lines of tabs: artist, album, title, track number, length in seconds, L (listened to at least half) or S (skipped),
// Unix seconds at which it began, MusicBrainz id. Header lines begin with #: #AUDIOSCROBBLER/version, #TZ/UTC or
// #TZ/UNKNOWN (then the seconds are those of the local clock), #CLIENT/name. A player without a clock writes 0; some
// write no header at all, some a byte-order mark.

import { localTime, momentOf } from "../study/time-zone.js"
import { ImportError, linesOf, type ReadPlays, Rows } from "./imported.js"

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
  for (const [row, line] of linesOf(text.replace(/^\uFEFF/, ""))) {
    if (line.trim() === "") continue
    const cells = line.split("\t", MAX_FIELDS + 1)
    if (line.startsWith("#") && cells.length < FIELDS) {
      const zone = /^#TZ\/(\S+)/.exec(line)?.[1]
      if (zone !== undefined) utc = zone.toUpperCase() === "UTC"
      continue
    }
    entries++
    rows.read(row, () => {
      if (line.startsWith("#")) {
        // An artist such as #1 Dads, or an entry that the player itself has struck out.
        rows.fail(
          row,
          "",
          line,
          "begins like a comment but has the fields of an entry: which one it is can't be known",
        )
      }
      if (cells.length < FIELDS || cells.length > MAX_FIELDS) {
        rows.fail(row, "", cells.length, `must have ${FIELDS} to ${MAX_FIELDS} fields between tabs`)
      }
      const [artist, album, title, , length, rating, second] = cells
      if (rating !== "L" && rating !== "S") rows.fail(row, "rating", rating, "must be L or S")
      let startedAt: number | null = null
      let localSecond: number | null = null
      if (second?.trim() === "0") timeless++
      else {
        const shown = rows.second(row, "timestamp", second)
        if (utc) startedAt = shown
        else if (shown !== null) {
          localSecond = Math.floor(shown / 1000)
          if (timeZone === null) zoneless++
          else startedAt = fromLocal(shown, timeZone)
        }
      }
      return {
        startedAt,
        localSecond,
        artist: rows.text(row, "artist", artist, true),
        title: rows.text(row, "title", title, true),
        album: rows.text(row, "album", album, false),
        lengthMs: rows.length(row, "length", length, 1000),
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
  return rows.result(notes)
}

/** Seconds of a local clock that were written as if they were UTC. */
function fromLocal(shown: number, timeZone: string): number {
  const { date, minute } = localTime(shown, "UTC")
  return momentOf(date, minute, timeZone) + (shown % ROUND_MS)
}
