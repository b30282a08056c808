// Songs from audio files: what becomes of each file that was read.
//
// A song is known again by the hash of its sound, wherever its file now lies and however it is tagged; a song that a
// CSV file brought in is known by the path in its column `file`, keeps what the researcher wrote, and gains what was
// measured. A song whose file is gone is known by artist, title and length: it was encoded anew. Untagged, double and
// broken files stay out and are named.

import type { Song } from "../store/songs.js"
import type { FolderFile } from "./audio/folder.js"
import { CLEAR_BEAT, MEASURED } from "./audio/measure.js"
import type { AudioFile } from "./audio/read.js"
import { sameSong } from "./change.js"
import { CatalogueError } from "./columns.js"

export type KeptOutWhy = "broken" | "unsupported" | "untagged" | "duplicate"

interface KeptOut {
  file: string
  why: KeptOutWhy
  message: string
}

export interface AudioSongs {
  /** Songs to write: new ones and changed ones. */
  songs: Song[]
  added: number
  updated: number
  unchanged: number
  keptOut: KeptOut[]
  /** Songs without some measured attribute, with its names. */
  lacking: { file: string; attributes: string[] }[]
  /** Files of songs whose tempo is little better than a guess. */
  withoutBeat: string[]
  /** Songs that have another encoding of the same music now. */
  replaced: { file: string; before: string }[]
  /** Files of songs that are not MP3, which sound boards do not play. */
  notMp3: string[]
  /** Songs of a CSV file whose length was another one. */
  lengths: { file: string; before: number; now: number }[]
  /** What a person should know of single files. */
  notes: { file: string; note: string }[]
}

export interface AudioOptions {
  /** Measured attributes that are not taken. */
  ignore?: readonly string[]
  /** Untagged files get their name as title and their folder's name as artist. */
  byFileName?: boolean
}

const MAX_SONG = 65535
const PREFIX = "sound:"
/** Two files with one artist and title and about this length are copies, ms. */
const COPY_MS = 2000

