// Waves, playlists and what became of them at the board: published → sent → confirmed or refused; a newer
// playlist for the device makes an unconfirmed one superseded (a board may still confirm it later).

import type { Kysely, Selectable } from "kysely"
import { bytesOf, rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import { planInForce } from "./plans.js"
import type { Tables } from "./schema.js"
import { begunBeforeWithdrawal, refuseWithdrawn } from "./withdrawn.js"

export type PublicationState = "published" | "sent" | "confirmed" | "refused" | "superseded"

export interface PlaylistItem {
  song: number
  /** Expected value of hearing it, in the design's own unit; null where the design has none. */
  utility: number | null
  /** Gain in log determinant; null where the design has none. */
  information: number | null
  /** explore = it would not be in the playlist of highest utility. */
  tag: "explore" | "exploit"
  /** Probability that the design gave it a slot; null = deterministic. */
  propensity: number | null
  /** Rank by utility among the allowed songs, 1 = best; null where the design has no utilities. */
  rank: number | null
  /** Why this song: whatever the design says, kept as JSON. */
  reason: unknown
}

export interface Playlist {
  id: number
  subject: number
  device: string
  /** Ascending per device, 1 … 2³²−1. */
  version: number
  wave: number
  /** The subject's arm then, and the design that made this playlist (a first wave is random in every arm). */
  arm: string
  design: string
  at: number
  /** What the board downloads (layout of src/wire.ts). */
  bytes: Uint8Array
  /** Figures of the design (price of exploration, …); part of the content hash. */
  summary: Record<string, unknown>
  /** Hash of the plan in force then; null where the study had not started. */
  plan: string | null
  /** The playlist that it repeats for another board; null for one that was designed. */
  copyOf: number | null
  /** It was made with data that a withdrawal has deleted: it stays what it is and can't be made again. */
  withdrawnData: boolean
  state: PublicationState
  sentAt: number | null
  confirmedAt: number | null
  refusedAt: number | null
  refusedCode: number | null
}

export interface NewPlaylist {
  subject: number
  device: string
  wave: number
  arm: string
  design: string
  at: number
  summary: Record<string, unknown>
  /** In playing order. */
  items: readonly PlaylistItem[]
  /** Largest id of the subject's playlists that it follows (0 = none): if there is a newer one, nothing is published. */
  follows?: number
  /** Bytes for the version that the transaction assigns. */
  pack(version: number): Uint8Array
  /** Of a copy: the playlist that it repeats, and whether that one was made with data deleted since. */
  copyOf?: number
  withdrawnData?: boolean
}

interface Wave {
  number: number
  startedAt: number
}

/** Another process has published for the subject in the meantime. */
export class OvertakenError extends Error {
  override name = "OvertakenError"
}

export interface PlaylistStore {
  /** Ascending number. */
  waves(): Promise<Wave[]>
  /** Starts wave `number` unless it exists. */
  startWave(number: number, at: number): Promise<void>
  /** Stores playlist, items and publication with the device's next version, in one transaction. */
  publish(playlist: NewPlaylist): Promise<Playlist>
  get(id: number): Promise<Playlist | undefined>
  /** Newest version for the device. */
  latest(device: string): Promise<Playlist | undefined>
  /** Playlists of the subject, ascending id. */
  of(subject: number): Promise<Playlist[]>
  /** Largest id; 0 before the first. */
  newest(): Promise<number>
  /** All playlists, ascending id. */
  all(): Promise<Playlist[]>
  /** In playing order. */
  items(playlist: number): Promise<PlaylistItem[]>
  /** Versions published for the device with their number of items, newest first. */
  sizes(device: string): Promise<{ id: number; version: number; items: number }[]>
  /** How many playlists are in each state. */
  countByState(): Promise<Record<PublicationState, number>>
}

/** A board that tells of a higher version is not believed: there must be room above. */
const MAX_TOLD_VERSION = 2 ** 31

export function playlistStore(db: Kysely<Tables>): PlaylistStore {
  const select = () =>
    db.selectFrom("playlist").innerJoin("publication", "publication.playlist", "playlist.id").selectAll()
  type Row = Selectable<Tables["playlist"]> & Selectable<Tables["publication"]>
  const read = ({ playlist: _, ...row }: Row): Playlist => ({
    ...row,
    bytes: bytesOf(row.bytes),
    summary: JSON.parse(row.summary),
    state: row.state as PublicationState,
    withdrawnData: row.withdrawnData === 1,
  })
  const readAll = (rows: Row[]): Playlist[] => rows.map(read)

  return {
    waves: () => db.selectFrom("wave").selectAll().orderBy("number").execute(),
    async startWave(number, at) {
      await db
        .insertInto("wave")
        .values({ number, startedAt: at })
        .onConflict((c) => c.doNothing())
        .execute()
    },
    publish: (entry) => db.transaction().execute((tx) => publishIn(tx, entry)),
    async get(id) {
      const row = await select().where("playlist.id", "=", id).executeTakeFirst()
      return row && read(row)
    },
    async latest(device) {
      const row = await select()
        .where("device", "=", device)
        .orderBy("version", "desc")
        .limit(1)
        .executeTakeFirst()
      return row && read(row)
    },
    of: async (subject) => readAll(await select().where("subject", "=", subject).orderBy("id").execute()),
    async newest() {
      const row = await db
        .selectFrom("playlist")
        .select((e) => e.fn.max("id").as("id"))
        .executeTakeFirst()
      return Number(row?.id ?? 0)
    },
    all: async () => readAll(await select().orderBy("id").execute()),
    async items(playlist) {
      const rows = await db
        .selectFrom("playlistItem")
        .select(["song", "utility", "information", "tag", "propensity", "rank", "reason"])
        .where("playlist", "=", playlist)
        .orderBy("position")
        .execute()
      return rows.map((row) => ({
        ...row,
        tag: row.tag as PlaylistItem["tag"],
        reason: JSON.parse(row.reason),
      }))
    },
    sizes(device) {
      return rowsOf(
        db,
        `select id, version, (select count(*) from playlist_item where playlist = playlist.id) as items
          from playlist where device = ? order by version desc`,
        [device],
      )
    },
    async countByState() {
      const counts = { published: 0, sent: 0, confirmed: 0, refused: 0, superseded: 0 }
      const rows = await db
        .selectFrom("publication")
        .select(["state", (e) => e.fn.countAll<number>().as("n")])
        .groupBy("state")
        .execute()
      for (const row of rows) counts[row.state as PublicationState] = Number(row.n)
      return counts
    },
  }
}

/** The publication of a playlist inside the caller's transaction. */
export async function publishIn(tx: Kysely<Tables>, entry: NewPlaylist): Promise<Playlist> {
  const { items, pack, summary, follows, copyOf = null, withdrawnData: repeated = false, ...head } = entry
  await refuseWithdrawn(tx, entry.subject)
  if (follows !== undefined) await refuseOvertaken(tx, entry.subject, follows)
  // Without utilities it was drawn from the catalogue alone.
  const fromModels = copyOf === null && items.some((item) => item.utility !== null)
  const withdrawnData = repeated || (fromModels && (await begunBeforeWithdrawal(tx, entry.at)))
  const newest = await tx
    .selectFrom("playlist")
    .select((e) => e.fn.max("version").as("version"))
    .where("device", "=", entry.device)
    .executeTakeFirst()
  // After a restored backup a board may have versions that this database has forgotten.
  const told = await tx
    .selectFrom("sync")
    .select((e) => [e.fn.max("list").as("list"), e.fn.max("next").as("next")])
    .where("device", "=", entry.device)
    .executeTakeFirst()
  const reached = [told?.list, told?.next].map(Number).filter((v) => v <= MAX_TOLD_VERSION)
  const version = Math.max(Number(newest?.version ?? 0), ...reached) + 1
  const bytes = pack(version)
  const plan = await planInForce(tx)
  const { id } = await tx
    .insertInto("playlist")
    .values({
      ...head,
      version,
      bytes,
      summary: JSON.stringify(summary),
      plan,
      copyOf,
      withdrawnData: Number(withdrawnData),
    })
    .returning("id")
    .executeTakeFirstOrThrow()
  for (const [position, item] of items.entries()) {
    await tx
      .insertInto("playlistItem")
      .values({ ...item, playlist: id, position, reason: JSON.stringify(item.reason ?? null) })
      .execute()
  }
  await tx
    .updateTable("publication")
    .set({ state: "superseded" })
    .where("state", "in", ["published", "sent"])
    .where("playlist", "in", (e) => e.selectFrom("playlist").select("id").where("device", "=", entry.device))
    .execute()
  const publication = {
    state: "published" as const,
    sentAt: null,
    confirmedAt: null,
    refusedAt: null,
    refusedCode: null,
  }
  await tx
    .insertInto("publication")
    .values({ playlist: id, ...publication })
    .execute()
  await appendEvent(tx, {
    at: entry.at,
    kind: "published",
    subject: entry.subject,
    device: entry.device,
    detail: { version, wave: entry.wave, design: entry.design, songs: items.length },
  })
  return { id, version, bytes, summary, plan, copyOf, withdrawnData, ...head, ...publication }
}

async function refuseOvertaken(tx: Kysely<Tables>, subject: number, follows: number): Promise<void> {
  const newer = await tx
    .selectFrom("playlist")
    .select("version")
    .where("subject", "=", subject)
    .where("id", ">", follows)
    .executeTakeFirst()
  if (newer === undefined) return
  throw new OvertakenError(
    `subject ${subject}: another process has published version ${newer.version} in the meantime`,
  )
}
