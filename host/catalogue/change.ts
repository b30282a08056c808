// Songs that a study goes by may not change without a word: their lengths, artists, genres and attributes are what models
// and designs have used, and what was computed with the old values can't be computed again.

import { EVERYBODY } from "../store/models.js"
import type { Song } from "../store/songs.js"
import type { Store } from "../store/store.js"
import { CatalogueError } from "./columns.js"

const NAMED = 5

export interface Counts {
  added: number
  updated: number
  skipped: number
}

/**
 * Writes songs, all or none, and notes in the event log how many.
 *
 * Once a pass has frozen the scales of the attributes, songs that are there change what models use of them only for
 * a `reason`, which is noted; otherwise it throws CatalogueError. New songs, titles and files are free.
 * @param at Unix milliseconds
 */
export async function storeSongs(
  store: Store,
  songs: readonly Song[],
  { added, updated, skipped }: Counts,
  at: number,
  reason?: string,
): Promise<void> {
  if (songs.length === 0) return
  const changed = (await isInUse(store)) ? changesOf(await store.songs.all(), songs) : []
  if (changed.length > 0 && reason === undefined) {
    const more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : ""
    throw new CatalogueError(
      `nothing was imported: models and playlists of this study have used ${changed.slice(0, NAMED).join("; ")}${more}. Passes that used them could not be repeated; --reason TEXT changes them and notes why`,
    )
  }
  await store.songs.put(songs)
  await store.events.append({
    at,
    kind: "imported",
    subject: null,
    device: null,
    detail: { added, updated, skipped, ...(changed.length > 0 ? { changed, reason } : {}) },
  })
}

async function isInUse(store: Store): Promise<boolean> {
  return (await store.models.latest(EVERYBODY, "features")) !== undefined
}

/** What models and designs read of songs that will be another: "length of song 3". */
function changesOf(held: readonly Song[], songs: readonly Song[]): string[] {
  const before = new Map(held.map((song) => [song.id, song]))
  return songs.flatMap((now) => {
    const old = before.get(now.id)
    if (old === undefined || sameSong(old, now)) return []
    const what = [
      ...(["lengthMs", "artist", "genre"] as const).filter((field) => old[field] !== now[field]),
      ...[...new Set([...Object.keys(old.attributes), ...Object.keys(now.attributes)])].filter(
        (name) => old.attributes[name] !== now.attributes[name],
      ),
    ]
    return what.length === 0 ? [] : [`${what.join(", ").replace("lengthMs", "length")} of song ${now.id}`]
  })
}

export function sameSong(a: Song, b: Song): boolean {
  return (
    a.source === b.source &&
    a.title === b.title &&
    a.artist === b.artist &&
    a.genre === b.genre &&
    a.lengthMs === b.lengthMs &&
    a.file === b.file &&
    JSON.stringify(Object.entries(a.attributes).sort()) ===
      JSON.stringify(Object.entries(b.attributes).sort())
  )
}
