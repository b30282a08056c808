// MessagePack, the subset of docs/wire-format.md: nil, bool, integers of at most 32 bits, float 64, text, binary,
// arrays and maps with at most 16 bits of length. A number above 32 bits travels as float 64.
//
// The heap is small, so decoding is bounded before it allocates: depth, length of text, count of values, and no
// length beyond the bytes that are there. Errors start with the rule that is broken: short, trailing, depth, type,
// key, text, values.

import { MAX_DEPTH, MAX_TEXT_BYTES } from "./wire"

/** Most values in one message. A full reply has about 260; each takes 8 bytes of heap, or more. */
const MAX_VALUES = 512

const MAX_U32 = 4294967295

/** Writes values one after another into one buffer of fixed size. */
export class Packer {
  length = 0
  private bits = Buffer.alloc(8)

  constructor(private bytes: Buffer) {}

  clear(): void {
    this.length = 0
  }

  /** Not negative; whole numbers above 32 bits and fractions go as float 64. */
  number(value: number): void {
    if (Math.floor(value) !== value || value < 0 || value > MAX_U32) this.float(value)
    else if (value >= 128) {
      if (value < 256) this.sized(0xcc, value, 1)
      else if (value < 65536) this.sized(0xcd, value, 2)
      else this.sized(0xce, value, 4)
    } else this.byte(value)
  }

  text(value: string): void {
    const bytes = Buffer.from(value)
    if (bytes.length > MAX_TEXT_BYTES) throw new RangeError("text: " + bytes.length + " bytes")
    if (bytes.length < 32) this.byte(0xa0 | bytes.length)
    else this.sized(0xd9, bytes.length, 1)
    this.raw(bytes, 0, bytes.length)
  }

  /** Binary: `count` bytes of `bytes` from `offset`. */
  binary(bytes: Buffer, offset: number, count: number): void {
    if (count < 256) this.sized(0xc4, count, 1)
    else this.sized(0xc5, count, 2)
    this.raw(bytes, offset, count)
  }

  /** Opens an array; its `count` values follow. */
  array(count: number): void {
    if (count < 16) this.byte(0x90 | count)
    else this.sized(0xdc, count, 2)
  }

  /** Opens a map; its `count` keys (text) and values follow, in turns. */
  map(count: number): void {
    if (count < 16) this.byte(0x80 | count)
    else this.sized(0xde, count, 2)
  }

  /** An array of numbers. */
  numbers(values: number[]): void {
    this.array(values.length)
    for (let i = 0; i < values.length; i++) this.number(values[i])
  }

  /** A copy of what was written. */
  packed(): Buffer {
    return this.bytes.slice(0, this.length)
  }

  private float(value: number): void {
    this.byte(0xcb)
    this.room(8)
    this.bits.setAt(0, "f64", value)
    for (let i = 0; i < 8; i++) this.bytes[this.length + i] = this.bits[7 - i]
    this.length += 8
  }

  /** `head`, then `value` in `count` bytes. */
  sized(head: number, value: number, count: number): void {
    this.byte(head)
    this.room(count)
    let rest = value
    for (let i = count - 1; i >= 0; i--) {
      const high = Math.floor(rest / 256)
      this.bytes[this.length + i] = rest - high * 256
      rest = high
    }
    this.length += count
  }

  private raw(bytes: Buffer, offset: number, count: number): void {
    this.room(count)
    this.bytes.blitAt(this.length, bytes, offset, count)
    this.length += count
  }

  byte(value: number): void {
    this.room(1)
    this.bytes[this.length] = value
    this.length++
  }

  private room(count: number): void {
    if (this.length + count > this.bytes.length) throw new RangeError("size: message is full")
  }
}

/** Decodes one message; throws RangeError. Maps become plain objects, nil null, binary a Buffer of its own. */
export function unpack(bytes: Buffer): any {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at !== bytes.length) throw new RangeError("trailing: byte " + reader.at)
  return value
}

class Reader {
  at = 0
  private values = 0

  constructor(private bytes: Buffer) {}

  value(depth: number): any {
    this.values++
    if (this.values > MAX_VALUES) throw new RangeError("values: more than " + MAX_VALUES)
    const head = this.unsigned(1)
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 256
    if (head < 0x90) return this.map(head & 15, depth)
    if (head < 0xa0) return this.array(head & 15, depth)
    if (head < 0xc0) return this.text(head & 31)
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.binary(this.unsigned(1))
      case 0xc5:
        return this.binary(this.unsigned(2))
      case 0xcb:
        return this.float()
      case 0xcc:
        return this.unsigned(1)
      case 0xcd:
        return this.unsigned(2)
      case 0xce:
        return this.unsigned(4)
      case 0xd0:
        return signed(this.unsigned(1), 256)
      case 0xd1:
        return signed(this.unsigned(2), 65536)
      case 0xd2:
        return signed(this.unsigned(4), 4294967296)
      case 0xd9:
        return this.text(this.unsigned(1))
      case 0xdc:
        return this.array(this.unsigned(2), depth)
      case 0xde:
        return this.map(this.unsigned(2), depth)
      default:
        throw new RangeError("type: byte " + (this.at - 1))
    }
  }

  private array(count: number, depth: number): any[] {
    this.enter(count, depth)
    const values: any[] = []
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1))
    return values
  }

  private map(count: number, depth: number): any {
    this.enter(2 * count, depth)
    const map: any = {}
    for (let i = 0; i < count; i++) {
      this.need(1)
      const head = this.bytes[this.at]
      if ((head < 0xa0 || head > 0xbf) && head !== 0xd9) throw new RangeError("key: byte " + this.at)
      const key: string = this.value(depth + 1)
      if (map[key] !== undefined) throw new RangeError("key: " + key + " twice")
      map[key] = this.value(depth + 1)
    }
    return map
  }

  private text(count: number): string {
    this.need(count)
    if (count > MAX_TEXT_BYTES) throw new RangeError("text: " + count + " bytes")
    const bytes = this.binary(count)
    const text = bytes.toString()
    // The runtime replaces what is not UTF-8, so only text that comes back the same was.
    const back = Buffer.from(text)
    let whole = back.length === count
    for (let i = 0; whole && i < count; i++) whole = back[i] === bytes[i]
    if (!whole) throw new RangeError("text: not UTF-8")
    return text
  }

  private binary(count: number): Buffer {
    this.need(count)
    const part = this.bytes.slice(this.at, this.at + count)
    this.at += count
    return part
  }

  private float(): number {
    const bits = this.binary(8)
    const turned = Buffer.alloc(8)
    for (let i = 0; i < 8; i++) turned[i] = bits[7 - i]
    return turned.getAt(0, "f64")
  }

  private unsigned(count: number): number {
    this.need(count)
    let value = 0
    for (let i = 0; i < count; i++) value = value * 256 + this.bytes[this.at + i]
    this.at += count
    return value
  }

  private enter(values: number, depth: number): void {
    if (depth >= MAX_DEPTH) throw new RangeError("depth: byte " + (this.at - 1))
    this.need(values)
  }

  private need(count: number): void {
    if (this.at + count > this.bytes.length) throw new RangeError("short: byte " + this.at)
  }
}

function signed(value: number, range: number): number {
  return value >= range / 2 ? value - range : value
}
