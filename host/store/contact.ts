// The commit of one sync: sync row with health and clock point, new plays, quarantine, gone, what the board
// says of its playlists, and the subject's dirty mark, in the caller's transaction. Records are idempotent by
// identity; the request counter must go up, so a repeated request changes nothing.

import type { Insertable, Kysely } from "kysely"
import { unpackRecord } from "../../src/record.js"
import { remarkOnLostBoard } from "./boards.js"
import { coverage } from "./coverage.js"
import { bytesOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import { listenersOf } from "./listeners.js"
import { planInForce } from "./plans.js"
import type { Tables } from "./schema.js"
import type { Contact, ContactOutcome } from "./syncs.js"
import { dropWithdrawn } from "./withdrawals.js"

type Db = Kysely<Tables>

export async function commitContact(
  tx: Db,
  contact: Contact,
): Promise<ContactOutcome | { replay: true; boot: number; counter: number }> {
  const { device, epoch, boot, counter, at } = contact
  const known = await tx
    .selectFrom("epoch")
    .selectAll()
    .where("device", "=", device)
    .where("epoch", "=", epoch)
    .executeTakeFirst()
  if (known !== undefined && (boot < known.boot || (boot === known.boot && counter <= known.counter))) {
    return { replay: true, boot: known.boot, counter: known.counter }
  }
  const subject = await carrier(tx, device)
  if (known === undefined) {
    await appendEvent(tx, { at, kind: "epoch", subject, device, detail: { epoch, boot } })
  }
  const sync = await insertSync(tx, contact, subject)
  await remarkOnLostBoard(tx, device, subject, at)
  const kept = await dropWithdrawn(tx, contact, sync)
  const counts = await storeRecords(tx, kept, sync, subject)
  await tx.updateTable("sync").set(counts).where("id", "=", sync).execute()
  for (const [goneBoot, from, to, why] of contact.gone) {
    await tx
      .insertInto("gone")
      .values({ device, epoch, boot: goneBoot, fromSequence: from, toSequence: to, why, sync })
      .onConflict((c) => c.doNothing())
      .execute()
  }
  const covered = await coverage(tx, device, epoch, known?.ackedTo ?? 0)
  const row = { boot, counter, ackedTo: covered.ackedTo, highest: covered.highest }
  await tx
    .insertInto("epoch")
    .values({ device, epoch, firstAt: at, ...row })
    .onConflict((c) => c.columns(["device", "epoch"]).doUpdateSet(row))
    .execute()
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
  const row = await tx
    .selectFrom("enrolment")
    .select("subject")
    .where("device", "=", device)
    .orderBy((e) => e("toAt", "is", null), "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst()
  return row?.subject ?? null
}

async function insertSync(tx: Db, contact: Contact, subject: number | null): Promise<number> {
  const { plays: _plays, quarantine: _quarantine, gone: _gone, ...head } = contact
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
  const { id } = await tx
    .insertInto("sync")
    .values({
      ...head,
      subject,
      plan: await planInForce(tx),
      refused: json(contact.refused),
      open: json(contact.open),
      health: JSON.stringify(contact.health),
      stored: 0,
      repeated: 0,
      quarantined: 0,
    })
    .returning("id")
    .executeTakeFirstOrThrow()
  return id
}

async function storeRecords(
  tx: Db,
  contact: Contact,
  sync: number,
  subject: number | null,
): Promise<{ stored: number; repeated: number; quarantined: number }> {
  const { device, epoch } = contact
  const sequences = [
    ...contact.plays.map((p) => p.record.sequence),
    ...contact.quarantine.map((q) => q.sequence),
  ]
  const held = new Map<number, Uint8Array>()
  if (sequences.length > 0) {
    const rows = await tx
      .selectFrom("play")
      .select(["sequence", "record"])
      .where("device", "=", device)
      .where("epoch", "=", epoch)
      .where("sequence", "in", sequences)
      .execute()
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
  const fresh: Insertable<Tables["play"]>[] = []
  for (const { record, bytes, playlist } of contact.plays) {
    if (!held.has(record.sequence)) {
      const { listVersion: _, ...fields } = record
      const listener = listenerOf({ ...record, playlist })
      fresh.push({ ...fields, device, epoch, subject: listener, playlist, sync, record: bytes })
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
  if (fresh.length > 0) {
    const added = await tx.insertInto("play").values(fresh).returning(["id", "subject"]).execute()
    const newest = new Map<number, number>()
    for (const { id, subject: listener } of added) {
      if (listener !== null) newest.set(listener, Math.max(id, newest.get(listener) ?? 0))
    }
    for (const [listener, newestPlay] of newest) {
      await tx.updateTable("subject").set({ newestPlay }).where("id", "=", listener).execute()
    }
  }
  return counts
}

/** Confirms what the board plays and notes what it refused. */
async function recordPlaylistState(tx: Db, contact: Contact, subject: number | null): Promise<void> {
  const { device, at } = contact
  const find = (version: number) =>
    tx
      .selectFrom("playlist")
      .innerJoin("publication", "publication.playlist", "playlist.id")
      .select(["id", "state"])
      .where("device", "=", device)
      .where("version", "=", version)
      .executeTakeFirst()
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
  const newest = await tx
    .selectFrom("playlist")
    .innerJoin("publication", "publication.playlist", "playlist.id")
    .select(["id", "version", "bytes", "state"])
    .where("device", "=", contact.device)
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst()
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
