// Weekly patterns and the time of the week in the report: numbers against what was stored and planted.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { patternsView } from "../../../host/patterns/stored.js"
import { byTimeOfWeek } from "../../../host/report/parts/context.js"
import { buildReport } from "../../../host/report/report.js"
import type { ReportData, ReportPlay } from "../../../host/report/study-data.js"
import { withPatterns } from "../patterns/simulated-study.js"

const PATTERN_PARTS = [
  "pattern-example",
  "patterns",
  "pattern-listeners",
  "pattern-turns",
  "pattern-areas",
  "pattern-activities",
]

test("the report has the patterns, their learning, what they tell, and every number beside it", () =>
  withPatterns({ count: 48, weeks: 4 }, async (study) => {
    const report = await buildReport(study, { version: "0.0.0-test" })
    const view = await patternsView(study)
    const part = (id: string) => {
      const found = report.parts.find((candidate) => candidate.id === id)
      assert.ok(
        found !== undefined && found.kind !== "none",
        `${id}: ${found?.kind === "none" ? found.because : "missing"}`,
      )
      return found
    }
    for (const id of PATTERN_PARTS) part(id)
    // Eleven patterns of two channels, 166 hours each.
    assert.equal(part("patterns").rows.length, 11 * 2 * 166)
    const [line] = view.patterns[0].lines
    const [first] = part("patterns").rows
    assert.deepEqual(
      [first.pattern, first.channel, first.hour, first.value],
      [view.patterns[0].pattern, "volume", 1, line[0]],
    )
    const example = part("pattern-example").rows.filter(({ channel }) => channel === "volume")
    assert.equal(
      example.reduce((sum, { plays }) => sum + (plays as number), 0),
      Math.max(...view.listeners.map(({ plays }) => plays)),
    )
    const areas = part("pattern-areas").rows
    assert.equal(areas.length, 4 * 3)
    const patterns = view.evaluation?.sets.find(({ features }) => features === "patterns")
    assert.equal(
      areas.find(({ features, activity }) => features === "patterns" && activity === "mean")?.area,
      patterns?.mean.area,
    )
    assert.equal(part("pattern-activities").rows.length, 2 * 11)
  }))

test("where the plan exports no hours, no pattern is shown", () =>
  withPatterns(
    {
      count: 24,
      weeks: 3,
      plan: { privacy: { labels: true, bodies: "until-archived", exportTimes: "date" } },
    },
    async (study) => {
      const { parts, files } = await buildReport(study, { version: "0.0.0-test" })
      for (const id of [...PATTERN_PARTS, "context"]) {
        const part = parts.find((candidate) => candidate.id === id)
        assert.equal(part?.kind, "none", id)
      }
      assert.ok(![...files.keys()].some((path) => /pattern/.test(path)))
      const without = await buildReport(study, { version: "0.0.0-test", context: false })
      assert.equal(
        without.parts.find(({ id }) => id === "context"),
        undefined,
      )
    },
  ))

/** Plays of `count` listeners over two weeks; `share` of each is heard. */
function dataOf(
  count: number,
  share: (subject: number, weekend: boolean, arm: string) => number,
): ReportData {
  const rng = stream(3, "context")
  const monday = Date.UTC(2025, 5, 2)
  const plays: ReportPlay[] = []
  for (let subject = 1; subject <= count; subject++) {
    const arm = subject % 2 === 0 ? "b" : "a"
    for (let i = 0; i < 60; i++) {
      // Arm b listens at weekends far more often.
      const weekend = rng.uniform() < (arm === "b" ? 0.7 : 0.2)
      const day = (weekend ? 5 + rng.int(2) : rng.int(5)) + 7 * rng.int(2)
      plays.push({
        ...{
          id: plays.length + 1,
          subject,
          arm,
          wave: 1,
          song: 1,
          lengthMs: 200_000,
          reason: 1,
          uncertaintyMs: 1000,
        },
        startedAt: monday + day * 86_400_000 + (10 + rng.int(6)) * 3_600_000,
        heardMs: Math.round(
          200_000 * Math.min(1, Math.max(0.01, share(subject, weekend, arm) + 0.1 * rng.normal())),
        ),
      })
    }
  }
  const plan = { timeZone: "UTC", privacy: { exportTimes: "exact" } }
  return { plays, plan, arms: ["a", "b"], armsTold: true, waves: [1] } as unknown as ReportData
}

test("the effect of the weekend is found within listeners, and taken out of the difference between arms", () => {
  // Twenty points more at weekends; listeners differ, the arms don't.
  const data = dataOf(40, (subject, weekend) => 0.3 + 0.005 * subject + (weekend ? 0.2 : 0))
  const [part, arms] = byTimeOfWeek(data)
  assert.ok(part.kind === "figure")
  const row = (time: string) =>
    part.rows.find((candidate) => candidate.time === time && candidate.measure === "share heard")!
  const [weekday, weekend] = [row("weekdays, day, 10-17 h"), row("weekend, day, 10-17 h")]
  assert.ok(Math.abs((weekend.effect as number) - (weekday.effect as number) - 0.2) < 0.01)
  assert.ok((weekend.low as number) > 0 && (weekday.high as number) < 0)
  assert.deepEqual([row("weekdays, night, 0-6 h").plays, row("weekdays, night, 0-6 h").difference], [0, null])
  // Every play was skipped, so nobody interrupts more at any time.
  const interrupted = part.rows.filter(({ measure, plays }) => measure === "share interrupted" && plays !== 0)
  assert.ok(interrupted.length === 2 && interrupted.every(({ difference }) => difference === 0))
  assert.ok(arms.kind === "table")
  const [raw, adjusted] = arms.rows
  assert.deepEqual([raw.adjusted, adjusted.adjusted], [false, true])
  // b listens at weekends in half as many more of its plays: ten points that are no difference of the arms.
  assert.ok(Math.abs((raw.difference as number) + 0.1) < 0.04, `${raw.difference}`)
  assert.ok(
    Math.abs((adjusted.difference as number) + 0.005) < 0.03 && (adjusted.p as number) > 0.05,
    `${adjusted.difference}`,
  )
})

test("where the time of the week does nothing, its intervals hold zero", () => {
  const [part] = byTimeOfWeek(dataOf(30, (subject) => 0.4 + 0.005 * subject))
  assert.ok(part.kind === "figure")
  assert.match(part.alt, /^At no time is more or less/)
})
