// Subjects, devices, and which subject carries which device when.

import type { Kysely, Selectable } from "kysely"
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
}

interface NewEnrolment {
  subject: number
  label: string
  arm: string
  device: string
  key: Uint8Array
  at: number
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
  /** Creates subject and device where they are new and opens the enrolment, in one transaction. */
  enrol(entry: NewEnrolment): Promise<Enrolment>
  /** Closes the open enrolment of the device; false when there is none. */
  release(device: string, at: number): Promise<boolean>
}

export function subjectStore(db: Kysely<Tables>): SubjectStore {
  const enrolmentColumns = ["subject", "device", "fromAt", "toAt"] as const
  return {
    all: () => db.selectFrom("subject").selectAll().orderBy("id").execute(),
    get: (id) => db.selectFrom("subject").selectAll().where("id", "=", id).executeTakeFirst(),
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
    enrolments: () => db.selectFrom("enrolment").select(enrolmentColumns).orderBy("id").execute(),
    enrolmentOf: (subject) =>
      db
        .selectFrom("enrolment")
        .select(enrolmentColumns)
        .where("subject", "=", subject)
        .where("toAt", "is", null)
        .executeTakeFirst(),
    carrierOf: (device) =>
      db
        .selectFrom("enrolment")
        .select(enrolmentColumns)
        .where("device", "=", device)
        .orderBy((e) => e("toAt", "is", null), "desc")
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst(),
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
        const { subject, label, arm, device, key, at } = entry
        await tx
          .insertInto("subject")
          .values({ id: subject, label, arm, createdAt: at, newestPlay: 0, estimatedPlay: 0 })
          .onConflict((c) => c.column("id").doUpdateSet({ label, arm }))
          .execute()
        await tx
          .insertInto("device")
          .values({ id: device, key, createdAt: at })
          .onConflict((c) => c.column("id").doUpdateSet({ key }))
          .execute()
        await tx.insertInto("enrolment").values({ subject, device, fromAt: at, toAt: null }).execute()
        await appendEvent(tx, { at, kind: "enrolled", subject, device, detail: { arm, label } })
        return { subject, device, fromAt: at, toAt: null }
      }),
    release: (device, at) =>
      db.transaction().execute(async (tx) => {
        const open = await tx
          .updateTable("enrolment")
          .set({ toAt: at })
          .where("device", "=", device)
          .where("toAt", "is", null)
          .returning("subject")
          .executeTakeFirst()
        if (open === undefined) return false
        await appendEvent(tx, { at, kind: "released", subject: open.subject, device, detail: {} })
        return true
      }),
  }
}
