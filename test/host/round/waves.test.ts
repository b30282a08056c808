import assert from "node:assert/strict"
import { existsSync, readdirSync } from "node:fs"
import { join as path } from "node:path"
import { test } from "node:test"
import { RoundError } from "../../../host/round/error.js"
import { openWave } from "../../../host/round/open-wave.js"
import { estimate, runRound } from "../../../host/round.js"
import { contentHash } from "../../../host/store/hash.js"
import { OvertakenError } from "../../../host/store/playlists.js"
import { songsOf } from "../../../host/study/listener-songs.js"
import { preview } from "../../../host/study/preview.js"
import { publish } from "../../../host/study/publish.js"
import type { Study } from "../../../host/study/study.js"
import { closeWave } from "../../../host/study/wave-periods.js"
import { waveStates } from "../../../host/study/wave-status.js"
import { withdraw } from "../../../host/study/withdraw.js"
import { REFUSED_SONG } from "../../../src/wire.js"
import { DAY_MS, deviceOf, join, MONDAY, newestLists, SIZE, sync, withListeners } from "./waves.js"

test("waves are opened, played, closed and opened in order, each on its planned day", async () => {
  await withListeners(2, async (study) => {
    const first = await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    assert.deepEqual([first.warnings, first.round.wave], [[], 1])
    assert.deepEqual(
      first.round.subjects.map(({ design, version }) => [design, version]),
      [
        ["random", 1],
        ["random", 1],
      ],
    )
    for (const subject of [1, 2]) await sync(study, subject, { list: 1, at: MONDAY + DAY_MS, heard: SIZE })
    await assert.rejects(openWave(study, { wave: 2, cohort: "", now: MONDAY }), {
      name: "WaveError",
      message: "wave 2: wave 1 is still open: fieldtune wave close 1 first",
    })
    const saturday = MONDAY + 5 * DAY_MS
    for (const subject of [1, 2]) await sync(study, subject, { list: 1, at: saturday - 1000 })
    const closing = await closeWave(study, 1, "", saturday)
    assert.equal(closing.plays, 2 * SIZE)
    // Both boards synced on Saturday at 9, after the last day, Friday, was over.
    assert.deepEqual(closing.warnings, [])
    await assert.rejects(closeWave(study, 1, "", saturday), /wave 1: was closed before, at 2025-01-11/)
    await assert.rejects(openWave(study, { wave: 1, cohort: "", now: saturday }), /wave 1: was closed at/)
    await assert.rejects(
      openWave(study, { wave: 3, cohort: "", now: saturday }),
      /wave 3: the next is wave 2, waves come in order/,
    )
    await assert.rejects(openWave(study, { wave: 4, cohort: "", now: saturday }), /the plan has 3 waves/)
    const second = await openWave(study, { wave: 2, cohort: "", now: saturday })
    assert.deepEqual(second.warnings, ["opens 2 days before its planned day, 2025-01-13"])
    assert.deepEqual(
      second.round.subjects.map(({ design, version }) => [design, version]),
      [
        ["model", 2],
        ["model", 2],
      ],
    )
    const opened = await study.store.events.latest(9, "wave-opened")
    assert.deepEqual(
      opened.map(({ detail }) => [detail.wave, detail.planned, detail.daysLate]),
      [
        [2, "2025-01-13", -2],
        [1, "2025-01-06", 0],
      ],
    )
    await assert.rejects(
      openWave(study, { wave: 2, cohort: "", now: saturday }),
      /wave 2: is open since 2025-01-11T08:00:00.000Z and every board has its list/,
    )
  })
})

test("a wave without a board, a song or its opening says so", async () => {
  await withListeners(0, async (study) => {
    await assert.rejects(
      openWave(study, { wave: 1, cohort: "", now: MONDAY }),
      /wave 1: nobody carries a board/,
    )
    await assert.rejects(closeWave(study, 1, "", MONDAY), /wave 1: was never opened: fieldtune wave open 1/)
    assert.deepEqual(await study.store.waves.periods(), [])
  })
})

