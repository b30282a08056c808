// What a pass notes about itself, so that it can be repeated exactly: every other input of it is in the store.
//
//   round    before its first playlist is published: all it goes by
//   rounded  after its last one; a `round` without it was interrupted, and the next one completes it

import type { Store } from "../store/store.js"
import type { Carrier } from "../study/publish.js"
import type { SongRange } from "./songs.js"

/** The event `round`. */
export interface RoundNote {
  at: number
  wave: number
  /** Whose playlists it designs. */
  subjects: number[]
  /** Largest play.id that it sees. */
  through: number
  /** Largest playlist.id before it. */
  lists: number
  /** Version of every subject's taste model that speaks in it. */
  tastes: [subject: number, version: number][]
  /** Who carried which board, of these subjects. */
  boards: (Carrier & { subject: number })[]
  /** The songs there were, and the hash of what is known of them. */
  songs: SongRange[]
  catalogue: string
  weighting: string
  forgetting: number
  /** Whether something besides the plays told who is like whom: then it can't be repeated from the store alone. */
  likeness: boolean
}

/** The event `rounded`. */
interface RoundEnd extends Pick<RoundNote, "wave" | "through" | "lists"> {
  published: { subject: number; device: string; version: number }[]
}

export async function noteRound(store: Store, { at, ...detail }: RoundNote): Promise<void> {
  await store.events.append({ at, kind: "round", subject: null, device: null, detail })
}

export async function noteRounded(store: Store, end: RoundEnd, at: number): Promise<void> {
  await store.events.append({ at, kind: "rounded", subject: null, device: null, detail: { ...end } })
}

/** All rounds that got as far as publishing, in their order. */
export async function roundNotes(store: Store): Promise<RoundNote[]> {
  const events = await store.events.latest(Number.MAX_SAFE_INTEGER, "round")
  return events.reverse().map(({ at, detail }) => ({ at, ...detail }) as RoundNote)
}

/** The last round, where it ended before everybody in it had a list: its wave, and who is without one. */
export async function interruptedRound(
  store: Store,
): Promise<{ wave: number; subjects: number[] } | undefined> {
  const [begun] = await store.events.latest(1, "round")
  if (begun === undefined) return undefined
  const note = { at: begun.at, ...begun.detail } as RoundNote
  const [ended] = await store.events.latest(1, "rounded")
  const same = (["wave", "through", "lists"] as const).every((key) => ended?.detail[key] === note[key])
  if (same) return undefined
  const missing: number[] = []
  for (const { subject } of note.boards) {
    const lists = await store.playlists.of(subject)
    if (!lists.some(({ id, wave }) => id > note.lists && wave === note.wave)) missing.push(subject)
  }
  return missing.length > 0 ? { wave: note.wave, subjects: missing } : undefined
}
