import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { exchange } from "../../../host/protocol/session.js"
import { roundNotes } from "../../../host/round/journal.js"
import { passesOf, repeatPass } from "../../../host/round/replay.js"
import { inRanges, rangesOf } from "../../../host/round/songs.js"
import { estimate, runRound } from "../../../host/round.js"
import { openEmbedded } from "../../../host/store/embedded.js"
import { contentHash } from "../../../host/store/hash.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import { KEY, recordOf, requestOf, START, withFolder } from "../study/folder.js"

const LENGTH_MS = 180_000
const PLAN: Partial<Plan> = {
  ...{ playlistSize: 8, draws: 60, seed: 11, coolDownWaves: 0, designsBeforeRefit: 2 },
  onDevice: { margin: 0.1, alternates: 4, lists: 1, after: 3, epsilon: 0, particles: 16, variables: 4 },
}
const LISTENERS = 3

function songs(from: number, to: number) {
  const rng = stream(3, "songs", from)
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    id: from + i,
    source: String(from + i),
    title: `Song ${from + i}`,
    artist: `Artist ${(from + i) % 7}`,
    genre: i % 3 === 0 ? "Rock" : "Pop",
    lengthMs: LENGTH_MS,
    attributes: { tempo: rng.normal(), energy: rng.normal() },
  }))
}

function deviceOf(subject: number): string {
  return `00112233aabbcc${10 + subject}`
}

/** A sync of `device` with plays of the newest list of the subject, numbered from `first`. */
async function listen(
  study: Study,
  device: string,
  subject: number,
  n: number,
  first: number,
): Promise<void> {
  const list = (await study.store.playlists.of(subject)).at(-1)!
  const tempo = new Map((await study.store.songs.all()).map((song) => [song.id, song.attributes.tempo]))
  const rng = stream(5, "heard", subject, n)
  const plays = (await study.store.playlists.items(list.id)).map((item, position) => {
    const heardMs = 1000 * Math.exp(4 + 0.7 * tempo.get(item.song)! + 0.4 * rng.normal())
    const finished = heardMs >= LENGTH_MS
    return recordOf({
      ...{ sequence: first + position, song: item.song, position, listVersion: list.version % 256 },
      ...{ heardMs: finished ? LENGTH_MS : heardMs, reason: finished ? 0 : 1 },
    })
  })
  const request = requestOf({ n, list: list.version, plays })
  const result = await exchange(study, device, request, new Uint8Array(1), START + n)
  assert.ok(!result.replay && result.outcome.stored === plays.length)
}

/** Copies the rows of a table whose id is up to `through` and that are not there yet. */
async function copyRows(from: Study, to: Study, table: "sync" | "play", through: number): Promise<void> {
  const [source, target] = [from, to].map(({ dir }) => openEmbedded(join(dir, "fieldtune.db")))
  try {
    const known = await target
      .selectFrom(table)
      .select((e) => e.fn.max("id").as("id"))
      .executeTakeFirst()
    const rows = await source
      .selectFrom(table)
      .selectAll()
      .where("id", ">", Number(known?.id ?? 0))
      .where("id", "<=", through)
      .execute()
    for (const row of rows as any[]) {
      const blob = table === "sync" ? "body" : "record"
      await target
        .insertInto(table)
        .values({ ...row, [blob]: new Uint8Array(row[blob]) })
        .execute()
      if (table === "play" && row.subject !== null) {
        await target
          .updateTable("subject")
          .set({ newestPlay: row.id })
          .where("id", "=", row.subject)
          .execute()
      }
    }
  } finally {
    await source.destroy()
    await target.destroy()
  }
}

