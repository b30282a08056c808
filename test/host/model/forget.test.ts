import assert from "node:assert/strict"
import { test } from "node:test"
import { condense } from "../../../host/model/condense.js"
import { newestWave, powersOf } from "../../../host/model/forget.js"
import { logNormalCdf } from "../../../host/model/normal-cdf.js"
import type { Observations } from "../../../host/model/observations.js"
import { createParticles } from "../../../host/model/particles.js"
import type { Hyper } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import { drawPrior } from "../../../host/model/sweep.js"
import { fitFirstBlock, foretell, updateTaste } from "../../../host/model/taste.js"
import { near } from "./reference.js"
import { simulate, smallHyper } from "./simulate.js"

/** Waves of `sizes` plays each, numbered from 1. */
function inWaves(observations: Observations, ...sizes: number[]): Observations {
  const wave = sizes.flatMap((size, w) => new Array<number>(size).fill(w + 1))
  return { ...observations, wave: Uint32Array.from(wave) }
}

test("a play counts with δ to the power of its age in waves; one of an unknown wave counts in full", () => {
  const plays = {
    ...simulate(smallHyper(2), 4, stream(1), { censoring: false, collinear: false }).observations,
  }
  plays.wave = Uint32Array.of(1, 0, 3, 2)
  assert.equal(newestWave(plays, 4), 3)
  assert.equal(newestWave(plays, 2), 1)
  assert.deepEqual(Array.from(powersOf(plays, 0.5, 3)!), [0.25, 1, 1, 0.5])
  assert.equal(powersOf(plays, 1, 3), undefined)
  assert.equal(powersOf({ ...plays, wave: undefined }, 0.5, 3), undefined)
})

test("the posterior of a likelihood raised to powers is that of integration, censored plays included", () => {
  // One coefficient, σ² and S held at 1 by their degrees of freedom: the posterior of the constant is a curve.
  const hyper: Hyper = { ...smallHyper(1), v: 1e9, s2x: [1], s2y: 1, constantMean: 0.3 }
  const y = [0.1, 0.4, 1.2, -0.6, 0.9, 0.2, 1.5, -0.2]
  const censored = [0, 1, 1, 0, 1, 1, 0, 1]
  const powers = [1, 0.7, 0.49, 0.7, 1, 0.2, 0.49, 0.85]
  const plays: Observations = {
    n: 8,
    p: 1,
    x: new Float64Array(8).fill(1),
    y: Float64Array.from(y),
    censored: Uint8Array.from(censored),
    song: new Uint32Array(8),
    source: new Uint32Array(8),
    tooShort: 0,
    unknownSong: 0,
  }
  let total = 0
  let first = 0
  let second = 0
  for (let mu = -6; mu <= 6; mu += 1e-3) {
    let log = -0.5 * (mu - 0.3) ** 2
    y.forEach((value, k) => {
      log += powers[k] * (censored[k] === 1 ? logNormalCdf(mu - value) : -0.5 * (value - mu) ** 2)
    })
    total += Math.exp(log)
    first += mu * Math.exp(log)
    second += mu * mu * Math.exp(log)
  }
  const mean = first / total
  const sd = Math.sqrt(second / total - mean * mean)
  const data = condense(plays, hyper.constantMean, undefined, 8, Float64Array.from(powers))
  const { posterior } = sampleFirstBlock(data, hyper, {
    rngs: [stream(81, "powers")],
    draws: 30_000,
    sweepsPerDraw: 3,
  })
  assert.ok(posterior.meanError[0] < 0.01 * sd)
  near(posterior.mean[0], mean, 4.5 * posterior.meanError[0], "mean")
  near(posterior.sd[0] / sd, 1, 0.015, "sd")
})

