import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../../host/model/random.js"
import {
  type Cluster,
  type ClusterInterval,
  clusterBootstrap,
} from "../../../../host/study/statistics/cluster-bootstrap.js"

const rng = () => stream(1, "bootstrap")
const alike = (values: readonly number[]): Cluster[] => values.map((value) => ({ value, weight: 1 }))

function interval(first: readonly Cluster[], second: readonly Cluster[], level?: number): ClusterInterval {
  const found = clusterBootstrap(first, second, rng(), level)
  assert.ok("low" in found, JSON.stringify(found))
  return found
}

test("a distribution that can be written down: bounds are its quantiles", () => {
  // {0, 1} against {0, 0}: −, 0 with ¼, ½ with ½, 1 with ¼.
  const two = [alike([0, 1]), alike([0, 0])] as const
  const wide = interval(two[0], two[1])
  assert.deepEqual([wide.difference, wide.low, wide.high], [0.5, 0, 1])
  const narrow = interval(two[0], two[1], 0.4)
  assert.deepEqual([narrow.low, narrow.high], [0.5, 0.5])
  // Its variance is ⅛; the standard deviation of an estimate of it from 3,999 draws is below 1.2 % of it.
  assert.ok(Math.abs(wide.standardError ** 2 - 0.125) < 0.125 * 0.05, String(wide.standardError))
})

test("the standard error is that of the plug-in distribution", () => {
  const draws = stream(3, "values")
  const first = Array.from({ length: 40 }, () => draws.normal())
  const second = Array.from({ length: 25 }, () => 1 + 2 * draws.normal())
  const found = interval(alike(first), alike(second))
  const plugIn = (values: readonly number[]): number => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length ** 2
  }
  const expected = Math.sqrt(plugIn(first) + plugIn(second))
  // Relative error of a standard deviation from 3,999 draws: 1/√(2·3,999) = 1.1 %; 5 of them.
  assert.ok(Math.abs(found.standardError / expected - 1) < 0.056, `${found.standardError} ${expected}`)
  assert.ok(Math.abs((found.high - found.low) / (2 * 1.96 * expected) - 1) < 0.1)
})

test("values of one cluster stay together: ten copies of a cluster's plays tell no more than one", () => {
  const once = interval(alike([0.2, 0.5, 0.9, 0.4]), alike([0.1, 0.3, 0.2, 0.6]))
  const tenfold = (values: readonly number[]): Cluster[] => values.map((value) => ({ value, weight: 10 }))
  const often = interval(tenfold([0.2, 0.5, 0.9, 0.4]), tenfold([0.1, 0.3, 0.2, 0.6]))
  for (const field of ["difference", "low", "high", "standardError"] as const) {
    assert.ok(Math.abs(once[field] - often[field]) < 1e-12, field)
  }
})

test("weights count: a listener of nine plays is nine tenths of a mean over plays", () => {
  const heavy = [
    { value: 1, weight: 9 },
    { value: 0, weight: 1 },
  ]
  assert.ok(Math.abs(interval(heavy, alike([0, 0])).difference - 0.9) < 1e-12)
})

test("the same seed gives the same interval, and one cluster gives none", () => {
  const [first, second] = [alike([1, 2, 4]), alike([3, 5, 6])]
  assert.deepEqual(interval(first, second), interval(first, second))
  assert.deepEqual(clusterBootstrap(alike([1]), second, rng()), {
    reason: "the first group has 1 of the 2 that a spread takes",
  })
  assert.throws(() => clusterBootstrap(first, alike([1, Number.NaN]), rng()), /value NaN .* second group/)
  assert.throws(() => clusterBootstrap([{ value: 1, weight: 0 }], second, rng()), /weight 0 in the first/)
})

test("R's boot.ci gives the same percentile interval within the error of both", () => {
  // R 4.2.2, boot 1.3.28.1: set.seed(5), boot(d, …, R = 199999, strata = d$g), boot.ci(b, type = "perc").
  const [low, high] = [-0.5658782974, 0.0272483576]
  const found = interval(
    alike(Array.from({ length: 30 }, (_, i) => Math.sin(i + 1))),
    alike(Array.from({ length: 22 }, (_, i) => Math.cos(i + 1) / 2 + 0.3)),
  )
  // Standard error of a 2.5 % quantile of 3,999 draws of a normal: √(.025·.975/3999)/.0584 = .042 sd; 5 of them.
  const tolerance = 5 * 0.042 * found.standardError
  assert.ok(Math.abs(found.low - low) < tolerance, `${found.low} ${low}`)
  assert.ok(Math.abs(found.high - high) < tolerance, `${found.high} ${high}`)
})
