// Double-blind mode: nothing that is shown tells who is in which arm.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type RoundReport, runRound } from "../../../host/round.js"
import { buildServer } from "../../../host/server/server.js"
import { commitmentOf } from "../../../host/study/allocate.js"
import { amendPlan } from "../../../host/study/amend.js"
import { armCodes, armFor, armShown, blindRound, isBlind, unblind } from "../../../host/study/blind.js"
import type { Plan } from "../../../host/study/plan.js"
import { openStudy, type Study, writePlanFile } from "../../../host/study/study.js"
import { waveSummaries } from "../../../host/study/waves.js"
import { fieldtune } from "../cli/run.js"
import { START } from "./folder.js"
import { HOUR, listen, withPeople } from "./people.js"

const ARMS: Plan["arms"] = [
  { name: "tailored", design: "model", share: 1 },
  { name: "nearby", design: "gower", share: 1 },
  { name: "lottery", design: "random", share: 1 },
  { name: "greedy", design: "utility", share: 1 },
]
/** Names of arms and designs, tags, and words that only reasons and notes of designs have. */
const TELLING =
  /tailored|nearby|lottery|greedy|gower|thompson|"?model"|"random|explore|exploit|at random|heard \d/i
/** Fields that tell of a design: null, empty, or not there. */
const HIDDEN = [
  "utility",
  "information",
  "tag",
  "propensity",
  "rank",
  "reason",
  "price",
  "design",
  "designs",
  "cycle",
]

const KEY = new Uint8Array(32).fill(8)

/** A blind study of four listeners, one in each arm, whose second wave was designed. */
function withBlind<T>(
  body: (study: Study, reports: RoundReport[]) => Promise<T>,
  arms: Plan["arms"] = ARMS,
): Promise<T> {
  return withPeople(4, { arms, blind: "double", epsilon: 0.3 }, async (study) => {
    await study.store.allocations.begin(KEY, commitmentOf(KEY), START)
    const reports = [await runRound(study, { now: START + HOUR })]
    for (const subject of [1, 2, 3, 4]) await listen(study, subject, 1, START + 2 * HOUR)
    reports.push(await runRound(study, { now: START + 4 * HOUR }))
    return body(study, reports)
  })
}

/** Every place of a JSON value with a field that has to be hidden and a value that says something. */
function revealed(value: unknown, place = ""): string[] {
  if (value === null || typeof value !== "object") return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const empty = inner === null || inner === ""
    return HIDDEN.includes(name) && !empty ? [`${place}.${name}`] : revealed(inner, `${place}.${name}`)
  })
}

function assertBlind(shown: string, what: string): void {
  assert.doesNotMatch(shown, TELLING, what)
  if (!/^[[{]/.test(shown)) assert.doesNotMatch(shown, /\b(model|random|utility|design|price)\b/, what)
  else assert.deepEqual(revealed(JSON.parse(shown)), [], what)
}

describe("a blind study", () => {
  test("shows neither arms nor designs nor reasons on its page and in the answers of its commands", () =>
    withBlind(async (study, reports) => {
      // What is hidden is there: the arms differ.
      assert.deepEqual(
        reports[1].subjects.map((row) => row.design),
        ["model", "gower", "random", "utility"],
      )
      const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
      for (const url of ["/api/overview", "/api/songs", ...[1, 2, 3, 4].map((id) => `/api/subjects/${id}`)]) {
        const { body, statusCode } = await app.inject({ url })
        assert.equal(statusCode, 200)
        assertBlind(body, url)
      }
      await app.close()
      for (const report of reports) assertBlind(JSON.stringify(blindRound(report)), "report of a round")
      assertBlind(JSON.stringify(await waveSummaries(study)), "waves")
      const stay = ["--arm", "nearby", "--reason", "was there before"]
      const commands = [
        ["status"],
        ["round"],
        ["enrol", "5", "--device", "00112233aabbccee"],
        ["enrol", "6", "--device", "00112233aabbccef", ...stay],
        ["enrol", "1", "--device", "00112233aabbccf0"],
        ["enrol", "1", "--device", "00112233aabbccf0", ...stay],
        ["enrol", "7", "--device", "00112233aabbccf1", "--arm", "none", "--reason", "x"],
        ["board", "status"],
        ["board", "replace", "00112233aabbcc01", "--by", "00112233aabbccf2", "--reason", "dropped"],
        ["withdraw", "3", "--dry-run"],
      ]
      for (const [i, command] of commands.entries()) {
        const args = [...command, "--study", study.dir]
        if (i % 2 === 0 || command[0] === "status" || command[0] === "round") {
          const { stdout, stderr } = await fieldtune([...args, "--json"], study.dir)
          assertBlind(stdout, command.join(" "))
          assertBlind(stderr, command.join(" "))
        }
        const { stdout, stderr } = await fieldtune(args, study.dir)
        assertBlind(stdout, command.join(" "))
        assertBlind(stderr, command.join(" "))
      }
    }))

  test("shows everything once it is unblinded, with a reason, for good", () =>
    withBlind(async (study, reports) => {
      await assert.rejects(unblind(study, "", START), /reason: must have 1 to 2000/)
      await unblind(study, "the plan of analysis is signed", START + 9)
      assert.equal(await isBlind(study), false)
      await assert.rejects(unblind(study, "again", START), /was unblinded before/)
      const [event] = await study.store.events.latest(1)
      assert.deepEqual(
        [event.kind, event.detail],
        ["unblinded", { reason: "the plan of analysis is signed" }],
      )
      const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
      const { body } = await app.inject({ url: "/api/subjects/2" })
      assert.throws(() => assertBlind(body, "what was hidden is told"), { name: "AssertionError" })
      const { subject, lists } = JSON.parse(body)
      await app.close()
      assert.deepEqual([subject.arm, lists[0].design], ["nearby", "gower"])
      assert.equal((await waveSummaries(study))[1].designs, "gower+model+random+utility")
      assert.notEqual(reports[1].subjects[0].price, null)
    }))

  test("has the plan's codes, or letters that follow from the key and that an amendment does not move", () =>
    withBlind(async (study) => {
      const codes = await armCodes(study)
      assert.deepEqual([...codes.values()].sort(), ["A", "B", "C", "D"])
      assert.deepEqual([...codes.keys()].sort(), ARMS.map(({ name }) => name).sort())
      const shown = await armShown(study)
      assert.equal(shown("lottery"), codes.get("lottery"))
      assert.equal(await armFor(study, codes.get("lottery")!), "lottery")
      writePlanFile(study.dir, {
        ...study.plan,
        arms: [{ name: "added", design: "thompson", share: 1 }, ...ARMS],
      })
      await amendPlan(study, "one more arm", START + 50)
      const later = await openStudy(study.dir)
      try {
        assert.deepEqual(new Map([...codes, ["added", "E"]]), await armCodes(later))
      } finally {
        await later.close()
      }
    }))

  test("takes the codes of the plan where it has them", () =>
    withBlind(
      async (study) => {
        assert.deepEqual([...(await armCodes(study)).values()], ["x0", "x1", "x2", "x3"])
        assert.equal((await armShown(study))("greedy"), "x3")
      },
      ARMS.map((arm, i) => ({ ...arm, code: `x${i}` })),
    ))

  test("is one only by its plan", () =>
    withPeople(1, {}, async (study) => {
      assert.equal(await isBlind(study), false)
      assert.equal((await armShown(study))("model"), "model")
      await assert.rejects(unblind(study, "why", START), /the study is not blind/)
    }))
})
