// MP3 files that are nothing but frames, a folder of them with its catalogue, and a card to write.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { AUDIO_BOARDS, type BoardName } from "../../../host/card/boards.js"
import { catalogueHash } from "../../../host/card/manifest.js"
import { findSources } from "../../../host/card/sources.js"
import type { CardJob } from "../../../host/card/write.js"
import type { Song } from "../../../host/store/songs.js"
import { withFolder } from "../study/folder.js"

/** MPEG 1 layer III, 128 kbit/s, 44.1 kHz, no padding. */
const HEADER = [0xff, 0xfb, 0x90, 0x00]
export const FRAME_BYTES = 417

/** `count` frames whose content depends on `seed`. */
export function mp3(count: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(count * FRAME_BYTES, 1 + (seed % 200))
  for (let i = 0; i < count; i++) bytes.set(HEADER, i * FRAME_BYTES)
  bytes.writeUInt32BE(seed, 4)
  return bytes
}

export function songOf(id: number, fields: Partial<Song> = {}): Song {
  const text = { title: `Song ${id}`, artist: "", genre: "" }
  return { id, source: String(id), ...text, lengthMs: 180_000, attributes: {}, ...fields }
}

export interface Music {
  /** Folder of the files 1.mp3, 2.mp3, … */
  music: string
  /** Empty folder in place of a card. */
  card: string
  songs: Song[]
  /** Content of song `id`. */
  content(id: number): Buffer
  job(fields?: Partial<CardJob>): Promise<CardJob>
}

export const DEVICE = "00112233aabbccdd"
export const AT = 1_700_000_000_000

/** `ids` songs of different lengths beside an empty folder in place of a card. */
export function withMusic(ids: readonly number[], body: (music: Music) => Promise<void>): Promise<void> {
  return withFolder(async (dir) => {
    const music = join(dir, "music")
    const card = join(dir, "card")
    mkdirSync(music)
    mkdirSync(card)
    const content = (id: number): Buffer => mp3(3 + (id % 50), id)
    for (const id of ids) writeFileSync(join(music, `${id}.mp3`), content(id))
    const songs = ids.map((id) => songOf(id))
    const job = async (fields: Partial<CardJob> = {}): Promise<CardJob> => {
      const board: BoardName = fields.board ?? "mp3trigger"
      return {
        dir: card,
        study: "s",
        device: DEVICE,
        board,
        catalogue: catalogueHash(songs),
        songs: fields.songs ?? (await findSources(songs, AUDIO_BOARDS[board], music)),
        at: AT,
        ...fields,
      }
    }
    await body({ music, card, songs, content, job })
  })
}

/** All files below a folder by path, with their content. */
export function filesIn(dir: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(dir, { recursive: true }).map(String).sort()) {
    const path = join(dir, name)
    if (statSync(path).isFile()) files.set(relative(dir, path), readFileSync(path))
  }
  return files
}

/** An AppleDouble file as macOS leaves it: Finder information and a resource fork. */
export function appleDouble(): Buffer {
  const bytes = Buffer.alloc(4096)
  bytes.writeUInt32BE(0x00051607, 0)
  bytes.writeUInt32BE(0x00020000, 4)
  bytes.write("Mac OS X        ", 8, "latin1")
  bytes.writeUInt16BE(2, 24)
  for (const [i, [id, offset, length]] of [
    [9, 50, 3760],
    [2, 3810, 286],
  ].entries()) {
    bytes.writeUInt32BE(id, 26 + 12 * i)
    bytes.writeUInt32BE(offset, 30 + 12 * i)
    bytes.writeUInt32BE(length, 34 + 12 * i)
  }
  return bytes
}
