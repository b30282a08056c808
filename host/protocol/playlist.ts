// The bytes of a playlist, as src/wire.ts lays them out.

import { createHash } from "node:crypto"
import {
  ADAPT_HEADER_BYTES,
  adaptLengthFits,
  adaptValuesFit,
  MAX_LISTS,
  MAX_PARTICLES,
  MAX_VARIABLES,
  PER_MILLE,
  WORTH_SECONDS,
} from "../../src/adapt.js"
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
  MAX_FRAM_PLAYLIST_BYTES,
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

/** Whole numbers and the unit of each: value = number · scale, scale a positive normal 32-bit float. */
interface Scaled {
  scale: number
  numbers: number[]
}

/** The section of layout 2, from which the board chooses: src/wire.ts says what each field means. */
export interface PackedAdaptation {
  /** Songs per list; list 0 is the first so many items. */
  size: number
  /** Lists 1 and 2, if there are: indices of items, `size` each. */
  lists: number[][]
  worth: "share" | "seconds"
  /** Listens before the first choice, 0 … 255. */
  after: number
  /** Thousandths. */
  margin: number
  /** Thousandths, 0 … 1000. */
  epsilon: number
  /** u32. */
  seed: number
  /** One i16 for each particle, 1 … MAX_PARTICLES of them. */
  constants: Scaled
  /** One u16 above 0 for each particle. */
  sigmas: Scaled
  /** At most MAX_VARIABLES. */
  variables: {
    /** Unit of the products of both. */
    scale: number
    /** i8 for each item. */
    attributes: number[]
    /** i16 for each particle. */
    coefficients: number[]
  }[]
}

interface UnpackedPlaylist {
  version: number
  items: PackedItem[]
  /** Left out: layout 1. */
  adaptation?: PackedAdaptation
}

const MAX_U8 = 255
const MAX_I16 = 32767
const MAX_U16 = 65535
const MAX_U24 = 16777215
const MAX_U32 = 4294967295

/** Bytes of a playlist of layout 2 with so many of each. */
export function adaptivePlaylistBytes(
  items: number,
  size: number,
  lists: number,
  particles: number,
  variables: number,
): number {
  const section = ADAPT_HEADER_BYTES + 4 * variables + (lists - 1) * size + items * variables
  return LIST_HEADER_BYTES + items * LIST_ITEM_BYTES + section + 2 * particles * (variables + 2)
}

/**
 * Packs 1 … MAX_PLAYLIST_ITEMS items, in layout 2 where there is an `adaptation`; throws where a value does not fit
 * its field, or the whole the largest slot.
 */
export function packPlaylist(
  items: readonly PackedItem[],
  version: number,
  adaptation?: PackedAdaptation,
): Uint8Array {
  within("playlist version", version, 1, MAX_U32)
  within("playlist: number of items", items.length, 1, MAX_PLAYLIST_ITEMS)
  const section = adaptation === undefined ? Buffer.alloc(0) : packAdaptation(adaptation, items.length)
  const head = LIST_HEADER_BYTES + items.length * LIST_ITEM_BYTES
  const bytes = Buffer.alloc(head + section.length)
  within("playlist: bytes", bytes.length, LIST_HEADER_BYTES, MAX_FRAM_PLAYLIST_BYTES)
  bytes.writeUInt8(LIST_MAGIC_0, 0)
  bytes.writeUInt8(LIST_MAGIC_1, 1)
  bytes.writeUInt8(adaptation === undefined ? LIST_LAYOUT : LIST_LAYOUT_ADAPTIVE, 2)
  bytes.writeUInt32LE(version, 4)
  bytes.writeUInt16LE(items.length, 8)
  if (adaptation !== undefined) bytes.writeUInt16LE(bytes.length, LIST_SIZE_AT)
  for (const [i, item] of items.entries()) {
    const at = LIST_HEADER_BYTES + i * LIST_ITEM_BYTES
    within(`playlist item ${i}: song`, item.song, 1, MAX_U16)
    within(`playlist item ${i}: length in ms`, item.lengthMs, 1, MAX_U24)
    within(`playlist item ${i}: flags`, item.flags, 0, MAX_U8)
    bytes.writeUInt16LE(item.song, at)
    bytes.writeUIntLE(item.lengthMs, at + 2, 3)
    bytes.writeUInt8(item.flags, at + 5)
  }
  section.copy(bytes, head)
  checksum(bytes).copy(bytes, LIST_CHECKSUM_AT)
  return new Uint8Array(bytes)
}

