// Boards: where they are, passed on, lost, found and replaced.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { unpackPlaylist } from "../../../host/protocol/playlist.js"
import { runRound } from "../../../host/round.js"
import { keyForBoard, moveBoard, replaceBoard } from "../../../host/study/devices.js"
import { enrol } from "../../../host/study/enrol.js"
import { findingsNow, findingText } from "../../../host/study/quality/check.js"
import type { Study } from "../../../host/study/study.js"
import { KEY, recordOf, START } from "./folder.js"
import { deviceOf, HOUR, heard, listen, sync, withPeople } from "./people.js"

const [FIRST, OTHER] = [deviceOf(1), deviceOf(9)]

async function stateOf(study: Study, device: string): Promise<string | undefined> {
  return (await study.store.boards.all()).find((board) => board.device === device)?.state
}

async function historyOf(study: Study, device: string): Promise<string[]> {
  const events = await study.store.events.latest(100, "board")
  return events
    .filter((event) => event.device === device)
    .map(({ detail }) => `${detail.from} → ${detail.to}`)
    .reverse()
}

const swap = {
  device: FIRST,
  by: OTHER,
  key: KEY,
  to: "returned" as const,
  reason: "dropped",
  at: START + 6 * HOUR,
}

describe("boards", () => {
  test("pass from one listener to the next, and each play belongs to who carried the board then", () =>
    withPeople(1, {}, async (study) => {
      const { store } = study
      await runRound(study, { now: START })
      await listen(study, 1, 1, START + HOUR)
      const kept = recordOf({ sequence: 11, song: 3, startMs: 3 * HOUR })
      await moveBoard(store, "return", FIRST, "", START + 4 * HOUR)
      await enrol(store, { subject: 2, device: FIRST, arm: "model", key: KEY, at: START + 5 * HOUR })
      await runRound(study, { now: START + 5 * HOUR, subjects: [2] })
      // The board still held a record of the first listener.
      const plays = [kept, ...(await heard(study, 2, 12, START + 6 * HOUR))]
      await sync(study, FIRST, { plays }, START + 8 * HOUR)
      assert.deepEqual([(await store.plays.of(1)).length, (await store.plays.of(2)).length], [11, 10])
      assert.deepEqual(await historyOf(study, FIRST), [
        "stock → handed-out",
        "handed-out → returned",
        "returned → handed-out",
      ])
      const ends = (await store.subjects.enrolments()).map(({ subject, toAt, endReason }) => [
        subject,
        toAt,
        endReason,
      ])
      assert.deepEqual(ends, [
        [1, START + 4 * HOUR, "returned"],
        [2, null, null],
      ])
    }))

  test("that are lost or retired are not handed out until they are found", () =>
    withPeople(1, {}, async (study) => {
      const { store } = study
      assert.equal(await moveBoard(store, "lost", FIRST, "on a train", START + 1), 1)
      assert.equal((await store.subjects.enrolments())[0].endReason, "lost")
      const next = { subject: 2, device: FIRST, arm: "model", key: KEY, at: START + 2 }
      await assert.rejects(enrol(store, next), {
        name: "EnrolmentError",
        message: /device 00112233aabbcc01: is lost and can't be handed out; fieldtune board found/,
      })
      assert.equal(await store.subjects.get(2), undefined, "nothing of a refused enrolment is kept")
      await assert.rejects(moveBoard(store, "lost", FIRST, "", START), /must be stock or .*, is lost/)
      await assert.rejects(moveBoard(store, "return", FIRST, "", START), /must be handed-out, is lost/)
      await assert.rejects(moveBoard(store, "found", OTHER, "", START), /the study has no such board/)
      await moveBoard(store, "found", FIRST, "", START + 3)
      await moveBoard(store, "retire", FIRST, "display broken", START + 4)
      await assert.rejects(enrol(store, next), /is retired/)
      await moveBoard(store, "found", FIRST, "", START + 5)
      await enrol(store, next)
      assert.equal(await stateOf(study, FIRST), "handed-out")
    }))

  test("that are lost and sync nevertheless bring their plays to who carried them, and this is told once", () =>
    withPeople(1, {}, async (study) => {
      const { store } = study
      await runRound(study, { now: START })
      const plays = await heard(study, 1, 1, START + HOUR)
      await moveBoard(store, "lost", FIRST, "", START + 2 * HOUR)
      await enrol(store, { subject: 1, device: OTHER, arm: "model", key: KEY, at: START + 3 * HOUR })
      assert.doesNotMatch((await findingsNow(study, START)).map(findingText).join(), /is lost/)
      await sync(study, FIRST, { plays: plays.slice(0, 4) }, START + 5 * HOUR)
      await sync(study, FIRST, { plays: plays.slice(4) }, START + 6 * HOUR)
      assert.equal((await store.plays.of(1)).length, 10)
      const told = await store.events.latest(9, "lost-board-synced")
      assert.deepEqual(
        told.map(({ at, device, subject, detail }) => [at, device, subject, detail]),
        [[START + 5 * HOUR, FIRST, 1, { state: "lost", since: START + 2 * HOUR }]],
      )
      assert.match(
        (await findingsNow(study, START + 6 * HOUR)).map(findingText).join("\n"),
        /! 00112233aabbcc01: is lost and has synced since/,
      )
    }))

  test("are replaced with the same songs as a copy, and the study goes on as if they had not been", () =>
    withPeople(1, {}, async (study) => {
      const { store } = study
      await runRound(study, { now: START })
      const next = await listen(study, 1, 1, START + HOUR)
      await runRound(study, { now: START + 3 * HOUR })
      const late = await heard(study, 1, next, START + 4 * HOUR)
      await enrol(store, { subject: 8, device: deviceOf(8), arm: "model", key: KEY, at: START })
      await assert.rejects(replaceBoard(store, { ...swap, by: deviceOf(8) }), /is enrolled with subject 8/)
      assert.equal(
        (await store.subjects.enrolmentOf(1))?.device,
        FIRST,
        "a refused replacement changes nothing",
      )
      assert.deepEqual(await replaceBoard(store, swap), { subject: 1, version: 1 })
      const [, original, copy] = await store.playlists.of(1)
      assert.deepEqual(
        [copy.device, copy.copyOf, copy.wave, copy.state],
        [OTHER, original.id, 2, "published"],
      )
      assert.deepEqual(await store.playlists.items(copy.id), await store.playlists.items(original.id))
      assert.deepEqual(unpackPlaylist(copy.bytes).items, unpackPlaylist(original.bytes).items)
      assert.equal(unpackPlaylist(copy.bytes).version, 1)
      assert.deepEqual([await stateOf(study, FIRST), await stateOf(study, OTHER)], ["returned", "handed-out"])
      // The old board syncs at the office, the new one goes on with the copy.
      await sync(study, FIRST, { list: 2, plays: late.slice(0, 5) }, START + 7 * HOUR)
      const { reply } = await sync(study, OTHER, {}, START + 8 * HOUR)
      assert.equal(reply.list?.ver, 1)
      const more = await heard(study, 1, 1, START + 8 * HOUR)
      await sync(study, OTHER, { list: 1, plays: more.slice(5) }, START + 10 * HOUR)
      assert.equal((await store.plays.of(1)).length, 20)
      const { wave, subjects } = await runRound(study, { now: START + 11 * HOUR, subjects: [1] })
      assert.deepEqual([wave, subjects[0].plays, subjects[0].version], [3, 20, 2])
      const songs = async (list: number) => (await store.playlists.items(list)).map((item) => item.song)
      const third = (await store.playlists.of(1)).at(-1)!
      const rested = new Set(await songs(original.id))
      assert.ok(
        (await songs(third.id)).every((song) => !rested.has(song)),
        "songs of the last wave rest",
      )
    }))

  test("that were lost are replaced afterwards, once, and not for somebody who has another board", () =>
    withPeople(2, {}, async (study) => {
      const { store } = study
      await moveBoard(store, "lost", FIRST, "", START + 1)
      assert.deepEqual(await replaceBoard(store, swap), { subject: 1, version: null })
      assert.equal(await stateOf(study, FIRST), "lost")
      await assert.rejects(
        replaceBoard(store, { ...swap, by: deviceOf(7) }),
        /subject 1, who carried it last, has board 00112233aabbcc09/,
      )
      const named = (by: string) => replaceBoard(store, { ...swap, by })
      await assert.rejects(named(FIRST), /can't replace itself/)
      await assert.rejects(named("x"), /16 lower-case hexadecimal digits, got "x"/)
      await assert.rejects(replaceBoard(store, { ...swap, reason: "" }), /reason: must have 1 to 2000/)
      await assert.rejects(replaceBoard(store, { ...swap, device: deviceOf(7) }), /nobody has carried it/)
    }))

  test("that were flashed keep their key, which nobody has to see", () =>
    withPeople(0, {}, async ({ store }) => {
      const draw = (n: number) => new Uint8Array(n).fill(7)
      const fresh = await keyForBoard(store, OTHER, undefined, draw)
      assert.deepEqual([fresh.held, fresh.key], [false, draw(32)])
      await store.subjects.registerDevice(OTHER, KEY, START)
      await store.provisioning.add({
        at: START,
        port: "p",
        device: OTHER,
        mac: null,
        board: "b",
        firmware: "f",
        fingerprint: null,
        outcome: "flashed",
        detail: "",
      })
      assert.deepEqual(await keyForBoard(store, OTHER, undefined, draw), { key: KEY, held: true })
      assert.deepEqual(await keyForBoard(store, OTHER, draw(32), draw), { key: draw(32), held: false })
    }))
})
