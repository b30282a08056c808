// What became of each wave: how much of the songs was heard, and which playlists the boards confirmed.

import { END_FINISHED } from "../../src/record.js"
import { isBlind } from "./blind.js"
import type { Study } from "./study.js"

export interface WaveSummary {
  wave: number
  /** Designs of the wave's playlists, joined by "+"; empty while the study is blind. */
  designs: string
  /** Listens of at least SLIP_MS. */
  plays: number
  /** Mean over these listens of the share of the song that was heard; null without any. */
  meanShareHeard: number | null
  shareFinished: number | null
  playlistsPublished: number
  playlistsConfirmed: number
}

/** Shorter listens are slips and left out, as they are from the model (MIN_HEARD_S in host/model/observations.ts). */
const SLIP_MS = 500

/** Ascending wave; a play belongs to the wave of its playlist. */
export async function waveSummaries(study: Study): Promise<WaveSummary[]> {
  const { store } = study
  const blind = await isBlind(study)
  const lists = await store.playlists.all()
  const waveOf = new Map(lists.map((list) => [list.id, list.wave]))
  const lengths = new Map((await store.songs.all()).map((song) => [song.id, song.lengthMs]))
  const totals = new Map<number, { plays: number; share: number; finished: number }>()
  for (const play of await store.plays.all()) {
    const wave = play.playlist === null ? undefined : waveOf.get(play.playlist)
    const length = lengths.get(play.song)
    if (wave === undefined || length === undefined || play.heardMs < SLIP_MS) continue
    const total = totals.get(wave) ?? { plays: 0, share: 0, finished: 0 }
    total.plays++
    total.share += Math.min(1, play.heardMs / length)
    if (play.reason === END_FINISHED) total.finished++
    totals.set(wave, total)
  }
  return (await store.playlists.waves()).map(({ number }) => {
    const ofWave = lists.filter((list) => list.wave === number)
    const { plays, share, finished } = totals.get(number) ?? { plays: 0, share: 0, finished: 0 }
    return {
      wave: number,
      designs: blind ? "" : [...new Set(ofWave.map((list) => list.design))].sort().join("+"),
      plays,
      meanShareHeard: plays > 0 ? share / plays : null,
      shareFinished: plays > 0 ? finished / plays : null,
      playlistsPublished: ofWave.length,
      playlistsConfirmed: ofWave.filter((list) => list.state === "confirmed").length,
    }
  })
}
