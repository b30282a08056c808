import assert from "node:assert/strict"
import { test } from "node:test"
import { DRIFT_LIMIT, driftOf } from "../../../host/model/drift.js"
import { createParticles } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { drawPrior } from "../../../host/model/sweep.js"
import { fitFirstBlock, updateTaste } from "../../../host/model/taste.js"
import { chiSquare, simulate, smallHyper } from "./simulate.js"

test("for listeners drawn from the particles every p is equally likely", () => {
  const hyper = smallHyper(4)
  const ranks: number[] = []
  for (let sim = 0; sim < 600; sim++) {
    const rng = stream(91, sim)
    const particles = createParticles(300, 4)
    for (let i = 0; i < 300; i++) drawPrior(hyper, particles, i, rng)
    const { observations } = simulate(hyper, 12, rng, { censoring: false, collinear: false })
    const { p } = driftOf(particles, observations, 0, rng)
    ranks.push(Math.round(100 * p) - 1)
  }
  // 10 bins, 9 degrees of freedom: 33.7 is passed once in ten thousand.
  const statistic = chiSquare(ranks, 100, 10)
  assert.ok(statistic < 33.7, `χ² = ${statistic}`)
})

test("the alarm comes when the taste turns round, and not while it stays", () => {
  const hyper = smallHyper(4)
  let alarms = 0
  let falseAlarms = 0
  for (let listener = 0; listener < 30; listener++) {
    const rng = stream(92, listener)
    const taste = createParticles(1, 4)
    drawPrior(hyper, taste, 0, rng)
    const plays = (turned: boolean) => {
      const again = { ...taste, beta: taste.beta.map((b, q) => (turned && q > 0 ? b - 1.2 : b)) }
      const late = simulate(hyper, 100, stream(93, listener), { censoring: false, collinear: false }, again)
      const early = simulate(hyper, 100, stream(93, listener), { censoring: false, collinear: false }, taste)
      const { observations } = early
      observations.y.set(late.observations.y.subarray(60), 60)
      return observations
    }
    const options = { seed: 7, stream: ["drift", listener] }
    const model = fitFirstBlock({ ...plays(false), n: 60 }, hyper, { ...options, draws: 200 })
    for (const turned of [true, false]) {
      const { diagnostics, warnings } = updateTaste(model, plays(turned), 60, options)
      const alarm = diagnostics.drift !== null && diagnostics.drift.p <= DRIFT_LIMIT
      assert.equal(
        warnings.some((text) => text.startsWith("drift:")),
        alarm,
      )
      if (alarm && turned) alarms++
      if (alarm && !turned) falseAlarms++
    }
  }
  assert.ok(alarms >= 28, `${alarms} alarms of 30`)
  // One in a hundred is expected.
  assert.ok(falseAlarms <= 3, `${falseAlarms} false alarms of 30`)
})
