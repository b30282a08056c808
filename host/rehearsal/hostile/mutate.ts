// Inputs that a decoder should never have been given: good ones, damaged in the ways in which damage and malice come.
// The same stream gives the same input.

import type { Rng } from "../../model/random.js"

/** How one input is made worse. Bytes in, bytes out; lengths stay within MAX_INPUT_BYTES. */
type Damage = (bytes: Uint8Array, rng: Rng, examples: readonly Uint8Array[]) => Uint8Array

/** Longest input: longer ones only repeat what these do, and every reader of files bounds its own size. */
const MAX_INPUT_BYTES = 65_536
const MOST_DAMAGES = 6
const MOST_REPEATS = 4096

/** Byte values at the edges of what formats give a meaning to. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc9]
const MORE_EDGES = [0xca, 0xcb, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xef, 0xfe, 0xff]
const ALL_EDGES = [...EDGES, ...MORE_EDGES]
const LENGTHS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

/** Pieces of text that readers stumble over. */
const TEXTS = [
  "NaN",
  "Infinity",
  "-Infinity",
  "1e999",
  "-0",
  "1e-999",
  "9007199254740993",
  "99999999999999999999999999999999",
  "0x10",
  "null",
  "true",
  "{}",
  "[]",
  "[[[[[[[[[[[[[[[[",
  '{"a":{"a":{"a":{"a":',
  '"__proto__":{"x":1},',
  '"constructor":1,',
  "\u0000",
  "\uFEFF",
  "\u2028",
  "\r\n",
  "\r",
  "\t\t\t\t",
  '"',
  '""',
  "'",
  ",",
  ";",
  "=cmd|'/c calc'!A1",
  "../../../../etc/passwd",
  "C:\\Windows\\system32",
  "file:///etc/passwd",
  "%00",
  "%s%n",
  "<!ENTITY a '&b;&b;&b;&b;'>",
  "<![CDATA[",
  "]]>",
  "<!DOCTYPE x SYSTEM 'file:///dev/zero'>",
  "&amp;&#0;&#x110000;",
  "𝕏́̂̃̄",
  "\uD83D",
  "9999-99-99T99:99:99Z",
  "1970-01-01T00:00:00+99:99",
]

const damages: readonly Damage[] = [
  // One bit, one byte, one edge.
  (bytes, rng) => set(bytes, rng.int(bytes.length), (value) => value ^ (1 << rng.int(8))),
  (bytes, rng) => set(bytes, rng.int(bytes.length), () => rng.int(256)),
  (bytes, rng) => set(bytes, rng.int(bytes.length), () => pick(rng, ALL_EDGES)),
  // A number at its edges, of 1, 2 or 4 bytes, in either order.
  (bytes, rng) => {
    const copy = Buffer.from(bytes)
    const value = pick(rng, LENGTHS)
    const width = pick(
      rng,
      [1, 2, 4].filter((w) => w <= bytes.length),
    )
    const at = rng.int(bytes.length - width + 1)
    const low = value % 2 ** (8 * width)
    if (rng.int(2) === 0) copy.writeUIntBE(low, at, width)
    else copy.writeUIntLE(low, at, width)
    return new Uint8Array(copy)
  },
  // Cut off, cut out, doubled, moved, filled.
  (bytes, rng) => bytes.slice(0, rng.int(bytes.length + 1)),
  (bytes, rng) => {
    const [from, to] = range(bytes, rng)
    return join(bytes.subarray(0, from), bytes.subarray(to))
  },
  (bytes, rng) => {
    const [from, to] = range(bytes, rng)
    const repeats = 1 + rng.int(rng.int(8) === 0 ? MOST_REPEATS : 4)
    const piece = bytes.subarray(from, to)
    const fits = Math.min(repeats, Math.floor((MAX_INPUT_BYTES - bytes.length) / Math.max(1, piece.length)))
    return join(
      bytes.subarray(0, to),
      ...Array.from({ length: Math.max(0, fits) }, () => piece),
      bytes.subarray(to),
    )
  },
  (bytes, rng, examples) => {
    const other = pick(rng, examples)
    const [from, to] = range(other, rng)
    const at = rng.int(bytes.length + 1)
    return join(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at))
  },
  (bytes, rng) => {
    const [from, to] = range(bytes, rng)
    return bytes.slice().fill(pick(rng, ALL_EDGES), from, to)
  },
  // Text where it hurts.
  (bytes, rng) => {
    const at = rng.int(bytes.length + 1)
    const text = Buffer.from(pick(rng, TEXTS))
    const cut = rng.int(2) === 0 ? 0 : rng.int(Math.min(12, bytes.length - at) + 1)
    return join(bytes.subarray(0, at), text, bytes.subarray(at + cut))
  },
  // A number written in text becomes another.
  (bytes, rng) => {
    const digits = [...bytes.keys()].filter((i) => bytes[i] >= 0x30 && bytes[i] <= 0x39)
    if (digits.length === 0) return bytes
    const at = pick(rng, digits)
    return join(bytes.subarray(0, at), Buffer.from(pick(rng, TEXTS.slice(0, 10))), bytes.subarray(at + 1))
  },
]

/** An input made of the examples (at least one, none empty); now and then random bytes or an example as it is. */
export function hostileInput(examples: readonly Uint8Array[], rng: Rng): Uint8Array {
  const kind = rng.int(100)
  if (kind === 0) return Uint8Array.from({ length: rng.int(2048) }, () => rng.int(256))
  let bytes = pick(rng, examples)
  if (kind === 1) return bytes.slice()
  const count = 1 + rng.int(MOST_DAMAGES)
  for (let i = 0; i < count && bytes.length > 0; i++) {
    bytes = pick(rng, damages)(bytes, rng, examples).subarray(0, MAX_INPUT_BYTES)
  }
  return bytes.slice()
}

function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.int(items.length)]
}

function set(bytes: Uint8Array, at: number, to: (value: number) => number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = to(copy[at])
  return copy
}

/** A stretch of the bytes, more often short than long. */
function range(bytes: Uint8Array, rng: Rng): [number, number] {
  const from = rng.int(bytes.length)
  const longest = rng.int(3) === 0 ? bytes.length - from : Math.min(32, bytes.length - from)
  return [from, from + 1 + rng.int(longest)]
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