test("a study's passes, repeated in another study, give the same models and playlists", async () => {
  await withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), PLAN)
    const again = await initStudy(join(dir, "again"), PLAN)
    try {
      await study.store.songs.put(songs(1, 40))
      for (let subject = 1; subject <= LISTENERS; subject++) {
        await enrol(study.store, { subject, device: deviceOf(subject), arm: "model", key: KEY, at: START })
      }
      await runRound(study, { now: START })
      for (let wave = 2; wave <= 5; wave++) {
        for (let subject = 1; subject <= LISTENERS; subject++) {
          // The second board is lost in the middle of the study, and another one takes its place.
          const lost = subject === 2 && wave >= 4
          const device = lost ? deviceOf(9) : deviceOf(subject)
          const first = 1 + 8 * (wave - (lost ? 4 : 2))
          await listen(study, device, subject, wave, first)
          // The server beside the study takes the plays of one listener in as they come.
          if (subject === 1) await estimate(study, { now: START + wave })
        }
        if (wave === 3) {
          await study.store.subjects.release(deviceOf(2), START + wave)
          await enrol(study.store, {
            subject: 2,
            device: deviceOf(9),
            arm: "model",
            key: KEY,
            at: START + wave,
          })
          await study.store.songs.put(songs(41, 50))
        }
        const round = await runRound(study, { now: START + wave })
        assert.equal(round.wave, wave)
      }
      await listen(study, deviceOf(3), 3, 6, 1 + 8 * 4)
      await estimate(study, { now: START + 6 })
      assert.equal((await study.store.models.latestOf("forgetting")).length, 1)

      // The other study knows the songs and who carries which board at the end.
      await again.store.songs.put(await study.store.songs.all())
      for (let subject = 1; subject <= LISTENERS; subject++) {
        const { device } = (await study.store.subjects.enrolmentOf(subject))!
        await enrol(again.store, { subject, device, arm: "model", key: KEY, at: START })
      }
      await again.store.subjects.registerDevice(deviceOf(2), KEY, START)
      const passes = await passesOf(study.store)
      assert.deepEqual(
        passes.map(({ kind }) => (kind === "round" ? "R" : "e")).join(""),
        ["R", "eeeR", "eeeR", "eeeR", "eeeR", "e"].join(""),
      )
      const plays = await study.store.plays.all()
      for (const pass of passes) {
        // A sync tells which playlists the board has, which those that are yet to be published must not know.
        const syncs = plays.filter(({ id }) => id <= pass.through).map(({ sync }) => sync)
        await copyRows(study, again, "sync", Math.max(0, ...syncs))
        await copyRows(study, again, "play", pass.through)
        await repeatPass(again, pass)
      }
      assert.equal(await contentHash(again.store), await contentHash(study.store))
      const [first, , third] = await roundNotes(study.store)
      assert.deepEqual(
        [first.songs, first.boards.map(({ device }) => device)],
        [[[1, 40]], [1, 2, 3].map(deviceOf)],
      )
      assert.deepEqual(third.songs, [[1, 50]])
      assert.notEqual(first.catalogue, third.catalogue)
    } finally {
      await study.close()
      await again.close()
    }
  })
})

test("a pass sees no play above its limit, nor a model of one", async () => {
  await withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), { ...PLAN, onDevice: undefined })
    try {
      await study.store.songs.put(songs(1, 40))
      await enrol(study.store, { subject: 1, device: deviceOf(1), arm: "model", key: KEY, at: START })
      await runRound(study, { now: START })
      await listen(study, deviceOf(1), 1, 2, 1)
      const through = (await study.store.plays.all()).at(-1)!.id
      await listen(study, deviceOf(1), 1, 3, 9)
      const [row] = await estimate(study, { now: START, through })
      assert.deepEqual([row.plays, row.added], [8, 8])
      assert.deepEqual(await study.store.subjects.dirty(), [1])
      await estimate(study, { now: START })
      assert.deepEqual(
        (await estimate(study, { now: START, through, subjects: [1] }))[0].note,
        "no new plays",
      )
      const { subjects } = await runRound(study, { now: START, through })
      assert.equal(subjects[0].plays, 8)
      const events = await study.store.events.latest(9, "estimated")
      assert.deepEqual(
        events.map(({ detail }) => [detail.through, detail.subjects]),
        [
          [2 * through, [1]],
          [through, [1]],
        ],
      )
    } finally {
      await study.close()
    }
  })
})

test("song numbers are kept as ranges", () => {
  const ranges = rangesOf([1, 2, 3, 7, 9, 10])
  assert.deepEqual(ranges, [
    [1, 3],
    [7, 7],
    [9, 10],
  ])
  assert.deepEqual(
    [0, 1, 3, 4, 7, 8, 10, 11].filter((id) => inRanges(ranges, id)),
    [1, 3, 7, 10],
  )
})