function packAdaptation(given: PackedAdaptation, items: number): Buffer {
  const { size, lists, constants, sigmas, variables } = given
  const particles = constants.numbers.length
  const place = "playlist adaptation"
  within(`${place}: particles`, particles, 1, MAX_PARTICLES)
  within(`${place}: variables`, variables.length, 0, MAX_VARIABLES)
  within(`${place}: lists`, lists.length + 1, 1, MAX_LISTS)
  within(`${place}: songs per list`, size, 1, items)
  within(`${place}: listens before the first choice`, given.after, 0, MAX_U8)
  within(`${place}: margin in thousandths`, given.margin, 0, MAX_U16)
  within(`${place}: epsilon in thousandths`, given.epsilon, 0, PER_MILLE)
  within(`${place}: seed`, given.seed, 0, MAX_U32)
  const whole = adaptivePlaylistBytes(items, size, lists.length + 1, particles, variables.length)
  const bytes = Buffer.alloc(whole - LIST_HEADER_BYTES - items * LIST_ITEM_BYTES)
  bytes.writeUInt8(particles, 0)
  bytes.writeUInt8(variables.length, 1)
  bytes.writeUInt8(lists.length + 1, 2)
  bytes.writeUInt8(given.worth === "seconds" ? WORTH_SECONDS : 0, 3)
  bytes.writeUInt16LE(size, 4)
  bytes.writeUInt8(given.after, 6)
  bytes.writeUInt16LE(given.margin, 8)
  bytes.writeUInt16LE(given.epsilon, 10)
  bytes.writeUInt32LE(given.seed, 12)
  let at = 16
  for (const { scale } of [constants, sigmas, ...variables]) {
    within32(`${place}: scale`, scale)
    at = bytes.writeFloatLE(scale, at)
  }
  const write = (what: string, numbers: readonly number[], count: number, range: readonly number[]): void => {
    if (numbers.length !== count)
      throw new RangeError(`${place}: ${what}: must be ${count}, got ${numbers.length}`)
    const [low, high, width] = range
    for (const value of numbers) {
      within(`${place}: ${what}`, value, low, high)
      at = low < 0 ? bytes.writeIntLE(value, at, width) : bytes.writeUIntLE(value, at, width)
    }
  }
  for (const list of lists) {
    if (new Set(list).size !== list.length)
      throw new RangeError(`${place}: a list has an item twice: ${list}`)
    write("items of a list", list, size, [0, items - 1, 1])
  }
  for (let item = 0; item < items; item++) {
    const row = variables.map(({ attributes }) => attributes[item])
    write(`attributes of item ${item}`, row, variables.length, [-128, 127, 1])
  }
  write("constants", constants.numbers, particles, [-MAX_I16 - 1, MAX_I16, 2])
  write("sigmas", sigmas.numbers, particles, [1, MAX_U16, 2])
  for (const { coefficients } of variables) {
    write("coefficients of a variable", coefficients, particles, [-MAX_I16 - 1, MAX_I16, 2])
  }
  return bytes
}

