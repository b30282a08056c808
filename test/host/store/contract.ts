// What every store must do. A file per implementation calls it with a way to open an empty store, and to open
// the same one again.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { contentHash } from "../../../host/store/hash.js"
import type { NewModel } from "../../../host/store/models.js"
import type { NewPlaylist } from "../../../host/store/playlists.js"
import type { Store } from "../../../host/store/store.js"
import type { Contact, ContactOutcome } from "../../../host/store/syncs.js"
import { unpackRecord } from "../../../src/record.js"
import { recordOf } from "../study/folder.js"

/** Opens a store; `reopen` closes it and opens the same content again. */
export type OpenStore = (body: (store: Store, reopen: () => Promise<Store>) => Promise<void>) => Promise<void>

const DEVICE = "00000000000000aa"
const OTHER = "00000000000000bb"
const KEY = new Uint8Array(32).fill(3)

function song(id: number) {
  return {
    id,
    source: `s${id}`,
    title: `Ünïcode "${id}"`,
    artist: "",
    genre: "Rock",
    lengthMs: 1000 * id,
    attributes: { tempo: 0.1 * id },
  }
}

export function contactOf(fields: Partial<Contact>, sequences: number[] = []): Contact {
  return {
    device: DEVICE,
    at: 5000,
    epoch: 4294967295,
    boot: 1,
    counter: 1,
    up: 1000,
    firmware: "0.1.0",
    list: 0,
    next: null,
    refused: null,
    open: null,
    health: { log: 1, cap: 400, full: 0, audio: 0, fails: 0, store: 0, vol: 8 },
    plays: sequences.map((sequence) => {
      const bytes = recordOf({ sequence })
      return { bytes, record: unpackRecord(bytes, 0)!, playlist: null }
    }),
    quarantine: [],
    gone: [],
    unreadable: 0,
    body: new Uint8Array([1, 2, 3]),
    ...fields,
  }
}

function playlistOf(fields: Partial<NewPlaylist>): NewPlaylist {
  return {
    subject: 1,
    device: DEVICE,
    wave: 1,
    arm: "model",
    design: "random",
    at: 1,
    summary: { price: 0.02 },
    items: [3, 1].map((id, i) => ({
      song: id,
      utility: i === 0 ? 0.1 + 0.2 : null,
      information: null,
      tag: "explore" as const,
      propensity: 0.5,
      rank: i + 1,
      reason: { terms: ["tempo"] },
    })),
    pack: (version) => new Uint8Array([version]),
    ...fields,
  }
}

function modelOf(fields: Partial<NewModel>): NewModel {
  return {
    subject: 1,
    kind: "taste",
    at: 1,
    particles: new Uint8Array([1, 0, 255]),
    summary: { mean: [0.1] },
    diagnostics: { ms: 12 },
    ...fields,
  }
}

async function prepare(store: Store): Promise<void> {
  await store.songs.put([song(1), song(2), song(3)])
  await store.subjects.enrol({ subject: 1, label: "P1", arm: "model", device: DEVICE, key: KEY, at: 1 })
}

async function commit(store: Store, contact: Contact): Promise<ContactOutcome> {
  const outcome = await store.syncs.commit(contact)
  if (outcome.replay) throw new Error("replay")
  return outcome
}

