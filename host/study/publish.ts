// Publishing: a designed playlist becomes the next version for the subject's board.

import { FLAG_EXPLORE } from "../../src/record.js"
import { packPlaylist } from "../protocol/playlist.js"
import type { Playlist, PlaylistItem } from "../store/playlists.js"
import type { Store } from "../store/store.js"

interface Publication {
  subject: number
  wave: number
  /** The design that made it; may differ from the arm's (first waves are random in every arm). */
  design: string
  at: number
  /** In playing order. */
  items: readonly PlaylistItem[]
  /** Figures of the design, the same for the same seed. */
  summary: Record<string, unknown>
}

/** Stores the playlist for the subject's open enrolment; the board downloads it at its next sync. */
export async function publish(store: Store, publication: Publication): Promise<Playlist> {
  const { subject, items, at, wave, design, summary } = publication
  const known = await store.subjects.get(subject)
  const enrolment = await store.subjects.enrolmentOf(subject)
  if (known === undefined || enrolment === undefined) {
    throw new Error(`subject ${subject}: a playlist needs an open enrolment, found none`)
  }
  const lengths = await store.songs.lengths(items.map((item) => item.song))
  const entries = items.map((item) => {
    const lengthMs = lengths.get(item.song)
    if (lengthMs === undefined) {
      throw new Error(`playlist of subject ${subject}: song ${item.song} is not in the catalogue`)
    }
    return { song: item.song, lengthMs, flags: item.tag === "explore" ? FLAG_EXPLORE : 0 }
  })
  await store.playlists.startWave(wave, at)
  return store.playlists.publish({
    subject,
    device: enrolment.device,
    wave,
    arm: known.arm,
    design,
    at,
    summary,
    items,
    pack: (version) => packPlaylist(entries, version),
  })
}
