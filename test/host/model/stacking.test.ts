import assert from "node:assert/strict"
import { test } from "node:test"
import { logSumExp } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { stackingWeights } from "../../../host/model/stacking.js"
import { near, readAverageReference } from "./reference.js"

/** Mean log density of the plays under the mixture. */
function scoreOf(pointwise: readonly Float64Array[], logWeights: Float64Array): number {
  const n = pointwise[0].length
  let score = 0
  for (let k = 0; k < n; k++) score += logSumExp(pointwise.map((values, m) => values[k] + logWeights[m])) / n
  return score
}

test("weights and score are those of scipy's constrained optimiser", () => {
  const { cases } = readAverageReference("stacking.json")
  for (const { pointwise, weights, score } of cases) {
    const densities = (pointwise as number[][]).map((values) => Float64Array.from(values))
    const found = stackingWeights(densities)
    near(scoreOf(densities, found), score, 1e-8, "score")
    // Near the top the score is flat: scipy's weights are good to about the root of its tolerance.
    found.forEach((value, m) => {
      near(Math.exp(value), weights[m], 2e-4, `weight ${m} of ${weights.length}`)
    })
  }
})

test("no small shift of weight between any two of many models raises the score", () => {
  const rng = stream(51, "many")
  const truth = Float64Array.from({ length: 80 }, () => rng.normal())
  const pointwise = Array.from({ length: 60 }, () => {
    const [mu, slope] = [0.4 * rng.normal(), 0.4 * rng.normal()]
    return truth.map((z, k) => -0.5 * (z - mu - slope * Math.sin(k)) ** 2)
  })
  const found = stackingWeights(pointwise)
  const best = scoreOf(pointwise, found)
  near(
    found.reduce((sum, v) => sum + Math.exp(v), 0),
    1,
    1e-12,
    "sum",
  )
  for (let from = 0; from < 60; from++) {
    if (found[from] === Number.NEGATIVE_INFINITY) continue
    for (let to = 0; to < 60; to++) {
      if (to === from) continue
      for (const share of [0.5, 1e-2, 1e-4]) {
        const moved = found.map(Math.exp)
        moved[to] += share * moved[from]
        moved[from] *= 1 - share
        assert.ok(scoreOf(pointwise, moved.map(Math.log)) <= best + 1e-8, `${from} → ${to}, ${share}`)
      }
    }
  }
})

test("a model that is the only one to explain a play keeps its weight, equal models share, and one alone has it all", () => {
  const certain = Float64Array.of(0, 0, 0, -800)
  const rescue = Float64Array.of(-50, -50, -50, 0)
  const [first, second] = stackingWeights([certain, rescue]).map(Math.exp)
  near(first, 0.75, 1e-6, "certain")
  near(second, 0.25, 1e-6, "rescue")
  const twins = stackingWeights([certain, certain, rescue]).map(Math.exp)
  near(twins[0] + twins[1], 0.75, 1e-6, "twins")
  assert.deepEqual(Array.from(stackingWeights([certain])), [0])
})

test("without plays all models weigh the same", () => {
  const none = new Float64Array(0)
  for (const weight of stackingWeights([none, none, none])) near(Math.exp(weight), 1 / 3, 1e-12, "weight")
})