test("taking in a wave with forgetting gives what a fit from scratch with the same powers gives", () => {
  const hyper = smallHyper(4)
  const { observations } = simulate(hyper, 150, stream(82, "data"), { censoring: true, collinear: false })
  const plays = inWaves(observations, 60, 50, 40)
  const model = (count: number, draws: number) => {
    const part = { ...plays, n: count }
    return fitFirstBlock(part, hyper, { seed: 3, stream: ["f", count], draws, forgetting: 0.6 })
  }
  const options = { seed: 4, stream: ["f"] }
  let updated = updateTaste(model(60, 2000), { ...plays, n: 110 }, 60, options)
  assert.equal(updated.forgetting, 0.6)
  assert.equal(updated.wave, 2)
  updated = updateTaste(updated, plays, 110, options)
  assert.equal(updated.wave, 3)
  const fresh = model(150, 4000)
  const without = fitFirstBlock(plays, hyper, { seed: 5, stream: ["f"], draws: 4000 })
  let moved = 0
  for (let q = 0; q < 4; q++) {
    const sd = fresh.posterior.sd[q]
    near((updated.posterior.mean[q] - fresh.posterior.mean[q]) / sd, 0, 0.2, `mean ${q}`)
    near(updated.posterior.sd[q] / sd, 1, 0.15, `sd ${q}`)
    moved = Math.max(moved, Math.abs(without.posterior.mean[q] - fresh.posterior.mean[q]) / sd)
  }
  assert.ok(moved > 0.3, "forgetting makes a difference on these data")
  assert.ok(fresh.posterior.sd[0] > 1.1 * without.posterior.sd[0], "and leaves less certain")
})

test("where tastes change from wave to wave forgetting foretells better, where they stay remembering does", () => {
  const hyper = smallHyper(4)
  const deltas = [0.4, 1]
  const scores = { stays: [0, 0], changes: [0, 0] }
  for (let listener = 0; listener < 8; listener++) {
    for (const kind of ["stays", "changes"] as const) {
      const rng = stream(83, listener)
      const taste = createParticles(1, 4)
      drawPrior(hyper, taste, 0, rng)
      const waves = [0, 1, 2, 3, 4].map(() => {
        // A random walk in which a third of what is known goes out of date with every wave.
        if (kind === "changes") for (let q = 0; q < 4; q++) taste.beta[q] += 0.35 * rng.normal()
        return simulate(hyper, 40, rng, { censoring: true, collinear: false }, taste).observations
      })
      const plays = inWaves(join(waves), 40, 40, 40, 40, 40)
      const options = { seed: 6, stream: ["walk", kind, listener] }
      deltas.forEach((delta, d) => {
        let model = fitFirstBlock({ ...plays, n: 40 }, hyper, { ...options, forgetting: delta })
        for (let n = 80; n <= 200; n += 40) {
          const part = { ...plays, n }
          scores[kind][d] += foretell(model, part, n - 40, [delta], options)[0]
          model = updateTaste(model, part, n - 40, options)
        }
      })
    }
  }
  assert.ok(scores.stays[1] > scores.stays[0] + 2, `stays: ${scores.stays}`)
  assert.ok(scores.changes[0] > scores.changes[1] + 2, `changes: ${scores.changes}`)
})

function join(parts: readonly Observations[]): Observations {
  const all = <T>(of: (part: Observations) => Iterable<T>): T[] => parts.flatMap((part) => [...of(part)])
  const n = parts.reduce((sum, part) => sum + part.n, 0)
  return {
    n,
    p: parts[0].p,
    x: Float64Array.from(all((part) => part.x)),
    y: Float64Array.from(all((part) => part.y)),
    censored: Uint8Array.from(all((part) => part.censored)),
    song: Uint32Array.from({ length: n }, (_, k) => k + 1),
    source: Uint32Array.from({ length: n }, (_, k) => k),
    tooShort: 0,
    unknownSong: 0,
  }
}

test("a forgetting factor outside (0, 1], or below 1 in the thesis profile, is refused with its value", () => {
  const hyper = smallHyper(2)
  const { observations } = simulate(hyper, 5, stream(84), { censoring: false, collinear: false })
  const fit = (forgetting: number, profile: "default" | "thesis" = "default") =>
    fitFirstBlock(observations, hyper, { seed: 1, stream: [], draws: 5, forgetting, profile })
  assert.throws(() => fit(0), /forgetting: must be above 0 and at most 1, got 0/)
  assert.throws(() => fit(1.2), /got 1.2/)
  assert.throws(() => fit(0.9, "thesis"), /the thesis profile never forgets/)
})
