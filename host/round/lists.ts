// What a subject's earlier playlists say about the next one. They are counted by waves: a list that was designed anew
// within a wave, or copied to another board, belongs to the same design.

import { END_FINISHED } from "../../src/record.js"
import type { Playlist } from "../store/playlists.js"
import type { Play } from "../store/plays.js"

/** Waves with a designed playlist. */
export function designsOf(lists: readonly Playlist[]): number {
  return new Set(lists.filter(({ design }) => design !== "random").map(({ wave }) => wave)).size
}

/** The playlists of the last `count` waves before `wave`, newest wave first. */
export function listsBefore(lists: readonly Playlist[], wave: number, count: number): Playlist[][] {
  const waves = [...new Set(lists.map((list) => list.wave))].filter((other) => other < wave)
  waves.sort((a, b) => b - a)
  return waves.slice(0, count).map((other) => lists.filter((list) => list.wave === other))
}

/** Songs that were heard to the end in the last wave before `wave`, or in `wave` itself where it has plays already;
 *  ascending. */
export function finishedBefore(lists: readonly Playlist[], plays: readonly Play[], wave: number): number[] {
  const waveOf = new Map(lists.map((list) => [list.id, list.wave]))
  const begun = plays.some(({ playlist }) => playlist !== null && waveOf.get(playlist) === wave)
  const last = begun ? wave : listsBefore(lists, wave, 1)[0]?.[0].wave
  const finished = plays.filter(
    ({ playlist, reason }) => playlist !== null && waveOf.get(playlist) === last && reason === END_FINISHED,
  )
  return [...new Set(finished.map(({ song }) => song))].sort((a, b) => a - b)
}
