// Everything that happened in a study, behind one interface. Each part is a file of its own; openStore gives
// the embedded implementation (one SQLite file). What a promise of a writing method resolves for is on disk.

import { existsSync } from "node:fs"
import type { Kysely } from "kysely"
import { openEmbedded, rowsOf } from "./embedded.js"
import { type EventStore, eventStore } from "./events.js"
import { StoreUnavailableError } from "./failure.js"
import { checkSchema, migrate } from "./migrations.js"
import { type ModelStore, modelStore } from "./models.js"
import { type PlanStore, planStore } from "./plans.js"
import { type PlaylistStore, playlistStore } from "./playlists.js"
import { type PlayStore, playStore } from "./plays.js"
import { type ProvisioningStore, provisioningStore } from "./provisioning.js"
import type { Tables } from "./schema.js"
import { type SongStore, songStore } from "./songs.js"
import { type SubjectStore, subjectStore } from "./subjects.js"
import { type SyncStore, syncStore } from "./syncs.js"
import { type WaveStore, waveStore } from "./waves.js"

export interface Store {
  readonly plans: PlanStore
  readonly songs: SongStore
  readonly subjects: SubjectStore
  readonly waves: WaveStore
  readonly playlists: PlaylistStore
  readonly plays: PlayStore
  readonly syncs: SyncStore
  readonly models: ModelStore
  readonly events: EventStore
  readonly provisioning: ProvisioningStore
  /** Whether something can be written just now: it is tried. */
  writable(): Promise<boolean>
  close(): Promise<void>
}

/**
 * Opens or creates the database file and brings its schema up to date. Where the disk lets nothing be written, what is
 * there is opened for reading, and every writing method throws StoreUnavailableError.
 */
export async function openStore(path: string): Promise<Store> {
  try {
    return await openWith(openEmbedded(path), path, migrate)
  } catch (error) {
    const readOnly = error instanceof StoreUnavailableError && error.reason === "read-only"
    if (!readOnly || !existsSync(path)) throw error
    return openWith(openEmbedded(path, { readOnly: true }), path, checkSchema)
  }
}

async function openWith(
  db: Kysely<Tables>,
  path: string,
  prepare: (db: Kysely<Tables>, path: string) => Promise<void>,
): Promise<Store> {
  try {
    await prepare(db, path)
  } catch (cause) {
    await db.destroy()
    throw cause
  }
  return {
    plans: planStore(db),
    songs: songStore(db),
    subjects: subjectStore(db),
    waves: waveStore(db),
    playlists: playlistStore(db),
    plays: playStore(db),
    syncs: syncStore(db),
    models: modelStore(db),
    events: eventStore(db),
    provisioning: provisioningStore(db),
    async writable() {
      try {
        await db.transaction().execute((tx) => rowsOf(tx, TRY_WRITING, []))
        return true
      } catch (error) {
        if (error instanceof StoreUnavailableError) return false
        throw error
      }
    },
    close: () => db.destroy(),
  }
}

/** Takes room of its own each time that it did not have before, and gives it back at the next. */
const TRY_WRITING = `
  insert into meta (key, value) values ('tried', '.')
  on conflict (key) do update set value = case value when '.' then hex(zeroblob(5000)) else '.' end`
