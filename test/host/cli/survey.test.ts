// fieldtune survey as a user runs it.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { withPeople } from "../study/people.js"
import { fieldtune } from "./run.js"

test("fieldtune survey asks, takes in, corrects, shows and correlates", () =>
  withPeople(2, {}, async ({ dir }) => {
    const run = async (...args: string[]) => fieldtune(["survey", ...args], dir)
    const json = async (...args: string[]) => JSON.parse((await run(...args, "--json")).stdout)

    const asked = await run("questions")
    assert.match(asked.stdout, /^pay: How much would you pay per month, at most,/m)
    assert.match(asked.stdout, /an amount in USD from 0/)
    assert.match(asked.stdout, /Next: fieldtune survey import/)

    writeFileSync(join(dir, "answers.csv"), "subject,fit,pay,when\n1,4,2.50,today\n2,6,NA,today\n")
    const taken = await run("import", "answers.csv")
    assert.equal(taken.code, 0)
    assert.match(taken.stdout, /left out: row 3, fit: must be a whole number from 1 to 5, got "6"/)
    assert.match(taken.stdout, /No question of the plan: when\./)
    assert.match(
      taken.stdout,
      /2 new answers, 0 that replace another, 0 known; 1 cells without an answer, 1 left out/,
    )
    assert.equal((await json("import", "answers.csv")).same, 2)

    assert.match((await run("set", "1", "fit", "5")).stdout, /replaces another, which is kept/)
    const refused = await run("set", "1", "fit", "seven")
    assert.equal(refused.code, 2)
    assert.equal(
      refused.stderr,
      'fieldtune: subject 1, fit: must be a whole number from 1 to 5, got "seven"\n',
    )

    const shown = await json("show")
    assert.deepEqual(shown.subjects, [
      { subject: 1, arm: "model", answers: { fit: 5, pay: 2.5 } },
      { subject: 2, arm: "model", answers: {} },
    ])
    assert.match(
      (await run("show")).stdout,
      /2 subjects, 1 of them without any answer; 1 answers were replaced/,
    )

    const correlated = await run("correlate")
    assert.match(correlated.stdout, /no answer, because fewer than 4 subjects have both: 0/)
    assert.match(correlated.stdout, /Nobody has a playlist yet/)
    assert.equal((await json("correlate")).correlations.length, 25)
    assert.equal((await run("import", "nosuch.csv")).code, 2)
  }))
