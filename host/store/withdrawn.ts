// What every writer has to ask since people may withdraw while it works.

import type { Kysely } from "kysely"
import type { Tables } from "./schema.js"

/** A result that comes too late: the subject has withdrawn in the meantime. */
export class WithdrawnError extends Error {
  override name = "WithdrawnError"
}

/** Nothing is made any more for a subject who has withdrawn, not even by a pass that had begun before. */
export async function refuseWithdrawn(tx: Kysely<Tables>, subject: number): Promise<void> {
  const row = await tx.selectFrom("withdrawal").select("at").where("subject", "=", subject).executeTakeFirst()
  if (row !== undefined) throw new WithdrawnError(`subject ${subject}: has withdrawn`)
}

/** Whether what was begun at `at`, Unix milliseconds, may have read data that have been deleted since. */
export async function begunBeforeWithdrawal(tx: Kysely<Tables>, at: number): Promise<boolean> {
  const row = await tx
    .selectFrom("withdrawal")
    .select("subject")
    .where("at", ">=", at)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Kinds of models that the plays of several subjects went into. */
export const SHARED_KINDS = [
  "aggregate",
  "forgetting",
  "pattern-evaluation",
  "patterns",
  "prequential",
  "weighting",
]

export function isShared(kind: string): boolean {
  return SHARED_KINDS.includes(kind)
}
