// What was flashed onto which board when, and what failed. Rows are only ever added. Nothing here is secret: keys stay
// with their devices, Wi-Fi passwords are not kept at all.

import type { Kysely } from "kysely"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"

interface Provisioning {
  /** Unix milliseconds. */
  at: number
  port: string
  /** null where the board did not say who it is. */
  device: string | null
  mac: string | null
  /** Id of the board's definition. */
  board: string
  /** SHA-256 of the bytecode, hex. */
  firmware: string
  /** Same fingerprint, same settings; null where nothing was written. */
  fingerprint: string | null
  outcome: "flashed" | "failed"
  /** What went wrong; empty where nothing did. */
  detail: string
}

export interface ProvisioningStore {
  /** Adds the row, and the event that tells of it. */
  add(row: Provisioning): Promise<void>
  /** The newest row of the device. */
  latest(device: string): Promise<Provisioning | undefined>
  /** All rows, oldest first. */
  all(): Promise<Provisioning[]>
}

const COLUMNS = [
  "at",
  "port",
  "device",
  "mac",
  "board",
  "firmware",
  "fingerprint",
  "outcome",
  "detail",
] as const

const rowOf = (row: Omit<Provisioning, "outcome"> & { outcome: string }): Provisioning => ({
  ...row,
  outcome: row.outcome === "flashed" ? "flashed" : "failed",
})

export function provisioningStore(db: Kysely<Tables>): ProvisioningStore {
  return {
    add: (row) =>
      db.transaction().execute(async (tx) => {
        await tx.insertInto("provisioning").values(row).execute()
        const { at, device, port, mac, board, firmware, detail } = row
        const kind = row.outcome === "flashed" ? "flashed" : "flash-failed"
        await appendEvent(tx, {
          at,
          kind,
          subject: null,
          device,
          detail: { port, mac, board, firmware, detail },
        })
      }),
    async latest(device) {
      const row = await db
        .selectFrom("provisioning")
        .select(COLUMNS)
        .where("device", "=", device)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst()
      return row && rowOf(row)
    },
    async all() {
      const rows = await db.selectFrom("provisioning").select(COLUMNS).orderBy("id").execute()
      return rows.map(rowOf)
    },
  }
}
