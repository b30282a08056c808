// Which file on this computer is which song of the catalogue, and whether it can go onto a card.

import { readdir, realpath, stat } from "node:fs/promises"
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path"
import type { Song } from "../store/songs.js"
import { type AudioBoard, pathOnCard } from "./boards.js"
import { CardError, isAbsent, listed } from "./card-error.js"
import { isAppleDoubleName } from "./foreign.js"
import { mp3Fault } from "./mp3.js"

/** A song on its way to a card. */
export interface CardSong {
  song: number
  /** Path on the card from its root, with slashes. */
  name: string
  bytes: number
  /** Path of the file on this computer. */
  path: string
  /** The same from the music folder, with slashes; goes into the manifest. */
  source: string
}

/** Files that are opened at the same time. */
const AT_ONCE = 8

/**
 * Finds and checks the file of every song, ascending number. A song's `file` must lie in `music`; a song without
 * one is found below it by its identifier or number: 3.mp3, 0003.mp3, F003.mp3.
 */
export async function findSources(
  songs: readonly Song[],
  board: AudioBoard,
  music: string,
): Promise<CardSong[]> {
  checkNumbers(songs, board)
  const folder = resolve(music)
  const unnamed = songs.some((song) => song.file === undefined)
  const found = unnamed ? await indexFolder(folder) : new Map<string, string[]>()
  const results: (CardSong | string)[] = new Array(songs.length)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < songs.length) {
      const i = next++
      results[i] = await findSource(songs[i], board, folder, found)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const faults = results.filter((result) => typeof result === "string")
  const firsts = new Map<string, number>()
  for (const result of results) {
    if (typeof result === "string") continue
    const first = firsts.get(result.path)
    if (first !== undefined)
      faults.push(`songs ${first} and ${result.song}: have the same file: ${result.path}`)
    firsts.set(result.path, result.song)
  }
  if (faults.length > 0) {
    throw new CardError(
      `${faults.length} of ${songs.length} songs cannot go onto a card, nothing was written (--music says where the files are): ${listed(faults)}`,
    )
  }
  return (results as CardSong[]).sort((a, b) => a.song - b.song)
}

/** Every number of the catalogue must be one that the board can play. */
function checkNumbers(songs: readonly Song[], board: AudioBoard): void {
  if (songs.length === 0)
    throw new CardError("the study's catalogue is empty: fieldtune catalogue add FOLDER")
  const high = songs.filter((song) => song.id > board.maxFile)
  if (high.length === 0) return
  const out =
    songs.length <= board.maxFile
      ? `give the songs numbers from 1 to ${board.maxFile} in the catalogue's column song`
      : board.maxFile < 9999
        ? "use a DFPlayer (--board dfplayer, up to 9999 songs) or a smaller catalogue"
        : "use a smaller catalogue"
  throw new CardError(
    `the ${board.title} plays files ${board.name(1)} to ${board.name(board.maxFile)}, ${high.length} of ${songs.length} songs have a higher number, the first is ${high[0].id}: ${out}`,
  )
}

async function findSource(
  song: Song,
  board: AudioBoard,
  folder: string,
  found: ReadonlyMap<string, readonly string[]>,
): Promise<CardSong | string> {
  const who = `song ${song.id}${song.title === "" ? "" : ` (${song.title})`}`
  let path: string
  if (song.file === undefined) {
    const paths = found.get(keyOf(song.source)) ?? found.get(`#${song.id}`) ?? []
    if (paths.length === 0) return `${who}: no file for it in ${folder}`
    if (paths.length > 1) return `${who}: more than one file in ${folder}: ${paths.join(" and ")}`
    path = join(folder, paths[0])
  } else {
    path = resolve(folder, song.file)
    const stated = statedNumber(basename(path))
    if (stated !== undefined && stated !== song.id && String(stated) !== song.source) {
      return `${who}: its file is named for song ${stated}: ${song.file}`
    }
  }
  try {
    // A catalogue comes from elsewhere: it may name no file that is not music of this study, by link neither.
    const inside = relative(await realpath(folder), await realpath(path))
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      return `${who}: its file lies outside ${folder}: ${path} (--music names a folder that holds it)`
    }
    const status = await stat(path)
    if (!status.isFile()) return `${who}: not a file: ${path}`
    const fault = await mp3Fault(path)
    if (fault !== undefined) return `${who}: ${path} ${fault}`
    const source = relative(folder, path).split(sep).join("/")
    return { song: song.id, name: pathOnCard(board, song.id), bytes: status.size, path, source }
  } catch (error) {
    if (isAbsent(error)) return `${who}: missing: ${path}`
    return `${who}: ${path}: cannot be read: ${(error as Error).message}`
  }
}

/** The number in a name of the kind that sound boards want: F003.mp3, 003.mp3, 0003.mp3. */
function statedNumber(name: string): number | undefined {
  const [, trigger, plain] = /^(?:F(\d{3})|(\d{3,4}))\.mp3$/i.exec(name) ?? []
  const digits = trigger ?? plain
  return digits === undefined ? undefined : Number(digits)
}

/** What a file's name without extension, or a song's identifier, is found by: "#3" for 3, 0003 and F003. */
function keyOf(name: string): string {
  const digits = /^f?0*(\d+)$/i.exec(name)?.[1]
  return digits === undefined ? name.toLowerCase() : `#${digits}`
}

/** All MP3 files below the folder, by key. */
async function indexFolder(folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  let paths: string[]
  try {
    paths = await readdir(folder, { recursive: true })
  } catch (error) {
    if (isAbsent(error)) {
      throw new CardError(`${folder}: there is no such folder of music; --music names the one that you have`)
    }
    throw error
  }
  for (const path of paths.sort()) {
    const name = basename(path)
    if (!/\.mp3$/i.test(name) || isAppleDoubleName(name)) continue
    const key = keyOf(name.slice(0, -4))
    found.set(key, [...(found.get(key) ?? []), path])
  }
  return found
}
