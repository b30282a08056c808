// Which song of the catalogue is meant: the same artist and title, but for case, width of characters and spaces. Where
// several songs have both, the length decides, to two seconds; where that does not, none is meant.

import type { Song } from "../store/songs.js"

const SAME_LENGTH_MS = 2000

export function songMatcher(
  songs: readonly Song[],
): (artist: string, title: string, lengthMs: number | null) => number | null {
  const byName = new Map<string, Song[]>()
  for (const song of songs) {
    if (song.title === "") continue
    const key = nameKey(song.artist, song.title)
    byName.set(key, [...(byName.get(key) ?? []), song])
  }
  return (artist, title, lengthMs) => {
    const named = byName.get(nameKey(artist, title)) ?? []
    if (named.length === 1) return named[0].id
    if (lengthMs === null) return null
    const fitting = named.filter((song) => Math.abs(song.lengthMs - lengthMs) <= SAME_LENGTH_MS)
    return fitting.length === 1 ? fitting[0].id : null
  }
}

/** One spelling of artist and title. */
export function nameKey(artist: string, title: string): string {
  return [artist, title]
    .map((text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim())
    .join("\n")
}
