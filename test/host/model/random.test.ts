import assert from "node:assert/strict"
import { test } from "node:test"
import { logNormalCdf } from "../../../host/model/normal-cdf.js"
import { type Rng, stream } from "../../../host/model/random.js"
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

for (const a of [-3, -0.2, 0.3, 0.84, 0.86, 2, 9, 38]) {
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

/** Upper quantile of chi-square at the given degrees of freedom, 4.5 standard deviations out (Wilson & Hilferty). */
const farChiSquare = (df: number): number => df * (1 - 2 / (9 * df) + 4.5 * Math.sqrt(2 / (9 * df))) ** 3

const shapes: [string, (rng: Rng) => number, (x: number) => number][] = [
  ["normal", (rng) => rng.normal(), (x) => Math.exp(logNormalCdf(x))],
  ["exponential", (rng) => rng.exponential(), (x) => -Math.expm1(-x)],
]
for (const [name, draw, cdf] of shapes) {
  test(`${name}: 400 bins of equal probability, tails included, hold equally many draws`, () => {
    const rng = stream(15, name)
    const bins = new Int32Array(400)
    const n = 1_000_000
    for (let i = 0; i < n; i++) bins[Math.min(399, Math.floor(400 * cdf(draw(rng))))]++
    let chi2 = 0
    for (const count of bins) chi2 += (count - n / 400) ** 2 / (n / 400)
    assert.ok(chi2 < farChiSquare(399), `chi-square ${chi2}`)
  })
  test(`${name}: beyond the ziggurat's layers draws are as frequent as they should be`, () => {
    const rng = stream(16, name)
    const edge = name === "normal" ? 3.8 : 8
    const probability = name === "normal" ? 2 * Math.exp(logNormalCdf(-edge)) : Math.exp(-edge)
    const n = 2_000_000
    let beyond = 0
    for (let i = 0; i < n; i++) if (Math.abs(draw(rng)) > edge) beyond++
    near(beyond, n * probability, 4.5 * Math.sqrt(n * probability), "draws beyond")
  })
}

test("a normal above a bound that leaves no room in its digits is the bound", () => {
  for (const bound of [1e20, 1e200, Number.POSITIVE_INFINITY, Number.NaN]) {
    assert.equal(stream(17).normalAbove(bound), bound)
  }
})
