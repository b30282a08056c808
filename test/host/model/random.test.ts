import assert from "node:assert/strict"
import { test } from "node:test"
import { logNormalCdf } from "../../../host/model/likelihood.js"
import { fromState, type Rng, stream } from "../../../host/model/random.js"
import { near } from "./reference.js"

const DRAWS = 100_000

/** Mean and variance of `DRAWS` draws. */
function moments(draw: () => number): { mean: number; variance: number } {
  let sum = 0
  let squares = 0
  for (let i = 0; i < DRAWS; i++) {
    const value = draw()
    sum += value
    squares += value * value
  }
  const mean = sum / DRAWS
  return { mean, variance: squares / DRAWS - mean * mean }
}

// Tolerances are five standard errors of the mean of 100,000 draws; for the variance, 3 % is more than five for
// each distribution here.
const standardError = (variance: number): number => 5 * Math.sqrt(variance / DRAWS)

const cases: [string, (rng: Rng) => number, number, number][] = [
  ["uniform", (rng) => rng.uniform(), 1 / 2, 1 / 12],
  ["normal", (rng) => rng.normal(), 0, 1],
  ["exponential", (rng) => rng.exponential(), 1, 1],
  ["gamma of shape 2.5", (rng) => rng.gamma(2.5), 2.5, 2.5],
  ["gamma of shape 0.4", (rng) => rng.gamma(0.4), 0.4, 0.4],
  ["integer below 7", (rng) => rng.int(7), 3, 4],
]
for (const [name, draw, mean, variance] of cases) {
  test(`${name}: mean and variance are those of the distribution`, () => {
    const rng = stream(11, name)
    const found = moments(() => draw(rng))
    near(found.mean, mean, standardError(variance), "mean")
    near(found.variance / variance, 1, name === "gamma of shape 0.4" ? 0.06 : 0.03, "variance ratio")
  })
}

for (const a of [-3, -0.2, 0.44, 0.46, 2, 9, 38]) {
  test(`a normal above ${a}: every draw is above it, mean and variance are in closed form`, () => {
    const rng = stream(12, a)
    let least = Number.POSITIVE_INFINITY
    const found = moments(() => {
      const value = rng.normalAbove(a)
      least = Math.min(least, value)
      return value
    })
    assert.ok(least > a)
    const mean = Math.exp(-0.5 * a * a - 0.5 * Math.log(2 * Math.PI) - logNormalCdf(-a))
    const variance = 1 + a * mean - mean * mean
    near(found.mean, mean, standardError(variance), "mean")
    // 1 + aλ − λ² cancels far out: relative precision of the closed form is lost there.
    if (a < 5) near(found.variance / variance, 1, 0.05, "variance ratio")
  })
}

test("a shuffle puts every item into every place equally often and touches only the first n", () => {
  const rng = stream(13)
  const counts = new Int32Array(9)
  for (let i = 0; i < 30_000; i++) {
    const items = [0, 1, 2, 3]
    rng.shuffle(items, 3)
    assert.equal(items[3], 3)
    for (let place = 0; place < 3; place++) counts[items[place] * 3 + place]++
  }
  // Standard deviation of a count is 82.
  for (const count of counts) near(count, 10_000, 410, "count")
})

test("a stream is decided by seed and names, and different names are different streams", () => {
  const first = (...args: [number | string, ...(string | number)[]]): number => stream(...args).uniform()
  assert.equal(first(1, "a", 2), first(1, "a", 2))
  assert.equal(first("1", "a", 2), first(1, "a", "2"))
  const values = [first(1), first(2), first(1, "a"), first(1, "a", 1), first(1, "a1"), first(1, "1", "a")]
  assert.equal(new Set(values).size, values.length)
})

test("a stream resumed from its state goes on with the same draws", () => {
  const rng = stream(14)
  for (let i = 0; i < 7; i++) rng.normal()
  const state = JSON.parse(JSON.stringify(rng.state().map((v) => (Number.isNaN(v) ? "none" : v)))).map(
    (v: number | string) => (v === "none" ? Number.NaN : v),
  )
  const resumed = fromState(state)
  for (let i = 0; i < 100; i++) {
    assert.equal(resumed.normal(), rng.normal())
    assert.equal(resumed.gamma(0.7), rng.gamma(0.7))
    assert.equal(resumed.int(1000), rng.int(1000))
  }
})
