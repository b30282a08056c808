import assert from "node:assert/strict"
import { test } from "node:test"
import { binomialRange, chiSquareTail, holm, uniformity } from "../../../host/calibrate/uniformity.js"
import { stream } from "../../../host/model/random.js"

// mpmath 1.3.0 at 40 digits: gammainc(df/2, x/2, inf, regularized=True).
const TAILS: [number, number, number][] = [
  [0, 3, 1],
  [1e-6, 1, 0.9992021155721779],
  [0.5, 1, 0.4795001221869535],
  [3.84, 1, 0.0500435212487051],
  [700, 1, 2.99022697512462e-154],
  [2, 2, 0.3678794411714423],
  [1e-8, 2, 0.999999995],
  [60, 2, 9.357622968840175e-14],
  [0.3, 3, 0.9600284803068776],
  [14.07, 7, 0.04995025031747946],
  [90, 7, 1.237240417174854e-16],
  [30.1435, 19, 0.05000033560482565],
  [5, 19, 0.9994309626474822],
  [200, 19, 3.404765139311642e-32],
  [19, 20, 0.5218260222372074],
  [1400, 19, 1.276089585161689e-285],
]

test("the tail of χ² is mpmath's to 12 digits, near 0, in the middle and far out, for odd and even degrees of freedom", () => {
  for (const [x, df, p] of TAILS) {
    const found = chiSquareTail(x, df)
    assert.ok(Math.abs(found - p) <= 1e-12 * p, `χ²_${df} > ${x}: ${found} instead of ${p}`)
  }
})

test("what has no tail is refused with the value", () => {
  assert.throws(() => chiSquareTail(-1, 3), /x = -1/)
  assert.throws(() => chiSquareTail(1, 2.5), /df = 2\.5/)
  assert.throws(() => chiSquareTail(Number.NaN, 3), /x = NaN/)
  assert.throws(() => uniformity([0], 10, 3), /3 bins do not divide 10/)
})

test("Pearson's statistic by hand: counts 4, 0, 2, 2 of expected 2 each give 4", () => {
  const { chi2, p } = uniformity([0, 1, 0, 1, 4, 5, 6, 7], 8, 4)
  assert.equal(chi2, 4)
  assert.ok(Math.abs(p - 0.2614641299491106) < 1e-12)
})

test("uniform ranks give uniform p-values: their share below .1 is within 4 standard errors of .1", () => {
  const rng = stream(1, "uniform")
  let below = 0
  for (let trial = 0; trial < 2000; trial++) {
    const ranks = Array.from({ length: 200 }, () => rng.int(200))
    if (uniformity(ranks, 200, 20).p < 0.1) below++
  }
  assert.ok(Math.abs(below / 2000 - 0.1) < 4 * Math.sqrt(0.09 / 2000), String(below))
})

test("Holm's correction by hand: the smallest of 5 times 5, the next times 4, never below the one before", () => {
  const found = holm([0.01, 0.04, 0.03, 0.005, 0.9])
  for (const [k, value] of [0.04, 0.09, 0.09, 0.025, 0.9].entries()) {
    assert.ok(Math.abs(found[k] - value) < 1e-15, `${k}: ${found[k]}`)
  }
})

test("the range of a binomial share is scipy's on both sides", () => {
  // scipy 1.17.1: binom.ppf([.005, .995], n, p).
  const counts = (n: number, p: number): number[] =>
    binomialRange(n, p, 0.01).map((share) => Math.round(n * share))
  assert.deepEqual(counts(500, 0.5), [221, 279])
  assert.deepEqual(counts(500, 0.8), [376, 422])
  assert.deepEqual(counts(500, 0.95), [462, 487])
  assert.deepEqual(counts(40, 0.95), [34, 40])
  assert.deepEqual(counts(100000, 0.5), [49593, 50407])
})

test("outside its range a binomial share falls as seldom as it says, and no narrower range does", () => {
  // Exact by summing all probabilities of 30 trials.
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k)
  for (const p of [0.5, 0.8, 0.95]) {
    const [low, high] = binomialRange(30, p, 0.01).map((share) => Math.round(30 * share))
    const mass = (from: number, to: number): number => {
      let sum = 0
      for (let k = from; k <= to; k++) sum += choose(30, k) * p ** k * (1 - p) ** (30 - k)
      return sum
    }
    assert.ok(mass(0, low - 1) <= 0.005 && mass(0, low) > 0.005, `low ${low} at ${p}`)
    assert.ok(mass(high + 1, 30) <= 0.005 && mass(high, 30) > 0.005, `high ${high} at ${p}`)
  }
})
