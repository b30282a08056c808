import assert from "node:assert/strict"
import { test } from "node:test"
import { ago, table } from "../../../host/cli/table.js"

test("a table aligns texts to the left, numbers to the right, and shows what is not there as a dash", () => {
  assert.deepEqual(
    table(
      ["name", "n", "state"],
      [
        ["a", 5, null],
        ["longer", 12345, "ok"],
      ],
    ),
    ["name        n  state", "------  -----  -----", "a           5  -", "longer  12345  ok"],
  )
})

test("time ago is in the unit a person would use, and never negative", () => {
  const now = 1_700_000_000_000
  const cases: [number, string][] = [
    [0, "0 min"],
    [-5000, "0 min"],
    [119 * 60000, "119 min"],
    [120 * 60000, "2 h"],
    [47 * 3600000, "47 h"],
    [48 * 3600000, "2 d"],
  ]
  for (const [since, text] of cases) assert.equal(ago(now - since, now), text)
  assert.equal(ago(null, now), undefined)
})
