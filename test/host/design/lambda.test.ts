import assert from "node:assert/strict"
import { test } from "node:test"
import { explorationBudget, searchLambda, thesisLambda } from "../../../host/design/lambda.js"
import { near } from "../model/reference.js"
import { readDesign } from "./reference.js"

test("the thesis's weights are flat and then fall off a cliff", () => {
  readDesign("exchange.json").weights.forEach((expected: number, made: number) => {
    near(thesisLambda(made, 10, 50), expected, 1e-12 * Math.max(1, expected), `k = ${made}`)
  })
  assert.equal(thesisLambda(11, 10, 50), 0)
})

test("the budget falls on a straight line from the cap to nothing", () => {
  assert.deepEqual(
    [0, 5, 10, 12].map((made) => explorationBudget(0.04, made, 10)),
    [0.04, 0.02, 0, 0],
  )
})

test("the search ends just below the largest weight that keeps the floor, whatever the unit", () => {
  // Utility 10 − λ/unit falls below 7 at λ = 3·unit.
  for (const unit of [1e-4, 1, 5000]) {
    const { lambda, design } = searchLambda({ utility: 10 }, 7, 1, (weight) => ({
      utility: 10 - weight / unit,
    }))
    assert.ok(lambda <= 3 * unit && lambda > (3 * unit) / 1.1, `${lambda} for unit ${unit}`)
    assert.equal(design.utility, 10 - lambda / unit)
  }
})

test("where every weight costs too much the playlist is the most useful one, where none does the most informative", () => {
  const greedy = { utility: 10 }
  const dear = searchLambda(greedy, 7, 1, () => ({ utility: 6 }))
  assert.deepEqual(dear, { lambda: 0, design: greedy })
  const free = searchLambda(greedy, 7, 1, () => ({ utility: 9 }))
  assert.equal(free.lambda, 4 ** 12)
  assert.equal(free.design.utility, 9)
})
