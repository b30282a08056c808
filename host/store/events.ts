// Events: who did what when. Rows are only ever added; the database itself refuses to change or delete one.

import type { Kysely } from "kysely"
import type { Tables } from "./schema.js"

export interface StudyEvent {
  at: number
  /** A short word: enrolled, released, epoch, conflict, published, confirmed, refused, imported, … */
  kind: string
  subject: number | null
  device: string | null
  detail: Record<string, unknown>
}

export interface EventStore {
  append(event: StudyEvent): Promise<void>
  /** The newest `limit` events, newest first; of one kind where given. */
  latest(limit: number, kind?: string): Promise<StudyEvent[]>
}

/** Adds an event inside the transaction of what it tells about. */
export async function appendEvent(db: Kysely<Tables>, event: StudyEvent): Promise<void> {
  await db
    .insertInto("event")
    .values({ ...event, detail: JSON.stringify(event.detail) })
    .execute()
}

export function eventStore(db: Kysely<Tables>): EventStore {
  return {
    append: (event) => appendEvent(db, event),
    async latest(limit, kind) {
      let query = db.selectFrom("event").select(["at", "kind", "subject", "device", "detail"])
      if (kind !== undefined) query = query.where("kind", "=", kind)
      const rows = await query.orderBy("id", "desc").limit(limit).execute()
      return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) }))
    },
  }
}
