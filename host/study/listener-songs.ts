// The songs that a listener's playlists are chosen from: the whole catalogue, or a sample of it for each listener.

import { stream } from "../model/random.js"
import type { Plan } from "./plan.js"

/** The subject's songs among `songs`, in their order.
 *
 *  Every song has a random rank of its own for every subject, and the lowest `songsPerListener` are the subject's. So
 *  it is a uniform sample of the catalogue as it stands, and the same whoever asks. When the catalogue grows from N to
 *  N' songs, a new song gets in with probability songsPerListener/N', each time in the place of one song; everything
 *  else stays. */
export function songsOf<T extends { id: number }>(
  { songsPerListener, seed }: Plan,
  songs: readonly T[],
  subject: number,
): T[] {
  if (songsPerListener === 0 || songs.length <= songsPerListener) return [...songs]
  const ranked = songs.map(({ id }) => ({ id, rank: stream(seed, "songs of", subject, id).uniform() }))
  ranked.sort((a, b) => a.rank - b.rank || a.id - b.id)
  const chosen = new Set(ranked.slice(0, songsPerListener).map(({ id }) => id))
  return songs.filter(({ id }) => chosen.has(id))
}
