import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { exp, expm1, log, log1p } from "../../../host/model/elementary.js"

const VALUES = new URL("../../../../test/reference/elementary/values.json", import.meta.url)
const reference: Record<string, [number, number, number][]> = JSON.parse(readFileSync(VALUES, "utf8"))

/** Distance to the next double of the size of `value`. */
function ulp(value: number): number {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(value))))
  return 2 ** (exponent - 52)
}

// Results near the rim of a power of two may be judged by the finer side's ulp: hence a little above 1.
const cases: [string, (x: number) => number, number][] = [
  ["exp", exp, 1],
  ["log", log, 1],
  ["log1p", log1p, 1.6],
  ["expm1", expm1, 1.6],
]
for (const [name, f, limit] of cases) {
  test(`${name}: within ${limit} ulp of 60-digit arithmetic`, () => {
    assert.ok(reference[name].length >= 400)
    let worst = 0
    for (const [x, high, low] of reference[name]) {
      const error = Math.abs(f(x) - high - low) / ulp(high)
      assert.ok(error < limit, `${name}(${x}) is ${f(x)}, ${error} ulp from ${high}`)
      worst = Math.max(worst, error)
    }
    assert.ok(worst > 0.2, "the reference is finer than a double")
  })
}

test("the ends of the line, zeros with their sign, and what is no number", () => {
  const { POSITIVE_INFINITY: far, NEGATIVE_INFINITY: below, NaN: none } = Number
  const values: [(x: number) => number, number, number][] = [
    [exp, 0, 1],
    [exp, -0, 1],
    [exp, far, far],
    [exp, below, 0],
    [exp, none, none],
    [exp, 709.79, far],
    [exp, -745.2, 0],
    [exp, -745.1, 5e-324],
    [log, 1, 0],
    [log, 0, below],
    [log, -0, below],
    [log, far, far],
    [log, -1, none],
    [log, below, none],
    [log, none, none],
    [log1p, 0, 0],
    [log1p, -0, -0],
    [log1p, -1, below],
    [log1p, -1.5, none],
    [log1p, far, far],
    [log1p, none, none],
    [log1p, 5e-324, 5e-324],
    [expm1, 0, 0],
    [expm1, -0, -0],
    [expm1, far, far],
    [expm1, below, -1],
    [expm1, none, none],
    [expm1, 5e-324, 5e-324],
  ]
  for (const [f, x, expected] of values) assert.ok(Object.is(f(x), expected), `${f.name}(${x}) is ${f(x)}`)
})

test("log undoes exp, over the whole range and down among the subnormals", () => {
  for (let x = -708; x <= 709; x += 0.37) {
    assert.ok(Math.abs(log(exp(x)) - x) <= 2.3e-16 * Math.max(1, Math.abs(x)), `at ${x}`)
  }
  for (let x = -740; x < -708; x += 0.5) assert.ok(Math.abs(log(exp(x)) - x) < 0.5, `at ${x}`)
})
