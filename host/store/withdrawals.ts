// Withdrawals: what a subject has left in the database is deleted, and that it was is recorded without its content.
//
// Deleted are the plays, the quarantined records, surveys, blocks and models, what the models of others say of it
// (their weights), the bytes of every request that may have carried its records, what those requests said of a listen
// that went on, the songs, bytes and reasons of its playlists, and its label. What stays: the number of the subject,
// its arm, stratum and cohort (an allocation can't be checked with gaps in its sequence), its enrolments, the times at
// which its boards synced and how long their boots lasted (clocks of other listens hang on them), and empty rows of its
// playlists, whose versions are taken.
//
// Completeness stays provable: the deleted sequences are `gone` with the code GONE_WITHDRAWN, so nothing asks for them
// again, and a record of the subject that comes later is acknowledged, counted and not kept.
//
// Marked as made with withdrawn data, because they can't be made again: playlists of others with utilities (which
// come from averaged models) from the arrival of the subject's first play on, the models of SHARED_KINDS from then on,
// and other tastes from the day on which the study decided, with the subject's scores, how fast they forget. The mark
// errs to the safe side: a playlist has it even where the subject's model had no weight in the average. Imported plays
// of the subject are deleted and mark nothing, however early they came: no model and no design reads them.
//
// SQLite forgets for good: deleted bytes are overwritten (secure_delete), the journal is cut to nothing and the file is
// written anew. Copies of the file, exports and archives are out of reach, and so is what a disk keeps of old blocks.