test("closing tells of boards that have not synced, of lists that wait and of lists that were refused", async () => {
  await withListeners(4, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    const friday = MONDAY + 4 * DAY_MS
    await sync(study, 1, { list: 1, at: friday, heard: 4 })
    await sync(study, 2, { list: 0, at: friday })
    await sync(study, 4, { list: 0, at: friday, refused: [1, REFUSED_SONG] })
    const { warnings, plays } = await closeWave(study, 1, "", friday)
    assert.equal(plays, 4)
    assert.deepEqual(warnings, [
      "closes before the end of its last day, 2025-01-10",
      `subject 3, ${deviceOf(3)}: has not synced since the wave was opened; its plays still count when they come`,
      `subject 2, ${deviceOf(2)}: has not confirmed playlist 1 and plays an older one`,
      `subject 3, ${deviceOf(3)}: has not confirmed playlist 1 and plays an older one`,
      `subject 4, ${deviceOf(4)}: has refused playlist 1`,
    ])
    const [event] = await study.store.events.latest(1, "wave-closed")
    assert.deepEqual([event.detail.silent, event.detail.unconfirmed, event.detail.plays], [[3], [2, 3], 4])
  })
  await withListeners(1, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    await sync(study, 1, { list: 1, at: MONDAY + 4 * DAY_MS, heard: 4 })
    const { warnings } = await closeWave(study, 1, "", MONDAY + 6 * DAY_MS)
    assert.deepEqual(warnings, [
      `subject 1, ${deviceOf(1)}: has not synced since the wave's last day, 2025-01-10; its plays still count when they come`,
    ])
  })
})

test("in an open wave a round makes what is missing, and designs anew whom it is asked to", async () => {
  await withListeners(2, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    await join(study, 3, MONDAY + 1000)
    const late = await runRound(study, { now: MONDAY + 2000 })
    assert.deepEqual([late.wave, late.subjects.map(({ subject }) => subject)], [1, [3]])
    assert.deepEqual(late.left, [
      { subject: 1, note: "has its list of wave 1; --subject 1 designs it anew" },
      { subject: 2, note: "has its list of wave 1; --subject 2 designs it anew" },
    ])
    await sync(study, 2, { list: 1, at: MONDAY + 3000, heard: SIZE })
    const before = await newestLists(study)
    const anew = await runRound(study, { now: MONDAY + 4000, subjects: [2] })
    assert.deepEqual(
      anew.subjects.map(({ subject, design, version }) => [subject, design, version]),
      [[2, "model", 2]],
    )
    assert.equal(anew.wave, 1)
    const lists = await study.store.playlists.of(2)
    assert.deepEqual(
      lists.map(({ wave }) => wave),
      [1, 1],
    )
    const after = await newestLists(study)
    assert.deepEqual([after[0], after[2]], [before[0], before[2]])
    await closeWave(study, 1, "", MONDAY + 5000)
    await assert.rejects(
      runRound(study, { now: MONDAY + 6000, subjects: [2] }),
      /round: subject 2: no wave is open: fieldtune wave open N/,
    )
    await assert.rejects(runRound(study, { now: MONDAY + 6000 }), /round: no wave is open/)
    // A list that was designed anew counts as one design, and its songs rest in the next wave.
    const next = await openWave(study, { wave: 2, cohort: "", now: MONDAY + 7 * DAY_MS })
    assert.equal(next.round.subjects.length, 3)
    const rested = new Set(
      (await Promise.all(lists.map(({ id }) => study.store.playlists.items(id)))).flat().map((i) => i.song),
    )
    assert.ok((await newestLists(study))[1].every((song) => !rested.has(song)))
  })
})

