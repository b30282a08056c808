import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { stream } from "../../host/model/random.js"
import { decodeTaste } from "../../host/model/taste-bytes.js"
import { exchange } from "../../host/protocol/session.js"
import { estimate, type RoundReport, runRound } from "../../host/round.js"
import { contentHash } from "../../host/store/hash.js"
import { EVERYBODY } from "../../host/store/models.js"
import { enrol } from "../../host/study/enrol.js"
import type { Plan } from "../../host/study/plan.js"
import { initStudy, openStudy, type Study } from "../../host/study/study.js"
import { KEY, recordOf, requestOf, START, withFolder, withStudy } from "./study/folder.js"

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
async function listen(
  study: Study,
  device: string,
  subject: number,
  first: number,
  liking = 0.8,
): Promise<number> {
  const list = (await study.store.playlists.of(subject)).at(-1)!
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const rng = stream(2, "heard", subject, first)
  const records = (await study.store.playlists.items(list.id)).map((item, position) => {
    const { tempo } = songs.get(item.song)!.attributes
    const heardMs = 1000 * Math.exp(4 + liking * tempo + 0.4 * rng.normal())
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
    // The board has not heard the answer and sends its log again, under the next number.
    const stored = (await study.store.plays.of(1)).map((play) => play.record)
    const request = requestOf({ n: counter + 1, list: 1, plays: stored })
    const result = await exchange(study, DEVICES[0], request, new Uint8Array(1), START)
    assert.ok(!result.replay && result.outcome.stored === 0 && result.outcome.repeated === 10)
    assert.deepEqual(await study.store.subjects.dirty(), [])
    assert.deepEqual(await estimate(study, { now: START }), [])
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

const LISTENERS = 4

/** A study of four listeners in `dir`, and its first `waves` passes, each after everybody has listened. */
async function simulateStudy(
  dir: string,
  waves: number,
  options: { workers?: number; reopen?: boolean; given?: Partial<Plan> } = {},
): Promise<{ study: Study; reports: RoundReport[] }> {
  let study = await initStudy(dir, { ...plan, coolDownWaves: 0, ...options.given })
  await addSongs(study)
  for (let subject = 1; subject <= LISTENERS; subject++) {
    const device = `00112233aabbcc${10 + subject}`
    await enrol(study.store, { subject, device, arm: "model", key: KEY, at: START })
  }
  const reports: RoundReport[] = []
  counter = 0
  for (let wave = 1; wave <= waves; wave++) {
    reports.push(await runRound(study, { now: START, workers: options.workers }))
    for (let subject = 1; subject <= LISTENERS; subject++) {
      await listen(study, `00112233aabbcc${10 + subject}`, subject, 1 + 10 * (wave - 1))
      if (options.reopen) {
        // The server beside the study has estimated the subject, and then the host goes down.
        await estimate(study, { now: START })
        await study.close()
        study = await openStudy(dir)
      }
    }
  }
  // What came after the last pass is estimated in every variant.
  await estimate(study, { now: START, workers: options.workers })
  return { study, reports }
}

async function hashOf(
  dir: string,
  waves: number,
  options: Parameters<typeof simulateStudy>[2],
): Promise<{ hash: string; particles: Uint8Array[]; reports: RoundReport[] }> {
  const { study, reports } = await simulateStudy(join(dir, "study"), waves, options)
  try {
    const particles = (await study.store.models.latestOf("taste")).map((model) => model.particles)
    return { hash: await contentHash(study.store), particles, reports }
  } finally {
    await study.close()
  }
}

test("the same study comes of 1, 2 and 4 threads, and of a host that is restarted after every sync", async () => {
  const results = []
  for (const options of [{ workers: 1 }, { workers: 2 }, { workers: 4 }, { workers: 2, reopen: true }]) {
    results.push(await withFolder((dir) => hashOf(dir, 3, options)))
  }
  assert.equal(results[0].particles.length, LISTENERS)
  for (const { hash, particles, reports } of results.slice(1)) {
    assert.equal(hash, results[0].hash)
    assert.deepEqual(particles, results[0].particles)
    assert.deepEqual(reports, results[0].reports)
  }
})

test("the first wave decides the weighting, the second the forgetting factor, and nothing changes them again", async () => {
  await withFolder(async (dir) => {
    const { study, reports } = await simulateStudy(join(dir, "study"), 5)
    try {
      assert.deepEqual(
        reports.map(({ weights }) => [weights.from, weights.decision?.wave]),
        [
          ["rule", undefined],
          ["wave", 1],
          ["wave", 1],
          ["wave", 1],
          ["wave", 1],
        ],
      )
      assert.deepEqual(
        reports.map(({ forgetting }) => [forgetting.from, forgetting.decision?.wave]),
        [
          ["rule", undefined],
          ["rule", undefined],
          ["wave", 2],
          ["wave", 2],
          ["wave", 2],
        ],
      )
      const [, { weights, foretold }, { forgetting }] = reports
      // Of ten plays each the first five are not scored.
      assert.deepEqual([weights.decision!.subjects, weights.decision!.plays], [LISTENERS, 5 * LISTENERS])
      assert.deepEqual(foretold!.scores, weights.decision!.scores)
      assert.equal(Math.max(...Object.values(foretold!.scores)), foretold!.scores[foretold!.best])
      assert.deepEqual(
        [forgetting.decision!.subjects, forgetting.decision!.plays],
        [LISTENERS, 10 * LISTENERS],
      )
      for (const report of reports.slice(2)) {
        assert.equal(report.weights.weighting, weights.weighting)
        assert.equal(report.foretold!.plays, 10 * LISTENERS)
      }
      for (const kind of ["weighting", "forgetting"]) {
        assert.equal((await study.store.models.latest(EVERYBODY, kind))!.version, 1)
      }
    } finally {
      await study.close()
    }
  })
})

test("what the plan says holds from the start and nothing is scored; the thesis profile has its own", async () => {
  const named = await withFolder((dir) =>
    hashOf(dir, 3, { given: { weights: "geometric", forgetting: 0.9 } }),
  )
  for (const { weights, forgetting, foretold } of named.reports) {
    assert.deepEqual([weights.weighting, weights.from, foretold], ["geometric", "plan", null])
    assert.deepEqual([forgetting.forgetting, forgetting.from], [0.9, "plan"])
  }
  const thesis = await withFolder((dir) => hashOf(dir, 3, { given: { profile: "thesis" } }))
  for (const { weights, forgetting, foretold } of thesis.reports) {
    assert.deepEqual([weights.weighting, weights.from, foretold], ["density", "profile", null])
    assert.deepEqual([forgetting.forgetting, forgetting.from], [1, "profile"])
  }
})

test("a donor that is said to be unlike has no say with few plays", async () => {
  await withFolder(async (dir) => {
    const { study } = await simulateStudy(join(dir, "study"), 1, { given: { weights: "marginal" } })
    try {
      await runRound(study, {
        now: START,
        likeness: (_, donor) => (donor === 2 ? Number.NEGATIVE_INFINITY : 0),
      })
      for (const subject of [1, 3, 4]) {
        const model = (await study.store.models.latest(subject, "taste"))!
        const donors = [...(await study.store.models.weights(model.id)).keys()]
        assert.deepEqual(donors, [EVERYBODY, 1, 3, 4])
      }
    } finally {
      await study.close()
    }
  })
})

test("a listener whose taste turns round raises the alarm of drift, in the estimate and in the round", async () => {
  await withStudy(
    async ({ study }) => {
      await addSongs(study)
      let next = 1
      const notes: string[] = []
      for (let wave = 1; wave <= 4; wave++) {
        await runRound(study, { now: START })
        next = await listen(study, DEVICES[0], 1, next, wave < 4 ? 1.2 : -1.2)
        notes.push((await estimate(study, { now: START }))[0].note ?? "")
      }
      const { subjects } = await runRound(study, { now: START })
      assert.ok(notes.slice(0, 3).every((note) => !note.includes("drift")))
      assert.match(notes[3], /drift/)
      assert.equal(subjects[0].drift, 0.01)
      assert.match(subjects[0].note!, /^drift: the newest plays are not what the model expected/)
    },
    { ...plan, playlistSize: 20, coolDownWaves: 0 },
  )
})

test("a thread count that is none is refused", async () => {
  await withStudy(async ({ study }) => {
    await assert.rejects(runRound(study, { now: START, workers: 0 }), /workers: .*got 0/)
  }, plan)
})
