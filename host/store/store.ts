// Everything that happened in a study, behind one interface. Each part is a file of its own; openStore gives
// the embedded implementation (one SQLite file). What a promise of a writing method resolves for is on disk.

import { openEmbedded } from "./embedded.js"
import { type EventStore, eventStore } from "./events.js"
import { migrate } from "./migrations.js"
import { type ModelStore, modelStore } from "./models.js"
import { type PlanStore, planStore } from "./plans.js"
import { type PlaylistStore, playlistStore } from "./playlists.js"
import { type PlayStore, playStore } from "./plays.js"
import { type ProvisioningStore, provisioningStore } from "./provisioning.js"
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
  close(): Promise<void>
}

/** Opens or creates the database file and brings its schema up to date. */
export async function openStore(path: string): Promise<Store> {
  const db = openEmbedded(path)
  try {
    await migrate(db, path)
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
    close: () => db.destroy(),
  }
}
