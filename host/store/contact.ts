// The commit of one sync: sync row with health and clock point, new plays, quarantine, gone, what the board
// says of its playlists, and the subject's dirty mark, in the caller's transaction. Records are idempotent by
// identity; the request counter must go up, so a repeated request changes nothing.

import type { Kysely } from "kysely"
import { RECORD_BYTES, unpackRecord } from "../../src/record.js"
import { remarkOnLostBoard } from "./boards.js"
import { boundNeighbours, meetClock, type PlaceOf } from "./clocks.js"
import { coverage } from "./coverage.js"
import { bytesOf, rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import { listenersOf } from "./listeners.js"
import type { Tables } from "./schema.js"
import type { AcceptedRecord, Contact, ContactOutcome } from "./syncs.js"
import { dropWithdrawn } from "./withdrawals.js"

type Db = Kysely<Tables>

/** What the host holds of an epoch. */
interface Numbering {
  boot: number
  counter: number
  ackedTo: number
  highest: number
}

interface NewPlays {
  device: string
  epoch: number
  sync: number
  plays: readonly AcceptedRecord[]
  /** Subject of each play. */
  listeners: readonly (number | null)[]
  placeOf: PlaceOf
}

/** ?1 … ?15 as insertSync lists them. */
const INSERT_SYNC = `
  insert into sync (device, subject, at, epoch, boot, counter, up, firmware, list, next, refused, open, health,
    stored, repeated, quarantined, unreadable, body, plan)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0, 0, ?14, ?15,
    (select hash from plan order by version desc limit 1)) returning id`

/** ?1 device, ?2 epoch, ?3 sync, ?4 the records' bytes one after the other, ?5 their fields as rows of JSON. */
export const INSERT_PLAYS = `
  insert into play (device, epoch, sync, boot, sequence, subject, song, playlist, position, start_ms, heard_ms,
    reason, flags, pauses, volume, started_at, uncertainty_ms, record)
  select ?1, ?2, ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
    value ->> 12, value ->> 13,
    substr(?4, 1 + ${RECORD_BYTES} * key, ${RECORD_BYTES})
  from json_each(?5) order by key`

const KEEP_EPOCH = `
  insert into epoch (device, epoch, first_at, boot, counter, acked_to, highest)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
  on conflict (device, epoch) do update set boot = ?4, counter = ?5, acked_to = ?6, highest = ?7`

const LIST_OF_VERSION = `
  select id, state from playlist join publication on publication.playlist = playlist.id
  where device = ? and version = ?`

const NEWEST_LIST = `
  select id, version, bytes, state from playlist join publication on publication.playlist = playlist.id
  where device = ? order by version desc limit 1`

export async function commitContact(
  tx: Db,
  contact: Contact,
): Promise<ContactOutcome | { replay: true; boot: number; counter: number }> {
  const { device, epoch, boot, counter, at } = contact
  const [known] = await rowsOf<Numbering>(
    tx,
    "select boot, counter, acked_to, highest from epoch where device = ? and epoch = ?",
    [device, epoch],
  )
  if (known !== undefined && (boot < known.boot || (boot === known.boot && counter <= known.counter))) {
    return { replay: true, boot: known.boot, counter: known.counter }
  }
  const subject = await carrier(tx, device)
  if (known === undefined) {
    await appendEvent(tx, { at, kind: "epoch", subject, device, detail: { epoch, boot } })
  }
  const sync = await insertSync(tx, contact, subject)
  await remarkOnLostBoard(tx, device, subject, at)
  const placeOf = await meetClock(tx, contact)
  const kept = await dropWithdrawn(tx, contact, sync)
  const counts = await storeRecords(tx, kept, { sync, subject, highest: known?.highest ?? 0, placeOf })
  await boundNeighbours(tx, contact, kept.plays)
  await rowsOf(tx, "update sync set stored = ?, repeated = ?, quarantined = ? where id = ?", [
    counts.stored,
    counts.repeated,
    counts.quarantined,
    sync,
  ])
  for (const [goneBoot, from, to, why] of contact.gone) {
    await tx
      .insertInto("gone")
      .values({ device, epoch, boot: goneBoot, fromSequence: from, toSequence: to, why, sync })
      .onConflict((c) => c.doNothing())
      .execute()
  }
  const covered = await coverage(tx, device, epoch, known?.ackedTo ?? 0)
  await rowsOf(tx, KEEP_EPOCH, [device, epoch, at, boot, counter, covered.ackedTo, covered.highest])
  await recordPlaylistState(tx, contact, subject)
  const offer = await nextOffer(tx, contact)
  return {
    replay: false,
    sync,
    subject,
    stored: counts.stored,
    repeated: counts.repeated,
    quarantined: counts.quarantined,
    newEpoch: known === undefined,
    ackedTo: covered.ackedTo,
    ackedBoot: covered.ackedBoot,
    missing: covered.missing,
    offer,
  }
}

/** The listener of the open enrolment, else of the newest closed one. */
async function carrier(tx: Db, device: string): Promise<number | null> {
  const [row] = await rowsOf<{ subject: number }>(
    tx,
    "select subject from enrolment where device = ? order by to_at is null desc, id desc limit 1",
    [device],
  )
  return row?.subject ?? null
}

async function insertSync(tx: Db, contact: Contact, subject: number | null): Promise<number> {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
  const [{ id }] = await rowsOf<{ id: number }>(tx, INSERT_SYNC, [
    contact.device,
    subject,
    contact.at,
    contact.epoch,
    contact.boot,
    contact.counter,
    contact.up,
    contact.firmware,
    contact.list,
    contact.next,
    json(contact.refused),
    json(contact.open),
    JSON.stringify(contact.health),
    contact.unreadable,
    contact.body,
  ])
  return id
}

async function storeRecords(
  tx: Db,
  contact: Contact,
  {
    sync,
    subject,
    highest,
    placeOf,
  }: { sync: number; subject: number | null; highest: number; placeOf: PlaceOf },
): Promise<{ stored: number; repeated: number; quarantined: number }> {
  const { device, epoch } = contact
  const sequences = [
    ...contact.plays.map((p) => p.record.sequence),
    ...contact.quarantine.map((q) => q.sequence),
  ]
  const held = new Map<number, Uint8Array>()
  // Nothing above the highest that is accounted for is stored yet.
  if (sequences.some((sequence) => sequence <= highest)) {
    const rows = await rowsOf<{ sequence: number; record: ArrayBuffer | Uint8Array }>(
      tx,
      `select sequence, record from play
        where device = ? and epoch = ? and sequence in (select value from json_each(?))`,
      [device, epoch, JSON.stringify(sequences)],
    )
    for (const row of rows) held.set(row.sequence, bytesOf(row.record))
  }
  const counts = { stored: 0, repeated: 0, quarantined: 0 }
  // A record that is stored already stays what it is, whatever the catalogue says of it by now.
  const isHeld = (sequence: number, bytes: Uint8Array): boolean => {
    const first = held.get(sequence)
    return first !== undefined && Buffer.compare(first, bytes) === 0
  }
  const quarantine = contact.quarantine.filter(({ sequence, bytes }) => !isHeld(sequence, bytes))
  counts.repeated += contact.quarantine.length - quarantine.length
  const listenerOf = await listenersOf(tx, contact)
  const ownerOf = (bytes: Uint8Array): number | null => {
    const record = unpackRecord(bytes, 0)
    return record === undefined ? subject : listenerOf({ ...record, playlist: null })
  }
  const fresh: AcceptedRecord[] = []
  const listeners: (number | null)[] = []
  for (const play of contact.plays) {
    const { record, bytes, playlist } = play
    if (!held.has(record.sequence)) {
      fresh.push(play)
      listeners.push(listenerOf({ boot: record.boot, startMs: record.startMs, playlist }))
      held.set(record.sequence, bytes)
      counts.stored++
    } else if (isHeld(record.sequence, bytes)) {
      counts.repeated++
    } else {
      quarantine.push({
        boot: record.boot,
        sequence: record.sequence,
        bytes,
        reason: "conflict",
        detail: `sequence ${record.sequence} is stored with other content`,
      })
    }
  }
  for (const { bytes, ...entry } of quarantine) {
    const added = await tx
      .insertInto("quarantine")
      .values({ ...entry, device, epoch, sync, record: bytes, subject: ownerOf(bytes) })
      .onConflict((c) => c.doNothing())
      .returning("id")
      .executeTakeFirst()
    if (added === undefined) {
      counts.repeated++
      continue
    }
    counts.quarantined++
    // Events stay for good: what was heard is told by the quarantined record alone, which can be deleted.
    const { boot, sequence, reason } = entry
    const kind = reason === "conflict" ? "conflict" : "quarantined"
    const detail = { epoch, boot, sequence, reason }
    await appendEvent(tx, { at: contact.at, kind, subject, device, detail })
  }
  await storePlays(tx, { device, epoch, sync, plays: fresh, listeners, placeOf })
  return counts
}

/** Stores the plays of one sync, which are new, and marks their listeners as not estimated. */
async function storePlays(
  tx: Db,
  { device, epoch, sync, plays, listeners, placeOf }: NewPlays,
): Promise<void> {
  if (plays.length === 0) return
  const times = plays.map(({ record }) => placeOf(record.boot, record.startMs))
  const rows = plays.map(({ record, playlist }, i) => [
    record.boot,
    record.sequence,
    listeners[i],
    record.song,
    playlist,
    record.position,
    record.startMs,
    record.heardMs,
    record.reason,
    record.flags,
    record.pauses,
    record.volume,
    times[i]?.at,
    times[i]?.uncertaintyMs,
  ])
  const records = Buffer.concat(plays.map(({ bytes }) => bytes))
  await rowsOf(tx, INSERT_PLAYS, [device, epoch, sync, records, JSON.stringify(rows)])
  for (const listener of new Set(listeners)) {
    if (listener === null) continue
    await rowsOf(
      tx,
      "update subject set newest_play = (select max(id) from play where subject = ?1) where id = ?1",
      [listener],
    )
  }
}

/** Confirms what the board plays and notes what it refused. */
async function recordPlaylistState(tx: Db, contact: Contact, subject: number | null): Promise<void> {
  const { device, at } = contact
  const find = async (version: number) => {
    const [list] = await rowsOf<{ id: number; state: string }>(tx, LIST_OF_VERSION, [device, version])
    return list as { id: number; state: string } | undefined
  }
  const active = contact.list > 0 ? await find(contact.list) : undefined
  if (active !== undefined && active.state !== "confirmed") {
    await tx
      .updateTable("publication")
      .set({ state: "confirmed", confirmedAt: at })
      .where("playlist", "=", active.id)
      .execute()
    const detail = { version: contact.list }
    await appendEvent(tx, { at, kind: "confirmed", subject, device, detail })
  }
  if (contact.refused === null) return
  const [version, code] = contact.refused
  const refused = await find(version)
  if (refused === undefined || refused.state === "confirmed" || refused.state === "refused") return
  await tx
    .updateTable("publication")
    .set({ state: "refused", refusedAt: at, refusedCode: code })
    .where("playlist", "=", refused.id)
    .execute()
  await appendEvent(tx, { at, kind: "refused", subject, device, detail: { version, code } })
}

/** The newest playlist, unless the board has or has refused it; from now on it counts as sent. */
async function nextOffer(tx: Db, contact: Contact): Promise<ContactOutcome["offer"]> {
  const [newest] = await rowsOf<{
    id: number
    version: number
    bytes: ArrayBuffer | Uint8Array
    state: string
  }>(tx, NEWEST_LIST, [contact.device])
  if (newest === undefined || newest.state === "refused") return null
  if (contact.list === newest.version || contact.next === newest.version) return null
  // Deleted with a withdrawal: the board keeps what it has until it is returned.
  if (bytesOf(newest.bytes).length === 0) return null
  if (newest.state === "published") {
    await tx
      .updateTable("publication")
      .set({ state: "sent", sentAt: contact.at })
      .where("playlist", "=", newest.id)
      .execute()
  }
  return { version: newest.version, bytes: bytesOf(newest.bytes) }
}
