import assert from "node:assert/strict"
import { test } from "node:test"
import { checkPlan } from "../../../host/study/plan.js"
import { daysAfter, daysOf, plannedDays } from "../../../host/study/wave-dates.js"

const timeZone = "Europe/Berlin"
const waves = { count: 4, days: 5, gapDays: 2, start: "2025-03-24", first: "random" as const }

test("waves begin at local midnight, seven days apart, also over the change to summer time", () => {
  const plan = checkPlan({ timeZone, waves }, "plan")
  const planned = [1, 2].map((wave) => plannedDays(plan, "", wave)!)
  assert.deepEqual(
    planned.map(({ first, last }) => [first, last]),
    [
      ["2025-03-24", "2025-03-28"],
      ["2025-03-31", "2025-04-04"],
    ],
  )
  // Summer time began on 30 March: midnight is 23:00 UTC before and 22:00 UTC after.
  assert.deepEqual(
    planned.flatMap(({ from, to }) => [from, to]).map((at) => new Date(at).toISOString()),
    [
      "2025-03-23T23:00:00.000Z",
      "2025-03-28T23:00:00.000Z",
      "2025-03-30T22:00:00.000Z",
      "2025-04-04T22:00:00.000Z",
    ],
  )
})

test("a cohort has its own first day, or the one of the study", () => {
  const cohorts = [{ name: "spring" }, { name: "autumn", start: "2025-09-01" }]
  const plan = checkPlan({ timeZone, waves, cohorts }, "plan")
  assert.equal(plannedDays(plan, "spring", 2)!.first, "2025-03-31")
  assert.equal(plannedDays(plan, "autumn", 2)!.first, "2025-09-08")
})

test("without dates a wave lasts its days from the day on which it was opened", () => {
  const plan = checkPlan({ timeZone, waves: { days: 5, gapDays: 2 } }, "plan")
  assert.equal(plannedDays(plan, "", 1), undefined)
  // 23:30 UTC is the next day in Berlin.
  const { first, last } = daysOf(plan, "", 1, Date.parse("2025-06-01T23:30:00Z"))
  assert.deepEqual([first, last], ["2025-06-02", "2025-06-06"])
})

test("days are counted between local dates", () => {
  const at = Date.parse("2025-03-31T21:59:00Z")
  assert.equal(daysAfter("2025-03-31", at, timeZone), 0)
  assert.equal(daysAfter("2025-03-31", at + 60_000, timeZone), 1)
  assert.equal(daysAfter("2025-04-02", at, timeZone), -2)
})
