import assert from "node:assert/strict"
import { test } from "node:test"
import { hazardCurve, logHazard } from "../../../host/model/hazard.js"
import { logDensity, logSurvival } from "../../../host/model/likelihood.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import { near } from "./reference.js"

// mpmath 1.3.0 at 60 digits: log(npdf(r)) − log(erfc(r/√2)/2); beyond ±1000 the first terms of its expansion.
const LOG_NORMAL_HAZARD: [number, number][] = [
  [-10000.0, -50000000.91893853],
  [-40, -800.9189385332047],
  [-5, -13.41893824655306],
  [-0.5, -0.6749921179160163],
  [0, -0.22579135264472744],
  [3, 1.1887876883056767],
  [4.9999, 1.6460412102238564],
  [5, 1.646059860784053],
  [5.5, 1.7354378194205877],
  [10, 2.312346617307798],
  [40, 3.6895034805491154],
  [10000.0, 9.210340381976183],
  [100000000.0, 18.420680743952367],
]

test("the hazard is mpmath's from 10,000 standard deviations below to 100 million above", () => {
  for (const [r, value] of LOG_NORMAL_HAZARD) {
    // An error of log h is a relative error of h.
    near(logHazard(r, 0, 1), value, 1e-13 * Math.max(1, Math.abs(value)), `r = ${r}`)
    near(logHazard(2 + 0.5 * r, 2, 0.5), value + Math.log(2), 1e-13 * Math.max(1, r * r), `σ = .5, r = ${r}`)
  }
})

test("the two ways of computing it meet", () => {
  near(logHazard(5 - 1e-12, 0, 1), logHazard(5, 0, 1), 1e-11, "at 5")
})

test("the hazard is the ratio of the density to the survival, whose slope it is", () => {
  const h = 1e-5
  for (const y of [-2, 0.3, 1.7]) {
    const slope = (Math.exp(logSurvival(y - h, 0.5, 0.8)) - Math.exp(logSurvival(y + h, 0.5, 0.8))) / (2 * h)
    near(Math.exp(logHazard(y, 0.5, 0.8)), slope / Math.exp(logSurvival(y, 0.5, 0.8)), 1e-8, `hazard(${y})`)
  }
})

function listener(beta: number[][], sigma: number[], weights: number[]): Particles {
  const particles = createParticles(beta.length, beta[0].length)
  particles.beta.set(beta.flat())
  particles.gamma.set(beta.flat().map((value) => (value === 0 ? 0 : 1)))
  particles.sigma2.set(sigma.map((value) => value * value))
  particles.logWeights.set(weights.map(Math.log))
  return particles
}

test("a single particle's curve is f/S per second, at every probability", () => {
  const one = listener([[4, 0.5, 0]], [0.7], [3])
  const times = [0.5, 10, 60, 137, 600, 10_800]
  const curves = hazardCurve(one, [1, -2, 9], times, [0.1, 0.5, 0.9])
  assert.equal(curves.length, 3)
  for (const curve of curves) {
    times.forEach((t, k) => {
      const y = Math.log(t)
      // Density of seconds: that of log time over t; mean 4 − 2·.5 = 3.
      const expected = Math.exp(logDensity(y, 3, 0.7) - y - logSurvival(y, 3, 0.7))
      near(curve[k] / expected, 1, 1e-12, `${t} s`)
    })
  }
})

test("quantiles are by weight, at each time of its own: the lowest curve may be another listener's later on", () => {
  const mixed = listener([[2], [5], [3]], [1, 0.5, 0.8], [1, 6, 3])
  const alone = (i: number): Float64Array =>
    hazardCurve(listener([[[2], [5], [3]][i]], [[1, 0.5, 0.8][i]], [1]), [1], times, [0.5])[0]
  const times = [1, 20, 5000]
  const [low, middle, high] = hazardCurve(mixed, [1], times, [0.05, 0.5, 0.95])
  times.forEach((_, k) => {
    const ordered = [0, 1, 2]
      .map((i) => ({ value: alone(i)[k], weight: [0.1, 0.6, 0.3][i] }))
      .sort((a, b) => a.value - b.value)
    const quantile = (q: number): number => {
      let cumulated = 0
      for (const { value, weight } of ordered) {
        cumulated += weight
        if (cumulated >= q) return value
      }
      return Number.NaN
    }
    near(low[k] / quantile(0.05), 1, 1e-12, "5 %")
    near(middle[k] / quantile(0.5), 1, 1e-12, "50 %")
    near(high[k] / quantile(0.95), 1, 1e-12, "95 %")
  })
  // Early on the second listener skips least, after long listening most.
  near(low[0] / alone(1)[0], 1, 1e-12, "early")
  near(high[2] / alone(1)[2], 1, 1e-12, "late")
})

test("thesis figure 1: at σ = .5 it rises before it falls, at σ = 2 it falls practically from the start", () => {
  const curve = (sigma: number, times: number[]): number[] =>
    Array.from(hazardCurve(listener([[Math.log(2)]], [sigma], [1]), [1], times, [0.5])[0])
  const [one, two, three, four, forty] = curve(0.5, [1, 2, 3, 4, 40])
  assert.ok(one < two && two < three && four > forty)
  const falling = curve(2, [0.25, 1, 4, 16])
  assert.deepEqual(
    falling,
    [...falling].sort((a, b) => b - a),
  )
})

test("far out in either tail the curve is finite, and where it is too small it is 0", () => {
  const sharp = listener([[5]], [0.01], [1])
  const [curve] = hazardCurve(sharp, [1], [1e-300, 1, 1e300], [0.5])
  assert.deepEqual(Array.from(curve.slice(0, 2)), [0, 0])
  // r = (log t − 5)/σ is 68,577: there h ≈ r/(σt).
  const y = Math.log(1e300)
  near(curve[2] / ((y - 5) / (0.01 * 0.01 * 1e300)), 1, 1e-8, "1e300")
})

test("times, probabilities and columns out of range are refused with the value", () => {
  const one = listener([[4, 1]], [1], [1])
  assert.throws(() => hazardCurve(one, [1, 0], [1, 0], [0.5]), /times must be above 0 and finite, got 0/)
  assert.throws(() => hazardCurve(one, [1, 0], [Number.NaN], [0.5]), /got NaN/)
  assert.throws(() => hazardCurve(one, [1, 0], [1], [1]), /probabilities must lie between 0 and 1, got 1/)
  assert.throws(() => hazardCurve(one, [1], [1], [0.5]), /x has 1 columns, the particles 2/)
})
