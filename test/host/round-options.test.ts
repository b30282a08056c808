import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../host/model/random.js"
import { decodeTaste } from "../../host/model/taste-bytes.js"
import { exchange } from "../../host/protocol/session.js"
import { runRound } from "../../host/round.js"
import type { Plan } from "../../host/study/plan.js"
import type { Study } from "../../host/study/study.js"
import { recordOf, requestOf, START, withStudy } from "./study/folder.js"

const DEVICE = "00112233aabbccdd"
const SONGS = 60
const SIZE = 10

/** Songs of twelve artists, and a first wave of plays: those of high tempo are heard longer. */
async function firstWave(study: Study): Promise<void> {
  const rng = stream(1, "songs")
  await study.store.songs.put(
    Array.from({ length: SONGS }, (_, i) => ({
      id: i + 1,
      source: String(i + 1),
      title: `Song ${i + 1}`,
      artist: `Artist ${i % 12}`,
      genre: "Rock",
      lengthMs: 1000 * (120 + 10 * (i % 20)),
      attributes: { tempo: rng.normal(), energy: rng.normal(), mood: rng.normal() },
    })),
  )
  await runRound(study, { now: START })
  const [list] = await study.store.playlists.of(1)
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const plays = (await study.store.playlists.items(list.id)).map((item, position) => {
    const song = songs.get(item.song)!
    const heardMs = 1000 * Math.exp(4 + 0.8 * song.attributes.tempo + 0.4 * rng.normal())
    const finished = heardMs >= song.lengthMs
    return recordOf({
      ...{ sequence: position + 1, song: item.song, position, listVersion: list.version % 256 },
      ...{ heardMs: finished ? song.lengthMs : heardMs, reason: finished ? 0 : 1 },
    })
  })
  const request = requestOf({ n: 1, list: list.version, plays })
  const result = await exchange(study, DEVICE, request, new Uint8Array(1), START)
  assert.ok(!result.replay && result.outcome.stored === SIZE)
}

const designed = (plan: Partial<Plan>, check: (study: Study) => Promise<void>): Promise<void> =>
  withStudy(
    async ({ study }) => {
      await firstWave(study)
      await runRound(study, { now: START })
      await check(study)
    },
    { playlistSize: SIZE, draws: 100, seed: 4, ...plan },
  )

async function secondList(study: Study) {
  const list = (await study.store.playlists.of(1))[1]
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const items = await study.store.playlists.items(list.id)
  return { list, items, artists: items.map((item) => songs.get(item.song)!.artist) }
}

test("the plan's artist share, utility floor and unit of utility reach the playlist", async () => {
  await designed({ maxShareArtist: 0.1, utilityFloor: 1, utility: "seconds" }, async (study) => {
    const { items, artists } = await secondList(study)
    assert.equal(new Set(artists).size, SIZE)
    // Nothing may be given up: no random slot, no exploration.
    for (const item of items) assert.equal(item.tag, "exploit")
    assert.ok(items.some((item) => item.utility! > 1.5))
  })
  await designed({}, async (study) => {
    const { items } = await secondList(study)
    for (const item of items) assert.ok(item.utility! >= 0 && item.utility! <= 1)
  })
})

test("an arm may choose by Thompson sampling, and a plan may expect small tastes", async () => {
  const arms = [{ name: "model", design: "thompson" as const, share: 1 }]
  await designed({ arms, expectedModelSize: 0.5 }, async (study) => {
    const { list, items } = await secondList(study)
    assert.equal(list.design, "thompson")
    for (const item of items) assert.ok(item.propensity! > 0 && item.propensity! <= 1)
    const taste = decodeTaste((await study.store.models.latest(1, "taste"))!.particles)
    assert.equal(taste.hyper.expectedSize, 0.5)
  })
})

test("a plan that expects more attributes than there are is refused with the number", async () => {
  await withStudy(
    async ({ study }) => {
      await firstWave(study)
      await assert.rejects(
        runRound(study, { now: START }),
        /expectedSize: must lie between 0 and the 3 attributes, got 7/,
      )
    },
    { playlistSize: SIZE, draws: 100, seed: 4, expectedModelSize: 7 },
  )
})
