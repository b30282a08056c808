// What the host says: the SyncReply of src/wire.ts.

import {
  type DevicePlan,
  MAX_CONTROLS,
  MAX_RANGES,
  MAX_SLEEP_MINUTES,
  PART_BYTES,
  type PlaylistPart,
  type SyncReply,
  WIRE_VERSION,
} from "../../src/wire.js"
import { WireError } from "./error.js"
import { decodeMessagePack, encodeMessagePack } from "./messagepack.js"
import { asArray, asBytes, asInteger, asMap, asTuple, field, MAX_U8, MAX_U16, MAX_U32 } from "./shape.js"

const ACK = [
  ["boot", 0, MAX_U16],
  ["upTo", 1, MAX_U32],
] as const
const MISSING = [
  ["boot", 0, MAX_U16],
  ["from", 1, MAX_U32],
  ["to", 1, MAX_U32],
] as const

export function encodeReply(reply: SyncReply): Uint8Array {
  return encodeMessagePack(reply)
}

/** The board's side, for tests and tools that speak to a server; throws WireError. */
export function decodeReply(plain: Uint8Array): SyncReply {
  const map = asMap(decodeMessagePack(plain), "reply")
  const v = asInteger(field(map, "v"), "v", 0, MAX_U32)
  if (v !== WIRE_VERSION) throw new WireError("version", `v: must be ${WIRE_VERSION}, got ${v}`)
  const reply: SyncReply = {
    v,
    now: asInteger(field(map, "now"), "now", 0, Number.MAX_SAFE_INTEGER),
    ack: asArray(field(map, "ack"), "ack", MAX_RANGES).map((a, i) => asTuple(a, `ack[${i}]`, ACK)),
    missing: asArray(field(map, "missing"), "missing", MAX_RANGES).map((m, i) =>
      asTuple(m, `missing[${i}]`, MISSING),
    ),
  }
  if (Object.hasOwn(map, "list")) reply.list = listPart(map.list)
  if (Object.hasOwn(map, "plan")) reply.plan = devicePlan(map.plan)
  return reply
}

function listPart(value: unknown): PlaylistPart {
  const map = asMap(value, "list")
  const number = (name: string, low: number, high: number): number =>
    asInteger(field(map, name), `list.${name}`, low, high)
  return {
    ver: number("ver", 1, MAX_U32),
    k: number("k", 0, MAX_U8),
    of: number("of", 1, MAX_U8),
    size: number("size", 1, MAX_U16),
    data: asBytes(field(map, "data"), "list.data", 1, PART_BYTES),
  }
}

function devicePlan(value: unknown): DevicePlan {
  const map = asMap(value, "plan")
  return {
    sync: asInteger(field(map, "sync"), "plan.sync", 0, MAX_U16),
    vol: asInteger(field(map, "vol"), "plan.vol", 0, 15),
    ...optional(map, "ctl", MAX_CONTROLS),
    ...optional(map, "sleep", MAX_SLEEP_MINUTES),
  }
}

function optional(map: Record<string, unknown>, name: string, high: number): Record<string, number> {
  return Object.hasOwn(map, name) ? { [name]: asInteger(map[name], `plan.${name}`, 0, high) } : {}
}
