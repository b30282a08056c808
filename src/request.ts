// The request of one exchange as bytes: SyncRequest of wire.ts, keys in that order.

import type { Batch } from "./log/listen-log"
import type { Packer } from "./msgpack"
import { RECORD_BYTES } from "./record"
import { type SyncHealth, WIRE_VERSION } from "./wire"

const HEALTH = ["log", "cap", "full", "audio", "fails", "store", "vol", "card", "bat", "reset", "last", "rtc"]

/** SyncRequest but for the records, which go from the batch into the message without a copy of their own. */
export interface RequestHead {
  fw: string
  epoch: number
  boot: number
  up: number
  n: number
  open?: number[]
  list: number
  next: number
  part?: number[]
  refused?: number[]
  health: SyncHealth
}

export function packRequest(packer: Packer, head: RequestHead, batch: Batch): Buffer {
  packer.clear()
  let fields = 10
  if (head.open) fields++
  if (head.next > 0) fields++
  if (head.part) fields++
  if (head.refused) fields++
  packer.map(fields)
  field(packer, "v", WIRE_VERSION)
  packer.text("fw")
  packer.text(head.fw)
  field(packer, "epoch", head.epoch)
  field(packer, "boot", head.boot)
  field(packer, "up", head.up)
  field(packer, "n", head.n)
  packer.text("plays")
  packer.array(batch.count)
  for (let i = 0; i < batch.count; i++) packer.binary(batch.records, i * RECORD_BYTES, RECORD_BYTES)
  packer.text("gone")
  packer.array(batch.gone.length)
  for (let i = 0; i < batch.gone.length; i++) packer.numbers(batch.gone[i])
  if (head.open) tuple(packer, "open", head.open)
  field(packer, "list", head.list)
  if (head.next > 0) field(packer, "next", head.next)
  if (head.part) tuple(packer, "part", head.part)
  if (head.refused) tuple(packer, "refused", head.refused)
  packer.text("health")
  const health: any = head.health
  const known = HEALTH.filter((name) => health[name] !== undefined)
  packer.map(known.length)
  for (const name of known) field(packer, name, health[name])
  return packer.packed()
}

function field(packer: Packer, name: string, value: number): void {
  packer.text(name)
  packer.number(value)
}

function tuple(packer: Packer, name: string, values: number[]): void {
  packer.text(name)
  packer.numbers(values)
}