/** Reads a playlist; throws WireError `size`, `format`, `checksum` or `range`. */
export function unpackPlaylist(given: Uint8Array): UnpackedPlaylist {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
  if (bytes.length > MAX_FRAM_PLAYLIST_BYTES) {
    throw new WireError("size", `playlist: at most ${MAX_FRAM_PLAYLIST_BYTES} bytes, got ${bytes.length}`)
  }
  if (bytes.length < LIST_HEADER_BYTES || bytes[0] !== LIST_MAGIC_0 || bytes[1] !== LIST_MAGIC_1) {
    throw new WireError("format", `playlist: must start with a header of ${LIST_HEADER_BYTES} bytes and "FT"`)
  }
  const adaptive = bytes[2] === LIST_LAYOUT_ADAPTIVE
  if (!adaptive && bytes[2] !== LIST_LAYOUT) {
    const layouts = `${LIST_LAYOUT} or ${LIST_LAYOUT_ADAPTIVE}`
    throw new WireError("format", `playlist: layout must be ${layouts}, got ${bytes[2]}`)
  }
  const count = bytes.readUInt16LE(8)
  const end = LIST_HEADER_BYTES + count * LIST_ITEM_BYTES
  if (adaptive ? !adaptLengthFits(bytes) : bytes.length !== end) {
    throw new WireError(
      "format",
      `playlist: ${count} items and what follows do not fill ${bytes.length} bytes`,
    )
  }
  if (!checksum(bytes).equals(bytes.subarray(LIST_CHECKSUM_AT, LIST_CHECKSUM_AT + LIST_CHECKSUM_BYTES))) {
    throw new WireError("checksum", "playlist: the checksum does not fit the bytes")
  }
  const version = bytes.readUInt32LE(4)
  if (version === 0 || count === 0 || count > MAX_PLAYLIST_ITEMS) {
    throw new WireError("range", `playlist: version ${version} with ${count} items`)
  }
  const items: PackedItem[] = []
  for (let at = LIST_HEADER_BYTES; at < end; at += LIST_ITEM_BYTES) {
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
  if (!adaptive) return { version, items }
  if (!adaptValuesFit(bytes)) {
    const head = bytes.subarray(end, end + ADAPT_HEADER_BYTES).toString("hex")
    throw new WireError("range", `playlist: a value behind the items is out of its range, header ${head}`)
  }
  return { version, items, adaptation: unpackAdaptation(bytes.subarray(end), count) }
}

/** Reads a section that has been checked. */
function unpackAdaptation(bytes: Buffer, items: number): PackedAdaptation {
  const [particles, variableCount, listCount] = bytes
  const size = bytes.readUInt16LE(4)
  let at = 16
  const read = (count: number, width: number, signed: boolean): number[] =>
    Array.from({ length: count }, () => {
      at += width
      return signed ? bytes.readIntLE(at - width, width) : bytes.readUIntLE(at - width, width)
    })
  const scales = Array.from({ length: 2 + variableCount }, (_, i) => bytes.readFloatLE(at + 4 * i))
  at += 4 * scales.length
  const lists = Array.from({ length: listCount - 1 }, () => read(size, 1, false))
  const rows = Array.from({ length: items }, () => read(variableCount, 1, true))
  return {
    size,
    lists,
    worth: bytes[3] === WORTH_SECONDS ? "seconds" : "share",
    after: bytes[6],
    margin: bytes.readUInt16LE(8),
    epsilon: bytes.readUInt16LE(10),
    seed: bytes.readUInt32LE(12),
    constants: { scale: scales[0], numbers: read(particles, 2, true) },
    sigmas: { scale: scales[1], numbers: read(particles, 2, false) },
    variables: Array.from({ length: variableCount }, (_, v) => ({
      scale: scales[2 + v],
      attributes: rows.map((row) => row[v]),
      coefficients: read(particles, 2, true),
    })),
  }
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

const SMALLEST_NORMAL_32 = 2 ** -126

function within32(place: string, value: number): void {
  const stored = Math.fround(value)
  if (!(stored >= SMALLEST_NORMAL_32 && Number.isFinite(stored))) {
    throw new RangeError(`${place}: must be a positive normal 32-bit number, got ${value}`)
  }
}
