import assert from "node:assert/strict"
import { test } from "node:test"
import type { Archived } from "../../../host/archive/collect.js"
import type { Row } from "../../../host/archive/field.js"
import { flowCounts, flowFigure, flowNotes } from "../../../host/archive/flow.js"
import { checkPlan } from "../../../host/study/plan.js"

const PLAN = checkPlan(
  {
    arms: [
      { name: "a", design: "model" },
      { name: "b <&>", design: "random" },
    ],
  },
  "plan",
)

/** Five listeners: 1 goes through, 2 withdraws, 3 loses the board for good, 4 gets no list, 5 is in the other arm. */
function tables(): Archived["tables"] {
  const rows: Record<string, Row[]> = {
    subjects: [1, 2, 3, 4, 5].map((subject) => ({
      subject,
      arm: subject === 5 ? "b <&>" : "a",
      withdrawn_at: subject === 2 ? 7 : null,
    })),
    enrolments: [
      { subject: 1, end_reason: "completed" },
      { subject: 2, end_reason: "withdrawn" },
      { subject: 3, end_reason: "returned" },
      { subject: 3, end_reason: "lost" },
      { subject: 4, end_reason: null },
      { subject: 5, end_reason: null },
    ],
    playlists: [
      { playlist: 1, subject: 1, wave: 2, confirmed_at: 5 },
      { playlist: 2, subject: 2, wave: 2, confirmed_at: 5 },
      { playlist: 3, subject: 3, wave: 2, confirmed_at: null },
      { playlist: 4, subject: 4, wave: 2, confirmed_at: null },
      { playlist: 5, subject: 5, wave: 2, confirmed_at: 6 },
    ],
    // A board may play a list and be lost before it says so.
    plays: [{ playlist: 3 }],
    outcomes: [
      { primary: true, subject: 1, wave: 2, value: 0.5 },
      { primary: true, subject: 3, wave: 2, value: null },
      { primary: false, subject: 3, wave: 2, value: 3 },
      { primary: true, subject: 5, wave: 2, value: 0 },
    ],
  }
  const table = { name: "", title: "", description: "", primaryKey: [], fields: [] }
  return new Map(Object.entries(rows).map(([name, found]) => [name, { table, rows: found }]))
}

test("every box of the flow is counted after its own definition", () => {
  const rows = flowCounts(tables(), PLAN)
  assert.deepEqual(
    rows.map(({ stage, arm, wave, count }) => [stage, arm, wave, count]),
    [
      ["enrolled", null, null, 5],
      ["allocated", "a", null, 4],
      ["withdrawn", "a", null, 1],
      ["lost", "a", null, 1],
      ["received", "a", 2, 3],
      ["analysed", "a", 2, 1],
      ["allocated", "b <&>", null, 1],
      ["withdrawn", "b <&>", null, 0],
      ["lost", "b <&>", null, 0],
      ["received", "b <&>", 2, 1],
      ["analysed", "b <&>", 2, 1],
    ],
  )
  assert.deepEqual(flowNotes(rows), [
    "arm a, wave 2: allocated and received differ by 1",
    "arm a, wave 2: received and analysed differ by 2",
  ])
})

test("the figure has every box with its number, and no name breaks it", () => {
  const rows = flowCounts(tables(), PLAN)
  const figure = flowFigure(rows)
  assert.equal(figure.match(/<rect /g)?.length, rows.length)
  assert.equal(figure.match(/>n = \d+</g)?.length, rows.length)
  assert.match(figure, /b &lt;&amp;&gt;/)
  assert.ok(!figure.includes("b <&>"))
})