export function songsFromAudio(
  files: readonly FolderFile[],
  held: readonly Song[],
  options: AudioOptions = {},
): AudioSongs {
  const unknown = options.ignore?.find((name) => !(MEASURED as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new CatalogueError(
      `the attribute to ignore must be one that is measured, got ${JSON.stringify(unknown)}; there are ${MEASURED.join(", ")}`,
    )
  }
  const result: AudioSongs = {
    songs: [],
    added: 0,
    updated: 0,
    unchanged: 0,
    keptOut: [],
    lacking: [],
    withoutBeat: [],
    replaced: [],
    notMp3: [],
    lengths: [],
    notes: [],
  }
  const bySource = new Map(held.map((song) => [song.source, song]))
  const byFile = new Map(
    held.flatMap((song) => (song.file === undefined ? [] : [[slashed(song.file), song]])),
  )
  const taken = new Set(held.map((song) => song.id))
  /** Files of this folder by the song they are. */
  const firsts = new Map<number, string>()
  const names = new Map<string, { file: string; lengthMs: number; id: number }[]>()
  const present = new Set(files.map(({ file }) => file))
  for (const song of held) remember(names, song, song.file ?? `song ${song.id}`)
  let next = 1
  const keepOut = (file: string, why: KeptOutWhy, message: string): void => {
    result.keptOut.push({ file, why, message })
  }
  for (const { file, audio } of inOrder(files, bySource, keepOut)) {
    const source = PREFIX + audio.sound
    const before = bySource.get(source) ?? byFile.get(file) ?? encodedAnew(held, audio, present)
    const first = before === undefined ? undefined : firsts.get(before.id)
    if (first !== undefined) {
      keepOut(file, "duplicate", `has the same sound as ${first}`)
      continue
    }
    if (before?.source.startsWith(PREFIX) && before.source !== source) {
      result.replaced.push({ file, before: before.file ?? before.source })
    }
    const song = describe(file, audio, before, options)
    if (song === undefined) {
      const lacks = [audio.title === "" ? "title" : "", audio.artist === "" ? "artist" : ""]
      keepOut(file, "untagged", `has no tag for ${lacks.filter((name) => name !== "").join(" and ")}`)
      continue
    }
    const copy = copyOf(names, song, before?.id)
    if (copy !== undefined) {
      const seconds = ((song.lengthMs - copy.lengthMs) / 1000).toFixed(1)
      keepOut(
        file,
        "duplicate",
        `has artist and title of ${copy.file} and about its length (${seconds} s of difference)`,
      )
      continue
    }
    while (before === undefined && taken.has(next)) next++
    const id = before?.id ?? next
    if (id > MAX_SONG) {
      throw new CatalogueError(
        `${file}: a card holds ${MAX_SONG} songs, there is no number left for this one`,
      )
    }
    const now: Song = { id, ...song }
    taken.add(id)
    firsts.set(id, file)
    bySource.set(now.source, now)
    remember(names, now, file)
    note(result, file, audio, now, before)
    if (before === undefined) result.added++
    else if (sameSong(before, now)) {
      result.unchanged++
      continue
    } else result.updated++
    result.songs.push(now)
  }
  return result
}

/** The files that were read, those first that the catalogue names already: a copy beside them is the double. */
function inOrder(
  files: readonly FolderFile[],
  bySource: ReadonlyMap<string, Song>,
  keepOut: (file: string, why: KeptOutWhy, message: string) => void,
): { file: string; audio: AudioFile }[] {
  const named: { file: string; audio: AudioFile }[] = []
  const others: { file: string; audio: AudioFile }[] = []
  for (const { file, outcome } of files) {
    if (!("audio" in outcome)) {
      keepOut(file, outcome.fault, outcome.message)
      continue
    }
    const { audio } = outcome
    const known = bySource.get(PREFIX + audio.sound)
    const list = known?.file !== undefined && slashed(known.file) === file ? named : others
    list.push({ file, audio })
  }
  return [...named, ...others]
}

/** The song of artist, title and about this length whose own file is not there any more. */
function encodedAnew(
  held: readonly Song[],
  { title, artist, seconds }: AudioFile,
  present: ReadonlySet<string>,
): Song | undefined {
  if (title === "" || artist === "") return undefined
  const name = nameOf({ artist, title })
  return held.find(
    (song) =>
      song.file !== undefined &&
      !present.has(slashed(song.file)) &&
      nameOf(song) === name &&
      Math.abs(song.lengthMs - 1000 * seconds) <= COPY_MS,
  )
}

/** The song without its number; undefined where it has no name. */
function describe(
  file: string,
  audio: AudioFile,
  before: Song | undefined,
  { ignore = [], byFileName }: AudioOptions,
): Omit<Song, "id"> | undefined {
  const parts = file.split("/")
  const fileTitle = byFileName ? (parts.at(-1) ?? "").replace(/\.[^.]*$/, "") : ""
  const fileArtist = byFileName ? (parts.at(-2) ?? "") : ""
  // What a CSV file says was written by hand for this study: it goes before the tags.
  const own = before !== undefined && !before.source.startsWith(PREFIX) ? before : undefined
  const title = own?.title || audio.title || fileTitle
  const artist = own?.artist || audio.artist || fileArtist
  if (title === "" || (artist === "" && !byFileName && own === undefined)) return undefined
  const measured = Object.entries(audio.attributes).filter(([name]) => !ignore.includes(name))
  return {
    source: own?.source ?? PREFIX + audio.sound,
    title,
    artist,
    genre: own?.genre || audio.genre,
    lengthMs: Math.round(audio.seconds * 1000),
    attributes: { ...before?.attributes, ...Object.fromEntries(measured) },
    file,
  }
}

function note(result: AudioSongs, file: string, audio: AudioFile, now: Song, before: Song | undefined): void {
  const lacks = MEASURED.filter((name) => audio.attributes[name] === undefined)
  if (lacks.length > 0) result.lacking.push({ file, attributes: lacks })
  if ((audio.attributes.beat_clarity ?? 1) < CLEAR_BEAT) result.withoutBeat.push(file)
  if (audio.format !== "mp3") result.notMp3.push(file)
  if (before !== undefined && before.lengthMs !== now.lengthMs) {
    result.lengths.push({ file, before: before.lengthMs, now: now.lengthMs })
  }
  for (const text of audio.notes) result.notes.push({ file, note: text })
}

function remember(
  names: Map<string, { file: string; lengthMs: number; id: number }[]>,
  song: Song,
  file: string,
): void {
  const key = nameOf(song)
  names.set(key, [...(names.get(key) ?? []), { file, lengthMs: song.lengthMs, id: song.id }])
}

function copyOf(
  names: ReadonlyMap<string, { file: string; lengthMs: number; id: number }[]>,
  song: Omit<Song, "id">,
  id: number | undefined,
): { file: string; lengthMs: number } | undefined {
  return names
    .get(nameOf(song))
    ?.find((other) => other.id !== id && Math.abs(other.lengthMs - song.lengthMs) <= COPY_MS)
}

function nameOf({ artist, title }: { artist: string; title: string }): string {
  return JSON.stringify([artist, title].map((text) => text.normalize("NFKC").toLowerCase()))
}

function slashed(path: string): string {
  return path.replace(/\\/g, "/").replace(/^\.\//, "")
}
