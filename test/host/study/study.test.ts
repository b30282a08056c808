// Study folders, plans, enrolment and publication.

import assert from "node:assert/strict"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { unpackPlaylist } from "../../../host/protocol/playlist.js"
import { exchange } from "../../../host/protocol/session.js"
import { enrol } from "../../../host/study/enrol.js"
import { checkPlan } from "../../../host/study/plan.js"
import { publish } from "../../../host/study/publish.js"
import { studyStatus } from "../../../host/study/status.js"
import { initStudy, openStudy } from "../../../host/study/study.js"
import { addSongs, DEVICE, KEY, recordOf, requestOf, START, withFolder, withStudy } from "./folder.js"

describe("study folder", () => {
  test("is created with a plan that opens again as it was", () =>
    withFolder(async (dir) => {
      const study = await initStudy(join(dir, "summer"), { seed: 7 })
      await study.close()
      assert.equal(study.plan.name, "summer")
      for (const part of ["study.json", "fieldtune.db", "catalogue", "exports"]) {
        assert.ok(existsSync(join(study.dir, part)), part)
      }
      const again = await openStudy(study.dir)
      assert.deepEqual(again.plan, study.plan)
      await again.close()
    }))

  test("is not created twice, not with a bad plan, and not opened where there is none", () =>
    withFolder(async (dir) => {
      await (await initStudy(dir)).close()
      await assert.rejects(initStudy(dir), { name: "StudyFolderError", message: /study\.json: .* already/ })
      const bad = join(dir, "bad")
      await assert.rejects(initStudy(bad, { draws: 1 }), { name: "PlanError" })
      assert.equal(existsSync(bad), false)
      await assert.rejects(openStudy(join(dir, "none")), {
        name: "StudyFolderError",
        message: /none: no study/,
      })
    }))

  test("a plan that is not JSON is named with the place of the fault", () =>
    withFolder(async (dir) => {
      const study = await initStudy(dir)
      await study.close()
      const file = join(dir, "study.json")
      writeFileSync(file, readFileSync(file, "utf8").replace(",", ";"))
      await assert.rejects(openStudy(dir), { name: "PlanError", message: /study\.json: not JSON/ })
    }))
})

describe("plan", () => {
  test("an empty one is all defaults", () => {
    const plan = checkPlan({}, "study.json")
    assert.deepEqual(
      [
        plan.schema,
        plan.playlistSize,
        plan.draws,
        plan.designsBeforeRefit,
        plan.epsilon,
        plan.port,
        plan.profile,
        plan.weights,
        plan.forgetting,
      ],
      [1, 40, 500, 10, 0.1, 8137, "default", "auto", "auto"],
    )
    assert.deepEqual(plan.arms, [{ name: "model", design: "model", share: 1 }])
  })

  test("every broken rule is told with place, rule and value", () => {
    const cases: [object, RegExp][] = [
      [{ playlistSize: 257 }, /^study\.json: playlistSize: must be <= 256, got 257$/],
      [{ playlistSize: 2.5 }, /playlistSize: must be integer, got 2\.5/],
      [{ epsilon: "much" }, /epsilon: must be number, got "much"/],
      [{ plalistSize: 40 }, /plan: unknown field plalistSize/],
      [{ schema: 2 }, /schema: must be 1, got 2/],
      [{ profile: "fast" }, /profile: must be "default" or "thesis", got "fast"/],
      [{ weights: "best" }, /weights: must be "auto" or "density" or .* or "own", got "best"/],
      [{ forgetting: 1.5 }, /forgetting: must be "auto" or <= 1, got 1\.5/],
      [{ forgetting: 0 }, /forgetting: must be "auto" or > 0, got 0/],
      [{ forgetting: "some" }, /forgetting: must be "auto" or number, got "some"/],
      [
        { profile: "thesis", forgetting: 0.85 },
        /^study\.json: forgetting: the thesis profile never forgets, got 0\.85$/,
      ],
      [{ arms: [] }, /arms: .*1 items?, got \[\]/],
      [{ arms: [{ name: "a", design: "magic" }] }, /arms\.0\.design: must be "model" or .*, got "magic"/],
      [{ arms: [{ design: "model" }] }, /arms\.0: must have required properties name/],
      [
        {
          arms: [
            { name: "a", design: "model" },
            { name: "a", design: "gower" },
          ],
        },
        /arms: every arm has its own name, found twice: "a"/,
      ],
      [{ epsilon: 2, draws: 1 }, /draws: .*; epsilon: .*|epsilon: .*; draws: .*/],
    ]
    for (const [given, message] of cases) {
      assert.throws(
        () => checkPlan(given, "study.json"),
        { name: "PlanError", message },
        JSON.stringify(given),
      )
    }
    assert.throws(() => checkPlan([], "study.json"), { name: "PlanError" })
    assert.throws(() => checkPlan(null, "study.json"), { name: "PlanError" })
  })
})

