// Songs: the catalogue as the store keeps it.

import type { Kysely } from "kysely"
import { rowsOf } from "./embedded.js"
import type { Tables } from "./schema.js"

export interface Song {
  /** File number on the card, 1 … 65535. */
  id: number
  /** The researcher's own identifier, unique; the file number as text where there is none. */
  source: string
  title: string
  artist: string
  genre: string
  lengthMs: number
  /** Numeric attributes by name, as imported (not standardised). */
  attributes: Record<string, number>
  /** Audio file as the catalogue names it, absolute or relative to the music folder; left out where it names none. */
  file?: string
}

export interface SongStore {
  /** All songs, ascending id. */
  all(): Promise<Song[]>
  count(): Promise<number>
  /** Lengths in ms of the songs among `ids` that exist. */
  lengths(ids: readonly number[]): Promise<Map<number, number>>
  /** Inserts or replaces by id, all or none. */
  put(songs: readonly Song[]): Promise<void>
}

export function songStore(db: Kysely<Tables>): SongStore {
  return {
    async all() {
      const rows = await db.selectFrom("song").selectAll().orderBy("id").execute()
      return rows.map(({ file, ...row }) => ({
        ...row,
        attributes: JSON.parse(row.attributes),
        ...(file === null ? {} : { file }),
      }))
    },
    async count() {
      const row = await db
        .selectFrom("song")
        .select((e) => e.fn.countAll<number>().as("n"))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async lengths(ids) {
      if (ids.length === 0) return new Map()
      const rows = await rowsOf<{ id: number; lengthMs: number }>(
        db,
        "select id, length_ms from song where id in (select value from json_each(?))",
        [JSON.stringify(ids)],
      )
      return new Map(rows.map((row) => [row.id, row.lengthMs]))
    },
    async put(songs) {
      await db.transaction().execute(async (tx) => {
        for (const song of songs) {
          const row = { ...song, attributes: JSON.stringify(song.attributes), file: song.file ?? null }
          const { id: _, ...rest } = row
          await tx
            .insertInto("song")
            .values(row)
            .onConflict((c) => c.column("id").doUpdateSet(rest))
            .execute()
        }
      })
    },
  }
}
