// Sequences of arms: known answers, balance, shares, uniformity, unpredictability, and the check after publication.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"
import type { Allocation } from "../../../host/store/allocations.js"
import {
  type AllocationRule,
  allocationRule,
  armAt,
  commitmentOf,
  schemeOf,
  stratumOf,
  verifyAllocation,
} from "../../../host/study/allocate.js"
import { checkPlan, type Plan } from "../../../host/study/plan.js"

interface Reference {
  key: string
  commitment: string
  cases: { rule: AllocationRule; stratum: string; scheme: string; arms: string[] }[]
}

const REFERENCE = JSON.parse(
  readFileSync(new URL("../../../../test/reference/allocation/sequences.json", import.meta.url), "utf8"),
) as Reference

const arms = [
  { name: "a", share: 2 },
  { name: "b", share: 1 },
]
const RULE: AllocationRule = { method: "blocked", arms, blocks: [1, 2] }

function keyOf(n: number): Uint8Array {
  return new Uint8Array(Buffer.from(commitmentOf(Uint8Array.of(n & 255, n >> 8)), "hex"))
}

function sequence(key: Uint8Array, rule: AllocationRule, count: number, stratum = "[]"): string[] {
  return Array.from({ length: count }, (_, ordinal) => armAt(key, rule, stratum, ordinal))
}

function planOf(given: object): Plan {
  return checkPlan(given, "plan")
}