describe("enrolment", () => {
  test("neither a board nor a listener has two open enrolments, and a listener keeps the arm", () =>
    withStudy(async ({ study }) => {
      const entry = { subject: 2, device: "00000000000000bb", arm: "model", key: KEY, at: START }
      const cases: [object, RegExp][] = [
        [{ device: DEVICE }, /device 00112233aabbccdd: is enrolled with subject 1/],
        [{ subject: 1 }, /subject 1: has the open enrolment of device 00112233aabbccdd/],
        [{ subject: 1, arm: "gower" }, /subject 1: is in arm model and stays there, got gower/],
        [{ subject: 0 }, /subject: must be a whole number from 1, got 0/],
        [{ device: "00AA" }, /device: must be 16 lower-case hexadecimal digits, got "00AA"/],
        [{ key: new Uint8Array(5) }, /must have 32 bytes, got 5/],
        [{ arm: "" }, /arm of subject 2/],
        [{ label: "a\u0000b" }, /label of subject 2: .* got "a\\u0000b"/],
      ]
      for (const [change, message] of cases) {
        await assert.rejects(enrol(study.store, { ...entry, ...change }), { name: "EnrolmentError", message })
      }
      assert.equal((await study.store.subjects.all()).length, 1)
      await enrol(study.store, entry)
      assert.equal((await study.store.subjects.get(2))?.label, "subject 2")
    }))
})

describe("publication", () => {
  const item = { utility: 1, information: 0.5, propensity: 1, rank: 1, reason: "liked" }
  const list = { subject: 1, wave: 1, design: "model", at: START, summary: {} }

  test("packs the songs in order with their lengths and the explore flag", () =>
    withStudy(async ({ study }) => {
      await addSongs(study, 3)
      const items = [
        { ...item, song: 3, tag: "exploit" as const },
        { ...item, song: 1, tag: "explore" as const },
      ]
      const published = await publish(study.store, { ...list, items })
      assert.deepEqual(unpackPlaylist(published.bytes), {
        version: 1,
        items: [
          { song: 3, lengthMs: 180000, flags: 0 },
          { song: 1, lengthMs: 180000, flags: 1 },
        ],
      })
      assert.deepEqual([published.arm, published.state, published.wave], ["model", "published", 1])
    }))

  test("needs songs of the catalogue and an open enrolment", () =>
    withStudy(async ({ study }) => {
      await addSongs(study, 3)
      const items = [{ ...item, song: 4, tag: "exploit" as const }]
      await assert.rejects(publish(study.store, { ...list, items }), /song 4 is not in the catalogue/)
      await assert.rejects(
        publish(study.store, { ...list, subject: 2, items: [] }),
        /subject 2: .* open enrolment/,
      )
      await assert.rejects(publish(study.store, { ...list, items: [] }), /number of items/)
    }))
})

describe("status", () => {
  test("counts what is there, and shows what needs attention", () =>
    withStudy(async ({ study, device }) => {
      const rules = async (now: number) => (await studyStatus(study, now)).findings.map(({ rule }) => rule)
      assert.deepEqual((await rules(START)).sort(), ["never-synced", "no-playlist", "no-songs"])
      await addSongs(study, 5)
      const items = [
        { song: 1, utility: 1, information: 0, tag: "exploit" as const, propensity: 1, rank: 1, reason: "" },
      ]
      await publish(study.store, { subject: 1, wave: 1, design: "random", at: START, summary: {}, items })
      const request = requestOf({
        plays: [recordOf({ sequence: 1 }), recordOf({ sequence: 2, song: 9 })],
        refused: [1, 4],
        health: { log: 350, cap: 400, full: 2, audio: 0, fails: 0, store: 0, vol: 8 },
      })
      await exchange(study, device, request, new Uint8Array(1), START)
      assert.deepEqual((await rules(START + 60000)).sort(), [
        "log-full",
        "quarantine",
        "refused",
        "unrecorded",
      ])
      const status = await studyStatus(study, START)
      assert.deepEqual([status.plays, status.quarantined, status.devices[0].plays], [1, 1, 1])
      assert.equal(status.playlists.refused, 1)
    }))
})
