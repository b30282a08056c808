// What became of each wave: how much of the songs was heard, and which playlists the boards confirmed.

import { END_FINISHED } from "../../src/record.js"
import type { Play } from "../store/plays.js"
import { isBlind } from "./blind.js"
import type { Study } from "./study.js"

export interface Heard {
  /** Listens of at least SLIP_MS. */
  plays: number
  /** Mean over these listens of the share of the song that was heard; null without any. */
  meanShareHeard: number | null
  shareFinished: number | null
}

export interface WaveSummary extends Heard {
  wave: number
  /** Designs of the wave's playlists, joined by "+". */
  designs: string
  playlistsPublished: number
  playlistsConfirmed: number
}

/** Shorter listens are slips and left out, as they are from the model (MIN_HEARD_S in host/model/observations.ts). */
export const SLIP_MS = 500

/** Ascending wave; a play belongs to the wave of its playlist. */
export async function waveSummaries(study: Study): Promise<WaveSummary[]> {
  const { store } = study
  const blind = await isBlind(study)
  const lists = await store.playlists.all()
  const waveOf = new Map(lists.map((list) => [list.id, list.wave]))
  const lengths = new Map((await store.songs.all()).map((song) => [song.id, song.lengthMs]))
  const plays = await store.plays.all()
  return (await store.playlists.waves()).map(({ number }) => {
    const ofWave = lists.filter((list) => list.wave === number)
    return {
      wave: number,
      designs: blind ? "" : [...new Set(ofWave.map((list) => list.design))].sort().join("+"),
      ...heardIn(plays, lengths, ({ playlist }) => playlist !== null && waveOf.get(playlist) === number),
      playlistsPublished: ofWave.length,
      playlistsConfirmed: ofWave.filter((list) => list.state === "confirmed").length,
    }
  })
}

/** What was heard in the plays that `counts`; `lengths`: ms by song. */
export function heardIn(
  plays: readonly Play[],
  lengths: ReadonlyMap<number, number>,
  counts: (play: Play) => boolean,
): Heard {
  let n = 0
  let share = 0
  let finished = 0
  for (const play of plays) {
    const length = lengths.get(play.song)
    if (length === undefined || play.heardMs < SLIP_MS || !counts(play)) continue
    n++
    share += Math.min(1, play.heardMs / length)
    if (play.reason === END_FINISHED) finished++
  }
  return {
    plays: n,
    meanShareHeard: n > 0 ? share / n : null,
    shareFinished: n > 0 ? finished / n : null,
  }
}
