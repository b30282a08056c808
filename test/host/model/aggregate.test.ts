import assert from "node:assert/strict"
import { test } from "node:test"
import {
  type AggregatePlay,
  aggregateLogLikelihood,
  fitAggregate,
  latestPlays,
  predictAggregate,
} from "../../../host/model/aggregate.js"
import { logDensity, logSurvival } from "../../../host/model/likelihood.js"
import { stream } from "../../../host/model/random.js"
import { near, readAverageReference } from "./reference.js"

const play = (subject: number, song: number, y: number, censored = false): AggregatePlay => ({
  subject,
  song,
  y,
  censored,
})

test("of several plays of a song by a subject the last one counts", () => {
  const plays = [play(1, 5, 1), play(2, 5, 2), play(1, 5, 3), play(1, 6, 4)]
  assert.deepEqual(latestPlays(plays), [play(2, 5, 2), play(1, 5, 3), play(1, 6, 4)])
})

test("song constants recover the truth through censoring", () => {
  const rng = stream(81, "data")
  const truth = [3, 4, 5]
  const plays: AggregatePlay[] = []
  for (let subject = 1; subject <= 400; subject++) {
    truth.forEach((delta, song) => {
      const z = delta + 0.8 * rng.normal()
      plays.push(play(subject, song + 10, Math.min(z, 4.6), z > 4.6))
    })
  }
  const aggregate = fitAggregate(plays, stream(82, "aggregate"))
  assert.deepEqual(Array.from(aggregate.songs), [10, 11, 12])
  truth.forEach((delta, j) => {
    let mean = 0
    for (let draw = 0; draw < aggregate.m; draw++) mean += aggregate.delta[draw * 3 + j] / aggregate.m
    // The standard error of a constant is .04 to .06 (two thirds of the last song's plays are censored).
    near(mean, delta, 0.2, `song ${j}`)
  })
  near(Math.sqrt(aggregate.sigma2.reduce((sum, v) => sum + v / aggregate.m, 0)), 0.8, 0.06, "σ")
})

test("constants of songs with censored plays are those of an integration on a grid", () => {
  const { song, y, censored, grid } = readAverageReference("aggregate.json")
  const plays: AggregatePlay[] = song.map((j: number, k: number) => play(k, j, y[k], censored[k] === 1))
  const { m, delta, sigma2 } = fitAggregate(plays, stream(83, "aggregate"), 40_000)
  for (const [j, expected] of (grid.mean as number[]).entries()) {
    let mean = 0
    let square = 0
    for (let draw = 0; draw < m; draw++) {
      const value = delta[draw * grid.mean.length + j]
      mean += value / m
      square += (value - expected) ** 2 / m
    }
    // Neighbouring draws hardly depend on each other: standard errors of .001 and below.
    near(mean, expected, 0.006, `mean of song ${j}`)
    near(Math.sqrt(square - (mean - expected) ** 2), grid.sd[j], 0.006, `spread of song ${j}`)
  }
  near(
    sigma2.reduce((sum, v) => sum + v / m, 0),
    grid.sigma2,
    0.004,
    "σ²",
  )
})

test("a song nobody heard has no constant, and is judged by the prior of the constants", () => {
  const aggregate = fitAggregate([play(1, 5, 3), play(2, 6, 5)], stream(84, "aggregate"), 200)
  const { known, share } = predictAggregate(aggregate, [6, 7], Float64Array.of(5, 5))
  assert.deepEqual(Array.from(known), [1, 0])
  assert.ok(share[0] > 0 && share[0] < 1)
  assert.equal(share[1], 0)
  const logLik = aggregateLogLikelihood(aggregate, {
    n: 2,
    y: Float64Array.of(4, 4),
    censored: Uint8Array.of(0, 1),
    song: Uint32Array.of(7, 5),
  })
  near(logLik[0], logDensity(4, 4, Math.sqrt(aggregate.sigma2[0] + 2)), 1e-12, "unheard song")
  near(logLik[1], logSurvival(4, aggregate.delta[0], Math.sqrt(aggregate.sigma2[0])), 1e-12, "heard song")
})

test("no plays, one play and equal plays give finite answers", () => {
  assert.equal(fitAggregate([], stream(85, "none")).songs.length, 0)
  for (const plays of [[play(1, 1, 5, true)], [play(1, 1, 5), play(2, 1, 5)]]) {
    const aggregate = fitAggregate(plays, stream(86, "few"), 100)
    assert.ok(aggregate.delta.every(Number.isFinite) && aggregate.sigma2.every((v) => v > 0))
  }
})
