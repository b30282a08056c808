import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { NAMES, PRINTED, TRUTH } from "../../../host/replicate/printed.js"

const MAIN = fileURLToPath(new URL("../../../host/cli/main.js", import.meta.url))
const run = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [MAIN, "replicate", ...args], { maxBuffer: 1 << 26 })).stdout

const PROFILES = ["default", "thesis"] as const

test("the studies run again: the same bytes for a seed, the printed figures beside them, and tables that hang together", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => run("--seed", "5", "--runs", "1", "--json")))
  assert.equal(first, second)
  const found = JSON.parse(first)
  assert.deepEqual(found.thesis, JSON.parse(JSON.stringify(PRINTED)))
  for (const profile of PROFILES) {
    const tables = found.profile[profile]
    for (const name of ["table2", "table3", "table4"]) {
      assert.equal(tables[name].length, 5)
      for (const { names, mean, sd, inclusion } of tables[name]) {
        assert.deepEqual(names, NAMES)
        for (const row of [mean, sd, inclusion]) {
          assert.ok(row.length === NAMES.length && row.every(Number.isFinite))
        }
      }
    }
    assert.ok(tables.table3.every((row: any) => row.inclusion.slice(1).every((value: number) => value === 1)))
    for (const kind of ["own", "averaged", "density", "geometric", "bayes", "stacking", "marginal"]) {
      assert.ok(tables.table5[kind].every((value: number) => value > 0))
    }
    const { utility, precision } = tables.table6
    for (let subject = 0; subject < 5; subject++) {
      assert.ok(utility.maximum[subject] >= utility.optimal[subject])
      assert.ok(utility.optimal[subject] > utility.random[subject])
      assert.ok(utility.maximum[subject] > utility.gower[subject])
      assert.ok(precision.optimal[subject] >= precision.maximum[subject])
    }
    assert.deepEqual([tables.figure2.length, tables.figure2[0].length], [5, 10])
  }
  // Inclusion of what is truly there, where it is not too small to be seen, and estimates near it.
  TRUTH.forEach((beta, subject) => {
    const { mean, inclusion } = found.profile.default.table4[subject]
    beta.forEach((value, q) => {
      if (Math.abs(value) < 0.3) return
      assert.ok(inclusion[q] > 0.9, `subject ${subject + 1} ${NAMES[q]}: ${inclusion[q]}`)
      assert.ok(Math.abs(mean[q] - value) < 0.35, `subject ${subject + 1} ${NAMES[q]}: ${mean[q]}`)
    })
  })
  // Another program's own models err by .43 square minutes in the mean over its ten simulations of this study; one run
  // with other songs may be a few times that, and no further off.
  const { own } = found.profile.default.table5
  const error = own.reduce((sum: number, value: number) => sum + value / 5, 0)
  assert.ok(error > 0.1 && error < 1.7, `own error ${error}`)
  // The thesis's selection only takes out: sparser, and never denser than the corrected one.
  const size = (row: any): number =>
    row.inclusion.slice(1).reduce((sum: number, value: number) => sum + value, 0)
  for (let subject = 0; subject < 5; subject++) {
    assert.ok(size(found.profile.thesis.table2[subject]) < size(found.profile.default.table2[subject]))
  }
  assert.ok(found.notes.length >= 7)
})

test("a number of runs below one is refused", async () => {
  await assert.rejects(run("--runs", "0"), /must be a whole number from 1 to 1000/)
})
