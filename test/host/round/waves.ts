// A study with several listeners that opens its waves, and what happens in it.

import assert from "node:assert/strict"
import { stream } from "../../../host/model/random.js"
import { exchange } from "../../../host/protocol/session.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import { KEY, recordOf, requestOf, withFolder } from "../study/folder.js"

export const DAY_MS = 86_400_000
/** Monday 6 January 2025, 09:00 in Berlin. */
export const MONDAY = Date.parse("2025-01-06T08:00:00Z")
export const SIZE = 6
const LENGTH_MS = 180_000

const PLAN: Partial<Plan> = {
  ...{ playlistSize: SIZE, draws: 60, seed: 8, timeZone: "Europe/Berlin", syncMinutes: 15 },
  waves: { count: 3, days: 5, gapDays: 2, start: "2025-01-06", first: "random" },
}

export function deviceOf(subject: number): string {
  return `00112233aabbcc${10 + subject}`
}

/** Subjects 1 … `listeners`, each with a board, and 40 songs. */
export function withListeners(
  listeners: number,
  body: (study: Study) => Promise<void>,
  plan: Partial<Plan> = {},
): Promise<void> {
  return withFolder(async (dir) => {
    const study = await initStudy(`${dir}/study`, { ...PLAN, ...plan })
    try {
      const rng = stream(3, "songs")
      const songs = Array.from({ length: 40 }, (_, i) => ({
        ...{ id: i + 1, source: String(i + 1), title: `Song ${i + 1}`, artist: `Artist ${i % 9}` },
        ...{ genre: i % 3 === 0 ? "Rock" : "Pop", lengthMs: LENGTH_MS },
        attributes: { tempo: rng.normal(), energy: rng.normal() },
      }))
      await study.store.songs.put(songs)
      for (let subject = 1; subject <= listeners; subject++) await join(study, subject, MONDAY)
      await body(study)
    } finally {
      await study.close()
    }
  })
}

export async function join(
  study: Study,
  subject: number,
  at: number,
  { arm = "model", cohort }: { arm?: string; cohort?: string } = {},
): Promise<void> {
  await enrol(study.store, { subject, device: deviceOf(subject), arm, key: KEY, at, cohort })
}

let requests = 0
const sequences = new Map<string, number>()

/** A sync of the subject's board, which plays version `list` and has heard all of it, or as many songs. */
export async function sync(
  study: Study,
  subject: number,
  { list, at, heard = 0, refused }: { list: number; at: number; heard?: number; refused?: [number, number] },
): Promise<void> {
  const device = deviceOf(subject)
  const playing = (await study.store.playlists.all()).find((l) => l.device === device && l.version === list)
  const items = playing === undefined ? [] : await study.store.playlists.items(playing.id)
  const place = `${study.dir} ${device}`
  const first = sequences.get(place) ?? 1
  const rng = stream(4, "heard", subject, list)
  const plays = items.slice(0, heard).map((item, position) =>
    recordOf({
      ...{ sequence: first + position, song: item.song, position, listVersion: list % 256 },
      ...{ heardMs: 5000 + rng.int(170_000), reason: 1 },
    }),
  )
  sequences.set(place, first + plays.length)
  const request = requestOf({ n: ++requests, list, plays, ...(refused ? { refused } : {}) })
  const result = await exchange(study, device, request, new Uint8Array(1), at)
  assert.ok(!result.replay && result.outcome.stored === plays.length)
}

/** Songs of the newest playlist of every subject. */
export async function newestLists(study: Study): Promise<number[][]> {
  const lists: number[][] = []
  for (const { id } of await study.store.subjects.all()) {
    const newest = (await study.store.playlists.of(id)).at(-1)
    lists.push(newest ? (await study.store.playlists.items(newest.id)).map(({ song }) => song) : [])
  }
  return lists
}
