import assert from "node:assert/strict"
import { test } from "node:test"
import { effectiveSampleSize, paretoKHat, smoothWeights, splitRHat } from "../../../host/model/diagnose.js"
import { stream } from "../../../host/model/random.js"
import { near } from "./reference.js"

test("effective sample size: all for equal weights, one for a single weight, (Σw)²/Σw² between, 0 for none", () => {
  near(effectiveSampleSize(new Float64Array(50).fill(-1234)), 50, 1e-9, "equal")
  near(effectiveSampleSize([0, -1e6, -1e6]), 1, 1e-12, "one")
  near(effectiveSampleSize([Math.log(1), Math.log(2), Math.log(3)]), 36 / 14, 1e-12, "1, 2, 3")
  assert.equal(effectiveSampleSize([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]), 0)
})

test("k-hat finds the shape of a Pareto tail, shrunk towards one half as the source says", () => {
  for (const shape of [0.2, 0.5, 0.9]) {
    const rng = stream(61, shape)
    // Weights u^(−k) have a Pareto tail of shape k.
    const found = paretoKHat(Float64Array.from({ length: 20_000 }, () => -shape * Math.log(rng.uniform())))!
    near(found, shape, 0.15, `shape ${shape}`)
  }
})

test("k-hat is no answer for a tail that is too short or where all weights are equal", () => {
  assert.equal(paretoKHat([0, -1, -2, -3]), null)
  assert.equal(paretoKHat(new Float64Array(500)), null)
})

test("k-hat of weights that one particle holds alone is far above the limit, not missing", () => {
  const logWeights = Float64Array.from({ length: 500 }, (_, i) => 40 * i)
  // Hill by hand: tail of 68, the i-th 40·i above the cut.
  near(paretoKHat(logWeights)!, (40 * 69) / 2, 1e-9, "k-hat")
  assert.ok(smoothWeights(logWeights).khat! > 0.7)
})

test("smoothing keeps order and the bulk, and takes no weight above the largest", () => {
  const rng = stream(62, "weights")
  const raw = Float64Array.from({ length: 1000 }, () => 2 * rng.normal())
  const { logWeights, khat } = smoothWeights(raw)
  near(khat!, paretoKHat(raw)!, 0, "k-hat")
  const order = Array.from(raw.keys()).sort((a, b) => raw[a] - raw[b])
  let same = 0
  for (let rank = 1; rank < 1000; rank++) {
    assert.ok(logWeights[order[rank]] >= logWeights[order[rank - 1]])
    if (logWeights[order[rank]] === raw[order[rank]]) same++
  }
  assert.ok(same >= 1000 - Math.ceil(3 * Math.sqrt(1000)) - 1)
  assert.ok(Math.max(...logWeights) <= Math.max(...raw))
})

test("split R-hat: 1 for chains that agree, far above for chains apart and for one that drifts", () => {
  const rng = stream(63, "chains")
  const chain = (shift: number, slope = 0): Float64Array =>
    Float64Array.from({ length: 1000 }, (_, i) => rng.normal() + shift + slope * i)
  near(splitRHat([chain(0), chain(0), chain(0)])!, 1, 0.01, "agree")
  assert.ok(splitRHat([chain(0), chain(2)])! > 1.3)
  assert.ok(splitRHat([chain(0, 0.004)])! > 1.3)
  assert.equal(splitRHat([new Float64Array(10), new Float64Array(10)]), 1)
  assert.equal(splitRHat([Float64Array.of(1, 2)]), null)
})

test("split R-hat is the formula of its source, by hand for two chains of four", () => {
  // Halves (1,3) (2,4) (5,9) (0,2): means 2 3 7 1, variances 2 2 8 2, W = 3.5, variance of means 83/12.
  const expected = Math.sqrt(1 / 2 + 6.916666666666667 / 3.5)
  near(splitRHat([Float64Array.of(1, 3, 2, 4), Float64Array.of(5, 9, 0, 2)])!, expected, 1e-12, "R-hat")
})
