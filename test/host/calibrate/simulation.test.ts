import assert from "node:assert/strict"
import { test } from "node:test"
import { type CalibrationReport, PATH_LEVEL, reportCalibration } from "../../../host/calibrate/report.js"
import { createScenario, drawListener, simulatePlays } from "../../../host/calibrate/scenario.js"
import {
  type Estimate,
  estimateTaste,
  rankOf,
  simulate,
  spreadDraws,
} from "../../../host/calibrate/simulation.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import { stream } from "../../../host/model/random.js"
import { fitFirstBlock, type TasteModel, updateTaste } from "../../../host/model/taste.js"

const scenario = createScenario(1)

function run(sims: number, estimate: Estimate): CalibrationReport {
  const options = { seed: 1, draws: 200, estimate }
  const outcomes = Array.from({ length: sims }, (_, sim) => simulate(scenario, sim, options))
  return reportCalibration(scenario, outcomes, { sims, ...options })
}

/** The right estimate, with the particles of every model changed. */
function distorted(change: (particles: Particles) => void): Estimate {
  return (heard, hyper, options) =>
    estimateTaste(heard, hyper, options).map((model): TasteModel => {
      change(model.particles)
      return model
    })
}

// 60 simulations in 6 bins or fewer: a gross fault must show even so.
test("a posterior whose variance of log time is too small by a third is caught, by ranks and by coverage, in both paths", () => {
  const report = run(
    60,
    distorted(({ sigma2 }) => {
      for (let i = 0; i < sigma2.length; i++) sigma2[i] *= 0.67
    }),
  )
  for (const path of [report, report.smc]) {
    assert.equal(path.passed, false)
    assert.ok(path.ranks.sigma.holm < PATH_LEVEL, String(path.ranks.sigma.p))
    assert.ok(path.ranks.sigma.meanZ > 3)
    assert.ok(path.coverageOf.sigma["80"] < report.expected["80"][0])
  }
})

test("a constant that is half a residual standard deviation too high is caught, and its direction named", () => {
  const report = run(
    60,
    distorted(({ beta, sigma2, m, p }) => {
      for (let i = 0; i < m; i++) beta[i * p] += 0.5 * Math.sqrt(sigma2[i])
    }),
  )
  for (const path of [report, report.smc]) {
    assert.equal(path.passed, false)
    assert.ok(path.ranks.Constant.holm < PATH_LEVEL && path.ranks.Constant.meanZ < -3)
    assert.ok(path.ranks["log likelihood"].p < 1e-3)
  }
})

test("later blocks that are left out are caught where they are looked at, and nowhere else", () => {
  const report = run(60, (heard, hyper, options) => {
    const first = estimateTaste(heard.slice(0, 1), hyper, options)[0]
    return heard.map(() => first)
  })
  assert.equal(report.passed, true)
  assert.equal(report.smc.passed, false)
  assert.ok(report.smc.ranks["log likelihood"].holm < PATH_LEVEL)
})

test("the other prior of model size, several chains and the other resampling are calibrated too", () => {
  const sized = { ...scenario, hyper: { ...scenario.hyper, expectedSize: 2 } }
  const estimate: Estimate = (heard, hyper, options) => {
    const models = [fitFirstBlock(heard[0], hyper, { ...options, chains: 2 })]
    for (const plays of heard.slice(1)) {
      const before = models[models.length - 1]
      models.push(updateTaste(before, plays, before.plays, { ...options, resampling: "ssp" }))
    }
    return models
  }
  const sims = 100
  const options = { seed: 2, draws: 200, estimate }
  const outcomes = Array.from({ length: sims }, (_, sim) => simulate(sized, sim, options))
  const report = reportCalibration(sized, outcomes, { sims, ...options })
  for (const path of [report, report.smc]) {
    // 34 p-values: one of them is under 1e-4 in a correct procedure once in 300 seeds.
    for (const [name, { p }] of Object.entries(path.ranks)) assert.ok(p > 1e-4, `${name}: p = ${p}`)
  }
})

test("every play ends at its song's end or before, and the ends that are not chosen are censored", () => {
  const rng = stream(2, "plays")
  let atEnd = 0
  let cut = 0
  let all = 0
  for (let k = 0; k < 40; k++) {
    const plays = simulatePlays(scenario, drawListener(scenario, rng), rng)
    assert.equal(plays.n, 180)
    for (let row = 0; row < plays.n; row++) {
      const length = Math.log(scenario.songs[plays.song[row] - 1].lengthS)
      assert.ok(plays.y[row] <= length && Number.isFinite(plays.y[row]))
      if (plays.y[row] === length) {
        assert.equal(plays.censored[row], 1)
        atEnd++
      } else if (plays.censored[row] === 1) cut++
      all++
    }
  }
  assert.ok(atEnd / all > 0.2 && atEnd / all < 0.5, `${atEnd} of ${all} at the end`)
  assert.ok(cut / all > 0.01 && cut / all < 0.05, `${cut} of ${all} cut`)
})

test("the catalogue has genre indicators and attributes that stand in for each other", () => {
  const { names } = scenario.hyper
  assert.deepEqual(names, [
    "Constant",
    "tempo",
    "energy",
    "calm",
    "mood",
    "acoustic",
    "genre=Classical",
    "genre=Folk",
    "genre=Jazz",
    "genre=Pop",
  ])
  const column = (name: string): number[] => scenario.songs.map((song) => song.attributes[name])
  const energy = column("energy")
  const calm = column("calm")
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  const cov = (a: number[], b: number[]): number => mean(a.map((v, k) => (v - mean(a)) * (b[k] - mean(b))))
  assert.ok(cov(energy, calm) / Math.sqrt(cov(energy, energy) * cov(calm, calm)) < -0.8)
})

test("a rank counts the draws below; among equals the place is uniform", () => {
  const rng = stream(3, "ties")
  assert.equal(rankOf(2.5, Float64Array.of(1, 2, 3, 4), rng), 2)
  const counts = [0, 0, 0, 0, 0]
  for (let k = 0; k < 4000; k++) counts[rankOf(0, Float64Array.of(-1, 0, 0, 0, 5), rng)]++
  // One draw below, three equal: ranks 1 to 4, 1,000 each with a standard error of 27.
  assert.equal(counts[0], 0)
  for (const count of counts.slice(1)) assert.ok(Math.abs(count - 1000) < 110, String(counts))
})

test("draws are spread over the particles by weight: 3 of 4 where the weight is three quarters", () => {
  const particles = createParticles(5, 1)
  particles.sigma2.set([0, 1, 2, 3, 4])
  particles.logWeights.set([Number.NEGATIVE_INFINITY, 0, Math.log(6), 0, Number.NEGATIVE_INFINITY])
  const { m, sigma2 } = spreadDraws(particles, 8, stream(4, "spread"))
  assert.equal(m, 8)
  assert.deepEqual(Array.from(sigma2), [1, 2, 2, 2, 2, 2, 2, 3])
  const equal = spreadDraws(createParticles(500, 1), 199, stream(5, "spread"))
  assert.equal(equal.m, 199)
})
