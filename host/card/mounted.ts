// The cards that are mounted under the places where desktop systems put removable disks.

import type { Dirent } from "node:fs"
import { readdir, realpath } from "node:fs/promises"
import { join } from "node:path"
import { CardError, isAbsent } from "./card-error.js"
import { MANIFEST_NAME } from "./manifest.js"
import { isFatCard } from "./write.js"

/** A folder, and how many levels below it the mounted disks are. */
interface Place {
  dir: string
  depth: number
}

/** Where Linux desktops (disk, or user and disk) and macOS mount. */
const USUAL_PLACES: readonly Place[] = [
  { dir: "/media", depth: 1 },
  { dir: "/media", depth: 2 },
  { dir: "/run/media", depth: 2 },
  { dir: "/Volumes", depth: 1 },
]

/** What else a card may hold that nobody has put there. */
const LITTER =
  /^(?:\.|System Volume Information$|\$RECYCLE\.BIN$|FOUND\.\d{3}$|LOST\.DIR$|fieldtune\.tmp$|Thumbs\.db$|desktop\.ini$)/i

/**
 * Mount points of cards below the places, in order of path. `left` names disks that look like somebody's own: FAT, but
 * with files and without our manifest; those are written only when they are named.
 */
export async function mountedCards(
  places: readonly Place[] = USUAL_PLACES,
  isCard: (dir: string) => Promise<boolean> = isFatCard,
): Promise<{ cards: string[]; left: string[] }> {
  const cards = new Set<string>()
  const left = new Set<string>()
  for (const { dir, depth } of places) {
    for (const found of await foldersBelow(dir, depth)) {
      if (!(await isCard(found))) continue
      const names = (await entriesOf(found))?.map((entry) => entry.name)
      if (names === undefined) continue
      const ours = names.includes(MANIFEST_NAME) || names.every((name) => LITTER.test(name))
      const list = ours ? cards : left
      list.add(await realpath(found))
    }
  }
  return { cards: [...cards].sort(), left: [...left].sort() }
}

async function foldersBelow(dir: string, depth: number): Promise<string[]> {
  const entries = (await entriesOf(dir)) ?? []
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name))
  if (depth === 1) return folders
  return (await Promise.all(folders.map((folder) => foldersBelow(folder, depth - 1)))).flat()
}

/** undefined where the folder is not there, or another user's. */
async function entriesOf(dir: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(dir, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error) || (error as NodeJS.ErrnoException).code === "EACCES") return undefined
    throw error
  }
}

/** Which card is for which device: one device for all, or one each; a card keeps the device of its manifest. */
export function assignCards(
  cards: readonly { dir: string; device: string | undefined }[],
  devices: readonly string[],
): { dir: string; device: string }[] {
  if (devices.length === 1) return cards.map(({ dir }) => ({ dir, device: devices[0] }))
  if (devices.length !== cards.length) {
    throw new CardError(
      `${cards.length} cards are mounted and ${devices.length} devices named: name one device for all, or one for each card`,
    )
  }
  const free = new Set(devices)
  const kept = cards.map(({ device }) => (device !== undefined && free.delete(device) ? device : undefined))
  const rest = [...free]
  return cards.map(({ dir }, i) => ({ dir, device: kept[i] ?? (rest.shift() as string) }))
}
