// What the store holds, as the models read it: the catalogue with the study's frozen yardstick, and the listeners
// with their plays and models.

import { END_REASONS } from "../../src/record.js"
import { CatalogueError } from "../catalogue/columns.js"
import { describeFeatures, type FeatureSpec, type Song } from "../model/features.js"
import { type Observations, observePlays } from "../model/observations.js"
import type { TasteModel } from "../model/taste.js"
import { decodeTaste } from "../model/taste-bytes.js"
import { EVERYBODY, type Model } from "../store/models.js"
import type { Play } from "../store/plays.js"
import type { Subject } from "../store/subjects.js"
import type { Study } from "../study/study.js"
import { hashSongs, inRanges, rangesOf, type SongRange } from "./songs.js"

export interface Catalogue {
  spec: FeatureSpec
  songs: (Song & { artist: string })[]
  byId: Map<number, Song>
  /** Which songs these are, and the hash of what is known of them. */
  ranges: SongRange[]
  hash: string
}

/** A subject with what the store and the models know of it. */
export interface Listener {
  subject: Subject
  /** In the order of their arrival. */
  plays: Play[]
  observations: Observations
  /** Undefined before the first estimate. */
  stored?: Model
  taste?: TasteModel
}

/** The features are frozen when they are first needed, so that a coefficient keeps its meaning as songs are added.
 *  `only`: as if there were no other songs. */
export async function readCatalogue(
  study: Study,
  now: number,
  only?: readonly SongRange[],
): Promise<Catalogue> {
  const { store } = study
  const rows = (await store.songs.all()).filter((song) => only === undefined || inRanges(only, song.id))
  if (rows.length === 0) throw new CatalogueError("the catalogue is empty: fieldtune catalogue add FOLDER")
  const songs = rows.map(({ id, genre, artist, attributes, lengthMs }) => ({
    id,
    genre: genre || undefined,
    artist,
    attributes,
    lengthS: lengthMs / 1000,
  }))
  const known = {
    songs,
    byId: new Map(songs.map((song) => [song.id, song])),
    ranges: rangesOf(songs.map((song) => song.id)),
    hash: hashSongs(songs),
  }
  const frozen = await store.models.latest(EVERYBODY, "features")
  if (frozen !== undefined) return { spec: frozen.summary as unknown as FeatureSpec, ...known }
  const spec = describeFeatures(songs)
  await store.models.save({
    subject: EVERYBODY,
    kind: "features",
    at: now,
    particles: new Uint8Array(0),
    summary: { ...spec },
    diagnostics: {},
  })
  return { spec, ...known }
}

/** `through`: largest play.id that counts, for the plays as for the model. */
export async function readListener(
  study: Study,
  catalogue: Catalogue,
  id: number,
  through: number,
): Promise<Listener> {
  const { store } = study
  const subject = await store.subjects.get(id)
  if (subject === undefined) throw new Error(`subject ${id} is not in the study`)
  const plays = await store.plays.of(id, 0, through)
  const waves = new Map((await store.playlists.of(id)).map((list) => [list.id, list.wave]))
  const heard = plays.map((play) => ({
    song: play.song,
    heardS: play.heardMs / 1000,
    reason: END_REASONS[play.reason],
    wave: play.playlist === null ? 0 : waves.get(play.playlist),
  }))
  const observations = observePlays(heard, catalogue.spec, catalogue.byId)
  const stored = await store.models.tasteThrough(id, through)
  return { subject, plays, observations, stored, taste: stored && decodeTaste(stored.particles) }
}
