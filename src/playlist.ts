// Playlists on the board: the bytes of wire.ts, checked and read. slots.ts keeps them.

import { digest } from "@devicescript/crypto"
import { adaptLengthFits, adaptValuesFit } from "./adapt"
import { FLAG_EXPLORE } from "./record"
import {
  LIST_CHECKSUM_AT,
  LIST_CHECKSUM_BYTES,
  LIST_HEADER_BYTES,
  LIST_ITEM_BYTES,
  LIST_LAYOUT,
  LIST_LAYOUT_ADAPTIVE,
  LIST_MAGIC_0,
  LIST_MAGIC_1,
  LIST_SIZE_AT,
  MAX_PLAYLIST_ITEMS,
  REFUSED_CHECKSUM,
  REFUSED_FORMAT,
  REFUSED_SONG,
  REFUSED_TOO_LARGE,
} from "./wire"

/**
 * Why the board can't play `bytes` (a REFUSED_ code), or 0. `maxSong`: highest file number of the sound board;
 * `maxBytes`: what a slot holds.
 */
export function faultOf(bytes: Buffer, maxSong: number, maxBytes: number): number {
  if (bytes.length > maxBytes) return REFUSED_TOO_LARGE
  if (bytes.length < LIST_HEADER_BYTES || bytes[0] !== LIST_MAGIC_0 || bytes[1] !== LIST_MAGIC_1) {
    return REFUSED_FORMAT
  }
  const count = countOf(bytes)
  const adaptive = isAdaptive(bytes)
  if (!adaptive && bytes[2] !== LIST_LAYOUT) return REFUSED_FORMAT
  if (bytes.length !== sizeOf(bytes)) return REFUSED_FORMAT
  if (adaptive && !adaptLengthFits(bytes)) return REFUSED_FORMAT
  const sum = digest("sha256", bytes.slice(0, LIST_CHECKSUM_AT), bytes.slice(LIST_HEADER_BYTES))
  for (let i = 0; i < LIST_CHECKSUM_BYTES; i++) {
    if (sum[i] !== bytes[LIST_CHECKSUM_AT + i]) return REFUSED_CHECKSUM
  }
  if (versionOf(bytes) === 0 || count === 0 || count > MAX_PLAYLIST_ITEMS) return REFUSED_FORMAT
  for (let i = 0; i < count; i++) {
    const song = songAt(bytes, i)
    if (song === 0 || lengthAt(bytes, i) === 0) return REFUSED_FORMAT
    if (song > maxSong) return REFUSED_SONG
  }
  return adaptive && !adaptValuesFit(bytes) ? REFUSED_FORMAT : 0
}

/** True where the playlist carries particles: adapt.ts. */
export function isAdaptive(bytes: Buffer): boolean {
  return bytes[2] === LIST_LAYOUT_ADAPTIVE
}

/** Bytes of the whole playlist, as its header (the first LIST_HEADER_BYTES) says. */
export function sizeOf(head: Buffer): number {
  if (isAdaptive(head)) return head.getAt(LIST_SIZE_AT, "u16")
  return LIST_HEADER_BYTES + countOf(head) * LIST_ITEM_BYTES
}

export function versionOf(bytes: Buffer): number {
  return bytes.getAt(4, "u32")
}

export function countOf(bytes: Buffer): number {
  return bytes.getAt(8, "u16")
}

/** File number of item `i`. */
export function songAt(bytes: Buffer, i: number): number {
  return bytes.getAt(LIST_HEADER_BYTES + i * LIST_ITEM_BYTES, "u16")
}

/** Length of item `i`, milliseconds. */
export function lengthAt(bytes: Buffer, i: number): number {
  const at = LIST_HEADER_BYTES + i * LIST_ITEM_BYTES + 2
  return bytes.getAt(at, "u16") + bytes[at + 2] * 65536
}

/** FLAG_ values of item `i` that a record takes over. */
export function flagsAt(bytes: Buffer, i: number): number {
  return bytes[LIST_HEADER_BYTES + i * LIST_ITEM_BYTES + 5] & FLAG_EXPLORE
}