export function storeContract(name: string, open: OpenStore): void {
  describe(`store contract: ${name}`, () => {
    test("songs come back as they went in, by id, and are replaced by id", () =>
      open(async (store) => {
        await store.songs.put([song(3), song(1)])
        await store.songs.put([{ ...song(1), title: "new", file: "Ünïcode/1.mp3" }])
        assert.deepEqual(await store.songs.all(), [
          { ...song(1), title: "new", file: "Ünïcode/1.mp3" },
          song(3),
        ])
        await store.songs.put([{ ...song(1), title: "new" }])
        assert.deepEqual(await store.songs.all(), [{ ...song(1), title: "new" }, song(3)])
        assert.equal(await store.songs.count(), 2)
        assert.deepEqual(await store.songs.lengths([3, 9]), new Map([[3, 3000]]))
      }))

    test("a put with one bad song changes nothing", () =>
      open(async (store) => {
        await assert.rejects(store.songs.put([song(1), { ...song(2), source: "s1" }]))
        assert.equal(await store.songs.count(), 0)
      }))

    test("an enrolment opens, ends, and passes the board on; late records keep the last listener", () =>
      open(async (store) => {
        await prepare(store)
        assert.deepEqual(await store.subjects.device(DEVICE), { id: DEVICE, key: KEY, createdAt: 1 })
        await assert.rejects(
          store.subjects.enrol({ subject: 2, label: "P2", arm: "model", device: DEVICE, key: KEY, at: 2 }),
        )
        assert.equal(await store.subjects.get(2), undefined)
        assert.equal(await store.subjects.release(DEVICE, 7), true)
        assert.equal(await store.subjects.release(DEVICE, 8), false)
        assert.equal((await store.subjects.carrierOf(DEVICE))?.subject, 1)
        assert.equal(await store.subjects.enrolmentOf(1), undefined)
        await store.subjects.enrol({ subject: 2, label: "P2", arm: "model", device: DEVICE, key: KEY, at: 9 })
        assert.equal((await store.subjects.carrierOf(DEVICE))?.subject, 2)
        assert.deepEqual(
          (await store.subjects.enrolments()).map((e) => [e.subject, e.fromAt, e.toAt]),
          [
            [1, 1, 7],
            [2, 9, null],
          ],
        )
      }))

    test("what was committed is there after opening again", () =>
      open(async (store, reopen) => {
        await prepare(store)
        const outcome = await commit(store, contactOf({}, [1, 2]))
        assert.deepEqual([outcome.stored, outcome.ackedTo, outcome.newEpoch], [2, 2, true])
        const hash = await contentHash(store)
        const again = await reopen()
        const plays = await again.plays.of(1)
        assert.deepEqual(
          plays.map((p) => [p.device, p.epoch, p.boot, p.sequence, p.song, p.heardMs, p.subject]),
          [
            [DEVICE, 4294967295, 1, 1, 1, 30000, 1],
            [DEVICE, 4294967295, 1, 2, 1, 30000, 1],
          ],
        )
        assert.deepEqual(plays[0].record, recordOf({ sequence: 1 }))
        assert.deepEqual(await again.syncs.body(outcome.sync), new Uint8Array([1, 2, 3]))
        assert.equal(await contentHash(again), hash)
        assert.deepEqual((await again.syncs.latest())[0].health.cap, 400)
      }))

    test("a contact that fails in the middle leaves nothing behind", () =>
      open(async (store) => {
        await prepare(store)
        const bytes = recordOf({ sequence: 2, song: 99 })
        const bad = { bytes, record: unpackRecord(bytes, 0)!, playlist: null }
        const contact = contactOf({}, [1])
        await assert.rejects(store.syncs.commit({ ...contact, plays: [...contact.plays, bad] }))
        assert.equal(await store.syncs.count(), 0)
        assert.equal(await store.plays.count(), 0)
        assert.equal((await commit(store, contactOf({}, [1]))).newEpoch, true)
      }))

    test("a repeated counter is a replay and leaves no trace", () =>
      open(async (store) => {
        await prepare(store)
        await commit(store, contactOf({ counter: 4 }, [1]))
        const events = (await store.events.latest(100)).length
        assert.deepEqual(await store.syncs.commit(contactOf({ counter: 4, list: 1 }, [2])), {
          replay: true,
          boot: 1,
          counter: 4,
        })
        assert.equal(await store.plays.count(), 1)
        assert.equal(await store.syncs.count(), 1)
        assert.equal((await store.events.latest(100)).length, events)
      }))

    test("two contacts at the same time store each record once", () =>
      open(async (store) => {
        await prepare(store)
        const outcomes = await Promise.all([
          commit(store, contactOf({ counter: 1 }, [1, 2, 3])),
          commit(store, contactOf({ counter: 2 }, [2, 3, 4])),
        ])
        assert.deepEqual(
          outcomes.map((o) => o.stored),
          [3, 1],
        )
        assert.equal(await store.plays.count(), 4)
      }))

    test("quarantine keeps bytes and reason once, and an event tells of it", () =>
      open(async (store) => {
        await prepare(store)
        const held = {
          boot: 1,
          sequence: 1,
          bytes: recordOf({ sequence: 1, song: 9 }),
          reason: "song",
          detail: "song 9",
        }
        const first = await commit(store, contactOf({ quarantine: [held] }))
        const second = await commit(store, contactOf({ counter: 2, quarantine: [held] }))
        assert.deepEqual([first.quarantined, second.quarantined, second.repeated], [1, 0, 1])
        assert.deepEqual(await store.syncs.quarantine(), [{ ...held, device: DEVICE, epoch: 4294967295 }])
        assert.equal((await store.events.latest(9, "quarantined")).length, 1)
      }))

    test("a range that is gone to the end of the numbers takes no time and no space", () =>
      open(async (store) => {
        await prepare(store)
        const outcome = await commit(store, contactOf({ gone: [[0, 1, 4294967295, 3]] }, [5]))
        assert.deepEqual([outcome.ackedTo, outcome.missing], [4294967295, []])
        assert.deepEqual(await store.syncs.gone(DEVICE), [[4294967295, 0, 1, 4294967295, 3]])
        assert.equal(await store.plays.count(), 1)
      }))

    test("a subject is dirty from new plays until an estimate has used them", () =>
      open(async (store) => {
        await prepare(store)
        assert.deepEqual(await store.subjects.dirty(), [])
        await commit(store, contactOf({}, [1, 2]))
        assert.deepEqual(await store.subjects.dirty(), [1])
        const plays = await store.plays.of(1)
        const model = await store.models.save(
          modelOf({ block: { fromPlay: 0, toPlay: plays[1].id, plays: 2 } }),
        )
        assert.deepEqual(await store.subjects.dirty(), [])
        await commit(store, contactOf({ counter: 2 }, [1, 2]))
        assert.deepEqual(await store.subjects.dirty(), [])
        await commit(store, contactOf({ counter: 3 }, [3]))
        assert.deepEqual(await store.subjects.dirty(), [1])
        assert.equal((await store.plays.of(1, plays[1].id)).length, 1)
        assert.deepEqual(
          (await store.models.blocks(1)).map((b) => [b.number, b.fromPlay, b.toPlay, b.plays]),
          [[1, 0, plays[1].id, 2]],
        )
        assert.equal(model.version, 1)
        await assert.rejects(
          store.models.save(modelOf({ block: { fromPlay: 0, toPlay: plays[1].id, plays: 2 } })),
          /block/,
        )
        assert.equal((await store.models.latest(1, "taste"))?.version, 1)
      }))

    test("a wave is opened once, closed once, and is the only open one of its cohort", () =>
      open(async (store) => {
        assert.deepEqual(await store.waves.periods(), [])
        assert.equal(await store.waves.open(1, "a", 10, { planned: "2025-01-06" }), true)
        assert.equal(await store.waves.open(1, "a", 11, {}), false)
        assert.equal(await store.waves.open(2, "a", 12, {}), false)
        assert.equal(await store.waves.open(1, "b", 13, {}), true)
        assert.equal(await store.waves.close(2, "a", 14, {}), false)
        assert.equal(await store.waves.close(1, "a", 15, { plays: 3 }), true)
        assert.equal(await store.waves.close(1, "a", 16, {}), false)
        assert.equal(await store.waves.open(2, "a", 17, {}), true)
        assert.deepEqual(await store.waves.periods(), [
          { wave: 1, cohort: "a", openedAt: 10, closedAt: 15 },
          { wave: 2, cohort: "a", openedAt: 17, closedAt: null },
          { wave: 1, cohort: "b", openedAt: 13, closedAt: null },
        ])
        const told = await store.events.latest(9)
        assert.deepEqual(
          told.map(({ kind, at, detail }) => [kind, at, detail]),
          [
            ["wave-opened", 17, { wave: 2, cohort: "a" }],
            ["wave-closed", 15, { wave: 1, cohort: "a", plays: 3 }],
            ["wave-opened", 13, { wave: 1, cohort: "b" }],
            ["wave-opened", 10, { wave: 1, cohort: "a", planned: "2025-01-06" }],
          ],
        )
      }))

    test("models keep their bytes and their weights, newest version first", () =>
      open(async (store) => {
        await prepare(store)
        await store.models.save(modelOf({}))
        const weights = new Map([
          [0, -1.5],
          [1, 0],
        ])
        const second = await store.models.save(modelOf({ summary: { mean: [0.2] }, weights }))
        const found = await store.models.latest(1, "taste")
        assert.deepEqual(found, { ...second, particles: new Uint8Array([1, 0, 255]) })
        assert.equal(found?.version, 2)
        assert.equal((await store.models.at(1, "taste", 1))?.version, 1)
        assert.deepEqual(await store.models.at(1, "taste", 2), found)
        assert.equal(await store.models.at(1, "taste", 3), undefined)
        assert.deepEqual(await store.models.weights(second.id), weights)
        await store.models.saveWeights(second.id, new Map([[1, -0.1]]))
        assert.deepEqual(await store.models.weights(second.id), new Map([[1, -0.1]]))
        await store.models.save(modelOf({ subject: 0, kind: "aggregate" }))
        assert.deepEqual(
          (await store.models.latestOf("taste")).map((m) => [m.subject, m.version]),
          [[1, 2]],
        )
      }))

    test("playlists get ascending versions per device and keep items, order and reasons", () =>
      open(async (store) => {
        await prepare(store)
        await store.subjects.enrol({ subject: 2, label: "P2", arm: "model", device: OTHER, key: KEY, at: 1 })
        await store.playlists.startWave(1, 1)
        const first = await store.playlists.publish(playlistOf({}))
        const second = await store.playlists.publish(playlistOf({}))
        const other = await store.playlists.publish(playlistOf({ subject: 2, device: OTHER }))
        assert.deepEqual([first.version, second.version, other.version], [1, 2, 1])
        assert.deepEqual((await store.playlists.latest(DEVICE))?.bytes, new Uint8Array([2]))
        assert.deepEqual(await store.playlists.items(first.id), playlistOf({}).items)
        assert.equal((await store.playlists.get(first.id))?.state, "superseded")
        assert.deepEqual(await store.playlists.sizes(DEVICE), [
          { id: second.id, version: 2, items: 2 },
          { id: first.id, version: 1, items: 2 },
        ])
        const outcome = await commit(store, contactOf({}))
        assert.deepEqual(outcome.offer, { version: 2, bytes: new Uint8Array([2]) })
        await commit(store, contactOf({ counter: 2, list: 2 }))
        assert.deepEqual(await store.playlists.countByState(), {
          published: 1,
          sent: 0,
          confirmed: 1,
          refused: 0,
          superseded: 1,
        })
      }))

    test("a playlist that can't be stored leaves no version behind", () =>
      open(async (store) => {
        await prepare(store)
        await store.playlists.startWave(1, 1)
        const items = [{ ...playlistOf({}).items[0], song: 99 }]
        await assert.rejects(store.playlists.publish(playlistOf({ items })))
        assert.equal(await store.playlists.latest(DEVICE), undefined)
        assert.equal((await store.playlists.publish(playlistOf({}))).version, 1)
      }))

    test("events are in order of writing", () =>
      open(async (store) => {
        await prepare(store)
        await store.events.append({
          at: 3,
          kind: "note",
          subject: null,
          device: null,
          detail: { text: "é\u0000" },
        })
        assert.deepEqual((await store.events.latest(1))[0], {
          at: 3,
          kind: "note",
          subject: null,
          device: null,
          detail: { text: "é\u0000" },
        })
        assert.deepEqual(
          (await store.events.latest(9)).map((e) => e.kind),
          ["note", "enrolled", "board"],
        )
      }))

    test("answers are only added: a later one replaces, both are kept, and none is added twice", () =>
      open(async (store, reopen) => {
        await prepare(store)
        const asked = { text: "Liked it?", kind: "likert" as const, points: 5 }
        const say = (answer: number | string, source: "file" | "command" | "page", question = "liked") => ({
          ...{ subject: 1, question, asked, answer, source },
        })
        assert.deepEqual(await store.surveys.record([], 1), { added: 0, replaced: 0, same: 0 })
        const file = [say(3, "file"), say("é\u0000", "file", "why")]
        assert.deepEqual(await store.surveys.record(file, 4), { added: 2, replaced: 0, same: 0 })
        assert.deepEqual(await store.surveys.record(file, 5), { added: 0, replaced: 0, same: 2 })
        assert.deepEqual(await store.surveys.record([say(4, "command")], 6), {
          ...{ added: 0, replaced: 1, same: 0 },
        })
        // The file again: it says nothing new, so the correction stands.
        assert.deepEqual(await store.surveys.record(file, 7), { added: 0, replaced: 0, same: 2 })
        assert.deepEqual(await store.surveys.record([say(5, "file"), say(5, "page")], 8), {
          ...{ added: 0, replaced: 1, same: 1 },
        })
        const again = await reopen()
        assert.deepEqual(
          (await again.surveys.history(1)).map((row) => [row.question, row.answer, row.source, row.at]),
          [
            ["liked", 3, "file", 4],
            ["why", "é\u0000", "file", 4],
            ["liked", 4, "command", 6],
            ["liked", 5, "file", 8],
          ],
        )
        assert.deepEqual(
          (await again.surveys.current()).map((row) => [row.subject, row.question, row.answer]),
          [
            [1, "liked", 5],
            [1, "why", "é\u0000"],
          ],
        )
        assert.deepEqual((await again.surveys.history())[0].asked, asked)
        assert.deepEqual(await again.surveys.history(2), [])
      }))

    test("answers of somebody who has withdrawn are deleted, and no new ones are taken", () =>
      open(async (store) => {
        await prepare(store)
        const asked = { text: "Liked it?", kind: "likert" as const }
        const one = { subject: 1, question: "liked", asked, answer: 3, source: "page" as const }
        await store.surveys.record([one], 4)
        const counts = await store.withdrawals.erase({ subject: 1, at: 5, reason: "asked" })
        assert.equal(counts.survey, 1)
        assert.deepEqual(await store.surveys.history(), [])
        await assert.rejects(store.surveys.record([one], 6), { name: "WithdrawnError" })
      }))

    test("the content hash follows plays, playlists and models, and neither times nor salts", () =>
      open(async (store, reopen) => {
        const fill = async (into: Store, at: number): Promise<string[]> => {
          const hashes: string[] = []
          const note = async (): Promise<void> => {
            hashes.push(await contentHash(into))
          }
          await note()
          await into.playlists.startWave(1, at)
          await into.playlists.publish(playlistOf({ at }))
          await note()
          await commit(into, contactOf({ at, body: new Uint8Array([at % 256]) }, [1]))
          await note()
          await into.models.save(modelOf({ at, diagnostics: { ms: at } }))
          await note()
          return hashes
        }
        await prepare(store)
        const first = await fill(store, 1)
        assert.equal(new Set(first).size, 4)
        await open(async (other) => {
          await prepare(other)
          assert.deepEqual(await fill(other, 77), first)
        })
        assert.equal(await contentHash(await reopen()), first[3])
      }))

    test("a device is registered once and keeps its key; what was flashed is added to, never changed", () =>
      open(async (store, reopen) => {
        const first = await store.subjects.registerDevice(DEVICE, KEY, 10)
        assert.deepEqual(first, { id: DEVICE, key: KEY, createdAt: 10 })
        assert.deepEqual(await store.subjects.registerDevice(DEVICE, new Uint8Array(32), 20), first)
        const row = {
          at: 30,
          port: "/dev/ttyUSB0",
          device: DEVICE,
          mac: "24:0a:c4:00:00:01",
          board: "esp32_devkitc_jacdac",
          firmware: "ab",
          fingerprint: "cd",
          outcome: "flashed" as const,
          detail: "",
        }
        const failed = {
          ...row,
          at: 20,
          device: null,
          mac: null,
          fingerprint: null,
          outcome: "failed" as const,
        }
        await store.provisioning.add(failed)
        await store.provisioning.add(row)
        assert.equal(await store.provisioning.latest(OTHER), undefined)
        const again = await reopen()
        assert.deepEqual(await again.provisioning.latest(DEVICE), row)
        assert.deepEqual(await again.provisioning.all(), [failed, row])
        const events = await again.events.latest(9)
        assert.deepEqual(
          events.map((event) => event.kind),
          ["flashed", "flash-failed", "registered"],
        )
      }))
  })
}
