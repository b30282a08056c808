// Subjects, devices, and which subject carries which device when.

import type { Kysely, Selectable } from "kysely"
import { allocate, type Draw } from "./allocations.js"
import { type EnrolmentEnd, EnrolmentError, endEnrolment, handOut, setState } from "./boards.js"
import { bytesOf, rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"

export interface Subject {
  /** The study's number for the listener, 1, 2, 3, … */
  id: number
  label: string
  arm: string
  createdAt: number
  /** Largest play id of the subject; above estimatedPlay the subject is dirty. */
  newestPlay: number
  estimatedPlay: number
  /** Cohort of the plan; null where it has none. */
  cohort: string | null
  /** Level by stratum of the plan. */
  strata: Record<string, string>
  /** Unix milliseconds; null for those who have not. */
  withdrawnAt: number | null
}

export interface Device {
  /** Sixteen lower-case hexadecimal digits. */
  id: string
  /** KEY_BYTES bytes. */
  key: Uint8Array
  createdAt: number
}

export interface Enrolment {
  subject: number
  device: string
  fromAt: number
  /** null while it is open. */
  toAt: number | null
  endReason: EnrolmentEnd | null
}

interface NewEnrolment {
  subject: number
  label: string
  device: string
  key: Uint8Array
  at: number
  /** How a new subject comes to its arm; a known one keeps its own and refuses another. */
  arm: string | Draw
  /** The stratum of an arm that is set by hand, as JSON, and why it is. */
  stratum?: string
  reason?: string
  cohort?: string
  strata?: Record<string, string>
  /** Most subjects of the cohort. */
  room?: number
}

export interface SubjectStore {
  /** All subjects, ascending id. */
  all(): Promise<Subject[]>
  get(id: number): Promise<Subject | undefined>
  /** Ids of subjects with plays that no estimate has used, ascending. */
  dirty(): Promise<number[]>
  devices(): Promise<Device[]>
  device(id: string): Promise<Device | undefined>
  /** All enrolments, oldest first. */
  enrolments(): Promise<Enrolment[]>
  /** The open enrolment of the subject. */
  enrolmentOf(subject: number): Promise<Enrolment | undefined>
  /** The open enrolment of the device, else the newest closed one: late records belong to its listener. */
  carrierOf(device: string): Promise<Enrolment | undefined>
  /** The device with that id; created with `key`, without an enrolment, where it is new. A known one keeps its key. */
  registerDevice(id: string, key: Uint8Array, at: number): Promise<Device>
  /** Creates subject and device where they are new, allocates the arm and opens the enrolment, in one transaction.
   *  Throws EnrolmentError. */
  enrol(entry: NewEnrolment): Promise<Enrolment & { arm: string }>
  /** Closes the open enrolment of the device, which has come back unless it is lost or retired; false when there is
   *  none. */
  release(device: string, at: number, reason?: EnrolmentEnd): Promise<boolean>
}

export function subjectStore(db: Kysely<Tables>): SubjectStore {
  const select = () => db.selectFrom("subject").selectAll()
  const enrolments = () =>
    db.selectFrom("enrolment").select(["subject", "device", "fromAt", "toAt", "endReason"])
  const readEnrolment = <T extends { endReason: string | null }>(row: T) => ({
    ...row,
    endReason: row.endReason as EnrolmentEnd | null,
  })
  return {
    all: async () => (await select().orderBy("id").execute()).map(readSubject),
    async get(id) {
      const row = await select().where("id", "=", id).executeTakeFirst()
      return row && readSubject(row)
    },
    async dirty() {
      const rows = await db
        .selectFrom("subject")
        .select("id")
        .whereRef("newestPlay", ">", "estimatedPlay")
        .orderBy("id")
        .execute()
      return rows.map((row) => row.id)
    },
    async devices() {
      const rows = await db.selectFrom("device").selectAll().orderBy("id").execute()
      return rows.map((row) => ({ ...row, key: bytesOf(row.key) }))
    },
    async device(id) {
      const [row] = await rowsOf<Selectable<Tables["device"]>>(db, "select * from device where id = ?", [id])
      return row && { ...row, key: bytesOf(row.key) }
    },
    enrolments: async () => (await enrolments().orderBy("id").execute()).map(readEnrolment),
    async enrolmentOf(subject) {
      const row = await enrolments()
        .where("subject", "=", subject)
        .where("toAt", "is", null)
        .executeTakeFirst()
      return row && readEnrolment(row)
    },
    async carrierOf(device) {
      const row = await enrolments()
        .where("device", "=", device)
        .orderBy((e) => e("toAt", "is", null), "desc")
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst()
      return row && readEnrolment(row)
    },
    registerDevice: (id, key, at) =>
      db.transaction().execute(async (tx) => {
        const made = await tx
          .insertInto("device")
          .values({ id, key, createdAt: at })
          .onConflict((c) => c.column("id").doNothing())
          .returning("id")
          .executeTakeFirst()
        if (made !== undefined) {
          await appendEvent(tx, { at, kind: "registered", subject: null, device: id, detail: {} })
        }
        const row = await tx.selectFrom("device").selectAll().where("id", "=", id).executeTakeFirstOrThrow()
        return { ...row, key: bytesOf(row.key) }
      }),
    enrol: (entry) =>
      db.transaction().execute(async (tx) => {
        const { subject, device, key, at } = entry
        const known = await tx.selectFrom("subject").selectAll().where("id", "=", subject).executeTakeFirst()
        const arm = known === undefined ? await admit(tx, entry) : await keep(tx, entry, readSubject(known))
        await handOut(tx, { device, subject, key, at })
        await appendEvent(tx, { at, kind: "enrolled", subject, device, detail: { arm } })
        return { subject, device, fromAt: at, toAt: null, endReason: null, arm }
      }),
    release: (device, at, reason = "returned") =>
      db.transaction().execute(async (tx) => {
        const subject = await endEnrolment(tx, device, reason, at)
        if (subject === null) return false
        const state = reason === "lost" || reason === "retired" ? reason : "returned"
        await setState(tx, { device, state, at, subject, reason: "" })
        return true
      }),
  }
}

function readSubject(row: Selectable<Tables["subject"]>): Subject {
  return { ...row, strata: JSON.parse(row.strata) }
}

/** A new subject with its arm. */
async function admit(tx: Kysely<Tables>, entry: NewEnrolment): Promise<string> {
  const { subject, label, at, cohort = null, strata = {}, room, stratum = "[]", reason = "" } = entry
  if (room !== undefined) {
    const { n } = await tx
      .selectFrom("subject")
      .select((e) => e.fn.countAll<number>().as("n"))
      .where("cohort", "=", cohort)
      .where("withdrawnAt", "is", null)
      .executeTakeFirstOrThrow()
    if (Number(n) >= room) {
      throw new EnrolmentError(`cohort ${cohort}: has room for ${room} subjects, all of them taken`)
    }
  }
  const row = { id: subject, label, createdAt: at, newestPlay: 0, estimatedPlay: 0 }
  await tx
    .insertInto("subject")
    .values({ ...row, arm: "", cohort, strata: JSON.stringify(strata), withdrawnAt: null })
    .execute()
  const how = typeof entry.arm === "string" ? { arm: entry.arm, stratum, reason } : entry.arm
  const arm = await allocate(tx, subject, how, at)
  await tx.updateTable("subject").set({ arm }).where("id", "=", subject).execute()
  return arm
}

/** A subject that comes back keeps its arm, and its label unless there is a new one. */
async function keep(tx: Kysely<Tables>, entry: NewEnrolment, known: Subject): Promise<string> {
  const { subject, label, arm } = entry
  if (known.withdrawnAt !== null) throw new EnrolmentError(`subject ${subject}: has withdrawn`)
  if (typeof arm === "string" && arm !== known.arm) {
    throw new EnrolmentError(`subject ${subject}: is in arm ${known.arm} and stays there, got ${arm}`)
  }
  const open = await tx
    .selectFrom("enrolment")
    .select("device")
    .where("subject", "=", subject)
    .where("toAt", "is", null)
    .executeTakeFirst()
  if (open !== undefined) {
    throw new EnrolmentError(
      `subject ${subject}: has the open enrolment of device ${open.device}; end it first`,
    )
  }
  await tx.updateTable("subject").set({ label }).where("id", "=", subject).execute()
  return known.arm
}
