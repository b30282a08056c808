// Which records of a request can be believed. One whose checksum fails is not touched: it stays missing, and
// the board says what became of it. One that can be read and not be true goes to quarantine with its bytes,
// and counts as received: a record that the host will never accept must not block the rest.

import { FLAG_ORGANIC, type ListenRecord, unpackRecord } from "../../src/record.js"
import type { SyncRequest } from "../../src/wire.js"
import type { Store } from "../store/store.js"
import type { AcceptedRecord, QuarantinedRecord } from "../store/syncs.js"

/** A listen may be longer than the catalogue says: lengths are rounded, and the board polls its player. */
const LENGTH_TOLERANCE_MS = 5000
const LENGTH_TOLERANCE_SHARE = 0.05

interface Judged {
  plays: AcceptedRecord[]
  quarantine: QuarantinedRecord[]
  /** Records whose checksum or end reason does not read. */
  unreadable: number
}

interface PublishedList {
  id: number
  version: number
  items: number
}

/** Sorts the records of a request into plays, quarantine and unreadable. */
export async function judgeRecords(store: Store, device: string, request: SyncRequest): Promise<Judged> {
  const judged: Judged = { plays: [], quarantine: [], unreadable: 0 }
  const read: { record: ListenRecord; bytes: Uint8Array }[] = []
  for (const bytes of request.plays as Uint8Array[]) {
    const record = unpackRecord(bytes, 0)
    if (record === undefined) judged.unreadable++
    else read.push({ record, bytes })
  }
  if (read.length === 0) return judged
  const lengths = await store.songs.lengths(read.map(({ record }) => record.song))
  const lists = await store.playlists.sizes(device)
  for (const { record, bytes } of read) {
    const list = listOf(record, lists)
    const fault = faultOf(record, request, lengths.get(record.song), list)
    if (fault === undefined) judged.plays.push({ record, bytes, playlist: list?.id ?? null })
    else judged.quarantine.push({ boot: record.boot, sequence: record.sequence, bytes, ...fault })
  }
  return judged
}

/** The record has the low byte of the version: the newest published version that ends in it. */
function listOf(record: ListenRecord, lists: readonly PublishedList[]): PublishedList | undefined {
  return lists.find((list) => list.version % 256 === record.listVersion)
}

/** The first rule that the record breaks. */
function faultOf(
  record: ListenRecord,
  request: SyncRequest,
  lengthMs: number | undefined,
  list: PublishedList | undefined,
): { reason: string; detail: string } | undefined {
  if (record.sequence === 0) return { reason: "sequence", detail: "sequences start at 1, got 0" }
  if (record.boot === 0 || record.boot > request.boot) {
    return { reason: "boot", detail: `boot must be 1 to ${request.boot}, got ${record.boot}` }
  }
  if (record.boot === request.boot && record.startMs > request.up) {
    return { reason: "start", detail: `started at ${record.startMs} ms, the board is up ${request.up} ms` }
  }
  if (lengthMs === undefined) {
    return { reason: "song", detail: `song ${record.song} is not in the catalogue` }
  }
  const most = lengthMs * (1 + LENGTH_TOLERANCE_SHARE) + LENGTH_TOLERANCE_MS
  if (record.heardMs > most) {
    return {
      reason: "heard",
      detail: `heard ${record.heardMs} ms of song ${record.song}, which is ${lengthMs} ms long`,
    }
  }
  const picked = (record.flags & FLAG_ORGANIC) !== 0
  if (list !== undefined && !picked && record.position >= list.items) {
    return {
      reason: "position",
      detail: `position ${record.position} of playlist ${list.version}, which has ${list.items} songs`,
    }
  }
  return undefined
}
