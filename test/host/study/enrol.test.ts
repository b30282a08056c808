// Enrolment by the plan: sequences, strata, cohorts, arms by hand, and what it refuses.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { commitmentOf, verifyAllocation } from "../../../host/study/allocate.js"
import { amendPlan } from "../../../host/study/amend.js"
import { type EnrolmentWish, enrolSubject } from "../../../host/study/enrol.js"
import { checkPlan } from "../../../host/study/plan.js"
import { openStudy, type Study, writePlanFile } from "../../../host/study/study.js"
import { KEY, START } from "./folder.js"
import { deviceOf, withPeople } from "./people.js"

const SECRET = new Uint8Array(32).fill(5)
const random = (n: number): Uint8Array => SECRET.slice(0, n)

const PLAN = checkPlan(
  {
    arms: [
      { name: "adaptive", design: "model", share: 2 },
      { name: "control", design: "random", share: 1 },
    ],
    allocation: { strata: [{ name: "site", levels: ["north", "south"] }] },
  },
  "plan",
)
const { arms, allocation } = PLAN

function wishOf(subject: number, fields: Partial<EnrolmentWish> = {}): EnrolmentWish {
  return {
    subject,
    device: deviceOf(subject),
    key: KEY,
    at: START + subject,
    strata: { site: "north" },
    ...fields,
  }
}

async function check(study: Study) {
  const { store } = study
  const { key, commitment } = (await store.allocations.key())!
  const plans = (await store.plans.all()).map(({ document }) => checkPlan(JSON.parse(document), "plan"))
  return verifyAllocation(key, commitment, plans, await store.allocations.all())
}

