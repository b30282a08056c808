// How subjects came to their arms, and the key that the sequences of arms follow from. Both are written once; the
// database itself refuses to change them.

import type { Kysely } from "kysely"
import { bytesOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"

interface AllocationKey {
  /** ALLOCATION_KEY_BYTES bytes. */
  key: Uint8Array
  /** SHA-256 of the key, hexadecimal: what the event log has held since the start. */
  commitment: string
  at: number
}

export interface Allocation {
  subject: number
  at: number
  arm: string
  /** A place in a sequence of blocks or of single draws, or by hand. */
  method: "blocked" | "simple" | "hand"
  /** Hash of the rule that the sequence follows; null by hand. */
  scheme: string | null
  /** The combination of levels, as JSON: sequences are separate for each. */
  stratum: string
  /** 0, 1, 2, … within scheme and stratum; null by hand. */
  ordinal: number | null
  /** Why it was set by hand. */
  reason: string
}

/** Places of a sequence, from which the next one is taken in the transaction of the enrolment. */
export interface Draw {
  method: "blocked" | "simple"
  scheme: string
  stratum: string
  armAt(key: Uint8Array, ordinal: number): string
}

export interface AllocationStore {
  /** undefined before the first enrolment. */
  key(): Promise<AllocationKey | undefined>
  /** Keeps the key and tells its commitment, unless there is one. */
  begin(key: Uint8Array, commitment: string, at: number): Promise<void>
  /** In the order of enrolment. */
  all(): Promise<Allocation[]>
}

export function allocationStore(db: Kysely<Tables>): AllocationStore {
  return {
    key: () => keyOf(db),
    begin: (key, commitment, at) =>
      db.transaction().execute(async (tx) => {
        const made = await tx
          .insertInto("allocationKey")
          .values({ id: 1, key, commitment, at })
          .onConflict((c) => c.doNothing())
          .returning("id")
          .executeTakeFirst()
        if (made === undefined) return
        const detail = { commitment }
        await appendEvent(tx, { at, kind: "allocation-key", subject: null, device: null, detail })
      }),
    async all() {
      const rows = await db.selectFrom("allocation").selectAll().orderBy("at").orderBy("subject").execute()
      return rows.map((row) => ({ ...row, method: row.method as Allocation["method"] }))
    },
  }
}

async function keyOf(db: Kysely<Tables>): Promise<AllocationKey | undefined> {
  const row = await db
    .selectFrom("allocationKey")
    .select(["key", "commitment", "at"])
    .where("id", "=", 1)
    .executeTakeFirst()
  return row && { ...row, key: bytesOf(row.key) }
}

/** Takes the next place of the sequence for the subject, or notes the arm that was set by hand; gives the arm. */
export async function allocate(
  tx: Kysely<Tables>,
  subject: number,
  how: Draw | { arm: string; stratum: string; reason: string },
  at: number,
): Promise<string> {
  if ("arm" in how) {
    const row = { subject, at, method: "hand", scheme: null, ordinal: null, ...how }
    await tx.insertInto("allocation").values(row).execute()
    return how.arm
  }
  const { method, scheme, stratum, armAt } = how
  const held = await keyOf(tx)
  if (held === undefined) throw new Error("allocation: the study has no allocation key")
  const last = await tx
    .selectFrom("allocation")
    .select((e) => e.fn.max("ordinal").as("ordinal"))
    .where("scheme", "=", scheme)
    .where("stratum", "=", stratum)
    .executeTakeFirst()
  const ordinal = last?.ordinal == null ? 0 : Number(last.ordinal) + 1
  const arm = armAt(held.key, ordinal)
  await tx
    .insertInto("allocation")
    .values({ subject, at, arm, method, scheme, stratum, ordinal, reason: "" })
    .execute()
  return arm
}
