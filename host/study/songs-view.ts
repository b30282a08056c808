// The catalogue, for the page: every song with what became of it.

import type { SongActivity } from "../store/activity.js"
import { EVERYBODY } from "../store/models.js"
import { isBlind } from "./blind.js"
import type { Study } from "./study.js"
import { SLIP_MS } from "./waves.js"

interface SongRow extends SongActivity {
  song: number
  title: string
  artist: string
  genre: string
  lengthMs: number
  /** What an average listener does with it: log seconds heard, mean and standard deviation; null where nobody has
   *  heard it, or no round has been made. */
  constant: { mean: number; sd: number } | null
  attributes: Record<string, number>
}

export interface SongsView {
  blind: boolean
  /** Names of the attributes, in the order in which songs have them. */
  attributes: string[]
  songs: SongRow[]
}

export async function songsView(study: Study): Promise<SongsView> {
  const { store } = study
  const blind = await isBlind(study)
  const songs = await store.songs.all()
  const activity = await store.activity.songs(SLIP_MS)
  const aggregate = await store.models.latest(EVERYBODY, "aggregate")
  const known = aggregate?.summary as { songs: number[]; mean: number[]; sd: number[] } | undefined
  const constants = new Map(
    known?.songs.map((song, i) => [song, { mean: known.mean[i], sd: known.sd[i] }] as const) ?? [],
  )
  const none: SongActivity = { listed: 0, toLearn: 0, plays: 0, meanShareHeard: null }
  return {
    blind,
    attributes: [...new Set(songs.flatMap((song) => Object.keys(song.attributes)))],
    songs: songs.map(({ id, title, artist, genre, lengthMs, attributes }) => {
      const own = activity.get(id) ?? none
      return {
        ...{ song: id, title, artist, genre, lengthMs, attributes, ...own },
        // How often a song is put in to learn from it tells of the designs.
        toLearn: blind ? null : own.toLearn,
        constant: constants.get(id) ?? null,
      }
    }),
  }
}
