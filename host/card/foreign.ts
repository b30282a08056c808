// What else is on a card: files that would be found under a song's number, and what desktop systems leave behind.
//
// macOS stores what FAT can't hold beside each file, as "._" and its name, in the AppleDouble format (RFC 1740,
// appendix B). Such a file ends in .mp3 and is none, and boards that look for *.mp3 stumble over it. It is removed only
// when its content proves what it is; every other foreign file is left as it is.

import { open, readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { AudioBoard } from "./boards.js"
import { isAbsent } from "./card-error.js"

const APPLE_DOUBLE = 0x00051607
const HEADER_BYTES = 26
const ENTRY_BYTES = 12
/** Apple has defined 15 kinds of entries. */
const MAX_ENTRIES = 15

export function isAppleDoubleName(name: string): boolean {
  return name.startsWith("._")
}

/** Is the file AppleDouble: its magic, a version, and only entries that lie within the file? */
async function isAppleDouble(path: string): Promise<boolean> {
  const file = await open(path, "r")
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(HEADER_BYTES + MAX_ENTRIES * ENTRY_BYTES)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    if (bytesRead < HEADER_BYTES || bytes.readUInt32BE(0) !== APPLE_DOUBLE) return false
    if (![0x00010000, 0x00020000].includes(bytes.readUInt32BE(4))) return false
    const entries = bytes.readUInt16BE(24)
    const end = HEADER_BYTES + entries * ENTRY_BYTES
    if (entries === 0 || entries > MAX_ENTRIES || end > bytesRead) return false
    for (let at = HEADER_BYTES; at < end; at += ENTRY_BYTES) {
      const offset = bytes.readUInt32BE(at + 4)
      if (offset < end || offset + bytes.readUInt32BE(at + 8) > size) return false
    }
    return true
  } finally {
    await file.close()
  }
}

/** The names in a folder, none where there is no such folder. */
async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).sort()
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** "._" files where boards look, from the card's root: those that are AppleDouble, and those that only look so. */
export async function findAppleDouble(
  dir: string,
  board: AudioBoard,
): Promise<{ proven: string[]; doubtful: string[] }> {
  const proven: string[] = []
  const doubtful: string[] = []
  for (const folder of new Set(["", board.folder])) {
    for (const name of await namesIn(join(dir, folder))) {
      if (!isAppleDoubleName(name)) continue
      const path = join(dir, folder, name)
      if (!(await stat(path)).isFile()) continue
      const list = (await isAppleDouble(path)) ? proven : doubtful
      list.push(folder === "" ? name : `${folder}/${name}`)
    }
  }
  return { proven, doubtful }
}

/** Removes the AppleDouble files and says in words what was there. */
export async function removeAppleDouble(dir: string, board: AudioBoard): Promise<string[]> {
  const { proven, doubtful } = await findAppleDouble(dir, board)
  for (const name of proven) await rm(join(dir, name))
  return [
    ...(proven.length > 0
      ? [`${proven.length} AppleDouble files of macOS removed, the first ${proven[0]}`]
      : []),
    ...doubtful.map(
      (name) => `${name}: named like a macOS file but is none; left, the board may stumble over it`,
    ),
  ]
}

/** Warnings about files that the board would find under a number, and that are none of `ours` (paths from the root). */
export async function numberedStrangers(
  dir: string,
  board: AudioBoard,
  ours: ReadonlySet<string>,
): Promise<string[]> {
  const prefix = board.folder === "" ? "" : `${board.folder}/`
  // FAT knows no case.
  const known = new Set([...ours].map((name) => name.toLowerCase()))
  const warnings: string[] = []
  for (const name of await namesIn(join(dir, board.folder))) {
    const number = board.numberOf(name)
    if (number === undefined || known.has((prefix + name).toLowerCase())) continue
    const clash = known.has((prefix + board.name(number)).toLowerCase())
    warnings.push(
      clash
        ? `${prefix}${name}: not ours, and the ${board.title} may play it instead of song ${number}: remove it`
        : `${prefix}${name}: not ours; the ${board.title} would play it as song ${number}, which the catalogue does not have`,
    )
  }
  return warnings
}
