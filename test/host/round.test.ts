import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../host/model/random.js"
import { decodeTaste } from "../../host/model/taste-bytes.js"
import { exchange } from "../../host/protocol/session.js"
import { estimate, runRound } from "../../host/round.js"
import { contentHash } from "../../host/store/hash.js"
import { EVERYBODY } from "../../host/store/models.js"
import { enrol } from "../../host/study/enrol.js"
import type { Plan } from "../../host/study/plan.js"
import type { Study } from "../../host/study/study.js"
import { KEY, recordOf, requestOf, START, withStudy } from "./study/folder.js"

const SONGS = 60
const LENGTH_MS = 180_000
const plan: Partial<Plan> = { playlistSize: 10, draws: 100, seed: 4 }

/** Songs whose tempo and energy vary. */
async function addSongs(study: Study): Promise<void> {
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

/** A sync with plays of the songs of the subject's newest list: those of high tempo are heard longer. */
async function listen(study: Study, device: string, subject: number, first: number): Promise<number> {
  const list = (await study.store.playlists.of(subject)).at(-1)!
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const rng = stream(2, "heard", subject, first)
  const records = (await study.store.playlists.items(list.id)).map((item, position) => {
    const { tempo } = songs.get(item.song)!.attributes
    const heardMs = 1000 * Math.exp(4 + 0.8 * tempo + 0.4 * rng.normal())
    const finished = heardMs >= LENGTH_MS
    return recordOf({
      sequence: first + position,
      song: item.song,
      position,
      listVersion: list.version % 256,
      heardMs: finished ? LENGTH_MS : heardMs,
      reason: finished ? 0 : 1,
    })
  })
  counter++
  const request = requestOf({ n: counter, list: list.version, plays: records })
  const result = await exchange(study, device, request, new Uint8Array(1), START)
  assert.ok(!result.replay && result.outcome.stored === records.length)
  return first + records.length
}

const DEVICES = ["00112233aabbccdd", "00112233aabbcc02", "00112233aabbcc03"]

test("the first wave is random; then plays become a model, and the model's playlist prefers what is heard longer", async () => {
  await withStudy(async ({ study }) => {
    await addSongs(study)
    const first = await runRound(study, { now: START })
    assert.deepEqual([first.wave, first.subjects[0].design], [1, "random"])
    let next = await listen(study, DEVICES[0], 1, 1)
    const second = await runRound(study, { now: START })
    assert.deepEqual([second.wave, second.subjects[0].design, second.subjects[0].plays], [2, "model", 10])
    next = await listen(study, DEVICES[0], 1, next)
    await runRound(study, { now: START })
    const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song.attributes.tempo]))
    const tempo = async (index: number): Promise<number> => {
      const list = (await study.store.playlists.of(1))[index]
      const items = await study.store.playlists.items(list.id)
      return items.reduce((sum, item) => sum + songs.get(item.song)!, 0) / items.length
    }
    const all = [...songs.values()].reduce((sum, value) => sum + value, 0) / SONGS
    const designed = ((await tempo(1)) + (await tempo(2))) / 2
    assert.ok(designed > all + 0.4, `designed songs are faster: ${designed} against ${all}`)
    // Songs of the last list rest.
    const lists = await study.store.playlists.of(1)
    const [before, after] = await Promise.all([1, 2].map((i) => study.store.playlists.items(lists[i].id)))
    const rested = new Set(before.map((item) => item.song))
    assert.equal(
      after.some((item) => rested.has(item.song)),
      false,
    )
    for (const item of after) {
      assert.ok(item.utility! > 0 && item.utility! <= 1)
      assert.ok(item.propensity! > 0 && item.propensity! <= 1)
      assert.notEqual((item.reason as { text: string }).text, "")
    }
  }, plan)
})

test("an estimate without new plays changes nothing, and the same plays sent again change nothing", async () => {
  await withStudy(async ({ study }) => {
    await addSongs(study)
    await runRound(study, { now: START })
    await listen(study, DEVICES[0], 1, 1)
    const [row] = await estimate(study, { now: START })
    assert.deepEqual([row.subject, row.plays, row.added], [1, 10, 10])
    const hash = await contentHash(study.store)
    assert.deepEqual(await estimate(study, { now: START }), [])
    const [again] = await estimate(study, { now: START, subjects: [1] })
    assert.equal(again.added, 0)
    assert.equal(await contentHash(study.store), hash)
    assert.equal((await study.store.models.latest(1, "taste"))!.version, 1)
  }, plan)
})

