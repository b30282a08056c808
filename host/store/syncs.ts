// Syncs: what devices brought. The commit of one is host/store/contact.ts; here are its shapes and the reading.

import type { Kysely, Selectable } from "kysely"
import type { ListenRecord } from "../../src/record.js"
import type { SyncHealth } from "../../src/wire.js"
import { commitContact } from "./contact.js"
import { bytesOf } from "./embedded.js"
import { GroupCommit } from "./group.js"
import type { Tables } from "./schema.js"

/** A record with its bytes, ready to store. */
export interface AcceptedRecord {
  record: ListenRecord
  bytes: Uint8Array
  /** playlist.id, null where the board named none that the host knows. */
  playlist: number | null
}

/** A record that can be read and not believed. */
export interface QuarantinedRecord {
  boot: number
  sequence: number
  bytes: Uint8Array
  /** The rule that it breaks, and the offending value in words. */
  reason: string
  detail: string
}

/** One authenticated, decoded and judged request. */
export interface Contact {
  device: string
  at: number
  epoch: number
  boot: number
  /** The request counter `n` of the wire. */
  counter: number
  up: number
  firmware: string
  list: number
  next: number | null
  refused: readonly number[] | null
  open: readonly number[] | null
  health: SyncHealth
  plays: readonly AcceptedRecord[]
  quarantine: readonly QuarantinedRecord[]
  /** Ranges [boot, from, to, GONE_ code]. */
  gone: readonly (readonly number[])[]
  /** Records whose checksum failed. */
  unreadable: number
  /** The sealed bytes as received. */
  body: Uint8Array
}

export interface ContactOutcome {
  /** The request counter had been seen or passed: nothing was changed. */
  replay: false
  sync: number
  subject: number | null
  stored: number
  repeated: number
  quarantined: number
  newEpoch: boolean
  /** Everything up to this sequence is a play, quarantined or gone; 0 = nothing yet. */
  ackedTo: number
  /** Boot of that last record, 0 where the host does not know it. */
  ackedBoot: number
  /** [boot or 0, from, to] below the highest sequence seen; at most MAX_RANGES. */
  missing: [number, number, number][]
  /** The playlist that the device should have and has not reported. */
  offer: { version: number; bytes: Uint8Array } | null
}

export interface SyncRow {
  id: number
  device: string
  subject: number | null
  at: number
  epoch: number
  boot: number
  counter: number
  up: number
  firmware: string
  list: number
  next: number | null
  refused: number[] | null
  open: number[] | null
  health: SyncHealth
  stored: number
  repeated: number
  quarantined: number
  unreadable: number
  /** Hash of the plan in force then; null where the study had not started. */
  plan: string | null
}

interface QuarantineRow extends QuarantinedRecord {
  device: string
  epoch: number
}

export interface SyncStore {
  /** Stores the contact in one transaction that is on disk when the promise resolves. */
  commit(contact: Contact): Promise<ContactOutcome | { replay: true; boot: number; counter: number }>
  /** Newest sync of each device. */
  latest(): Promise<SyncRow[]>
  /** Syncs of the device, oldest first. */
  of(device: string): Promise<SyncRow[]>
  count(): Promise<number>
  /** The body of a sync as received, sealed. */
  body(sync: number): Promise<Uint8Array | undefined>
  quarantine(): Promise<QuarantineRow[]>
  /** Ranges named as gone, by device: [epoch, boot, from, to, GONE_ code]. */
  gone(device: string): Promise<number[][]>
}

export function syncStore(db: Kysely<Tables>): SyncStore {
  const group = new GroupCommit(db)
  const read = ({ body: _, ...row }: Selectable<Tables["sync"]>): SyncRow => ({
    ...row,
    refused: row.refused === null ? null : JSON.parse(row.refused),
    open: row.open === null ? null : JSON.parse(row.open),
    health: JSON.parse(row.health),
  })
  return {
    commit: (contact) => group.commit((tx) => commitContact(tx, contact)),
    async latest() {
      const rows = await db
        .selectFrom("sync")
        .selectAll()
        .where("id", "in", (e) =>
          e
            .selectFrom("sync")
            .select((s) => s.fn.max("id").as("id"))
            .groupBy("device"),
        )
        .orderBy("device")
        .execute()
      return rows.map(read)
    },
    async of(device) {
      const rows = await db
        .selectFrom("sync")
        .selectAll()
        .where("device", "=", device)
        .orderBy("id")
        .execute()
      return rows.map(read)
    },
    async count() {
      const row = await db
        .selectFrom("sync")
        .select((e) => e.fn.countAll<number>().as("n"))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async body(sync) {
      const row = await db.selectFrom("sync").select("body").where("id", "=", sync).executeTakeFirst()
      return row && bytesOf(row.body)
    },
    async quarantine() {
      const rows = await db
        .selectFrom("quarantine")
        .select(["device", "epoch", "boot", "sequence", "reason", "detail", "record"])
        .orderBy("id")
        .execute()
      return rows.map(({ record, ...row }) => ({ ...row, bytes: bytesOf(record) }))
    },
    async gone(device) {
      const rows = await db
        .selectFrom("gone")
        .selectAll()
        .where("device", "=", device)
        .orderBy("epoch")
        .orderBy("fromSequence")
        .execute()
      return rows.map((row) => [row.epoch, row.boot, row.fromSequence, row.toSequence, row.why])
    },
  }
}
