// What the rehearsals of faults are made of: a study of short songs without attributes that matter, playlists in random
// order, and the questions that every one of them asks of the plays in the end.

import { importCatalogue } from "../catalogue/import.js"
import type { Rng } from "../model/random.js"
import { unpackPlaylist } from "../protocol/playlist.js"
import type { Playlist } from "../store/playlists.js"
import type { Play } from "../store/plays.js"
import { publish } from "../study/publish.js"
import { initStudy, type Study } from "../study/study.js"

/** A study in the folder `dir` whose song n is `lengths[n − 1]` seconds long. */
export async function smallStudy(
  dir: string,
  { name, seed, at }: { name: string; seed: number; at: number },
  lengths: readonly number[],
): Promise<Study> {
  const study = await initStudy(dir, { name, seed, syncMinutes: 0 })
  const rows = lengths.map((length, i) => `${i + 1},song ${i + 1},${length},${(i * 7) % 11}`)
  const csv = ["song,title,duration_s,tempo", ...rows].join("\n")
  const { errors } = await importCatalogue(study.store, csv, { at })
  if (errors.length > 0) throw new Error(`catalogue: ${JSON.stringify(errors[0])}`)
  return study
}

/** Length in ms of a file on the card of such a study; undefined where there is no such file. */
export function fileLength(lengths: readonly number[]): (file: number) => number | undefined {
  return (file) => (file >= 1 && file <= lengths.length ? lengths[file - 1] * 1000 : undefined)
}

/** Songs 1 … `count` in random order. */
export function shuffledSongs(count: number, rng: Rng): number[] {
  const order = Array.from({ length: count }, (_, i) => i + 1)
  rng.shuffle(order)
  return order
}

/** Publishes the songs in this order, as a random design would. */
export async function publishSongs(
  study: Study,
  subject: number,
  songs: readonly number[],
  at: number,
): Promise<void> {
  const items = songs.map((song) => ({
    song,
    utility: null,
    information: null,
    tag: "explore" as const,
    propensity: null,
    rank: null,
    reason: null,
  }))
  await publish(study.store, { subject, wave: 1, design: "random", at, items, summary: {} })
}

/** Sequences of one board and epoch have no holes, so completeness is proved and not assumed: what is wrong, or nothing. */
export function sequenceFaults(plays: readonly Play[]): string[] {
  const sequences = plays.map(({ sequence }) => sequence).sort((a, b) => a - b)
  const hole = sequences.findIndex((sequence, i) => sequence !== i + 1)
  return hole < 0 ? [] : [`sequence ${hole + 1} is missing or there twice`]
}

/** Plays of songs that stand where no list has them. */
export function misplaced(plays: readonly Play[], lists: readonly Playlist[]): string[] {
  const items = new Map(lists.map((list) => [list.id, unpackPlaylist(list.bytes).items]))
  return plays.flatMap(({ playlist, position, sequence, song }) => {
    const named = playlist === null ? undefined : items.get(playlist)?.[position]
    return named?.song === song ? [] : [`play ${sequence}: no list has song ${song} at ${position}`]
  })
}
