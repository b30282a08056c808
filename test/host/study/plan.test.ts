// The plan: rules between fields, what its fields mean, the hours of its syncs, and its life in a study.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { packageRoot } from "../../../host/firmware/manifest.js"
import { amendPlan, planChanges, restorePlan, startPlan } from "../../../host/study/amend.js"
import { explainPlan, planJsonSchema } from "../../../host/study/explain-plan.js"
import { canonicalPlan, checkPlan, devicePlan, type Plan, planHash } from "../../../host/study/plan.js"
import { initStudy, openStudy, planNow } from "../../../host/study/study.js"
import { syncInterval } from "../../../host/study/sync-hours.js"
import { localTime, momentOf } from "../../../host/study/time-zone.js"
import { START, withFolder } from "./folder.js"

describe("rules between fields", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [
      { timeZone: "Europe/Atlantis" },
      /timeZone: must be an IANA name such as Europe\/Berlin, got "Europe\/Atlantis"/,
    ],
    [{ waves: { start: "2026-02-30" } }, /waves\.start: must be a date YYYY-MM-DD, got 2026-02-30/],
    [{ cohorts: [{ name: "a" }, { name: "a" }] }, /cohorts: every cohort has its own name, found twice: "a"/],
    [
      {
        allocation: {
          strata: [
            { name: "s", levels: ["1", "2"] },
            { name: "s", levels: ["1", "2"] },
          ],
        },
      },
      /allocation\.strata: every stratum has its own name, found twice: "s"/,
    ],
    [
      { arms: [{ name: "a", design: "model", share: 0.5 }], allocation: { method: "blocked" } },
      /allocation\.method: blocked needs whole numbers as shares of the arms, got 0\.5/,
    ],
    [
      {
        arms: [
          { name: "a", design: "model", code: "A" },
          { name: "b", design: "gower" },
        ],
      },
      /arms: either every arm has a code or none has/,
    ],
    [
      { syncHours: [{ from: "09:00", to: "08:00" }] },
      /syncHours\.0: to must be after from, got 09:00 to 08:00/,
    ],
    [
      {
        syncHours: [
          { from: "09:00", to: "12:00" },
          { from: "11:00", to: "13:00" },
        ],
      },
      /syncHours\.1: must begin after the one before, got 11:00/,
    ],
    [
      { outcomes: [{ name: "o", measure: "plays", waves: [3] }] },
      /outcomes\.0\.waves: must be 1 to 2, which is waves\.count, got 3/,
    ],
  ]
  for (const [given, message] of cases) {
    test(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => checkPlan(given, "study.json"), { name: "PlanError", message }))
  }
})

describe("the published schema", () => {
  test("is docs/study.schema.json", () => {
    const published = JSON.parse(readFileSync(join(packageRoot(), "docs", "study.schema.json"), "utf8"))
    assert.deepEqual(published, planJsonSchema())
  })

  test("explains every field of the default plan, and every description says something", () => {
    const fields = explainPlan()
    const named = new Set(fields.map(({ field }) => field))
    for (const name of Object.keys(checkPlan({}, "plan"))) assert.ok(named.has(name), name)
    for (const name of ["arms[].share", "waves.gapDays", "allocation.strata[].levels", "privacy.bodies"]) {
      assert.ok(named.has(name), name)
    }
    for (const { field, description, values } of fields) {
      assert.ok(description.length > 10 && values !== "", field)
    }
  })
})

describe("hash", () => {
  test("does not depend on the order in which a plan is written", () => {
    const one = checkPlan({ name: "x", arms: [{ name: "a", design: "model", share: 2 }], seed: 4 }, "plan")
    const other = checkPlan({ seed: 4, arms: [{ share: 2, design: "model", name: "a" }], name: "x" }, "plan")
    assert.equal(planHash(one), planHash(other))
    assert.match(planHash(one), /^[0-9a-f]{64}$/)
    assert.notEqual(planHash(one), planHash({ ...one, draws: 501 }))
    assert.deepEqual(checkPlan(JSON.parse(canonicalPlan(one)), "again"), one)
  })
})

