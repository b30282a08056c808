// Withdrawal: what is deleted, what stays, what is marked, and that nothing of it comes back.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { describe, test } from "node:test"
import { runRound } from "../../../host/round.js"
import { contentHash } from "../../../host/store/hash.js"
import { EVERYBODY } from "../../../host/store/models.js"
import { GONE_WITHDRAWN } from "../../../host/store/withdrawals.js"
import { moveBoard } from "../../../host/study/devices.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Study } from "../../../host/study/study.js"
import { previewWithdrawal, withdraw } from "../../../host/study/withdraw.js"
import { KEY, recordOf, START } from "./folder.js"
import { deviceOf, HOUR, heard, listen, sync, withPeople } from "./people.js"

const Database = createRequire(import.meta.url)("libsql")
const LABEL = "Annegret-Mustermann"
const ANSWER = "I-liked-the-third-song"
const WHO = 2
const DEVICE = deviceOf(WHO)

interface Told {
  /** Bytes of a play and of a quarantined record of the subject. */
  play: Uint8Array
  quarantined: Uint8Array
  at: number
}

/** Three listeners hear two waves; the second one also has a label, a survey and a record that is not believed. */
async function twoWaves(study: Study): Promise<Told> {
  const { store } = study
  await store.subjects.release(DEVICE, START + 1)
  await enrol(store, { subject: WHO, label: LABEL, device: DEVICE, arm: "model", key: KEY, at: START + 2 })
  await runRound(study, { now: START + HOUR })
  for (const subject of [1, 2, 3]) await listen(study, subject, 1, START + 2 * HOUR)
  const quarantined = recordOf({ sequence: 11, song: 999, startMs: 3 * HOUR })
  const { outcome } = await sync(
    study,
    DEVICE,
    { list: 1, plays: [quarantined], open: [12, 3, 4567] },
    START + 4 * HOUR,
  )
  assert.equal(outcome.quarantined, 1)
  const asked = { text: "What was best?", kind: "text" as const }
  await store.surveys.record(
    [{ subject: WHO, question: "best", asked, answer: ANSWER, source: "page" }],
    START,
  )
  const { subjects } = await runRound(study, { now: START + 5 * HOUR })
  assert.deepEqual(
    subjects.map((row) => row.design),
    ["model", "model", "model"],
  )
  return { play: (await store.plays.of(WHO))[0].record, quarantined, at: START + 6 * HOUR }
}

/** Which of the texts and bytes the files of the database hold. */
function found(study: Study, wanted: Record<string, Uint8Array | string>): string[] {
  const files = readdirSync(study.dir).filter((name) => name.startsWith("fieldtune.db"))
  assert.ok(files.length > 0)
  const bytes = files.map((name) => readFileSync(join(study.dir, name)))
  return Object.keys(wanted).filter((name) => bytes.some((file) => file.includes(Buffer.from(wanted[name]))))
}

