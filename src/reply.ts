// The host's reply from bytes: SyncReply of wire.ts, every field checked before anything acts on it. Fields that
// this version does not know are ignored. Errors start with the rule that is broken: those of msgpack.ts, type,
// field, range, version.

import { unpack } from "./msgpack"
import { MAX_VOLUME } from "./record"
import {
  type DevicePlan,
  MAX_CONTROLS,
  MAX_RANGES,
  MAX_SLEEP_MINUTES,
  PART_BYTES,
  type SyncReply,
  WIRE_VERSION,
} from "./wire"

const MAX_U8 = 255
const MAX_U16 = 65535
const MAX_U32 = 4294967295
/** Largest whole number that a float 64 holds without a gap. */
const MAX_EXACT = 9007199254740991

/** Throws RangeError. */
export function unpackReply(plain: Buffer): SyncReply {
  const map = unpack(plain)
  mustBeMap(map, "reply")
  const v = integer(map, "v", 0, MAX_U32)
  if (v !== WIRE_VERSION) throw new RangeError("version: " + v)
  const reply: SyncReply = {
    v: v,
    now: integer(map, "now", 0, MAX_EXACT),
    ack: tuples(map, "ack", [0, 1], [MAX_U16, MAX_U32]),
    missing: tuples(map, "missing", [0, 1, 1], [MAX_U16, MAX_U32, MAX_U32]),
  }
  if (map.list !== undefined) {
    mustBeMap(map.list, "list")
    reply.list = {
      ver: integer(map.list, "ver", 1, MAX_U32),
      k: integer(map.list, "k", 0, MAX_U8),
      of: integer(map.list, "of", 1, MAX_U8),
      size: integer(map.list, "size", 1, MAX_U16),
      data: present(map.list, "data"),
    }
    const data = reply.list.data
    if (!(data instanceof Buffer)) throw new RangeError("type: data")
    if (data.length < 1 || data.length > PART_BYTES) throw new RangeError("range: data")
  }
  if (map.plan !== undefined) reply.plan = planOf(map.plan)
  return reply
}

/** DevicePlan from a decoded map; throws RangeError. */
export function planOf(map: any): DevicePlan {
  mustBeMap(map, "plan")
  const plan: DevicePlan = { sync: integer(map, "sync", 0, MAX_U16), vol: integer(map, "vol", 0, MAX_VOLUME) }
  if (map.ctl !== undefined) plan.ctl = integer(map, "ctl", 0, MAX_CONTROLS)
  if (map.sleep !== undefined) plan.sleep = integer(map, "sleep", 0, MAX_SLEEP_MINUTES)
  return plan
}

function mustBeMap(value: any, name: string): void {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Buffer) {
    throw new RangeError("type: " + name)
  }
}

function present(map: any, name: string): any {
  const value = map[name]
  if (value === undefined) throw new RangeError("field: " + name)
  return value
}

function integer(map: any, name: string, low: number, high: number): number {
  return within(present(map, name), name, low, high)
}

function within(value: any, name: string, low: number, high: number): number {
  if (typeof value !== "number") throw new RangeError("type: " + name)
  if (!(value >= low && value <= high) || Math.floor(value) !== value) throw new RangeError("range: " + name)
  return value
}

/** An array of at most MAX_RANGES arrays, each with the whole numbers that `low` and `high` bound. */
function tuples(map: any, name: string, low: number[], high: number[]): number[][] {
  const list = present(map, name)
  if (!Array.isArray(list)) throw new RangeError("type: " + name)
  if (list.length > MAX_RANGES) throw new RangeError("range: " + name)
  for (let i = 0; i < list.length; i++) {
    const tuple = list[i]
    if (!Array.isArray(tuple)) throw new RangeError("type: " + name)
    if (tuple.length !== low.length) throw new RangeError("range: " + name)
    for (let k = 0; k < low.length; k++) within(tuple[k], name, low[k], high[k])
  }
  return list
}