test("cohorts have their own waves, and a round for both says which is meant", async () => {
  const cohorts = [
    { name: "spring", start: "2025-01-06" },
    { name: "autumn", start: "2025-09-01" },
  ]
  await withListeners(
    0,
    async (study) => {
      for (const subject of [1, 2, 3]) {
        await join(study, subject, MONDAY, { cohort: subject === 1 ? "spring" : "autumn" })
      }
      await openWave(study, { wave: 1, cohort: "spring", now: MONDAY })
      await closeWave(study, 1, "spring", MONDAY + 6 * DAY_MS)
      const second = await openWave(study, { wave: 2, cohort: "spring", now: MONDAY + 7 * DAY_MS })
      assert.deepEqual([second.warnings, second.round.subjects.map(({ subject }) => subject)], [[], [1]])
      const now = Date.parse("2025-09-02T10:00:00Z")
      const other = await openWave(study, { wave: 1, cohort: "autumn", now })
      assert.deepEqual(other.warnings, ["opens 1 day after its planned day, 2025-09-01"])
      assert.deepEqual(
        other.round.subjects.map(({ subject, version }) => [subject, version]),
        [
          [2, 1],
          [3, 1],
        ],
      )
      await assert.rejects(
        runRound(study, { now, subjects: [1, 3] }),
        /in different waves.*subject 1: wave 2 of cohort spring, subject 3: wave 1 of cohort autumn/,
      )
      const states = await waveStates(study, now)
      assert.deepEqual(
        states
          .slice(0, 4)
          .map(({ cohort, wave, state, plannedFrom, subjects }) => [
            cohort,
            wave,
            state,
            plannedFrom,
            subjects,
          ]),
        [
          ["spring", 1, "closed", "2025-01-06", 1],
          ["spring", 2, "open", "2025-01-13", 1],
          ["spring", 3, "planned", "2025-01-20", 0],
          ["autumn", 1, "open", "2025-09-01", 2],
        ],
      )
    },
    { cohorts },
  )
})

test("a board that misses its sync keeps its list, its plays stay in their wave, and the status names it", async () => {
  await withListeners(2, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    for (const subject of [1, 2]) await sync(study, subject, { list: 1, at: MONDAY + 1000, heard: SIZE })
    await closeWave(study, 1, "", MONDAY + 5 * DAY_MS)
    const opened = MONDAY + 7 * DAY_MS
    await openWave(study, { wave: 2, cohort: "", now: opened })
    await sync(study, 1, { list: 1, at: opened + 1000 })
    await sync(study, 1, { list: 2, at: opened + 2000, heard: 3 })
    const [one, two] = await waveStates(study, opened + 2 * DAY_MS)
    assert.deepEqual([one.state, one.lists.confirmed, one.plays, one.missed], ["closed", 2, 2 * SIZE, []])
    assert.deepEqual([two.state, two.lists.published, two.lists.confirmed, two.plays], ["open", 1, 1, 3])
    assert.deepEqual(two.missed, [
      { subject: 2, device: deviceOf(2), version: 2, plays: 1, lastSync: MONDAY + 1000 },
    ])
    // It comes back after two days with plays of the list that it kept, and is offered the new one.
    await sync(study, 2, { list: 1, at: opened + 2 * DAY_MS, heard: SIZE })
    const [late, current] = await waveStates(study, opened + 2 * DAY_MS)
    assert.deepEqual([late.plays, current.plays, current.lists.sent, current.missed], [3 * SIZE, 3, 1, []])
    await sync(study, 2, { list: 2, at: opened + 2 * DAY_MS + 1000 })
    assert.equal((await waveStates(study, opened + 2 * DAY_MS + 1000))[1].lists.confirmed, 2)
  })
})

test("who has withdrawn gets no list and is named, and does not keep a wave waiting", async () => {
  await withListeners(2, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    for (const subject of [1, 2]) await sync(study, subject, { list: 1, at: MONDAY, heard: SIZE })
    await withdraw(study, 2, "moved away", MONDAY + 1000)
    const { warnings, plays } = await closeWave(study, 1, "", MONDAY + 7 * DAY_MS)
    assert.ok(warnings.every((warning) => !warning.includes("subject 2")))
    assert.equal(plays, SIZE)
    const second = await openWave(study, { wave: 2, cohort: "", now: MONDAY + 7 * DAY_MS })
    assert.deepEqual(second.warnings, ["subject 2 has withdrawn and gets no list"])
    assert.deepEqual(
      second.round.subjects.map(({ subject }) => subject),
      [1],
    )
    const rest = await runRound(study, { now: MONDAY + 7 * DAY_MS })
    assert.deepEqual(rest.left.at(0), { subject: 2, note: "has withdrawn" })
    await assert.rejects(
      runRound(study, { now: MONDAY + 7 * DAY_MS, subjects: [2] }),
      /round: subject 2 is not in the study, or has withdrawn/,
    )
  })
})

