// What the checks of host/study/quality found. A finding is a row from when it was first found until it was found no
// more; then it is closed and stays as history. While it is open its text follows what is found.

import type { Kysely, Selectable } from "kysely"
import type { Tables } from "./schema.js"

export type Severity = "problem" | "warning" | "note"

/** What one rule found of one board, one subject or the study. */
export interface FoundRow {
  /** Id of the rule. */
  rule: string
  severity: Severity
  subject: number | null
  device: string | null
  /** Since when it is so, Unix milliseconds; null where nothing tells. */
  since: number | null
  /** What was found, with values. */
  found: string
}

interface StoredFinding extends FoundRow {
  /** When a check first found it, at this severity. */
  openedAt: number
  /** When a check found it no more; null while it is open. */
  closedAt: number | null
}

/** What a check has looked at: findings of it that it did not make again are closed. */
export interface CheckScope {
  /** null = the whole study. */
  device: string | null
  /** Rules that were applied; null = all. */
  rules: readonly string[] | null
}

export interface FindingStore {
  /** Opens what is new, keeps what is still so, closes what in `scope` was not found again; one transaction, which
   *  writes nothing where nothing changed. */
  record(
    found: readonly FoundRow[],
    scope: CheckScope,
    at: number,
  ): Promise<{ opened: number; closed: number }>
  /** Open findings, oldest first. */
  open(): Promise<StoredFinding[]>
  /** The `limit` findings that were closed last, newest first. */
  closed(limit: number): Promise<StoredFinding[]>
  /** When the whole study was last checked, Unix milliseconds. */
  checkedAt(): Promise<number | null>
}

const COLUMNS = ["rule", "severity", "subject", "device", "since", "found", "openedAt", "closedAt"] as const
/** Key of checkedAt in the table meta. */
const CHECKED_AT = "study checked at"

const identityOf = (row: { rule: string; severity: string; subject: number | null; device: string | null }) =>
  JSON.stringify([row.rule, row.severity, row.subject, row.device])

export function findingStore(db: Kysely<Tables>): FindingStore {
  const read = (row: Omit<Selectable<Tables["finding"]>, "id">): StoredFinding => ({
    ...row,
    severity: row.severity as Severity,
  })
  const openIn = (from: Kysely<Tables>, scope: CheckScope) => {
    let query = from
      .selectFrom("finding")
      .select(["id", "rule", "severity", "subject", "device", "since", "found"])
      .where("closedAt", "is", null)
    if (scope.device !== null) query = query.where("device", "=", scope.device)
    if (scope.rules !== null) query = query.where("rule", "in", [...scope.rules])
    return query.execute()
  }
  return {
    async record(found, scope, at) {
      const wanted = new Map(found.map((row) => [identityOf(row), row]))
      const differs = (rows: Awaited<ReturnType<typeof openIn>>): boolean =>
        rows.length !== wanted.size ||
        rows.some((row) => {
          const now = wanted.get(identityOf(row))
          return now === undefined || now.found !== row.found || now.since !== row.since
        })
      const whole = scope.device === null && scope.rules === null
      if (!whole && !differs(await openIn(db, scope))) return { opened: 0, closed: 0 }
      return await db.transaction().execute(async (tx) => {
        const counts = { opened: 0, closed: 0 }
        const missing = new Map(wanted)
        for (const row of await openIn(tx, scope)) {
          const identity = identityOf(row)
          const now = missing.get(identity)
          missing.delete(identity)
          if (now === undefined) {
            await tx.updateTable("finding").set({ closedAt: at }).where("id", "=", row.id).execute()
            counts.closed++
          } else if (now.found !== row.found || now.since !== row.since) {
            const { found: text, since } = now
            await tx.updateTable("finding").set({ found: text, since }).where("id", "=", row.id).execute()
          }
        }
        for (const { rule, severity, subject, device, since, found: text } of missing.values()) {
          const row = { rule, severity, subject, device, since, found: text, openedAt: at, closedAt: null }
          await tx.insertInto("finding").values(row).execute()
          counts.opened++
        }
        if (whole) {
          const value = String(at)
          await tx
            .insertInto("meta")
            .values({ key: CHECKED_AT, value })
            .onConflict((c) => c.column("key").doUpdateSet({ value }))
            .execute()
        }
        return counts
      })
    },
    async open() {
      const rows = await db
        .selectFrom("finding")
        .select(COLUMNS)
        .where("closedAt", "is", null)
        .orderBy("id")
        .execute()
      return rows.map(read)
    },
    async closed(limit) {
      const rows = await db
        .selectFrom("finding")
        .select(COLUMNS)
        .where("closedAt", "is not", null)
        .orderBy("closedAt", "desc")
        .orderBy("id", "desc")
        .limit(limit)
        .execute()
      return rows.map(read)
    },
    async checkedAt() {
      const row = await db.selectFrom("meta").select("value").where("key", "=", CHECKED_AT).executeTakeFirst()
      const at = Number(row?.value)
      return Number.isSafeInteger(at) ? at : null
    },
  }
}
