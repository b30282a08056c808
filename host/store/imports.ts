// Plays from other programs, kept apart from the study's own: they enter no model, and say where they came from. The
// same play is kept once, however often it is imported.

import type { Kysely } from "kysely"
import type { ImportedPlay } from "../import/imported.js"
import { nameKey } from "../import/match.js"
import type { Tables } from "./schema.js"

export interface StoredImport extends ImportedPlay {
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

export interface ImportStore {
  /** Keeps those that are new; gives their number. */
  add(plays: readonly StoredImport[]): Promise<number>
  /** By listener, in the order of their time; without one, of the file. */
  all(): Promise<StoredImport[]>
}

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
    add: (plays) =>
      db.transaction().execute(async (tx) => {
        let added = 0
        for (const play of plays) {
          const made = await tx
            .insertInto("importedPlay")
            .values({ ...play, identity: identityOf(play) })
            .onConflict((c) => c.doNothing())
            .returning("id")
            .executeTakeFirst()
          if (made !== undefined) added++
        }
        return added
      }),
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

/** Nobody begins a song twice in a second; a play without a time is known by its place in its file. */
function identityOf({ subject, listener, startedAt, artist, title, fileSha256, row }: StoredImport): string {
  const who = subject === null ? `listener ${listener}` : `subject ${subject}`
  const what =
    startedAt === null ? `${fileSha256} ${row}` : `${Math.floor(startedAt / 1000)} ${nameKey(artist, title)}`
  return `${who}\n${what}`
}