test("a blind study shows no shares, which could tell arms apart", async () => {
  await withListeners(
    1,
    async (study) => {
      await openWave(study, { wave: 1, cohort: "", now: MONDAY })
      await sync(study, 1, { list: 1, at: MONDAY + 1000, heard: SIZE })
      const [state] = await waveStates(study, MONDAY + 2000)
      assert.deepEqual([state.plays, state.meanShareHeard, state.shareFinished], [SIZE, null, null])
      const { boards } = await preview(
        study,
        (copy) => runRound(copy, { now: MONDAY, subjects: [1] }),
        (r) => r,
      )
      assert.ok(boards[0].next!.songs.every(({ tag, reason }) => tag === null && reason === null))
    },
    { blind: "double" },
  )
})

/** All that a study holds but reading it could change: plays, lists, models, events, waves, and the files. */
async function stateOf(study: Study): Promise<unknown> {
  const { store } = study
  return {
    hash: await contentHash(store),
    events: await store.events.latest(1000),
    periods: await store.waves.periods(),
    lists: (await store.playlists.all()).map(({ id, state, version }) => [id, state, version]),
    files: readdirSync(study.dir).filter((name) => !/-(wal|shm)$/.test(name)),
  }
}

test("a dry run shows what will be published, and changes nothing", async () => {
  await withListeners(3, async (study) => {
    await openWave(study, { wave: 1, cohort: "", now: MONDAY })
    for (const subject of [1, 2]) await sync(study, subject, { list: 1, at: MONDAY + 1000, heard: SIZE })
    await study.store.subjects.release(deviceOf(3), MONDAY + 2000)
    await closeWave(study, 1, "", MONDAY + 5 * DAY_MS)
    const now = MONDAY + 7 * DAY_MS
    const before = await stateOf(study)
    const { result, boards } = await preview(
      study,
      (copy) => openWave(copy, { wave: 2, cohort: "", now }),
      ({ round }) => round,
    )
    assert.deepEqual(await stateOf(study), before)
    assert.deepEqual(result.warnings, ["subject 3 carries no board and gets no list: fieldtune enrol"])
    assert.deepEqual(
      boards.map(({ subject, device, now, next }) => [
        subject,
        device,
        now?.version,
        next?.version,
        next?.wave,
      ]),
      [
        [1, deviceOf(1), 1, 2, 2],
        [2, deviceOf(2), 1, 2, 2],
      ],
    )
    for (const song of boards[0].next!.songs) {
      assert.equal(song.title, `Song ${song.song}`)
      assert.ok(song.artist !== "" && song.reason !== "" && ["explore", "exploit"].includes(song.tag!))
    }
    await openWave(study, { wave: 2, cohort: "", now: now + 1000 })
    const lists = await newestLists(study)
    assert.deepEqual(
      boards.map(({ next }) => next!.songs.map(({ song }) => song)),
      [lists[0], lists[1]],
    )
  })
})

test("the copy of a dry run is removed when it fails, too", async () => {
  await withListeners(1, async (study) => {
    let seen = ""
    await assert.rejects(
      preview(
        study,
        async (copy) => {
          seen = copy.dir
          assert.ok(existsSync(path(seen, "fieldtune.db")))
          throw new Error("out of luck")
        },
        () => assert.fail(),
      ),
      /out of luck/,
    )
    assert.ok(seen.startsWith(study.dir) && !existsSync(seen))
  })
})

/** The study, in which the items of subject `broken` can't be stored. */
function failingFor(study: Study, broken: number): Study {
  const { playlists } = study.store
  const publish: typeof playlists.publish = (entry) => {
    if (entry.subject !== broken) return playlists.publish(entry)
    // The database refuses the second item after the playlist and the first one are in.
    return playlists.publish({ ...entry, items: [entry.items[0], { ...entry.items[1], song: 60_000 }] })
  }
  return { ...study, store: { ...study.store, playlists: { ...playlists, publish } } }
}

