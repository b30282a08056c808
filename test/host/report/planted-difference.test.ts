// The report of a study whose difference between arms was planted, against R's t.test.

import assert from "node:assert/strict"
import { test } from "node:test"
import Papa from "papaparse"
import { exchange } from "../../../host/protocol/session.js"
import { buildReport, type Report } from "../../../host/report/report.js"
import { enrol } from "../../../host/study/enrol.js"
import { publish } from "../../../host/study/publish.js"
import type { Study } from "../../../host/study/study.js"
import { addSongs, recordOf, requestOf, START, withStudy } from "../study/folder.js"

const PLAN = {
  arms: [
    { name: "model", design: "model" as const, share: 1 },
    { name: "control", design: "gower" as const, share: 1 },
  ],
}
const HOUR_MS = 3_600_000

/** Six listeners, two arms, two waves; in wave 2 those of `model` hear 30 % more of every song. */
async function twoArms(study: Study): Promise<void> {
  await addSongs(study, 20)
  for (let subject = 11; subject <= 16; subject++) {
    const arm = subject % 2 === 0 ? "model" : "control"
    const device = subject.toString(16).padStart(16, "0")
    await enrol(study.store, { subject, device, arm, key: new Uint8Array(32).fill(subject), at: START })
    for (let wave = 1; wave <= 2; wave++) {
      const items = Array.from({ length: 10 }, (_, i) => ({
        ...{ song: i + 1, utility: 0.5 + i / 100, information: 0.1, propensity: 0.5, rank: i + 1 },
        tag: i === 9 ? ("explore" as const) : ("exploit" as const),
        reason: { text: "because of its tempo" },
      }))
      const at = START + wave * 10 * HOUR_MS
      const summary = { price: { total: 0.02, design: 0.015, random: 0.005 }, notes: [] }
      await publish(study.store, { subject, wave, design: arm, at, items, summary })
      const plays = items.map(({ song }, i) => {
        const share = 0.3 + 0.02 * (subject - 11) + (wave === 2 && arm === "model" ? 0.3 : 0)
        const startMs = ((wave - 1) * 10 + i) * 400_000
        const fields = { sequence: (wave - 1) * 10 + i + 1, listVersion: wave, startMs, position: i }
        return recordOf({ ...fields, song, heardMs: Math.round(share * 180_000), reason: 1 })
      })
      const request = requestOf({ n: wave, list: wave, plays, up: 10 * HOUR_MS * wave })
      const { replay } = await exchange(
        study,
        device,
        request,
        new Uint8Array([subject, wave]),
        at + 5 * HOUR_MS,
      )
      assert.equal(replay, false)
    }
  }
}

const text = (report: Report, path: string): string => Buffer.from(report.files.get(path)!).toString("utf8")
const rowsOf = (report: Report, path: string): Record<string, string>[] => {
  const { data, errors } = Papa.parse<Record<string, string>>(text(report, path), {
    header: true,
    skipEmptyLines: true,
  })
  assert.deepEqual(errors, [], path)
  return data
}

test("the arms are compared by listeners: the difference is the one planted", () =>
  withStudy(async ({ study }) => {
    await twoArms(study)
    const report = await buildReport(study, { version: "0.1.0" })
    const compared = rowsOf(report, "tables/arms-compared.csv")
    const row = compared.find(({ measure, period }) => measure === "share heard" && period === "wave 2")!
    // Listeners 12, 14, 16 hear .62, .66, .70; listeners 11, 13, 15 hear .30, .34, .38. R 4.2.2:
    // t.test(c(.62, .66, .70), c(.30, .34, .38))
    const expected = {
      ...{ mean_arm: 0.66, mean_versus: 0.34, difference: 0.32, t: 9.797959, df: 4, p: 0.0006081849 },
      ...{ low: 0.2293217, high: 0.4106783 },
    }
    for (const [name, value] of Object.entries(expected)) {
      assert.ok(Math.abs(Number(row[name]) - value) < 1e-6, `${name}: ${row[name]}`)
    }
    // A change that is the same for everybody in an arm has no standard error, whatever the last bits say.
    const change = compared.find(
      ({ measure, period }) => measure === "share heard" && period.startsWith("change"),
    )!
    assert.ok(Math.abs(Number(change.mean_arm) - 0.3) < 1e-4)
    assert.equal(change.p, "")
    assert.match(change.no_answer, /neither sample varies/)
    const descriptives = rowsOf(report, "tables/descriptives.csv")
    assert.ok(descriptives.length > 0)
  }, PLAN))
