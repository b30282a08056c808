import { test } from "node:test"
import { pack } from "../../../host/model/columns.js"
import { logDensity, logSurvival } from "../../../host/model/likelihood.js"
import { createParticles } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { drawPrior } from "../../../host/model/sweep.js"
import { gather, weigh } from "../../../host/model/weigh.js"
import { near, observationsOf, priorOf } from "./reference.js"

test("the weight of a run of plays is the sum of their log likelihoods, each to its power", () => {
  const hyper = priorOf(4)
  const observations = observationsOf(4, "12")
  const { n, p, x, y, censored } = observations
  const rng = stream(71, "weigh")
  const particles = createParticles(20, p)
  for (let i = 0; i < 20; i++) drawPrior(hyper, particles, i, rng)
  const rows = Int32Array.from({ length: n }, (_, row) => row)
  rng.shuffle(rows)
  const powers = Float64Array.from({ length: n }, () => rng.int(4) / 3)
  for (const [from, to] of [
    [0, n],
    [17, 18],
    [200, 263],
    [5, 5],
  ]) {
    for (const power of [undefined, powers, powers.map((value) => -value)]) {
      const found = new Float64Array(20).fill(3)
      weigh(pack(particles), gather(observations, rows, from, to, power), found)
      for (let i = 0; i < 20; i++) {
        let expected = 3
        const sigma = Math.sqrt(particles.sigma2[i])
        for (let place = from; place < to; place++) {
          const k = rows[place]
          let mu = 0
          for (let q = 0; q < p; q++) mu += x[k * p + q] * particles.beta[i * p + q]
          const term = censored[k] === 1 ? logSurvival(y[k], mu, sigma) : logDensity(y[k], mu, sigma)
          expected += (power?.[k] ?? 1) * term
        }
        near(found[i], expected, 1e-11 * Math.max(1, Math.abs(expected)), `particle ${i}`)
      }
    }
  }
})
