// The songs that a pass knows, in a form that fits into a note.

import { createHash } from "node:crypto"
import type { Song } from "../model/features.js"

/** Song numbers from … to, both included. */
export type SongRange = [from: number, to: number]

/** `ids` ascending. */
export function rangesOf(ids: readonly number[]): SongRange[] {
  const ranges: SongRange[] = []
  for (const id of ids) {
    const last = ranges.at(-1)
    if (last !== undefined && id === last[1] + 1) last[1] = id
    else ranges.push([id, id])
  }
  return ranges
}

export function inRanges(ranges: readonly SongRange[], id: number): boolean {
  return ranges.some(([from, to]) => id >= from && id <= to)
}

/** SHA-256, hexadecimal, over what the models and designs read of the songs (ascending id). */
export function hashSongs(songs: readonly (Song & { artist: string })[]): string {
  const hash = createHash("sha256")
  for (const { id, genre, artist, attributes, lengthS } of songs) {
    const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
    hash.update(`${JSON.stringify([id, genre ?? null, artist, lengthS, sorted])}\n`)
  }
  return hash.digest("hex")
}