describe("a sequence", () => {
  test("is the one that another program makes from the description", () => {
    const key = new Uint8Array(Buffer.from(REFERENCE.key, "hex"))
    assert.equal(commitmentOf(key), REFERENCE.commitment)
    for (const { rule, stratum, scheme, arms } of REFERENCE.cases) {
      assert.equal(schemeOf(rule), scheme)
      assert.deepEqual(sequence(key, rule, arms.length, stratum), arms)
    }
  })

  test("has exactly the shares at the end of every block, whose sizes vary", () => {
    const single: AllocationRule = { ...RULE, blocks: [1] }
    for (let k = 0; k < 50; k++) {
      const drawn = sequence(keyOf(k), single, 30)
      for (let end = 3; end <= 30; end += 3) {
        assert.equal(drawn.slice(0, end).filter((arm) => arm === "b").length, end / 3)
      }
    }
    const first = Array.from({ length: 200 }, (_, k) => sequence(keyOf(k), RULE, 3))
    const unbalanced = first.filter((drawn) => drawn.filter((arm) => arm === "b").length !== 1).length
    // Half of the first blocks have 6 places, two of them b; 3 of these have one b with probability 12/20. So the first
    // three are unbalanced with probability .2: standard deviation 5.7 of 200, five of them on either side.
    assert.ok(unbalanced > 11 && unbalanced < 69, `${unbalanced} of 200`)
  })

  test("is never further from the shares than half of its longest block allows, in every stratum", () => {
    const rule: AllocationRule = {
      method: "blocked",
      arms: [
        { name: "a", share: 1 },
        { name: "b", share: 1 },
      ],
      blocks: [1, 2, 3],
    }
    for (const stratum of ['[["site","n"]]', '[["site","s"]]']) {
      for (let k = 0; k < 40; k++) {
        let ahead = 0
        for (const arm of sequence(keyOf(k), rule, 60, stratum)) {
          ahead += arm === "a" ? 1 : -1
          // A block of 2 · 3 places has three of each: nobody is more than three ahead.
          assert.ok(Math.abs(ahead) <= 3)
        }
      }
    }
  })

  test("draws every order of a block alike", () => {
    const rule: AllocationRule = {
      method: "blocked",
      arms: ["a", "b", "c", "d"].map((name) => ({ name, share: 1 })),
      blocks: [1],
    }
    const counts = new Map<string, number>()
    const blocks = 12_000
    for (let k = 0; k < blocks; k++) {
      const order = sequence(keyOf(k), rule, 4).join("")
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    assert.equal(counts.size, 24)
    const expected = blocks / 24
    const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    // χ² with 23 degrees of freedom: the 1e-6 quantiles are 4.0 and 70.5.
    assert.ok(chi2 > 4 && chi2 < 70.5, `χ² ${chi2}`)
  })

  test("of single draws has the shares over many", () => {
    const rule: AllocationRule = {
      method: "simple",
      arms: [
        { name: "a", share: 0.5 },
        { name: "b", share: 1.5 },
      ],
      blocks: [],
    }
    const inA = sequence(keyOf(1), rule, 8000).filter((arm) => arm === "a").length
    // Binomial(8000, .25): standard deviation 38.7, five of them on either side.
    assert.ok(Math.abs(inA - 2000) < 194, `${inA} of 8000`)
  })

  test("of single draws gives nothing to who guesses the next arm by what followed the same arms before", () => {
    const rule: AllocationRule = {
      method: "simple",
      arms: [
        { name: "a", share: 1 },
        { name: "b", share: 1 },
      ],
      blocks: [],
    }
    const drawn = sequence(keyOf(9), rule, 6000)
    // Guess by what followed the same four arms most often so far.
    const seen = new Map<string, number>()
    let right = 0
    for (let i = 4; i < drawn.length; i++) {
      const past = drawn.slice(i - 4, i).join("")
      const lead = seen.get(past) ?? 0
      if ((lead > 0 ? "a" : "b") === drawn[i]) right++
      seen.set(past, lead + (drawn[i] === "a" ? 1 : -1))
    }
    // Binomial(5996, ½): standard deviation 38.7, five of them on either side.
    assert.ok(Math.abs(right - 2998) < 194, `${right} of 5996`)
  })

  test("is another one for another key, stratum or rule", () => {
    const base = sequence(keyOf(1), RULE, 60)
    assert.notDeepEqual(sequence(keyOf(2), RULE, 60), base)
    assert.notDeepEqual(sequence(keyOf(1), RULE, 60, '[["site","n"]]'), base)
    assert.notDeepEqual(sequence(keyOf(1), { ...RULE, blocks: [2, 1] }, 60), base)
  })
})

describe("the rule of a plan", () => {
  const two = (share: number) => [
    { name: "a", design: "model", share },
    { name: "b", design: "gower" },
  ]

  test("is blocked for whole shares, simple for others or by the plan, and refuses endless blocks", () => {
    assert.equal(allocationRule(planOf({ arms: two(2) })).method, "blocked")
    assert.equal(allocationRule(planOf({ arms: two(0.5) })).method, "simple")
    assert.equal(allocationRule(planOf({ arms: two(2), allocation: { method: "simple" } })).method, "simple")
    assert.throws(() => allocationRule(planOf({ arms: two(600) })), {
      name: "EnrolmentError",
      message: /at most 1000 places .* got 1202/,
    })
  })

  test("asks every stratum and nothing else", () => {
    const plan = planOf({
      allocation: {
        strata: [
          { name: "site", levels: ["north", "south"] },
          { name: "sex", levels: ["f", "m"] },
        ],
      },
    })
    assert.equal(stratumOf(plan, { site: "north", sex: "f" }), '[["sex","f"],["site","north"]]')
    assert.throws(() => stratumOf(plan, { site: "north" }), /stratum sex: is needed: f or m/)
    assert.throws(() => stratumOf(plan, { site: "east", sex: "f" }), /stratum site: must be .*, got "east"/)
    assert.throws(
      () => stratumOf(plan, { site: "north", sex: "f", age: "9" }),
      /must be of the plan \(site, sex\), got "age"/,
    )
  })
})

describe("the check of published allocations", () => {
  const plan = planOf({
    arms: [
      { name: "a", design: "model", share: 2 },
      { name: "b", design: "gower" },
    ],
  })
  const key = keyOf(4)
  const rule = allocationRule(plan)
  const places: Allocation[] = sequence(key, rule, 12).map((arm, ordinal) => ({
    subject: ordinal + 1,
    at: ordinal,
    arm,
    method: "blocked",
    scheme: schemeOf(rule),
    stratum: "[]",
    ordinal,
    reason: "",
  }))
  const hand: Allocation = {
    subject: 99,
    at: 20,
    arm: "a",
    method: "hand",
    scheme: null,
    stratum: "[]",
    ordinal: null,
    reason: "a twin",
  }
  const check = (rows: Allocation[], with_ = key) => verifyAllocation(with_, commitmentOf(key), [plan], rows)

  test("finds nothing where everything was drawn", () => {
    assert.deepEqual(check([...places, hand]), { checked: 12, byHand: 1, faults: [] })
  })

  test("finds another key, a changed arm, a skipped place and a rule of no plan", () => {
    assert.match(check(places, keyOf(5)).faults[0], /^key: its SHA-256 is/)
    const other = places[3].arm === "a" ? "b" : "a"
    const changed = places.map((row, i) => (i === 3 ? { ...row, arm: other } : row))
    assert.deepEqual(check(changed).faults, [
      `subject 4: place 3 of [] is arm ${places[3].arm}, recorded is ${other}`,
    ])
    assert.match(check(places.filter((_, i) => i !== 5)).faults[0], /place 5 is missing/)
    assert.match(check([{ ...places[0], scheme: "00" }]).faults[0], /no plan has the rule 00/)
  })
})
