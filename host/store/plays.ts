// Plays: listen records as stored, in the order they arrived.

import type { Kysely } from "kysely"
import { bytesOf } from "./embedded.js"
import type { Tables } from "./schema.js"

export interface Play {
  /** Ascending in the order of arrival; blocks are ranges of it. */
  id: number
  device: string
  epoch: number
  boot: number
  sequence: number
  /** null where the device had no enrolment. */
  subject: number | null
  song: number
  /** The playlist that held the song; null where the board named none that the host knows. */
  playlist: number | null
  position: number
  /** Uptime of the boot when the listen began, ms. */
  startMs: number
  heardMs: number
  /** Index in END_REASONS of src/record.ts. */
  reason: number
  /** Sum of FLAG_ values of src/record.ts. */
  flags: number
  pauses: number
  volume: number
  /** The sync that brought it. */
  sync: number
  /** Wall time and its uncertainty, ms; null until the boot's clock is known. */
  startedAt: number | null
  uncertaintyMs: number | null
  /** The 20 bytes as received. */
  record: Uint8Array
}

export interface PlayStore {
  /** Plays of the subject with id above `after` and up to `through`, ascending id. */
  of(subject: number, after?: number, through?: number): Promise<Play[]>
  /** Plays of everybody, ascending id. */
  all(): Promise<Play[]>
  /** The newest `limit` plays, newest first; of one subject where given. */
  latest(limit: number, subject?: number): Promise<Play[]>
  count(): Promise<number>
  /** Number of plays by device. */
  countByDevice(): Promise<Map<string, number>>
}

export function playStore(db: Kysely<Tables>): PlayStore {
  const select = () => db.selectFrom("play").selectAll()
  const read = (rows: Awaited<ReturnType<ReturnType<typeof select>["execute"]>>): Play[] =>
    rows.map((row) => ({ ...row, record: bytesOf(row.record) }))
  return {
    async of(subject, after = 0, through = Number.MAX_SAFE_INTEGER) {
      const query = select().where("subject", "=", subject).where("id", ">", after).where("id", "<=", through)
      return read(await query.orderBy("id").execute())
    },
    all: async () => read(await select().orderBy("id").execute()),
    async latest(limit, subject) {
      const query = select().orderBy("id", "desc").limit(limit)
      return read(await (subject === undefined ? query : query.where("subject", "=", subject)).execute())
    },
    async count() {
      const row = await db
        .selectFrom("play")
        .select((e) => e.fn.countAll<number>().as("n"))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async countByDevice() {
      const rows = await db
        .selectFrom("play")
        .select(["device", (e) => e.fn.countAll<number>().as("n")])
        .groupBy("device")
        .orderBy("device")
        .execute()
      return new Map(rows.map((row) => [row.device, Number(row.n)]))
    },
  }
}
