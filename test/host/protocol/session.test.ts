// From the records of a request to what the store holds: whose they are, which list they came from, and what
// happens when the catalogue, the listener or the host has changed since the listen.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { exchange } from "../../../host/protocol/session.js"
import { enrol } from "../../../host/study/enrol.js"
import { publish } from "../../../host/study/publish.js"
import { FLAG_ORGANIC } from "../../../src/record.js"
import type { SyncRequest } from "../../../src/wire.js"
import { addSongs, type Fixture, KEY, recordOf, requestOf, START, withStudy } from "../study/folder.js"

const HOUR = 3_600_000

async function send({ study, device }: Fixture, at: number, fields: Partial<SyncRequest>) {
  const answer = await exchange(study, device, requestOf(fields), new Uint8Array(1), at)
  if (answer.replay) throw new Error("replay")
  return answer
}

/** Publishes a list of the songs for the subject; its id. */
async function listFor({ study }: Fixture, subject: number, songs: number[], wave = 1): Promise<number> {
  const items = songs.map((song) => ({
    song,
    utility: null,
    information: null,
    tag: "exploit" as const,
    propensity: 0.1,
    rank: 1,
    reason: null,
  }))
  return (await publish(study.store, { subject, wave, design: "random", at: START, items, summary: {} })).id
}

/** The board goes from subject 1 to subject 2 between two and three hours after START. */
async function handOn({ study, device }: Fixture): Promise<void> {
  await study.store.subjects.release(device, START + 2 * HOUR)
  await enrol(study.store, { subject: 2, device, arm: "model", key: KEY, at: START + 3 * HOUR })
}

async function listeners({ study }: Fixture): Promise<(number | null)[][]> {
  return (await study.store.plays.all()).map((play) => [play.sequence, play.subject])
}

describe("a board that is passed on", () => {
  test("brings late records of the listener before, and each listener keeps their own", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      await send(fixture, START + HOUR, { up: HOUR, plays: [recordOf({ sequence: 1 })] })
      await handOn(fixture)
      const plays = [
        recordOf({ sequence: 2, startMs: 1.5 * HOUR }),
        recordOf({ sequence: 3, startMs: 2.5 * HOUR }),
        recordOf({ sequence: 4, startMs: 3.5 * HOUR }),
      ]
      await send(fixture, START + 4 * HOUR, { n: 2, up: 4 * HOUR, plays })
      assert.deepEqual(await listeners(fixture), [
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 2],
      ])
      const subjects = await fixture.study.store.subjects.all()
      assert.deepEqual(
        subjects.map((s) => [s.id, s.newestPlay]),
        [
          [1, 3],
          [2, 4],
        ],
      )
      assert.deepEqual(await fixture.study.store.subjects.dirty(), [1, 2])
    }))

  test("tells by its neighbours when a boot without a sync was, and by the list where they leave it open", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      const first = await listFor(fixture, 1, [1])
      await send(fixture, START + HOUR, { up: HOUR })
      await handOn(fixture)
      const second = await listFor(fixture, 2, [2], 2)
      // Boot 2 was some time between the sync of boot 1 and the start of boot 3.
      const open = [
        recordOf({ sequence: 1, boot: 2, song: 1, listVersion: 1 }),
        recordOf({ sequence: 2, boot: 2, song: 2, listVersion: 2 }),
        recordOf({ sequence: 3, boot: 2, song: 3, listVersion: 9 }),
      ]
      await send(fixture, START + 5 * HOUR, { boot: 3, up: HOUR, plays: open })
      // Boot 4 came after a sync of the second listener, whatever list it still played.
      const late = [recordOf({ sequence: 4, boot: 4, song: 1, listVersion: 1 })]
      await send(fixture, START + 6 * HOUR, { boot: 5, up: HOUR / 2, plays: late })
      assert.deepEqual(
        (await fixture.study.store.plays.all()).map((p) => [p.sequence, p.subject, p.playlist]),
        [
          [1, 1, first],
          [2, 2, second],
          [3, 2, null],
          [4, 2, first],
        ],
      )
    }))

  test("an epoch whose first contact comes after the hand-over is dated by its own boot", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      await handOn(fixture)
      const plays = [recordOf({ sequence: 1, startMs: HOUR }), recordOf({ sequence: 2, startMs: 3.5 * HOUR })]
      await send(fixture, START + 4 * HOUR, { up: 4 * HOUR, plays })
      assert.deepEqual(await listeners(fixture), [
        [1, 1],
        [2, 2],
      ])
    }))
})

