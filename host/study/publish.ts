// Publishing: a designed playlist becomes the next version for the subject's board.

import { PER_MILLE } from "../../src/adapt.js"
import { FLAG_EXPLORE } from "../../src/record.js"
import { MAX_FRAM_PLAYLIST_BYTES, MAX_PLAYLIST_BYTES } from "../../src/wire.js"
import { type BoardPlaylist, fitToBoard } from "../design/on-device.js"
import { packPlaylist } from "../protocol/playlist.js"
import type { Playlist, PlaylistItem } from "../store/playlists.js"
import type { Store } from "../store/store.js"

/** The board that a playlist goes to. */
export interface Carrier {
  device: string
  /** Bytes that one of its playlist slots holds, as far as its last sync tells. */
  slotBytes: number
}

interface Publication {
  subject: number
  /** Left out: the board that the subject carries. */
  carrier?: Carrier
  wave: number
  /** The design that made it; may differ from the arm's (first waves are random in every arm). */
  design: string
  at: number
  /** In playing order. */
  items: readonly PlaylistItem[]
  /** Figures of the design, the same for the same seed. */
  summary: Record<string, unknown>
  /** What the board needs to choose by itself; `items` are its first list. */
  onDevice?: BoardPlaylist
  /** Id of the subject's newest playlist; where there is a newer one by then, OvertakenError. */
  follows?: number
}

export interface Published extends Playlist {
  /** What had to be left out. */
  notes: string[]
}

/** SyncHealth.store of a board with FRAM. */
const STORE_FRAM = 1

/** The board of the subject's open enrolment. */
export async function carrierOf(store: Store, subject: number): Promise<Carrier | undefined> {
  const enrolment = await store.subjects.enrolmentOf(subject)
  if (enrolment === undefined) return undefined
  return { device: enrolment.device, slotBytes: await slotBytes(store, enrolment.device) }
}

/** Stores the playlist for the subject's open enrolment; the board downloads it at its next sync. */
export async function publish(store: Store, publication: Publication): Promise<Published> {
  const { subject, items, at, wave, design, onDevice, follows } = publication
  const known = await store.subjects.get(subject)
  const carrier = publication.carrier ?? (await carrierOf(store, subject))
  if (known === undefined || carrier === undefined) {
    throw new Error(`subject ${subject}: a playlist needs an open enrolment, found none`)
  }
  const { device, slotBytes: maxBytes } = carrier
  const fitted = onDevice && fitToBoard(onDevice, maxBytes)
  const notes = fitted?.notes ?? []
  if (onDevice !== undefined && fitted === undefined) {
    notes.push(`on the device: nothing to choose by fits ${maxBytes} bytes beside ${items.length} songs`)
  }
  const songs = fitted?.songs ?? items.map((item) => item.song)
  const explored = new Set(items.filter((item) => item.tag === "explore").map((item) => item.song))
  const lengths = await store.songs.lengths(songs)
  const entries = songs.map((song) => {
    const lengthMs = lengths.get(song)
    if (lengthMs === undefined) {
      throw new Error(`playlist of subject ${subject}: song ${song} is not in the catalogue`)
    }
    return { song, lengthMs, flags: explored.has(song) ? FLAG_EXPLORE : 0 }
  })
  const summary = fitted ? { ...publication.summary, onDevice: sentOf(fitted) } : publication.summary
  await store.playlists.startWave(wave, at)
  const playlist = await store.playlists.publish({
    subject,
    device,
    wave,
    arm: known.arm,
    design,
    at,
    summary,
    items,
    follows,
    pack: (version) => packPlaylist(entries, version, fitted?.adaptation),
  })
  return { ...playlist, notes }
}

/** What a slot of the device holds, as far as its last sync tells. */
export async function slotBytes(store: Store, device: string): Promise<number> {
  const sync = (await store.syncs.latest()).find((row) => row.device === device)
  return sync?.health.store === STORE_FRAM ? MAX_FRAM_PLAYLIST_BYTES : MAX_PLAYLIST_BYTES
}

/** What the board got, for the record. */
function sentOf({ songs, adaptation, notes }: NonNullable<ReturnType<typeof fitToBoard>>) {
  const { size, lists, constants, variables, after, margin, epsilon } = adaptation
  const listed = new Set([...songs.slice(0, size).keys(), ...lists.flat()]).size
  return {
    lists: lists.length + 1,
    alternates: songs.length - listed,
    particles: constants.numbers.length,
    variables: variables.length,
    after,
    margin: margin / PER_MILLE,
    epsilon: epsilon / PER_MILLE,
    notes,
  }
}
