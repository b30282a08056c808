// Which song of the catalogue is meant: the same artist and title, but for case, width of characters and spaces. Where
// several songs have both, the length decides, to two seconds; where that does not, none is meant. A length that clearly
// differs says that it is another recording, such as one on stage: then none is meant either, also where one song alone
// has the name.

import type { Song } from "../store/songs.js"

const SAME_LENGTH_MS = 2000
/** Players differ by silence at the ends and by how they round, which both of these cover. */
const OTHER_LENGTH_MS = 5000
const OTHER_LENGTH_SHARE = 0.05

interface Match {
  /** Number of the song; null where none is meant. */
  song: number | null
  /** Songs of this artist and title are in the catalogue, and all of them clearly have another length. */
  otherLength: boolean
}

/** `lengthMs`: null where nobody says. */
type SongMatcher = (artist: string, title: string, lengthMs: number | null) => Match

export function songMatcher(songs: readonly Song[]): SongMatcher {
  const byName = new Map<string, Song[]>()
  for (const song of songs) {
    if (song.title === "") continue
    const key = nameKey(song.artist, song.title)
    byName.set(key, [...(byName.get(key) ?? []), song])
  }
  return (artist, title, lengthMs) => {
    const named = byName.get(nameKey(artist, title)) ?? []
    const near = lengthMs === null ? named : named.filter((song) => !isOther(song.lengthMs, lengthMs))
    if (near.length === 0) return { song: null, otherLength: named.length > 0 }
    if (named.length === 1) return { song: named[0].id, otherLength: false }
    const fitting =
      lengthMs === null ? [] : near.filter((song) => Math.abs(song.lengthMs - lengthMs) <= SAME_LENGTH_MS)
    return { song: fitting.length === 1 ? fitting[0].id : null, otherLength: false }
  }
}

function isOther(ofSong: number, said: number): boolean {
  const apart = Math.abs(ofSong - said)
  return apart > OTHER_LENGTH_MS && apart > OTHER_LENGTH_SHARE * ofSong
}

/** One spelling of artist and title. */
export function nameKey(artist: string, title: string): string {
  return [artist, title]
    .map((text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim())
    .join("\n")
}
