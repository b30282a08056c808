// The bytes of a playlist, as src/wire.ts lays them out.

import { createHash } from "node:crypto"
import {
  LIST_CHECKSUM_AT,
  LIST_CHECKSUM_BYTES,
  LIST_HEADER_BYTES,
  LIST_ITEM_BYTES,
  LIST_LAYOUT,
  LIST_MAGIC_0,
  LIST_MAGIC_1,
  MAX_PLAYLIST_BYTES,
  MAX_PLAYLIST_ITEMS,
} from "../../src/wire.js"
import { WireError } from "./error.js"

interface PackedItem {
  /** File number on the card, 1 … 65535. */
  song: number
  /** 1 … 2²⁴−1. */
  lengthMs: number
  /** Sum of FLAG_ values of src/record.ts, 0 … 255. */
  flags: number
}

interface UnpackedPlaylist {
  version: number
  items: PackedItem[]
}

const MAX_U16 = 65535
const MAX_U24 = 16777215
const MAX_U32 = 4294967295

/** Packs 1 … MAX_PLAYLIST_ITEMS items; throws where a value does not fit its field. */
export function packPlaylist(items: readonly PackedItem[], version: number): Uint8Array {
  within("playlist version", version, 1, MAX_U32)
  within("playlist: number of items", items.length, 1, MAX_PLAYLIST_ITEMS)
  const bytes = Buffer.alloc(LIST_HEADER_BYTES + items.length * LIST_ITEM_BYTES)
  within("playlist: bytes", bytes.length, LIST_HEADER_BYTES, MAX_PLAYLIST_BYTES)
  bytes.writeUInt8(LIST_MAGIC_0, 0)
  bytes.writeUInt8(LIST_MAGIC_1, 1)
  bytes.writeUInt8(LIST_LAYOUT, 2)
  bytes.writeUInt32LE(version, 4)
  bytes.writeUInt16LE(items.length, 8)
  for (const [i, item] of items.entries()) {
    const at = LIST_HEADER_BYTES + i * LIST_ITEM_BYTES
    within(`playlist item ${i}: song`, item.song, 1, MAX_U16)
    within(`playlist item ${i}: length in ms`, item.lengthMs, 1, MAX_U24)
    within(`playlist item ${i}: flags`, item.flags, 0, 255)
    bytes.writeUInt16LE(item.song, at)
    bytes.writeUIntLE(item.lengthMs, at + 2, 3)
    bytes.writeUInt8(item.flags, at + 5)
  }
  checksum(bytes).copy(bytes, LIST_CHECKSUM_AT)
  return new Uint8Array(bytes)
}

/** Reads a playlist; throws WireError `size`, `format`, `checksum` or `range`. */
export function unpackPlaylist(given: Uint8Array): UnpackedPlaylist {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
  if (bytes.length > MAX_PLAYLIST_BYTES) {
    throw new WireError("size", `playlist: at most ${MAX_PLAYLIST_BYTES} bytes, got ${bytes.length}`)
  }
  if (bytes.length < LIST_HEADER_BYTES || bytes[0] !== LIST_MAGIC_0 || bytes[1] !== LIST_MAGIC_1) {
    throw new WireError("format", `playlist: must start with a header of ${LIST_HEADER_BYTES} bytes and "FT"`)
  }
  if (bytes[2] !== LIST_LAYOUT) {
    throw new WireError("format", `playlist: layout must be ${LIST_LAYOUT}, got ${bytes[2]}`)
  }
  const count = bytes.readUInt16LE(8)
  if (bytes.length !== LIST_HEADER_BYTES + count * LIST_ITEM_BYTES) {
    throw new WireError("format", `playlist: ${count} items do not fill ${bytes.length} bytes`)
  }
  if (!checksum(bytes).equals(bytes.subarray(LIST_CHECKSUM_AT, LIST_CHECKSUM_AT + LIST_CHECKSUM_BYTES))) {
    throw new WireError("checksum", "playlist: the checksum does not fit the bytes")
  }
  const version = bytes.readUInt32LE(4)
  if (version === 0 || count === 0 || count > MAX_PLAYLIST_ITEMS) {
    throw new WireError("range", `playlist: version ${version} with ${count} items`)
  }
  const items: PackedItem[] = []
  for (let at = LIST_HEADER_BYTES; at < bytes.length; at += LIST_ITEM_BYTES) {
    const item = {
      song: bytes.readUInt16LE(at),
      lengthMs: bytes.readUIntLE(at + 2, 3),
      flags: bytes.readUInt8(at + 5),
    }
    if (item.song === 0 || item.lengthMs === 0) {
      throw new WireError("range", `playlist item ${items.length}: song ${item.song} of ${item.lengthMs} ms`)
    }
    items.push(item)
  }
  return { version, items }
}

/** First bytes of SHA-256 over everything but the checksum itself. */
function checksum(bytes: Buffer): Buffer {
  return createHash("sha256")
    .update(bytes.subarray(0, LIST_CHECKSUM_AT))
    .update(bytes.subarray(LIST_HEADER_BYTES))
    .digest()
    .subarray(0, LIST_CHECKSUM_BYTES)
}

function within(place: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${place}: must be a whole number from ${low} to ${high}, got ${value}`)
  }
}
