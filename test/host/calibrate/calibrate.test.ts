import assert from "node:assert/strict"
import { test } from "node:test"
import { calibrate } from "../../../host/calibrate/calibrate.js"

test("the result is the same for 1, 2 and 4 workers, to the last digit", async () => {
  const run = (workers: number) => calibrate({ sims: 20, seed: 11, workers, draws: 60 })
  const one = JSON.stringify(await run(1))
  assert.equal(JSON.stringify(await run(2)), one)
  assert.equal(JSON.stringify(await run(4)), one)
})

test("the first-block sampler and the particle path are calibrated", async () => {
  let reported = 0
  const report = await calibrate({
    sims: 150,
    seed: 12,
    workers: 2,
    draws: 250,
    onProgress: (done) => {
      reported = Math.max(reported, done)
    },
  })
  assert.equal(reported, 150)
  for (const path of [report, report.smc]) {
    // 34 p-values: one of them is under 1e-4 in a correct procedure once in 300 seeds.
    for (const [name, { p }] of Object.entries(path.ranks)) assert.ok(p > 1e-4, `${name}: p = ${p}`)
    for (const [name, coverage] of Object.entries(path.coverageOf)) {
      for (const [level, share] of Object.entries(coverage)) {
        const [low, high] = report.expected[level as keyof typeof report.expected]
        assert.ok(share >= low && share <= high, `${name}: ${level} % intervals hold the truth in ${share}`)
      }
    }
  }
})

test("a worker that fails ends the calibration with its reason", async () => {
  await assert.rejects(calibrate({ sims: 20, seed: 1, workers: 2, draws: 0 }), /draws: 0/)
})
