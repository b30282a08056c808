// Plays from other programs, kept apart from the study's own: they enter no model, and say where they came from. The
// same play is kept once, however often it is imported.

import type { Kysely } from "kysely"
import type { ImportedPlay } from "../import/imported.js"
import { nameKey } from "../import/match.js"
import type { Tables } from "./schema.js"

interface NewImport extends ImportedPlay {
  /** The study's listener; null where it is somebody else. */
  subject: number | null
  /** Who listened, where it is no subject. */
  listener: string
  /** scrobbler, listenbrainz, spotify, csv. */
  source: string
  file: string
  /** SHA-256 of the file, hexadecimal. */
  fileSha256: string
  /** Song of the catalogue; null where none is meant. */
  song: number | null
  importedAt: number
}

type StoredImport = Omit<NewImport, "localSecond">

interface Added {
  added: number
  /** Plays held without a time that have one now. */
  timed: number
}

export interface ImportStore {
  /** Keeps those that are new. In parts, so that syncs are let in between: after an interruption, import again. */
  add(plays: readonly NewImport[]): Promise<Added>
  /** By listener, in the order of their time; without one, of the file. */
  all(): Promise<StoredImport[]>
}

/** Rows per statement: 17 values each, and SQLite takes 32,766. */
const CHUNK = 1000

const COLUMNS = [
  "subject",
  "listener",
  "source",
  "file",
  "fileSha256",
  "row",
  "startedAt",
  "artist",
  "title",
  "album",
  "lengthMs",
  "heardMs",
  "endReason",
  "song",
  "importedAt",
] as const

export function importStore(db: Kysely<Tables>): ImportStore {
  return {
    async add(plays) {
      const made = { added: 0, timed: 0 }
      for (let from = 0; from < plays.length; from += CHUNK) {
        const chunk = plays.slice(from, from + CHUNK)
        await db.transaction().execute(async (tx) => {
          const timed = await giveTimes(tx, chunk)
          const rows = chunk.map(({ localSecond: _, ...play }, i) => {
            const { identity, clock } = identitiesOf(chunk[i])
            return { ...play, identity, clockIdentity: clock }
          })
          const added = await tx
            .insertInto("importedPlay")
            .values(rows)
            .onConflict((c) => c.doNothing())
            .returning("id")
            .execute()
          made.added += added.length
          made.timed += timed
        })
      }
      return made
    },
    all: () =>
      db
        .selectFrom("importedPlay")
        .select(COLUMNS)
        .orderBy("subject")
        .orderBy("listener")
        .orderBy("startedAt")
        .orderBy("id")
        .execute(),
  }
}

/** Plays that were kept without a time, as nobody knew the zone of the player's clock, get the one that is known now. */
async function giveTimes(tx: Kysely<Tables>, plays: readonly NewImport[]): Promise<number> {
  const known = new Map<string, { startedAt: number; identity: string }>()
  for (const play of plays) {
    const { identity, clock } = identitiesOf(play)
    if (clock !== null && play.startedAt !== null) known.set(clock, { startedAt: play.startedAt, identity })
  }
  if (known.size === 0) return 0
  const held = await tx
    .selectFrom("importedPlay")
    .select(["id", "clockIdentity"])
    .where("clockIdentity", "in", [...known.keys()])
    .where("startedAt", "is", null)
    .execute()
  for (const { id, clockIdentity } of held) {
    const { startedAt, identity } = known.get(clockIdentity!)!
    // Where another log has told of the same play with its time, both rows are one play: the timed one stays.
    const other = await tx
      .selectFrom("importedPlay")
      .select("id")
      .where("identity", "=", identity)
      .executeTakeFirst()
    if (other === undefined) {
      await tx.updateTable("importedPlay").set({ startedAt, identity }).where("id", "=", id).execute()
    } else {
      await tx.deleteFrom("importedPlay").where("id", "=", id).execute()
      await tx
        .updateTable("importedPlay")
        .set({ clockIdentity })
        .where("id", "=", other.id)
        .where("clockIdentity", "is", null)
        .execute()
    }
  }
  return held.length
}

/** Nobody begins a song twice in a second; a play without a time is known by what the clock of its player showed, or by
 *  its place in its file. */
function identitiesOf(play: NewImport): { identity: string; clock: string | null } {
  const { subject, listener, startedAt, localSecond, artist, title, fileSha256, row } = play
  const who = subject === null ? `listener ${listener}` : `subject ${subject}`
  const name = nameKey(artist, title)
  const what = startedAt === null ? `${fileSha256} ${row}` : `${Math.floor(startedAt / 1000)} ${name}`
  return {
    identity: `${who}\n${what}`,
    clock: localSecond === null ? null : `${who}\nclock ${localSecond} ${name}`,
  }
}
