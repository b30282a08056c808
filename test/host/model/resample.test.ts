import assert from "node:assert/strict"
import { test } from "node:test"
import { normalisedWeights } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { type Resampling, resample } from "../../../host/model/resample.js"
import { near } from "./reference.js"

const SCHEMES: Resampling[] = ["systematic", "ssp"]

for (const scheme of SCHEMES) {
  test(`${scheme}: a particle of weight w has ⌊Mw⌋ or ⌈Mw⌉ descendants, M in all, ancestors in order`, () => {
    const rng = stream(61, scheme)
    for (const [m, count, spread] of [
      [200, 200, 3],
      [500, 100, 1],
      [50, 400, 0.1],
      [7, 1, 2],
      [1, 5, 0],
    ]) {
      const weights = normalisedWeights(Float64Array.from({ length: m }, () => spread * rng.normal()))
      for (let repetition = 0; repetition < 50; repetition++) {
        const indices = resample(scheme, weights, count, rng)
        assert.equal(indices.length, count)
        const copies = new Int32Array(m)
        for (let j = 0; j < count; j++) {
          copies[indices[j]]++
          assert.ok(j === 0 || indices[j] >= indices[j - 1])
        }
        for (let i = 0; i < m; i++) {
          const expected = count * weights[i]
          assert.ok(copies[i] >= Math.floor(expected - 1e-9) && copies[i] <= Math.ceil(expected + 1e-9))
        }
      }
    }
  })

  test(`${scheme}: the mean number of descendants is Mw`, () => {
    const rng = stream(62, scheme)
    const weights = normalisedWeights(Float64Array.from({ length: 30 }, () => rng.normal()))
    const copies = new Float64Array(30)
    const repetitions = 20_000
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const i of resample(scheme, weights, 30, rng)) copies[i]++
    }
    for (let i = 0; i < 30; i++) {
      const fraction = (30 * weights[i]) % 1
      const error = Math.sqrt((fraction * (1 - fraction)) / repetitions)
      near(copies[i] / repetitions, 30 * weights[i], 4.5 * error + 1e-9, `particle ${i}`)
    }
  })
}

test("equal weights leave every particle once, whole weights their number", () => {
  for (const scheme of SCHEMES) {
    const rng = stream(63, scheme)
    const equal = resample(scheme, new Float64Array(49).fill(1 / 49), 49, rng)
    assert.deepEqual(
      Array.from(equal),
      Array.from({ length: 49 }, (_, i) => i),
    )
    const whole = resample(scheme, Float64Array.of(0.5, 0, 0.25, 0.25), 4, rng)
    assert.deepEqual(Array.from(whole), [0, 0, 2, 3])
  }
})
