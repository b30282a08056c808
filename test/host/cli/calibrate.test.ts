import assert from "node:assert/strict"
import { tmpdir } from "node:os"
import { test } from "node:test"
import { fieldtune } from "./run.js"

const calibrate = (...args: string[]) => fieldtune(["calibrate", ...args], tmpdir())

test("as JSON: ranks per parameter, coverage per level, and the same for the particle path; the seed decides", async () => {
  const [found, again, other] = await Promise.all([
    calibrate("--sims", "20", "--seed", "3", "--json"),
    calibrate("--sims", "20", "--seed", "3", "--json", "--workers", "1"),
    calibrate("--sims", "20", "--seed", "4", "--json"),
  ])
  assert.deepEqual([found.code, found.stderr], [0, ""])
  assert.equal(found.stdout, again.stdout)
  assert.notEqual(found.stdout, other.stdout)
  const report = JSON.parse(found.stdout)
  assert.deepEqual([report.sims, report.seed, report.plays], [20, 3, [60, 60, 60]])
  for (const path of [report, report.smc]) {
    for (const name of [
      "Constant",
      "tempo",
      "genre=Jazz",
      "sigma",
      "model size",
      "log likelihood",
      "x'beta",
    ]) {
      const { chi2, p } = path.ranks[name]
      assert.ok(chi2 >= 0 && p > 0 && p <= 1, name)
    }
    assert.deepEqual(Object.keys(path.coverage), ["50", "80", "95"])
    const { 50: half, 80: most, 95: nearly } = path.coverage
    assert.ok(half > 0.2 && half < 0.8 && half <= most && most <= nearly && nearly <= 1)
  }
})

test("as text: what was run, both paths, the range of chance and a verdict in words", async () => {
  const { code, stdout } = await calibrate("--sims", "20")
  assert.equal(code, 0)
  assert.match(stdout, /^20 listeners drawn from the prior, 180 plays each in blocks of 60, 60, 60; \d/)
  assert.match(stdout, /First block, Gibbs sampler/)
  assert.match(stdout, /Blocks 2 to 3, Sequential Monte Carlo/)
  assert.match(stdout, /\nexpected +\d+\.\d-\d+\.\d /)
  assert.match(stdout, /Ranks: (passed|FAILED)/)
  assert.match(stdout, /Coverage: (passed|FAILED)/)
  assert.match(stdout, /calibrated/i)
})

test("too few simulations, no workers and a seed that is no number are refused by name", async () => {
  for (const [args, rule] of [
    [["--sims", "5"], /--sims .*whole number from 20/],
    [["--workers", "0"], /--workers .*whole number from 1/],
    [["--seed", "x"], /--seed .*whole number from 0/],
  ] as const) {
    const { code, stdout, stderr } = await calibrate(...args)
    assert.deepEqual([code, stdout], [2, ""])
    assert.match(stderr, rule)
  }
})