import { type Kysely, sql } from "kysely"
import { unpackRecord } from "../../src/record.js"
import { endEnrolment } from "./boards.js"
import { rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import { StoreUnavailableError } from "./failure.js"
import { listenersOf } from "./listeners.js"
import type { Tables } from "./schema.js"
import type { Contact } from "./syncs.js"
import { SHARED_KINDS, WithdrawnError } from "./withdrawn.js"

type Db = Kysely<Tables>

/** `gone` code of the host alone, beyond the byte in which boards say theirs: deleted, because the subject has
 *  withdrawn. */
export const GONE_WITHDRAWN = 1000

/** Tables whose rows belong to one subject, by their column `subject`, in the order in which they can be deleted. */
const OWNED = ["play", "quarantine", "survey", "model", "block", "finding", "importedPlay"] as const

export interface WithdrawalCounts {
  play: number
  quarantine: number
  survey: number
  model: number
  block: number
  finding: number
  importedPlay: number
  /** Requests whose bytes were deleted. */
  bodies: number
  /** Its playlists, now empty. */
  playlists: number
  /** Sequences that are gone, as ranges. */
  ranges: number
  /** Playlists of others, and models, that are marked as made with its data. */
  markedPlaylists: number
  markedModels: number
}

interface Withdrawal {
  subject: number
  at: number
  reason: string
  counts: WithdrawalCounts
  /** Records that came later, were acknowledged and not kept. */
  dropped: number
}

interface Request {
  subject: number
  at: number
  reason: string
}

export interface WithdrawalStore {
  /** Oldest first. */
  all(): Promise<Withdrawal[]>
  /** What `erase` would delete and mark. */
  preview(subject: number): Promise<WithdrawalCounts>
  /** Deletes and records, in one transaction. Throws WithdrawnError where the subject has withdrawn already. */
  erase(request: Request): Promise<WithdrawalCounts>
  /** Rewrites file and journal, so that nothing deleted is left in them; false where another process holds them. */
  forget(): Promise<boolean>
}

export function withdrawalStore(db: Db): WithdrawalStore {
  return {
    async all() {
      const rows = await db.selectFrom("withdrawal").selectAll().orderBy("at").orderBy("subject").execute()
      return rows.map((row) => ({ ...row, counts: JSON.parse(row.counts) }))
    },
    async preview(subject) {
      const undone = new Undone()
      try {
        await db.transaction().execute(async (tx) => {
          undone.counts = await erase(tx, { subject, at: 0, reason: "" })
          throw undone
        })
      } catch (error) {
        if (error !== undone) throw error
      }
      return undone.counts!
    },
    erase: (request) => db.transaction().execute((tx) => erase(tx, request)),
    async forget() {
      const cut = async (): Promise<boolean> => {
        const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
        return rows[0]?.busy === 0
      }
      try {
        if (!(await cut())) return false
        await sql`vacuum`.execute(db)
        return await cut()
      } catch (error) {
        if (error instanceof StoreUnavailableError && error.reason === "busy") return false
        throw error
      }
    },
  }
}

/** Takes a transaction back and carries what it counted. */
class Undone extends Error {
  counts?: WithdrawalCounts
}

async function erase(tx: Db, { subject, at, reason }: Request): Promise<WithdrawalCounts> {
  const person = await tx.selectFrom("subject").selectAll().where("id", "=", subject).executeTakeFirst()
  if (person === undefined) throw new WithdrawnError(`subject ${subject}: is not in the study`)
  if (person.withdrawnAt !== null) throw new WithdrawnError(`subject ${subject}: has withdrawn already`)
  const marked = await markOthers(tx, subject)
  const ranges = await keepCoverage(tx, subject)
  const bodies = await deleteBodies(tx, subject)
  const playlists = await emptyPlaylists(tx, subject)
  // Its own weights go with its models, those of others on it by its number.
  await tx
    .deleteFrom("weight")
    .where((e) =>
      e.or([
        e("donor", "=", subject),
        e("model", "in", e.selectFrom("model").select("id").where("subject", "=", subject)),
      ]),
    )
    .execute()
  const counts = { ranges, bodies, playlists, ...marked } as WithdrawalCounts
  for (const table of OWNED) {
    const { numDeletedRows } = await tx
      .deleteFrom(table)
      .where("subject", "=", subject)
      .executeTakeFirstOrThrow()
    counts[table] = Number(numDeletedRows)
  }
  // Constants of nobody's plays but its own.
  const left = await tx.selectFrom("play").select("id").limit(1).executeTakeFirst()
  if (left === undefined) {
    const gone = await tx.deleteFrom("model").where("kind", "in", SHARED_KINDS).executeTakeFirstOrThrow()
    counts.model += Number(gone.numDeletedRows)
  }
  await tx
    .updateTable("subject")
    .set({ label: `subject ${subject}`, newestPlay: 0, estimatedPlay: 0, withdrawnAt: at })
    .where("id", "=", subject)
    .execute()
  const open = await tx
    .selectFrom("enrolment")
    .select("device")
    .where("subject", "=", subject)
    .where("toAt", "is", null)
    .executeTakeFirst()
  // The board stays `handed-out`: it has to come back before it is given to somebody else.
  if (open !== undefined) await endEnrolment(tx, open.device, "withdrawn", at)
  await tx
    .insertInto("withdrawal")
    .values({ subject, at, reason, counts: JSON.stringify(counts), dropped: 0 })
    .execute()
  await appendEvent(tx, { at, kind: "withdrawn", subject, device: null, detail: { reason, counts } })
  return counts
}

/** Marks what was made with the subject's data and stays. */
async function markOthers(
  tx: Db,
  subject: number,
): Promise<Pick<WithdrawalCounts, "markedPlaylists" | "markedModels">> {
  const first = await tx
    .selectFrom("play")
    .innerJoin("sync", "sync.id", "play.sync")
    .select((e) => e.fn.min("sync.at").as("at"))
    .where("play.subject", "=", subject)
    .executeTakeFirst()
  if (first?.at == null) return { markedPlaylists: 0, markedModels: 0 }
  const from = Number(first.at)
  const lists = await tx
    .updateTable("playlist")
    .set({ withdrawnData: 1 })
    .where("subject", "!=", subject)
    .where("at", ">=", from)
    .where("withdrawnData", "=", 0)
    .where((e) =>
      e.exists(
        e
          .selectFrom("playlistItem")
          .select("position")
          .whereRef("playlistItem.playlist", "=", "playlist.id")
          .where("utility", "is not", null),
      ),
    )
    .executeTakeFirstOrThrow()
  const shared = await tx
    .updateTable("model")
    .set({ withdrawnData: 1 })
    .where("subject", "!=", subject)
    .where("kind", "in", SHARED_KINDS)
    .where("at", ">=", from)
    .where("withdrawnData", "=", 0)
    .executeTakeFirstOrThrow()
  const tastes = await tx
    .updateTable("model")
    .set({ withdrawnData: 1 })
    .where("subject", "!=", subject)
    .where("kind", "=", "taste")
    .where("withdrawnData", "=", 0)
    .where("at", ">=", (e) =>
      e
        .selectFrom("model as decision")
        .select((d) => d.fn.min("decision.at").as("at"))
        .where("decision.kind", "=", "forgetting")
        .where("decision.at", ">=", from),
    )
    .executeTakeFirstOrThrow()
  return {
    markedPlaylists: Number(lists.numUpdatedRows),
    markedModels: Number(shared.numUpdatedRows) + Number(tastes.numUpdatedRows),
  }
}

/** Names the subject's sequences as gone; gives the number of ranges. */
async function keepCoverage(tx: Db, subject: number): Promise<number> {
  const rows = await sql<{
    device: string
    epoch: number
    boot: number
    sequence: number
    sync: number
  }>`select device, epoch, boot, sequence, sync from play where subject = ${subject}
    union select device, epoch, boot, sequence, sync from quarantine where subject = ${subject}
    order by device, epoch, sequence`.execute(tx)
  const ranges = rangesOf(rows.rows)
  for (const range of ranges) {
    await tx
      .insertInto("gone")
      .values({ ...range, why: GONE_WITHDRAWN })
      .onConflict((c) =>
        c.columns(["device", "epoch", "fromSequence", "toSequence"]).doUpdateSet({ why: GONE_WITHDRAWN }),
      )
      .execute()
  }
  return ranges.length
}

interface Sequence {
  device: string
  epoch: number
  boot: number
  sequence: number
  sync: number
}

/** Neighbouring sequences of a boot as one range. `rows`: in order of device, epoch and sequence. */
function rangesOf(rows: readonly Sequence[]) {
  const ranges: (Omit<Sequence, "sequence"> & { fromSequence: number; toSequence: number })[] = []
  for (const { device, epoch, boot, sequence, sync } of rows) {
    const last = ranges.at(-1)
    const goesOn = last?.device === device && last.epoch === epoch && last.boot === boot
    if (goesOn && sequence <= last.toSequence + 1) last.toSequence = sequence
    else ranges.push({ device, epoch, boot, sync, fromSequence: sequence, toSequence: sequence })
  }
  return ranges
}

/**
 * Requests that the subject's board sent while it was its own, those that brought its records later, and those of its
 * boards since then that repeated records or had some that could not be read, which may have been its.
 */
async function deleteBodies(tx: Db, subject: number): Promise<number> {
  const syncs = tx
    .selectFrom("sync")
    .select("sync.id")
    .where((e) =>
      e.or([
        e("sync.subject", "=", subject),
        e("sync.id", "in", e.selectFrom("play").select("play.sync").where("play.subject", "=", subject)),
        e(
          "sync.id",
          "in",
          e.selectFrom("quarantine").select("quarantine.sync").where("quarantine.subject", "=", subject),
        ),
        e.and([
          e.or([e("repeated", ">", 0), e("unreadable", ">", 0)]),
          e.exists(
            e
              .selectFrom("enrolment")
              .select("enrolment.id")
              .where("enrolment.subject", "=", subject)
              .whereRef("enrolment.device", "=", "sync.device")
              .whereRef("enrolment.fromAt", "<=", "sync.at"),
          ),
        ]),
      ]),
    )
  const { numUpdatedRows } = await tx
    .updateTable("sync")
    .set({ body: new Uint8Array(0) })
    .where("id", "in", syncs)
    .executeTakeFirstOrThrow()
  await tx.updateTable("sync").set({ open: null }).where("subject", "=", subject).execute()
  return Number(numUpdatedRows)
}

/** What the models said of its playlists, and the songs that were chosen by it; the versions stay taken. */
async function emptyPlaylists(tx: Db, subject: number): Promise<number> {
  const own = tx.selectFrom("playlist").select("id").where("subject", "=", subject)
  await tx.deleteFrom("playlistItem").where("playlist", "in", own).execute()
  await tx
    .updateTable("publication")
    .set({ state: "superseded" })
    .where("playlist", "in", own)
    .where("state", "in", ["published", "sent"])
    .execute()
  const { numUpdatedRows } = await tx
    .updateTable("playlist")
    .set({ bytes: new Uint8Array(0), summary: "{}" })
    .where("subject", "=", subject)
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

/**
 * The contact, whose row is stored, without the records of those who have withdrawn: these are acknowledged as gone and
 * counted. A sequence that was deleted once stays gone, whoever the times now say has heard it.
 */
export async function dropWithdrawn(tx: Db, contact: Contact, sync: number): Promise<Contact> {
  const { device, epoch } = contact
  const carriers = await rowsOf<{ id: number }>(
    tx,
    `select subject.id from enrolment join subject on subject.id = enrolment.subject
      where device = ? and withdrawn_at is not null`,
    [device],
  )
  if (carriers.length === 0) return contact
  const withdrawn = new Set(carriers.map(({ id }) => id))
  const deleted = await tx
    .selectFrom("gone")
    .select(["fromSequence", "toSequence"])
    .where("device", "=", device)
    .where("epoch", "=", epoch)
    .where("why", "=", GONE_WITHDRAWN)
    .execute()
  const listenerOf = await listenersOf(tx, contact)
  const found: Sequence[] = []
  const counts = new Map<number, number>()
  let seen = false
  const keep = (bytes: Uint8Array, playlist: number | null): boolean => {
    const record = unpackRecord(bytes, 0)
    if (record === undefined) return true
    const { boot, sequence } = record
    const owner = listenerOf({ ...record, playlist })
    const again = deleted.some(
      ({ fromSequence, toSequence }) => fromSequence <= sequence && sequence <= toSequence,
    )
    if (!again && (owner === null || !withdrawn.has(owner))) return true
    seen = true
    if (again || owner === null) return false
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
    found.push({ device, epoch, boot, sequence, sync })
    return false
  }
  const kept = {
    ...contact,
    plays: contact.plays.filter(({ bytes, playlist }) => keep(bytes, playlist)),
    quarantine: contact.quarantine.filter(({ bytes }) => keep(bytes, null)),
  }
  found.sort((a, b) => a.sequence - b.sequence)
  for (const range of rangesOf(found)) {
    await tx
      .insertInto("gone")
      .values({ ...range, why: GONE_WITHDRAWN })
      .onConflict((c) =>
        c.columns(["device", "epoch", "fromSequence", "toSequence"]).doUpdateSet({ why: GONE_WITHDRAWN }),
      )
      .execute()
  }
  for (const [subject, n] of counts) {
    await tx
      .updateTable("withdrawal")
      .set((e) => ({ dropped: e("dropped", "+", n) }))
      .where("subject", "=", subject)
      .execute()
  }
  const { subject } = await tx
    .selectFrom("sync")
    .select("subject")
    .where("id", "=", sync)
    .executeTakeFirstOrThrow()
  const own = subject !== null && withdrawn.has(subject)
  if (seen || own || contact.unreadable > 0) {
    await tx
      .updateTable("sync")
      .set({ dropped: found.length, body: new Uint8Array(0), ...(own ? { open: null } : {}) })
      .where("id", "=", sync)
      .execute()
  }
  return kept
}