test("a round that fails in the middle leaves every board a whole list, and is completed without doubling", async () => {
  for (const opened of [true, false]) {
    await withListeners(4, async (study) => {
      const begin = (of: Study, wave: number) =>
        opened
          ? openWave(of, { wave, cohort: "", now: MONDAY }).then(({ round }) => round)
          : runRound(of, { now: MONDAY })
      await begin(study, 1)
      for (const subject of [1, 2, 3, 4]) await sync(study, subject, { list: 1, at: MONDAY, heard: SIZE })
      if (opened) await closeWave(study, 1, "", MONDAY)
      await assert.rejects(begin(failingFor(study, 3), 2), (error: Error) => {
        assert.ok(error instanceof RoundError)
        assert.match(
          error.message,
          /^round: subject 3: .*; wave 2 is published for subjects 1, 2, all others keep/,
        )
        assert.match(error.message, /fieldtune round --subject 3,4 completes it$/)
        return true
      })
      const versions = async () =>
        (await study.store.playlists.all()).map(({ subject, wave }) => `${subject}:${wave}`).sort()
      assert.deepEqual(await versions(), ["1:1", "1:2", "2:1", "2:2", "3:1", "4:1"])
      const third = (await study.store.playlists.latest(deviceOf(3)))!
      assert.deepEqual([third.version, third.state], [1, "confirmed"])
      assert.equal((await study.store.playlists.items(third.id)).length, SIZE)
      // Without a failure the same round gives everybody the same lists.
      const rest = await begin(study, 2)
      assert.deepEqual([rest.wave, rest.subjects.map(({ subject }) => subject)], [2, [3, 4]])
      assert.equal(rest.completes, !opened)
      assert.deepEqual(await versions(), ["1:1", "1:2", "2:1", "2:2", "3:1", "3:2", "4:1", "4:2"])
      if (!opened) assert.equal((await runRound(study, { now: MONDAY })).wave, 3)
    })
  }
})

test("of two rounds at once only one publishes for a subject", async () => {
  await withListeners(2, async (study) => {
    await runRound(study, { now: MONDAY })
    const list = (await study.store.playlists.of(1))[0]
    const items = await study.store.playlists.items(list.id)
    const publication = { subject: 1, wave: 2, design: "random", at: MONDAY, summary: {}, items }
    await assert.rejects(publish(study.store, { ...publication, follows: list.id - 1 }), (error: Error) => {
      assert.ok(error instanceof OvertakenError)
      assert.match(error.message, /subject 1: another process has published version 1 in the meantime/)
      return true
    })
    const both = await Promise.all([
      runRound(study, { now: MONDAY, wave: 2 }),
      runRound(study, { now: MONDAY, wave: 2 }),
    ])
    const published = both.flatMap(({ subjects }) => subjects).filter(({ version }) => version !== null)
    assert.deepEqual(published.map(({ subject }) => subject).sort(), [1, 2])
    assert.equal((await study.store.playlists.of(1)).length, 2)
  })
})

test("every design chooses from the subject's own songs", async () => {
  const arms = (["model", "gower", "random", "utility", "thompson"] as const).map((design) => ({
    ...{ name: design, design, share: 1 },
  }))
  await withListeners(
    0,
    async (study) => {
      for (const [i, { name }] of arms.entries()) {
        await join(study, i + 1, MONDAY, { arm: name })
      }
      for (const wave of [1, 2]) {
        await openWave(study, { wave, cohort: "", now: MONDAY })
        for (const [i] of arms.entries()) {
          const subject = i + 1
          await sync(study, subject, { list: wave, at: MONDAY, heard: SIZE })
        }
        await closeWave(study, wave, "", MONDAY)
      }
      await estimate(study, { now: MONDAY })
      const songs = await study.store.songs.all()
      for (const list of await study.store.playlists.all()) {
        const own = new Set(songsOf(study.plan, songs, list.subject).map(({ id }) => id))
        assert.equal(own.size, 15)
        const items = await study.store.playlists.items(list.id)
        assert.ok(
          items.every(({ song }) => own.has(song)),
          `design ${list.design}`,
        )
        if (list.design !== "model") continue
        // The probability of a slot is one among the subject's own songs that have rested.
        assert.ok(items.every(({ propensity, rank }) => propensity! > 0 && rank! <= 15))
      }
      const designs = new Set((await study.store.playlists.all()).map(({ design }) => design))
      assert.ok(designs.has("model") && designs.has("thompson") && designs.has("utility"))
    },
    { arms, songsPerListener: 15 },
  )
})
