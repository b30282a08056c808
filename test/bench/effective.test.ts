import assert from "node:assert/strict"
import { test } from "node:test"
import { effectiveDraws } from "../../bench/effective.js"
import { stream } from "../../host/model/random.js"

test("the effective size of a first-order autoregression is n(1 − ρ)/(1 + ρ)", () => {
  for (const rho of [-0.4, 0, 0.5, 0.9]) {
    const n = 20_000
    let mean = 0
    for (let chain = 0; chain < 10; chain++) {
      const rng = stream(1, "autoregression", rho, chain)
      const draws = new Float64Array(n)
      for (let i = 1; i < n; i++) draws[i] = rho * draws[i - 1] + rng.normal()
      mean += effectiveDraws(draws) / 10
    }
    const expected = (n * (1 - rho)) / (1 + rho)
    assert.ok(Math.abs(mean / expected - 1) < 0.08, `ρ = ${rho}: ${mean}, expected ${expected}`)
  }
  assert.equal(effectiveDraws([3, 3, 3]), 3)
})
