// A walk over MessagePack bytes before anything decodes them: only the subset of the wire format, no deeper
// than MAX_DEPTH, no length or count beyond the bytes that are there, text keys that stand once, no bytes left
// over. It allocates nothing that the bytes declare, so a five-byte body can't ask for a gigabyte.
//
// The subset: positive and negative fixint, uint 8 16 32, int 8 16 32, float 64, true, false, nil,
// fixstr and str 8, bin 8 and 16, fixarray and array 16, fixmap and map 16.

import { MAX_DEPTH, MAX_TEXT_BYTES } from "../../src/wire.js"
import { WireError } from "./error.js"

const UTF8 = new TextDecoder("utf-8", { fatal: true })

/** Throws WireError `short`, `trailing`, `depth`, `type`, `key` or `text`. */
export function checkBounds(bytes: Uint8Array): void {
  const end = walk(bytes, 0, 0)
  if (end !== bytes.length) {
    throw new WireError("trailing", `byte ${end}: ${bytes.length - end} bytes after the end of the message`)
  }
}

/** Checks the value at `at` inside `depth` containers; returns where the next one starts. */
function walk(bytes: Uint8Array, at: number, depth: number): number {
  need(bytes, at, 1)
  const head = bytes[at]
  if (head <= 0x7f || head >= 0xe0) return at + 1
  if (head <= 0x8f) return walkMap(bytes, at + 1, head & 15, depth)
  if (head <= 0x9f) return walkArray(bytes, at + 1, head & 15, depth)
  if (head <= 0xbf) return walkText(bytes, at + 1, head & 31)
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1
    case 0xc4:
      return skip(bytes, at + 2, unsigned(bytes, at + 1, 1))
    case 0xc5:
      return skip(bytes, at + 3, unsigned(bytes, at + 1, 2))
    case 0xcb:
      return skip(bytes, at + 1, 8)
    case 0xcc:
    case 0xd0:
      return skip(bytes, at + 1, 1)
    case 0xcd:
    case 0xd1:
      return skip(bytes, at + 1, 2)
    case 0xce:
    case 0xd2:
      return skip(bytes, at + 1, 4)
    case 0xd9:
      return walkText(bytes, at + 2, unsigned(bytes, at + 1, 1))
    case 0xdc:
      return walkArray(bytes, at + 3, unsigned(bytes, at + 1, 2), depth)
    case 0xde:
      return walkMap(bytes, at + 3, unsigned(bytes, at + 1, 2), depth)
    default:
      throw new WireError("type", `byte ${at}: type 0x${head.toString(16)} is not part of the format`)
  }
}

function walkArray(bytes: Uint8Array, at: number, count: number, depth: number): number {
  enter(bytes, at, count, depth)
  let next = at
  for (let i = 0; i < count; i++) next = walk(bytes, next, depth + 1)
  return next
}

function walkMap(bytes: Uint8Array, at: number, count: number, depth: number): number {
  enter(bytes, at, 2 * count, depth)
  const keys = new Set<string>()
  let next = at
  for (let i = 0; i < count; i++) {
    need(bytes, next, 1)
    const head = bytes[next]
    if ((head < 0xa0 || head > 0xbf) && head !== 0xd9) {
      throw new WireError("key", `byte ${next}: a key must be text, got type 0x${head.toString(16)}`)
    }
    const start = head === 0xd9 ? next + 2 : next + 1
    next = walk(bytes, next, depth + 1)
    const key = UTF8.decode(bytes.subarray(start, next))
    if (keys.has(key))
      throw new WireError("key", `byte ${start}: the key ${JSON.stringify(key)} stands twice`)
    keys.add(key)
    next = walk(bytes, next, depth + 1)
  }
  return next
}

/** A container with `values` values must not be too deep, and each value takes a byte at least. */
function enter(bytes: Uint8Array, at: number, values: number, depth: number): void {
  if (depth >= MAX_DEPTH) {
    throw new WireError("depth", `byte ${at}: more than ${MAX_DEPTH} containers within each other`)
  }
  need(bytes, at, values)
}

function walkText(bytes: Uint8Array, at: number, length: number): number {
  const end = skip(bytes, at, length)
  if (length > MAX_TEXT_BYTES) {
    throw new WireError("text", `byte ${at}: text of ${length} bytes, at most ${MAX_TEXT_BYTES} are allowed`)
  }
  try {
    UTF8.decode(bytes.subarray(at, end))
  } catch {
    throw new WireError("text", `byte ${at}: text must be UTF-8`)
  }
  return end
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  need(bytes, at, length)
  return at + length
}

function need(bytes: Uint8Array, at: number, length: number): void {
  if (at + length > bytes.length) {
    throw new WireError(
      "short",
      `byte ${at}: ${length} bytes more are needed, ${bytes.length - at} are there`,
    )
  }
}

function unsigned(bytes: Uint8Array, at: number, size: 1 | 2): number {
  need(bytes, at, size)
  return size === 1 ? bytes[at] : bytes[at] * 256 + bytes[at + 1]
}