describe("the playlist of a record", () => {
  test("is one that has the song at the position, not merely one whose version ends alike", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      // A host that was set back and published version 1 again: the board still plays the other one.
      const id = await listFor(fixture, 1, [1, 2])
      const plays = [
        recordOf({ sequence: 1, song: 1, position: 0 }),
        recordOf({ sequence: 2, song: 3, position: 1 }),
        recordOf({ sequence: 3, song: 3, position: 1, flags: FLAG_ORGANIC }),
      ]
      const { reply } = await send(fixture, START + HOUR, { up: HOUR, list: 1, plays })
      assert.deepEqual(reply.ack, [[1, 3]])
      assert.deepEqual(
        (await fixture.study.store.plays.all()).map((p) => [p.sequence, p.playlist]),
        [
          [1, id],
          [2, null],
          [3, id],
        ],
      )
    }))

  test("is found though 256 versions later another list ends in the same byte", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      const first = await listFor(fixture, 1, [1, 2, 3])
      for (let wave = 2; wave <= 257; wave++) await listFor(fixture, 1, [2], wave)
      const plays = [recordOf({ sequence: 1, song: 3, position: 2 })]
      const { outcome } = await send(fixture, START + HOUR, { up: HOUR, list: 1, plays })
      assert.deepEqual([outcome.stored, outcome.quarantined], [1, 0])
      assert.equal((await fixture.study.store.plays.all())[0].playlist, first)
    }))
})

describe("a catalogue that is corrected", () => {
  test("does not make a listen impossible that went by the list's length", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      await listFor(fixture, 1, [1])
      const { songs } = fixture.study.store
      await songs.put([{ ...(await songs.all())[0], lengthMs: 120_000 }])
      const whole = recordOf({ sequence: 1, heardMs: 180_000, reason: 0 })
      const longer = recordOf({ sequence: 2, heardMs: 195_000, reason: 0 })
      const { outcome } = await send(fixture, START + HOUR, { up: HOUR, plays: [whole, longer] })
      assert.deepEqual([outcome.stored, outcome.quarantined, outcome.ackedTo], [1, 1, 2])
    }))

  test("does not bring a stored record into quarantine when it is sent again", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      const { songs, syncs, plays } = fixture.study.store
      const record = recordOf({ sequence: 1, heardMs: 180_000, reason: 0 })
      await send(fixture, START + HOUR, { up: HOUR, plays: [record] })
      await songs.put([{ ...(await songs.all())[0], lengthMs: 120_000 }])
      const { outcome } = await send(fixture, START + HOUR, { n: 2, up: HOUR, plays: [record] })
      assert.deepEqual([outcome.stored, outcome.repeated, outcome.quarantined], [0, 1, 0])
      assert.deepEqual([await plays.count(), (await syncs.quarantine()).length], [1, 0])
    }))
})

describe("a host that was set back to an older backup", () => {
  test("gives no version again that a board has told of", () =>
    withStudy(async (fixture) => {
      await addSongs(fixture.study, 3)
      await listFor(fixture, 1, [1])
      await send(fixture, START + HOUR, { up: HOUR, list: 5, next: 6 })
      await listFor(fixture, 1, [2], 2)
      assert.equal((await fixture.study.store.playlists.latest(fixture.device))?.version, 7)
      const { outcome } = await send(fixture, START + HOUR, { n: 2, up: HOUR, list: 5, next: 6 })
      assert.equal(outcome.offer?.version, 7)
      // A board that tells nonsense does not use up the numbers.
      await send(fixture, START + HOUR, { n: 3, up: HOUR, list: 4294967295 })
      await listFor(fixture, 1, [3], 3)
      assert.equal((await fixture.study.store.playlists.latest(fixture.device))?.version, 8)
    }))
})
