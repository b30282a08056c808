// When the waves of a study were opened and closed. A wave without a row was begun by its first playlist alone.

import type { Kysely } from "kysely"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"

interface WavePeriod {
  wave: number
  /** Cohort of the plan; empty where it has none. */
  cohort: string
  openedAt: number
  /** null while it is open. */
  closedAt: number | null
}

export interface WaveStore {
  /** By cohort, ascending wave. */
  periods(): Promise<WavePeriod[]>
  /** Opens a wave; false where it was opened before or another wave of the cohort is open. `detail` goes into the
   *  event. */
  open(wave: number, cohort: string, at: number, detail: Record<string, unknown>): Promise<boolean>
  /** Closes the open wave; false where it is not open. */
  close(wave: number, cohort: string, at: number, detail: Record<string, unknown>): Promise<boolean>
}

export function waveStore(db: Kysely<Tables>): WaveStore {
  return {
    periods: () => db.selectFrom("wavePeriod").selectAll().orderBy("cohort").orderBy("wave").execute(),
    open: (wave, cohort, at, detail) =>
      db.transaction().execute(async (tx) => {
        const added = await tx
          .insertInto("wavePeriod")
          .values({ wave, cohort, openedAt: at, closedAt: null })
          .onConflict((c) => c.doNothing())
          .returning("wave")
          .executeTakeFirst()
        if (added === undefined) return false
        const what = { wave, cohort, ...detail }
        await appendEvent(tx, { at, kind: "wave-opened", subject: null, device: null, detail: what })
        return true
      }),
    close: (wave, cohort, at, detail) =>
      db.transaction().execute(async (tx) => {
        const closed = await tx
          .updateTable("wavePeriod")
          .set({ closedAt: at })
          .where("wave", "=", wave)
          .where("cohort", "=", cohort)
          .where("closedAt", "is", null)
          .returning("wave")
          .executeTakeFirst()
        if (closed === undefined) return false
        const what = { wave, cohort, ...detail }
        await appendEvent(tx, { at, kind: "wave-closed", subject: null, device: null, detail: what })
        return true
      }),
  }
}
