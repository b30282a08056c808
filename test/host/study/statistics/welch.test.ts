// Known answers: R 4.2.2, t.test(x, y), pt and qt, printed with 17 digits. Where t is small the closed forms of one and
// two degrees of freedom are exact.

import assert from "node:assert/strict"
import { test } from "node:test"
import { moments, tQuantile, twoSidedP, welchTest } from "../../../../host/study/statistics/welch.js"

function near(actual: number, expected: number, relative = 1e-12): void {
  const error = Math.abs(actual - expected)
  assert.ok(error <= relative * Math.abs(expected), `${actual} for ${expected}`)
}

const X = [0.31, 0.42, 0.55, 0.28, 0.61, 0.47, 0.39]
const Y = [0.22, 0.35, 0.3, 0.27, 0.41]

test("a t-test gives what R's t.test gives", () => {
  const result = welchTest(X, Y)
  assert.ok("t" in result)
  near(result.t, 2.1924559821363765)
  near(result.df, 9.8558686347670417)
  near(result.p, 0.053496647827752764)
  near(result.low, -0.0022474765387495068, 1e-11)
  near(result.high, 0.2479617622530353)
  assert.deepEqual(result.n, [7, 5])
  const ninety = welchTest(X, Y, 0.9)
  assert.ok("t" in ninety)
  near(ninety.low, 0.021142588095558718)
  near(ninety.high, 0.22457169761872703)
})

test("samples of two and three with few degrees of freedom are tested as R tests them", () => {
  const result = welchTest([1, 2], [10, 10.5, 11])
  assert.ok("t" in result)
  near(result.t, -15.588457268119896)
  near(result.df, 1.6842105263157892)
  near(result.p, 0.0080730533506975424)
  near(result.low, -11.988498724129187)
  near(result.high, -6.011501275870812)
})

test("two-sided p-values have R's digits from the middle to the far tail", () => {
  const known: [number, number, number][] = [
    [-2.5, 3, 0.087706647008065505],
    [0.1, 7.3, 0.92303549713982957],
    [12, 4.5, 0.0001378319765327304],
    [4, 1e6, 6.3347034010047872e-5],
    [40, 57, 2.0949768915862442e-43],
    [1e-9, 5, 0.99999999924078664],
  ]
  // With a million degrees of freedom, 1 − x has five digits less than x.
  for (const [t, df, p] of known) near(twoSidedP(t, df), p, df > 1e5 ? 1e-10 : 1e-12)
  assert.equal(twoSidedP(0, 5), 1)
  assert.equal(twoSidedP(Number.MAX_VALUE, 5), 0)
})

test("one and two degrees of freedom have their closed forms", () => {
  for (const t of [0.01, 0.5, 1, 3, 80]) {
    near(twoSidedP(t, 1), (2 / Math.PI) * Math.atan(1 / t))
    near(twoSidedP(t, 2), 2 / (2 + t * t + t * Math.sqrt(2 + t * t)))
  }
})

test("quantiles are R's", () => {
  const known: [number, number, number][] = [
    [1, 0.05, 12.706204736174694],
    [2, 0.1, 2.9199855803537238],
    [3.7, 0.05, 2.8675207071911917],
    [84, 0.05, 1.9886096669757085],
    [84, 0.01, 2.6356324580479606],
    [1e5, 0.05, 1.9599877075346088],
  ]
  for (const [df, p, quantile] of known) near(tQuantile(p, df), quantile, 1e-10)
})

test("samples that allow no test say why", () => {
  assert.deepEqual(welchTest([1], [2, 3]), {
    reason: "the first sample has 1 of the 2 values that a variance takes",
  })
  assert.deepEqual(welchTest([1, 2], []), {
    reason: "the second sample has 0 of the 2 values that a variance takes",
  })
  assert.match((welchTest([1, 1], [2, 2]) as { reason: string }).reason, /neither sample varies/)
  assert.throws(() => welchTest([1, Number.NaN], [2, 3]), /NaN in the first sample/)
  assert.throws(() => welchTest([1, 2], [2, 3], 95), /level 95/)
})

test("a difference of constants with one sample that varies has an answer", () => {
  const result = welchTest([1, 1, 1], [2, 3, 4])
  assert.ok("t" in result)
  assert.equal(result.df, 2)
  assert.equal(result.difference, -2)
})

test("mean and variance are the sample's", () => {
  assert.deepEqual(moments([1, 2, 3, 4]), { mean: 2.5, variance: 5 / 3 })
})
