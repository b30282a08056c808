// What the checks of host/study/quality read of a board. Every query is bounded and follows an index, so that the
// check of a board after its sync costs the same at the end of a study as at its beginning. Health stays the text that
// it is stored as: a check reads it as if it could say anything.

import { type Kysely, sql } from "kysely"
import { END_FINISHED } from "../../src/record.js"
import type { BootClock } from "../study/clocks/boots.js"
import { newestBoots } from "./clocks.js"
import { coverage } from "./coverage.js"
import type { Tables } from "./schema.js"

export interface ContactFact {
  id: number
  subject: number | null
  at: number
  /** `at` with the corrections of the host's clock that were given, Unix ms. */
  trueAt: number
  epoch: number
  boot: number
  up: number
  firmware: string
  list: number
  next: number | null
  /** JSON of SyncHealth. */
  health: string
  stored: number
  unreadable: number
}

export interface PlayFact {
  subject: number | null
  epoch: number
  boot: number
  sequence: number
  song: number
  /** Of the catalogue, ms. */
  lengthMs: number
  startMs: number
  heardMs: number
  reason: number
  flags: number
  pauses: number
  volume: number
  /** The sync that brought it, its boot and uptime (ms), and its host time. */
  sync: number
  syncBoot: number
  syncUp: number
  syncAt: number
}

interface ListFact {
  version: number
  subject: number
  wave: number
  at: number
  state: string
  confirmedAt: number | null
  refusedAt: number | null
  refusedCode: number | null
}

export interface EpochFact {
  epoch: number
  firstAt: number
  /** Holes that neither came nor are gone, [boot or 0, from, to]; at most MAX_RANGES. */
  missing: [number, number, number][]
}

/** Everything oldest first. */
export interface BoardRows {
  /** The newest MAX_CONTACTS rows. */
  contacts: ContactFact[]
  /** The clocks of the newest MAX_BOOTS boots. */
  clocks: (BootClock & { epoch: number })[]
  /** The newest MAX_PLAYS of each of the newest two epochs. */
  plays: PlayFact[]
  /** The newest MAX_LISTS. */
  lists: ListFact[]
  epochs: EpochFact[]
  /** Records by GONE_ code. */
  gone: { why: number; records: number; since: number }[]
  quarantine: { reason: string; records: number; since: number; detail: string }[]
}

export interface SkipCount {
  subject: number
  plays: number
  finished: number
}

export interface BoardFactStore {
  of(device: string): Promise<BoardRows>
  /** Plays and finished plays by subject among the newest `limit` plays of everybody. */
  skipCounts(limit: number): Promise<SkipCount[]>
}

/** Rows of syncs: ten days of a board that syncs every quarter of an hour. */
const MAX_CONTACTS = 1000
/** A board with FRAM holds so many. */
const MAX_PLAYS = 1000
const MAX_BOOTS = 1000
const MAX_LISTS = 50
const EPOCHS = 2

const CORRECTED = sql<number>`at + coalesce((select sum(offset_ms) from host_clock
  where sync.id between from_sync and to_sync), 0)`

