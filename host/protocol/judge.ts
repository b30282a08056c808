// Which records of a request can be believed. One whose checksum fails is not touched: it stays missing, and
// the board says what became of it. One that can be read and not be true goes to quarantine with its bytes,
// and counts as received: a record that the host will never accept must not block the rest.

import { FLAG_ORGANIC, type ListenRecord, unpackRecord } from "../../src/record.js"
import type { SyncRequest } from "../../src/wire.js"
import type { Store } from "../store/store.js"
import type { AcceptedRecord, QuarantinedRecord } from "../store/syncs.js"
import { unpackPlaylist } from "./playlist.js"

/** A listen may be longer than the catalogue says: lengths are rounded, and the board polls its player. */
const LENGTH_TOLERANCE_MS = 5000
const LENGTH_TOLERANCE_SHARE = 0.05

/** Longest time, ms, for which a song of `lengthMs` can have been heard in one listen. */
export function longestHeard(lengthMs: number): number {
  return lengthMs * (1 + LENGTH_TOLERANCE_SHARE) + LENGTH_TOLERANCE_MS
}

interface Judged {
  plays: AcceptedRecord[]
  quarantine: QuarantinedRecord[]
  /** Records whose checksum or end reason does not read. */
  unreadable: number
}

interface PublishedList {
  id: number
  version: number
  items: readonly { song: number; lengthMs: number }[]
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
  const lists = await publishedLists(store, device, new Set(read.map(({ record }) => record.listVersion)))
  for (const { record, bytes } of read) {
    const named = lists.filter((list) => list.version % 256 === record.listVersion)
    const list = listOf(record, named)
    const fault = faultOf(record, request, lengths.get(record.song), named, list)
    if (fault === undefined) judged.plays.push({ record, bytes, playlist: list?.id ?? null })
    else judged.quarantine.push({ boot: record.boot, sequence: record.sequence, bytes, ...fault })
  }
  return judged
}

/** The lists of the device whose versions end in one of the bytes, newest first. */
async function publishedLists(
  store: Store,
  device: string,
  endings: ReadonlySet<number>,
): Promise<PublishedList[]> {
  const lists: PublishedList[] = []
  for (const { id, version } of await store.playlists.sizes(device)) {
    const list = endings.has(version % 256) ? await store.playlists.get(id) : undefined
    // A withdrawal has deleted the bytes of its subject's lists.
    if (list !== undefined && list.bytes.length > 0)
      lists.push({ id, version, items: unpackPlaylist(list.bytes).items })
  }
  return lists
}

/**
 * The newest list that has the song where the record says. A list that has another song there is not the one that
 * was heard: the record has only the low byte of the version, and a host that was set back to an older backup may
 * have given a version twice.
 */
function listOf(record: ListenRecord, named: readonly PublishedList[]): PublishedList | undefined {
  if (isPicked(record)) return named[0]
  return named.find((list) => list.items[record.position]?.song === record.song)
}

function isPicked(record: ListenRecord): boolean {
  return (record.flags & FLAG_ORGANIC) !== 0
}

/** The first rule that the record breaks. */
function faultOf(
  record: ListenRecord,
  request: SyncRequest,
  lengthMs: number | undefined,
  named: readonly PublishedList[],
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
  // The board plays as long as its list says, even where the catalogue has been corrected since.
  const item = list?.items[record.position]
  const longest = Math.max(lengthMs, item?.song === record.song ? item.lengthMs : 0)
  if (record.heardMs > longestHeard(longest)) {
    return {
      reason: "heard",
      detail: `heard ${record.heardMs} ms of song ${record.song}, which is ${longest} ms long`,
    }
  }
  const beyond = named.length > 0 && named.every(({ items }) => record.position >= items.length)
  if (beyond && !isPicked(record)) {
    const [{ version, items }] = named
    return {
      reason: "position",
      detail: `position ${record.position} of playlist ${version}, which has ${items.length} songs`,
    }
  }
  return undefined
}