describe("time zone", () => {
  test("finds the moment of a local time on both sides of summer time", () => {
    const zone = "Europe/Berlin"
    assert.equal(new Date(momentOf("2025-03-29", 0, zone)).toISOString(), "2025-03-28T23:00:00.000Z")
    assert.equal(new Date(momentOf("2025-03-31", 0, zone)).toISOString(), "2025-03-30T22:00:00.000Z")
    // 02:30 does not exist on that night, 02:30 exists twice on the other.
    assert.equal(new Date(momentOf("2025-03-30", 150, zone)).toISOString(), "2025-03-30T01:00:00.000Z")
    assert.equal(new Date(momentOf("2025-10-26", 150, zone)).toISOString(), "2025-10-26T00:30:00.000Z")
    assert.deepEqual(localTime(Date.parse("2025-07-01T22:30:00Z"), zone), { date: "2025-07-02", minute: 30 })
  })

  test("counts back to the same moment everywhere, midnight as 24:00 included", () => {
    for (const zone of ["UTC", "Asia/Kolkata", "Pacific/Chatham", "America/St_Johns", "Pacific/Kiritimati"]) {
      for (const minute of [0, 1, 719, 1439]) {
        const at = momentOf("2026-05-17", minute, zone)
        assert.deepEqual(localTime(at, zone), { date: "2026-05-17", minute }, zone)
      }
      assert.equal(momentOf("2026-05-17", 1440, zone), momentOf("2026-05-18", 0, zone), zone)
    }
  })
})

describe("hours of syncs", () => {
  const plan = checkPlan(
    {
      timeZone: "Europe/Berlin",
      syncMinutes: 30,
      syncHours: [
        { from: "07:00", to: "09:00" },
        { from: "18:00", to: "24:00" },
      ],
    },
    "plan",
  )
  const minutes = (local: string): number => {
    const [date, time] = local.split(" ")
    const [h, m] = time.split(":").map(Number)
    return syncInterval(plan, momentOf(date, 60 * h + m, plan.timeZone))
  }

  test("keep the interval within them and wait for the next one outside", () => {
    assert.equal(minutes("2026-05-17 07:10"), 30)
    assert.equal(minutes("2026-05-17 08:45"), 9 * 60 + 15)
    assert.equal(minutes("2026-05-17 12:00"), 6 * 60)
    assert.equal(minutes("2026-05-17 23:20"), 30)
    assert.equal(minutes("2026-05-17 23:45"), 7 * 60 + 15)
    assert.equal(minutes("2026-05-17 06:40"), 30)
    // The night in which an hour is missing.
    assert.equal(minutes("2026-03-28 23:45"), 6 * 60 + 15)
  })

  test("do not matter where a board syncs on demand only, or at any hour", () => {
    const any = { ...plan, syncHours: [] }
    assert.equal(syncInterval(any, START), 30)
    assert.equal(syncInterval({ ...plan, syncMinutes: 0 }, START), 0)
    assert.equal(devicePlan(plan).sync, 30)
  })
})