describe("withdrawal", () => {
  test("leaves no byte of what the subject brought in the files of the database", () =>
    withPeople(3, {}, async (study) => {
      const { play, quarantined, at } = await twoWaves(study)
      const [{ id: bodyOf }] = await study.store.syncs.of(DEVICE)
      const body = (await study.store.syncs.body(bodyOf))!
      const taste = (await study.store.models.latest(WHO, "taste"))!.particles
      const list = (await study.store.playlists.of(WHO))[1].bytes
      const model = taste.slice(100, 140)
      const wanted = {
        play,
        quarantined,
        body,
        model,
        list,
        label: LABEL,
        answer: ANSWER,
        open: "[12,3,4567]",
      }
      assert.deepEqual(found(study, wanted), Object.keys(wanted))
      const { forgotten, counts } = await withdraw(study, WHO, "asked for it", at)
      assert.equal(forgotten, true)
      assert.deepEqual(found(study, wanted), [])
      assert.deepEqual([counts.play, counts.quarantine, counts.survey, counts.block], [10, 1, 1, 1])
      assert.deepEqual([counts.bodies, counts.playlists], [2, 2])
      const { store } = study
      assert.deepEqual(await store.plays.of(WHO), [])
      assert.deepEqual(await store.syncs.quarantine(), [])
      assert.deepEqual(await store.surveys.history(WHO), [])
      assert.deepEqual(await store.models.blocks(WHO), [])
      assert.equal(await store.models.latest(WHO, "taste"), undefined)
      assert.equal((await store.subjects.get(WHO))?.label, "subject 2")
      for (const own of await store.playlists.of(WHO)) {
        assert.deepEqual([own.bytes.length, own.summary, await store.playlists.items(own.id)], [0, {}, []])
      }
      // The others have everything.
      assert.equal((await store.plays.of(1)).length + (await store.plays.of(3)).length, 20)
      const [event] = await store.events.latest(1)
      assert.deepEqual(
        [event.kind, event.subject, event.detail],
        ["withdrawn", WHO, { reason: "asked for it", counts }],
      )
    }))

  test("says so where another program keeps the file from being written anew; done again, it is", () =>
    withPeople(3, {}, async (study) => {
      const { at } = await twoWaves(study)
      const reader = new Database(join(study.dir, "fieldtune.db"))
      reader.exec("begin; select * from play")
      assert.equal((await withdraw(study, WHO, "asked", at)).forgotten, false)
      reader.exec("commit")
      reader.close()
      assert.equal((await withdraw(study, WHO, "asked", at)).forgotten, true)
      assert.deepEqual(found(study, { label: LABEL, answer: ANSWER }), [])
    }))

  test("is shown by a dry run, which changes nothing, and is not done twice", () =>
    withPeople(3, {}, async (study) => {
      const { at } = await twoWaves(study)
      const before = await contentHash(study.store)
      const preview = await previewWithdrawal(study, WHO)
      assert.equal(await contentHash(study.store), before)
      assert.equal((await study.store.subjects.enrolmentOf(WHO))?.device, DEVICE)
      assert.deepEqual((await withdraw(study, WHO, "asked", at)).counts, preview)
      const after = await contentHash(study.store)
      assert.notEqual(after, before)
      assert.equal((await withdraw(study, WHO, "asked", at)).again, true)
      assert.equal(await contentHash(study.store), after)
      await assert.rejects(previewWithdrawal(study, WHO), /subject 2: has withdrawn already/)
      await assert.rejects(withdraw(study, 9, "asked", at), /subject 9: is not in the study/)
      await assert.rejects(withdraw(study, 1, " ", at), /reason: must have 1 to 2000 characters/)
    }))

  test("keeps the numbering complete; what comes later is acknowledged, counted and not kept", () =>
    withPeople(3, {}, async (study) => {
      const { play, at } = await twoWaves(study)
      await withdraw(study, WHO, "asked", at)
      assert.deepEqual(await study.store.syncs.gone(DEVICE), [[9, 1, 1, 11, GONE_WITHDRAWN]])
      const late = recordOf({ sequence: 12, song: 4, startMs: 7 * HOUR })
      const unknown = recordOf({ sequence: 13, song: 999, startMs: 7 * HOUR })
      const { reply, outcome, body } = await sync(
        study,
        DEVICE,
        { list: 1, plays: [play, late, unknown], open: [14, 3, 99] },
        at + 2 * HOUR,
      )
      assert.deepEqual([outcome.stored, outcome.repeated, outcome.quarantined], [0, 0, 0])
      assert.deepEqual([reply.ack, reply.missing, reply.list], [[[1, 13]], [], undefined])
      assert.deepEqual(await study.store.plays.of(WHO), [])
      assert.deepEqual((await study.store.withdrawals.all())[0].dropped, 2)
      assert.deepEqual(await study.store.subjects.dirty(), [])
      assert.equal(
        found(study, { late, unknown, body, open: "[14,3,99]" }).length,
        0,
        "what comes later is not even written and deleted",
      )
      const last = (await study.store.syncs.of(DEVICE)).at(-1)!
      assert.deepEqual([last.open, (await study.store.syncs.body(last.id))?.length], [null, 0])
    }))

  test("ends the enrolment; the board has to come back, and the next listener's records are kept", () =>
    withPeople(3, {}, async (study) => {
      const { store } = study
      const { play, at } = await twoWaves(study)
      await withdraw(study, WHO, "asked", at)
      const next = { subject: 4, device: DEVICE, arm: "model", key: KEY, at: at + HOUR }
      await assert.rejects(
        enrol(store, next),
        /is handed-out and can't be handed out; fieldtune board return/,
      )
      await assert.rejects(
        enrol(store, { ...next, subject: WHO, device: deviceOf(9) }),
        /subject 2: has withdrawn/,
      )
      await moveBoard(store, "return", DEVICE, "", at)
      await enrol(store, next)
      await runRound(study, { now: at + 2 * HOUR, subjects: [4] })
      const plays = await heard(study, 4, 13, at + 3 * HOUR)
      const old = recordOf({ sequence: 12, song: 4, startMs: at - START })
      const { outcome } = await sync(study, DEVICE, { plays: [play, old, ...plays] }, at + 4 * HOUR)
      assert.deepEqual([outcome.stored, outcome.ackedTo, outcome.missing], [plays.length, 22, []])
      assert.equal((await store.plays.of(4)).length, plays.length)
      const last = (await store.syncs.of(DEVICE)).at(-1)!
      assert.equal((await store.syncs.body(last.id))?.length, 0, "the request held a record of the withdrawn")
      const clean = await sync(study, DEVICE, { plays: [] }, at + 5 * HOUR)
      assert.ok((await store.syncs.body(clean.outcome.sync))!.length > 0)
    }))

  test("marks what was made with the data, and only that; the others go on without it", () =>
    withPeople(3, {}, async (study) => {
      const { store } = study
      const { at } = await twoWaves(study)
      const shared = (await store.models.latest(EVERYBODY, "aggregate"))!
      assert.equal(shared.summary.plays, 30)
      const { counts } = await withdraw(study, WHO, "asked", at)
      assert.equal(counts.markedPlaylists, 2)
      const marks = async (): Promise<unknown[]> =>
        (await store.playlists.all()).map((list) => [list.subject, list.wave, list.withdrawnData])
      // The first wave was drawn from the catalogue alone.
      const first = [
        [1, 1, false],
        [2, 1, false],
        [3, 1, false],
        [1, 2, true],
        [2, 2, false],
        [3, 2, true],
      ]
      assert.deepEqual(await marks(), first)
      assert.equal((await store.models.latest(EVERYBODY, "aggregate"))!.withdrawnData, true)
      assert.equal((await store.models.latest(1, "prequential"))!.withdrawnData, true)
      assert.equal((await store.models.latest(1, "taste"))!.withdrawnData, false)

      const report = await runRound(study, { now: at + HOUR })
      assert.deepEqual(
        report.subjects.map((row) => [row.subject, row.version]),
        [
          [1, 3],
          [3, 3],
        ],
      )
      assert.deepEqual(await marks(), [...first, [1, 3, false], [3, 3, false]])
      const again = (await store.models.latest(EVERYBODY, "aggregate"))!
      assert.deepEqual(
        [again.version, again.withdrawnData, again.summary.plays],
        [shared.version + 1, false, 20],
      )
      assert.equal((await store.models.latest(1, "prequential"))!.withdrawnData, false)
      for (const subject of [1, 3]) {
        const model = (await store.models.latest(subject, "taste"))!
        const donors = [...(await store.models.weights(model.id)).keys()]
        assert.ok(donors.includes(subject) && !donors.includes(WHO), `donors ${donors}`)
      }
      await assert.rejects(runRound(study, { now: at + HOUR, subjects: [WHO] }), /subject 2 .* has withdrawn/)
    }))

  test("of imported plays deletes them and marks nothing: no model and no design has read them", () =>
    withPeople(3, {}, async (study) => {
      const { store } = study
      const lists = async () =>
        (await store.playlists.all()).map(({ bytes, summary, withdrawnData }) => [
          Buffer.from(bytes).toString("hex"),
          summary,
          withdrawnData,
        ])
      const imported = {
        ...{ row: 1, startedAt: START, localSecond: null, artist: "", title: "Song 1", album: "" },
        ...{ lengthMs: 180_000, heardMs: 180_000, endReason: "finished", song: 1 },
        ...{ listener: "", source: "csv", file: "log.csv", fileSha256: "ab".repeat(32), importedAt: START },
      }
      await store.imports.add([{ ...imported, subject: WHO }])
      // The board of the subject never syncs; the others are estimated and get their lists by their models.
      await runRound(study, { now: START + HOUR })
      for (const subject of [1, 3]) await listen(study, subject, 1, START + 2 * HOUR)
      await runRound(study, { now: START + 5 * HOUR, subjects: [1, 3] })
      assert.ok((await store.playlists.items((await store.playlists.of(1))[1].id))[0].utility !== null)
      const before = await lists()
      const { counts } = await withdraw(study, WHO, "asked", START + 6 * HOUR)
      assert.deepEqual([counts.importedPlay, counts.markedPlaylists, counts.markedModels], [1, 0, 0])
      assert.deepEqual(await store.imports.all(), [])
      assert.equal((await lists()).filter(([, , marked]) => marked).length, 0)

      // Without them the same plays give the same lists.
      await withPeople(3, {}, async (other) => {
        await runRound(other, { now: START + HOUR })
        for (const subject of [1, 3]) await listen(other, subject, 1, START + 2 * HOUR)
        await runRound(other, { now: START + 5 * HOUR, subjects: [1, 3] })
        const again = (await other.store.playlists.all()).map(({ bytes }) =>
          Buffer.from(bytes).toString("hex"),
        )
        assert.deepEqual(
          again,
          before.map(([bytes]) => bytes),
        )
      })
    }))

  test("is not undone by a pass that had begun before it", () =>
    withPeople(3, {}, async (study) => {
      const { store } = study
      const { at } = await twoWaves(study)
      const taste = (await store.models.latest(WHO, "taste"))!
      const { kind, particles, summary, diagnostics } = taste
      await withdraw(study, WHO, "asked", at)
      await assert.rejects(
        store.models.save({ subject: WHO, kind, at: at - 1, particles, summary, diagnostics }),
        { name: "WithdrawnError", message: /subject 2: has withdrawn/ },
      )
      const late = { subject: EVERYBODY, kind: "aggregate", particles, summary, diagnostics }
      assert.equal((await store.models.save({ ...late, at: at - 1 })).withdrawnData, true)
      assert.equal((await store.models.save({ ...late, at: at + 1 })).withdrawnData, false)
    }))

  test("of the only listener leaves no model at all", () =>
    withPeople(1, {}, async (study) => {
      await runRound(study, { now: START + HOUR })
      await listen(study, 1, 1, START + 2 * HOUR)
      await runRound(study, { now: START + 4 * HOUR })
      assert.ok((await study.store.models.latestOf("aggregate")).length > 0)
      await withdraw(study, 1, "asked", START + 5 * HOUR)
      for (const kind of ["aggregate", "forgetting", "prequential", "taste", "weighting"]) {
        assert.deepEqual(await study.store.models.latestOf(kind), [], kind)
      }
    }))
})