export function boardFactStore(db: Kysely<Tables>): BoardFactStore {
  const contactsOf = async (device: string): Promise<ContactFact[]> => {
    const rows = await db
      .selectFrom("sync")
      .select(["id", "subject", "at", "epoch", "boot", "up", "firmware", "list", "next"])
      .select(["health", "stored", "unreadable", CORRECTED.as("trueAt")])
      .where("device", "=", device)
      .orderBy("id", "desc")
      .limit(MAX_CONTACTS)
      .execute()
    return rows.reverse()
  }
  const playsOf = async (device: string, epoch: number): Promise<PlayFact[]> => {
    const rows = await db
      .selectFrom("play")
      .innerJoin("song", "song.id", "play.song")
      .innerJoin("sync", "sync.id", "play.sync")
      .select(["play.subject", "play.epoch", "play.boot", "sequence", "song", "lengthMs", "startMs"])
      .select(["heardMs", "reason", "flags", "pauses", "volume", "play.sync"])
      .select(["sync.boot as syncBoot", "sync.up as syncUp", "sync.at as syncAt"])
      .where("play.device", "=", device)
      .where("play.epoch", "=", epoch)
      .orderBy("sequence", "desc")
      .limit(MAX_PLAYS)
      .execute()
    return rows.reverse()
  }
  const listsOf = async (device: string): Promise<ListFact[]> => {
    const rows = await db
      .selectFrom("playlist")
      .innerJoin("publication", "publication.playlist", "playlist.id")
      .select(["version", "subject", "wave", "at", "state", "confirmedAt", "refusedAt", "refusedCode"])
      .where("device", "=", device)
      .orderBy("version", "desc")
      .limit(MAX_LISTS)
      .execute()
    return rows.reverse()
  }
  const epochsOf = async (device: string): Promise<EpochFact[]> => {
    const rows = await db
      .selectFrom("epoch")
      .select(["epoch", "firstAt", "ackedTo", "highest"])
      .where("device", "=", device)
      .orderBy("firstAt")
      .orderBy("epoch")
      .execute()
    const epochs: EpochFact[] = []
    for (const { epoch, firstAt, ackedTo, highest } of rows) {
      const missing = ackedTo < highest ? (await coverage(db, device, epoch, ackedTo)).missing : []
      epochs.push({ epoch, firstAt, missing })
    }
    return epochs
  }
  const goneOf = async (device: string) => {
    const rows = await db
      .selectFrom("gone")
      .innerJoin("sync", "sync.id", "gone.sync")
      .select((e) => [
        "why",
        e.fn.sum<number>(e("toSequence", "-", e.ref("fromSequence"))).as("steps"),
        e.fn.countAll<number>().as("ranges"),
        e.fn.min("at").as("since"),
      ])
      .where("gone.device", "=", device)
      .groupBy("why")
      .orderBy("why")
      .execute()
    return rows.map(({ why, steps, ranges, since }) => ({
      why,
      records: Number(steps) + Number(ranges),
      since: Number(since),
    }))
  }
  const quarantineOf = async (device: string) => {
    const rows = await db
      .selectFrom("quarantine")
      .innerJoin("sync", "sync.id", "quarantine.sync")
      .select((e) => [
        "reason",
        e.fn.countAll<number>().as("records"),
        e.fn.min("at").as("since"),
        e.fn.min("detail").as("detail"),
      ])
      .where("quarantine.device", "=", device)
      .groupBy("reason")
      .orderBy("reason")
      .execute()
    return rows.map((row) => ({ ...row, records: Number(row.records), since: Number(row.since) }))
  }
  return {
    async of(device) {
      const epochs = await epochsOf(device)
      const plays: PlayFact[] = []
      for (const { epoch } of epochs.slice(-EPOCHS)) plays.push(...(await playsOf(device, epoch)))
      return {
        contacts: await contactsOf(device),
        clocks: await newestBoots(db, device, MAX_BOOTS),
        plays,
        lists: await listsOf(device),
        epochs,
        gone: await goneOf(device),
        quarantine: await quarantineOf(device),
      }
    },
    async skipCounts(limit) {
      const rows = await db
        .selectFrom((e) =>
          e.selectFrom("play").select(["subject", "reason"]).orderBy("id", "desc").limit(limit).as("newest"),
        )
        .select((e) => [
          "subject",
          e.fn.countAll<number>().as("plays"),
          e.fn.count<number>(e.case().when("reason", "=", END_FINISHED).then(1).end()).as("finished"),
        ])
        .where("subject", "is not", null)
        .groupBy("subject")
        .orderBy("subject")
        .execute()
      return rows.map(({ subject, plays, finished }) => ({
        subject: subject as number,
        plays: Number(plays),
        finished: Number(finished),
      }))
    },
  }
}
