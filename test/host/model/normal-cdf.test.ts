import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { test } from "node:test"
import { logNormalCdf } from "../../../host/model/normal-cdf.js"
import { near, readReference } from "./reference.js"

const stdlibLogCdf = createRequire(import.meta.url)("@stdlib/stats-base-dists-normal-logcdf") as (
  x: number,
  mu: number,
  sigma: number,
) => number

const VALUES = new URL("../../../../test/reference/elementary/normal-cdf.json", import.meta.url)
const reference: [number, number][] = JSON.parse(readFileSync(VALUES, "utf8"))

test("log Φ agrees with 40-digit arithmetic to 1e-14 from −45 to 37, on both sides of every seam", () => {
  assert.ok(reference.length > 1500)
  for (const [z, expected] of reference) {
    // Past 8 the exponential of a rounded z²/2 loses the digits that z²/2 has before the point.
    near(logNormalCdf(z), expected, (z < 8 ? 1e-14 : 2e-13) * Math.abs(expected), `log Φ(${z})`)
  }
})

test("log Φ agrees with 40-digit values to 1e-14 from −40 to 8", () => {
  for (const [z, expected] of readReference("normal.json").logCdf as [number, number][]) {
    near(logNormalCdf(z), expected, 1e-14 * Math.abs(expected), `log Φ(${z})`)
  }
})

test("log Φ agrees with another library to 1e-12 on a fine grid, across the limits of the approximations", () => {
  for (let z = -40; z <= 8; z += 0.0107) {
    const expected = stdlibLogCdf(z, 0, 1)
    // Above 6 the other library rounds 1 − Φ before the logarithm.
    if (z < 6) near(logNormalCdf(z), expected, 1e-12 * Math.abs(expected), `log Φ(${z})`)
  }
})

test("log Φ stays finite and increasing far beyond, and is 0 at infinity", () => {
  assert.ok(logNormalCdf(Number.POSITIVE_INFINITY) === 0)
  assert.ok(logNormalCdf(-1e5) > logNormalCdf(-1.1e5))
  near(logNormalCdf(-1e5) / -5e9, 1, 1e-8, "leading term")
})