test("blocks that arrive one by one leave the model with every play once, in blocks that follow each other", async () => {
  await withStudy(async ({ study }) => {
    await addSongs(study)
    await runRound(study, { now: START })
    let next = 1
    for (let i = 0; i < 3; i++) {
      next = await listen(study, DEVICES[0], 1, next)
      await estimate(study, { now: START })
    }
    const blocks = await study.store.models.blocks(1)
    assert.deepEqual(
      blocks.map((block) => [block.number, block.plays]),
      [
        [1, 10],
        [2, 10],
        [3, 10],
      ],
    )
    assert.deepEqual(
      blocks.slice(1).map((block) => block.fromPlay),
      blocks.slice(0, -1).map((block) => block.toPlay),
    )
    const model = (await study.store.models.latest(1, "taste"))!
    const taste = decodeTaste(model.particles)
    assert.deepEqual([taste.blocks, taste.plays], [3, 30])
  }, plan)
})

test("two passes at once take the plays in once", async () => {
  await withStudy(async ({ study }) => {
    await addSongs(study)
    await runRound(study, { now: START })
    await listen(study, DEVICES[0], 1, 1)
    const both = await Promise.all([estimate(study, { now: START }), estimate(study, { now: START })])
    assert.deepEqual(both.map(([row]) => row.added).sort(), [0, 10])
    assert.equal((await study.store.models.blocks(1)).length, 1)
    assert.equal((await study.store.models.latest(1, "taste"))!.version, 1)
  }, plan)
})

test("after the planned number of designs the subject starts again from all its plays", async () => {
  await withStudy(
    async ({ study }) => {
      await addSongs(study)
      let next = 1
      const fits: [number, number][] = []
      for (let wave = 1; wave <= 5; wave++) {
        await runRound(study, { now: START })
        next = await listen(study, DEVICES[0], 1, next)
        await estimate(study, { now: START })
        const model = (await study.store.models.latest(1, "taste"))!
        fits.push([decodeTaste(model.particles).blocks, Number(model.summary.plays)])
      }
      // Designs 1 and 2 are made for waves 2 and 3; the plays of wave 3 and of wave 5 start the model again.
      assert.deepEqual(fits, [
        [1, 10],
        [2, 20],
        [1, 30],
        [2, 40],
        [1, 50],
      ])
    },
    { ...plan, designsBeforeRefit: 2, coolDownWaves: 0 },
  )
})

test("every arm gets its own design, a subject with no board none, and weights name the donors", async () => {
  const arms: Plan["arms"] = [
    { name: "model", design: "model", share: 1 },
    { name: "near", design: "gower", share: 1 },
    { name: "chance", design: "random", share: 1 },
  ]
  await withStudy(
    async ({ study }) => {
      await addSongs(study)
      await enrol(study.store, { subject: 2, device: DEVICES[1], arm: "near", key: KEY, at: START })
      await enrol(study.store, { subject: 3, device: DEVICES[2], arm: "chance", key: KEY, at: START })
      await runRound(study, { now: START })
      for (const subject of [1, 2, 3]) await listen(study, DEVICES[subject - 1], subject, 1)
      await study.store.subjects.release(DEVICES[2], START)
      const { subjects } = await runRound(study, { now: START })
      assert.deepEqual(
        subjects.map((row) => [row.subject, row.design, row.version]),
        [
          [1, "model", 2],
          [2, "gower", 2],
          [3, "random", null],
        ],
      )
      assert.match(subjects[2].note!, /no board/)
      const model = (await study.store.models.latest(1, "taste"))!
      const weights = await study.store.models.weights(model.id)
      assert.deepEqual([...weights.keys()], [EVERYBODY, 1, 2, 3])
      assert.ok([...weights.values()].every((weight) => !Number.isNaN(weight)))
      const aggregate = (await study.store.models.latest(EVERYBODY, "aggregate"))!
      assert.equal(aggregate.summary.plays, 30)
    },
    { ...plan, arms },
  )
})

test("the features stay those of the first pass when songs are added", async () => {
  await withStudy(async ({ study }) => {
    await addSongs(study)
    await runRound(study, { now: START })
    const before = (await study.store.models.latest(EVERYBODY, "features"))!.summary
    const song = (await study.store.songs.all())[0]
    await study.store.songs.put([{ ...song, id: 900, source: "900", attributes: { tempo: 50, energy: 9 } }])
    await listen(study, DEVICES[0], 1, 1)
    await runRound(study, { now: START })
    assert.deepEqual((await study.store.models.latest(EVERYBODY, "features"))!.summary, before)
  }, plan)
})

test("a round without songs says so", async () => {
  await withStudy(async ({ study }) => {
    await assert.rejects(runRound(study, { now: START }), /catalogue is empty/)
  }, plan)
})
