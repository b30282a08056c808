// A study with several listeners and songs whose tempo they like or not; syncs that bring what they heard.

import assert from "node:assert/strict"
import { join } from "node:path"
import { stream } from "../../../host/model/random.js"
import { exchange } from "../../../host/protocol/session.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import type { SyncRequest } from "../../../src/wire.js"
import { KEY, recordOf, requestOf, START, withFolder } from "./folder.js"

const SONGS = 60
const LENGTH_MS = 180_000
export const HOUR = 3_600_000

export function deviceOf(n: number): string {
  return `00112233aabbcc${n.toString(16).padStart(2, "0")}`
}

/** Runs `body` with a study in which subjects 1 … `count` carry their boards, in the arms in turn. */
export function withPeople<T>(
  count: number,
  plan: Partial<Plan>,
  body: (study: Study) => Promise<T>,
): Promise<T> {
  return withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), { playlistSize: 10, draws: 100, seed: 4, ...plan })
    try {
      await addTempi(study)
      for (let subject = 1; subject <= count; subject++) {
        const arm = study.plan.arms[(subject - 1) % study.plan.arms.length].name
        await enrol(study.store, { subject, device: deviceOf(subject), arm, key: KEY, at: START })
      }
      return await body(study)
    } finally {
      await study.close()
    }
  })
}

async function addTempi(study: Study): Promise<void> {
  const rng = stream(1, "songs")
  const songs = Array.from({ length: SONGS }, (_, i) => ({
    id: i + 1,
    source: String(i + 1),
    title: `Song ${i + 1}`,
    artist: "",
    genre: i % 3 === 0 ? "Rock" : "Pop",
    lengthMs: LENGTH_MS,
    attributes: { tempo: rng.normal(), energy: rng.normal() },
  }))
  await study.store.songs.put(songs)
}

let counter = 0

/** One exchange of the board; gives what the host answered and counted. */
export async function sync(study: Study, device: string, fields: Partial<SyncRequest>, now: number) {
  counter++
  const body = new Uint8Array(Buffer.from(`body of request ${counter} of ${device}`))
  const up = Math.max(1000, now - START)
  const result = await exchange(study, device, requestOf({ n: counter, up, ...fields }), body, now)
  assert.ok(!result.replay)
  return { reply: result.reply, outcome: result.outcome, body }
}

/** The records of hearing the subject's newest list, from sequence `first` on, begun at `now` and later. */
export async function heard(
  study: Study,
  subject: number,
  first: number,
  now: number,
): Promise<Uint8Array[]> {
  const list = (await study.store.playlists.of(subject)).at(-1)!
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const rng = stream(2, "heard", subject, first)
  return (await study.store.playlists.items(list.id)).map((item, position) => {
    const heardMs = 1000 * Math.exp(4 + 0.8 * songs.get(item.song)!.attributes.tempo + 0.4 * rng.normal())
    return recordOf({
      sequence: first + position,
      song: item.song,
      position,
      startMs: now - START + position,
      listVersion: list.version % 256,
      heardMs: Math.min(LENGTH_MS, Math.round(heardMs)),
      reason: heardMs >= LENGTH_MS ? 0 : 1,
    })
  })
}

/** The subject hears the newest list and the board syncs an hour later. */
export async function listen(study: Study, subject: number, first: number, now: number): Promise<number> {
  const plays = await heard(study, subject, first, now)
  const list = (await study.store.playlists.of(subject)).at(-1)!
  const { outcome } = await sync(study, list.device, { list: list.version, plays }, now + HOUR)
  assert.equal(outcome.stored, plays.length)
  return first + plays.length
}
