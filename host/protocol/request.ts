// What a board says: the SyncRequest of src/wire.ts, every field checked.

import { RECORD_BYTES } from "../../src/record.js"
import { MAX_PLAYS, MAX_RANGES, type SyncHealth, type SyncRequest, WIRE_VERSION } from "../../src/wire.js"
import { WireError } from "./error.js"
import { decodeMessagePack } from "./messagepack.js"
import {
  asArray,
  asBytes,
  asInteger,
  asMap,
  asText,
  asTuple,
  field,
  MAX_U8,
  MAX_U16,
  MAX_U32,
} from "./shape.js"

const GONE = [
  ["boot", 0, MAX_U16],
  ["from", 1, MAX_U32],
  ["to", 1, MAX_U32],
  ["why", 1, MAX_U8],
] as const
const OPEN = [
  ["sequence", 1, MAX_U32],
  ["song", 1, MAX_U16],
  ["heardMs", 0, MAX_U32],
] as const
const PART = [
  ["version", 1, MAX_U32],
  ["index", 0, MAX_U8],
] as const
const REFUSED = [
  ["version", 1, MAX_U32],
  ["code", 1, MAX_U8],
] as const
const OPTIONAL_HEALTH = [
  ["card", MAX_U8],
  ["bat", 100],
  ["reset", MAX_U8],
  ["last", MAX_U32],
  ["rtc", Number.MAX_SAFE_INTEGER],
] as const
/** Highest volume that four bits of a record hold. */
const MAX_VOLUME_FIELD = 15

/** Decodes the opened body; throws WireError. Fields that this version does not know are ignored. */
export function decodeRequest(plain: Uint8Array): SyncRequest {
  const map = asMap(decodeMessagePack(plain), "request")
  const v = asInteger(field(map, "v"), "v", 0, MAX_U32)
  if (v !== WIRE_VERSION) throw new WireError("version", `v: must be ${WIRE_VERSION}, got ${v}`)
  const u32 = (name: string, low: number): number => asInteger(field(map, name), name, low, MAX_U32)
  const request: SyncRequest = {
    v,
    fw: asText(field(map, "fw"), "fw"),
    epoch: u32("epoch", 0),
    boot: asInteger(field(map, "boot"), "boot", 1, MAX_U16),
    up: u32("up", 0),
    n: u32("n", 0),
    plays: asArray(field(map, "plays"), "plays", MAX_PLAYS).map((play, i) =>
      asBytes(play, `plays[${i}]`, RECORD_BYTES, RECORD_BYTES),
    ),
    gone: asArray(field(map, "gone"), "gone", MAX_RANGES).map((range, i) => goneRange(range, `gone[${i}]`)),
    list: u32("list", 0),
    health: health(field(map, "health")),
  }
  if (Object.hasOwn(map, "open")) request.open = asTuple(map.open, "open", OPEN)
  if (Object.hasOwn(map, "next")) request.next = u32("next", 1)
  if (Object.hasOwn(map, "part")) request.part = asTuple(map.part, "part", PART)
  if (Object.hasOwn(map, "refused")) request.refused = asTuple(map.refused, "refused", REFUSED)
  return request
}

function goneRange(value: unknown, place: string): number[] {
  const range = asTuple(value, place, GONE)
  if (range[2] < range[1]) {
    throw new WireError("range", `${place}: to must not be below from, got ${range[1]} to ${range[2]}`)
  }
  return range
}

function health(value: unknown): SyncHealth {
  const map = asMap(value, "health")
  const count = (name: string, high: number): number => asInteger(field(map, name), `health.${name}`, 0, high)
  const known: SyncHealth = {
    log: count("log", MAX_U16),
    cap: count("cap", MAX_U16),
    full: count("full", MAX_U32),
    audio: count("audio", MAX_U32),
    fails: count("fails", MAX_U32),
    store: count("store", MAX_U8),
    vol: count("vol", MAX_VOLUME_FIELD),
  }
  for (const [name, high] of OPTIONAL_HEALTH) {
    if (Object.hasOwn(map, name)) known[name] = count(name, high)
  }
  return known
}