describe("enrolment by the plan", () => {
  test("starts the study, binds the key by its hash, and takes the places of each stratum in order", () =>
    withPeople(0, { arms, allocation }, async (study) => {
      const { store } = study
      for (let subject = 1; subject <= 12; subject++) {
        const site = subject % 3 === 0 ? "south" : "north"
        const { arm, allocated } = await enrolSubject(study, wishOf(subject, { strata: { site } }), random)
        assert.equal(allocated, "drawn")
        assert.equal((await store.subjects.get(subject))?.arm, arm)
      }
      assert.equal((await store.plans.newest())?.version, 1)
      const [told] = await store.events.latest(1, "allocation-key")
      assert.deepEqual([told.at, told.detail], [START + 1, { commitment: commitmentOf(SECRET) }])
      const rows = await store.allocations.all()
      const places = (stratum: string) =>
        rows.filter((row) => row.stratum === stratum).map((row) => row.ordinal)
      assert.deepEqual(places('[["site","south"]]'), [0, 1, 2, 3])
      assert.deepEqual(places('[["site","north"]]'), [0, 1, 2, 3, 4, 5, 6, 7])
      assert.deepEqual(await check(study), { checked: 12, byHand: 0, faults: [] })
      assert.deepEqual((await store.subjects.get(3))?.strata, { site: "south" })
    }))

  test("gives no place twice when many enrol at once", () =>
    withPeople(0, { arms, allocation }, async (study) => {
      await Promise.all(Array.from({ length: 17 }, (_, k) => enrolSubject(study, wishOf(1 + k), random)))
      const ordinals = (await study.store.allocations.all()).map((row) => row.ordinal)
      assert.deepEqual(
        ordinals.sort((a, b) => a! - b!),
        Array.from({ length: 17 }, (_, i) => i),
      )
      assert.deepEqual((await check(study)).faults, [])
    }))

  test("lets an arm be set by hand with a reason, which takes no place", () =>
    withPeople(0, { arms, allocation }, async (study) => {
      await assert.rejects(
        enrolSubject(study, wishOf(1, { arm: "control" }), random),
        /by hand needs a reason/,
      )
      assert.equal(await study.store.plans.newest(), undefined, "a refused enrolment starts nothing")
      const byHand = await enrolSubject(study, wishOf(1, { arm: "control", reason: "twin of 7" }), random)
      assert.deepEqual([byHand.arm, byHand.allocated], ["control", "by hand"])
      await enrolSubject(study, wishOf(2), random)
      const [first, second] = await study.store.allocations.all()
      assert.deepEqual([first.method, first.ordinal, first.reason], ["hand", null, "twin of 7"])
      assert.deepEqual([second.method, second.ordinal], ["blocked", 0])
      assert.deepEqual(await check(study), { checked: 1, byHand: 1, faults: [] })
    }))

  test("keeps the arm, the cohort and the stratum of a subject that comes back", () =>
    withPeople(0, { arms, allocation, cohorts: [{ name: "A" }, { name: "B" }] }, async (study) => {
      const { arm } = await enrolSubject(study, wishOf(1, { cohort: "A" }), random)
      await study.store.subjects.release(deviceOf(1), START + 9)
      const again = (fields: Partial<EnrolmentWish>) =>
        enrolSubject(study, wishOf(1, { at: START + 10, ...fields }), random)
      const other = arm === "control" ? "adaptive" : "control"
      await assert.rejects(again({ arm: other, reason: "x" }), /stays in the arm that it was enrolled in/)
      await assert.rejects(again({ cohort: "B" }), /is in cohort A and stays there, got B/)
      await assert.rejects(again({ strata: { site: "south" } }), /stratum site is north and stays, got south/)
      const kept = await again({ device: deviceOf(2), label: "P1" })
      assert.deepEqual([kept.arm, kept.allocated], [arm, "kept"])
      assert.equal((await study.store.allocations.all()).length, 1)
      assert.equal((await study.store.subjects.get(1))?.label, "P1")
    }))

  test("fills cohorts up to their room", () =>
    withPeople(0, { cohorts: [{ name: "A", subjects: 2 }, { name: "B" }] }, async (study) => {
      const join = (subject: number, cohort?: string) =>
        enrolSubject(study, wishOf(subject, { strata: {}, cohort }), random)
      await assert.rejects(join(1), /cohort: is needed: A or B/)
      await assert.rejects(join(1, "C"), /cohort: must be A or B, got "C"/)
      await join(1, "A")
      await join(2, "A")
      await assert.rejects(join(3, "A"), /cohort A: has room for 2 subjects, all of them taken/)
      assert.equal(await study.store.subjects.get(3), undefined)
      await join(3, "B")
      assert.equal((await study.store.subjects.get(3))?.cohort, "B")
    }))

  test("refuses labels where the plan has none, unknown levels, boards that are taken", () =>
    withPeople(0, { arms, allocation, privacy: { ...PLAN.privacy, labels: false } }, async (study) => {
      await assert.rejects(enrolSubject(study, wishOf(1, { label: "Ann" }), random), /privacy\.labels/)
      await assert.rejects(enrolSubject(study, wishOf(1, { strata: {} }), random), /stratum site: is needed/)
      await assert.rejects(enrolSubject(study, wishOf(1, { arm: "z", reason: "x" }), random), /got z/)
      await enrolSubject(study, wishOf(1), random)
      await assert.rejects(
        enrolSubject(study, wishOf(2, { device: deviceOf(1) }), random),
        /is enrolled with subject 1; end that first/,
      )
      const told = await study.store.events.latest(99)
      assert.ok(!JSON.stringify(told).includes("label"), "labels never enter the event log")
    }))

  test("begins other sequences when an amendment changes the shares, and both can be checked", () =>
    withPeople(0, { arms, allocation }, async (study) => {
      for (const subject of [1, 2, 3, 4]) await enrolSubject(study, wishOf(subject), random)
      const even = { ...study.plan, arms: arms.map((arm) => ({ ...arm, share: 1 })) }
      writePlanFile(study.dir, even)
      await amendPlan(study, "the control arm was too small", START + 50)
      const later = await openStudy(study.dir)
      try {
        for (const subject of [5, 6]) await enrolSubject(later, wishOf(subject), random)
      } finally {
        await later.close()
      }
      const rows = await study.store.allocations.all()
      assert.deepEqual(
        rows.map((row) => row.ordinal),
        [0, 1, 2, 3, 0, 1],
      )
      assert.equal(new Set(rows.map((row) => row.scheme)).size, 2)
      assert.deepEqual((await check(study)).faults, [])
    }))

  test("keeps key and allocations from being changed", () =>
    withPeople(0, { arms, allocation }, async (study) => {
      await enrolSubject(study, wishOf(1), random)
      await study.store.allocations.begin(new Uint8Array(32), commitmentOf(new Uint8Array(32)), START + 9)
      assert.deepEqual((await study.store.allocations.key())?.key, SECRET)
      assert.equal((await study.store.events.latest(9, "allocation-key")).length, 1)
    }))
})
