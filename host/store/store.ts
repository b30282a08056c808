// Everything that happened in a study, behind one interface. Each part is a file of its own; openStore gives
// the embedded implementation (one SQLite file). What a promise of a writing method resolves for is on disk.

import { existsSync } from "node:fs"
import type { Kysely } from "kysely"
import { type ActivityStore, activityStore } from "./activity.js"
import { type AllocationStore, allocationStore } from "./allocations.js"
import { type BoardFactStore, boardFactStore } from "./board-facts.js"
import { type BoardStore, boardStore } from "./boards.js"
import { type ClockStore, clockStore } from "./clocks.js"
import { openEmbedded, rowsOf } from "./embedded.js"
import { type EventStore, eventStore } from "./events.js"
import { StoreUnavailableError } from "./failure.js"
import { type FindingStore, findingStore } from "./findings.js"
import { type ImportStore, importStore } from "./imports.js"
import { checkSchema, migrate } from "./migrations.js"
import { type ModelStore, modelStore } from "./models.js"
import { type PlanStore, planStore } from "./plans.js"
import { type PlaylistStore, playlistStore } from "./playlists.js"
import { type PlayStore, playStore } from "./plays.js"
import { type ProvisioningStore, provisioningStore } from "./provisioning.js"
import type { Tables } from "./schema.js"
import { type SongStore, songStore } from "./songs.js"
import { type SubjectStore, subjectStore } from "./subjects.js"
import { type SurveyStore, surveyStore } from "./surveys.js"
import { type SyncStore, syncStore } from "./syncs.js"
import { type WaveStore, waveStore } from "./waves.js"
import { type WithdrawalStore, withdrawalStore } from "./withdrawals.js"

export interface Store {
  readonly imports: ImportStore
  readonly clocks: ClockStore
  readonly plans: PlanStore
  readonly songs: SongStore
  readonly subjects: SubjectStore
  readonly boards: BoardStore
  readonly allocations: AllocationStore
  readonly withdrawals: WithdrawalStore
  readonly waves: WaveStore
  readonly playlists: PlaylistStore
  readonly plays: PlayStore
  readonly syncs: SyncStore
  readonly models: ModelStore
  readonly events: EventStore
  readonly provisioning: ProvisioningStore
  /** Whether `bytes` can be written just now: it is tried. */
  writable(bytes: number): Promise<boolean>
  readonly boardFacts: BoardFactStore
  readonly findings: FindingStore
  readonly activity: ActivityStore
  readonly surveys: SurveyStore
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
    clocks: clockStore(db),
    imports: importStore(db),
    plans: planStore(db),
    songs: songStore(db),
    subjects: subjectStore(db),
    boards: boardStore(db),
    allocations: allocationStore(db),
    withdrawals: withdrawalStore(db),
    waves: waveStore(db),
    playlists: playlistStore(db),
    plays: playStore(db),
    syncs: syncStore(db),
    models: modelStore(db),
    events: eventStore(db),
    provisioning: provisioningStore(db),
    async writable(bytes) {
      try {
        await db.transaction().execute((tx) => rowsOf(tx, TRY_WRITING, [bytes]))
        return true
      } catch (error) {
        if (error instanceof StoreUnavailableError) return false
        throw error
      }
    },
    boardFacts: boardFactStore(db),
    findings: findingStore(db),
    activity: activityStore(db),
    surveys: surveyStore(db),
    close: () => db.destroy(),
  }
}

/** The bytes replace those of the last time. */
const TRY_WRITING = `
  insert into meta (key, value) values ('tried', hex(zeroblob(?1 / 2)) || random())
  on conflict (key) do update set value = excluded.value`