describe("the life of a plan", () => {
  const edit = (dir: string, changes: Record<string, unknown>): void => {
    const file = join(dir, "study.json")
    const plan = JSON.parse(readFileSync(file, "utf8"))
    writeFileSync(file, JSON.stringify({ ...plan, ...changes }))
  }

  test("may be edited before the start; after it an edit counts for nothing until it has a reason", () =>
    withFolder(async (dir) => {
      await (await initStudy(dir, { seed: 4, syncMinutes: 10 })).close()
      edit(dir, { syncMinutes: 20 })
      let study = await openStudy(dir)
      assert.equal(study.plan.syncMinutes, 20)
      await assert.rejects(amendPlan(study, "why", START), /has not started/)
      await startPlan(study, START)
      await startPlan(study, START + 1)
      const first = planHash(study.plan)
      await study.close()

      edit(dir, { syncMinutes: 30 })
      study = await openStudy(dir)
      assert.equal(study.plan.syncMinutes, 20)
      assert.match(study.edited ?? "", /study\.json: was changed after the study started/)
      await assert.rejects(startPlan(study, START), { name: "PlanError", message: /plan amend/ })
      await assert.rejects(amendPlan(study, " ", START), /needs a reason/)
      const { version, changes } = await amendPlan(study, "fewer syncs", START + 5)
      assert.equal(version, 2)
      assert.deepEqual(changes, [{ place: "syncMinutes", before: 20, after: 30 }])
      // A server that is running follows at once.
      assert.equal((await planNow(study)).syncMinutes, 30)
      await assert.rejects(amendPlan(study, "again", START + 6), /nothing to amend/)
      const plans = await study.store.plans.all()
      assert.deepEqual(
        plans.map((plan) => [plan.version, plan.hash === first, plan.at, plan.reason]),
        [
          [1, true, START, ""],
          [2, false, START + 5, "fewer syncs"],
        ],
      )
      const events = await study.store.events.latest(10)
      assert.deepEqual(events.map(({ kind }) => kind).reverse(), ["plan", "amended"])
      await study.close()
    }))

  test("is read once while it stays the same, and an amendment by another process is seen at once", () =>
    withFolder(async (dir) => {
      const server = await initStudy(dir, { seed: 4, syncMinutes: 10 })
      assert.equal(await planNow(server), server.plan)
      await startPlan(server, START)
      assert.equal(await planNow(server), server.plan)
      for (const [i, syncMinutes] of [20, 10, 20].entries()) {
        edit(dir, { syncMinutes })
        const other = await openStudy(dir)
        await amendPlan(other, "fewer syncs, or more", START + i)
        await other.close()
        const plan = await planNow(server)
        assert.equal(plan.syncMinutes, syncMinutes)
        assert.equal(await planNow(server), plan, "the same plan is not read again")
        assert.equal(planHash(plan), (await server.store.plans.newest())!.hash)
      }
      await server.close()
    }))

  test("can't change what every number hangs on, nor lose an arm with subjects", () =>
    withFolder(async (dir) => {
      let study = await initStudy(dir, { seed: 4 })
      await startPlan(study, START)
      const key = new Uint8Array(32)
      const device = "00112233aabbccdd"
      await study.store.subjects.enrol({ subject: 1, label: "", arm: "model", device, key, at: START })
      await study.close()
      for (const [changes, message] of [
        [{ seed: 5 }, /seed: can't be amended.*is 4, got 5/],
        [{ profile: "thesis" }, /profile: can't be amended/],
        [{ arms: [{ name: "b", design: "gower", share: 1 }], seed: 4 }, /arms: "model" has subjects/],
      ] as const) {
        edit(dir, { seed: 4, profile: "default", ...changes })
        study = await openStudy(dir)
        await assert.rejects(amendPlan(study, "why", START), { name: "PlanError", message })
        await study.close()
      }
    }))

  test("comes back from the database where the file is broken or gone", () =>
    withFolder(async (dir) => {
      let study = await initStudy(dir, { seed: 4 })
      await startPlan(study, START)
      const before: Plan = study.plan
      await study.close()
      writeFileSync(join(dir, "study.json"), "{")
      study = await openStudy(dir)
      assert.deepEqual(study.plan, before)
      assert.match(study.edited ?? "", /not JSON.*plan restore/)
      await restorePlan(study)
      await study.close()
      study = await openStudy(dir)
      assert.equal(study.edited, null)
      await study.close()
    }))

  test("names every place that changed", () => {
    assert.deepEqual(planChanges({ a: [1, { b: 2 }], c: 1 }, { a: [1, { b: 3 }, 4] }), [
      { place: "a.1.b", before: 2, after: 3 },
      { place: "a.2", before: undefined, after: 4 },
      { place: "c", before: 1, after: undefined },
    ])
  })
})
