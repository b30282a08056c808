// MessagePack of the wire format: bounds first, then msgpackr.

import { Packr, Unpackr } from "msgpackr"
import { checkBounds } from "./bounds.js"

const PLAIN = {
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: "number",
  variableMapSize: true,
} as const
const packr = new Packr(PLAIN)
const unpackr = new Unpackr(PLAIN)

/** Decodes bytes of the subset; throws WireError (bounds.ts) for anything else. Binary values are copies. */
export function decodeMessagePack(bytes: Uint8Array): unknown {
  checkBounds(bytes)
  return detach(unpackr.unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)))
}

/** Encodes with the shortest form of every value; binary values are Uint8Array. */
export function encodeMessagePack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value))
}

/** msgpackr's binary values are views of the input; copies let the input go. */
function detach(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(detach)
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, detach(inner)]))
  }
  return value
}
