// The plans that were in force: the first one from the start of the study on, then every amendment. Rows are only
// ever added; the database itself refuses to change or delete one.

import type { Kysely } from "kysely"
import type { Tables } from "./schema.js"

interface StoredPlan {
  /** 1 is the plan that the study started with. */
  version: number
  /** SHA-256 of the canonical plan, hexadecimal. */
  hash: string
  at: number
  /** Why it was amended; empty for the first. */
  reason: string
  /** The canonical plan. */
  document: string
}

export interface PlanStore {
  /** The plan in force; undefined before the study has started. */
  newest(): Promise<StoredPlan | undefined>
  /** Ascending version. */
  all(): Promise<StoredPlan[]>
  /** Puts a plan in force as version `version`; false where that version exists already. */
  add(plan: StoredPlan): Promise<boolean>
}

export function planStore(db: Kysely<Tables>): PlanStore {
  return {
    newest: () => db.selectFrom("plan").selectAll().orderBy("version", "desc").limit(1).executeTakeFirst(),
    all: () => db.selectFrom("plan").selectAll().orderBy("version").execute(),
    async add(plan) {
      const added = await db
        .insertInto("plan")
        .values(plan)
        .onConflict((c) => c.doNothing())
        .returning("version")
        .executeTakeFirst()
      return added !== undefined
    },
  }
}

/** Hash of the plan in force, with which rows are stamped inside their own transaction; null before the start. */
export async function planInForce(db: Kysely<Tables>): Promise<string | null> {
  const row = await db
    .selectFrom("plan")
    .select("hash")
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst()
  return row?.hash ?? null
}
