// The classifier without patterns: its gradient against finite differences, and that it learns; the sweep of settings.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../../host/model/random.js"
import { Attention, attentionScores, tokensOf } from "../../../../host/patterns/evaluation/attention.js"
import { judgedOfSimulation } from "../../../../host/patterns/evaluation/judged.js"
import { rocAuc } from "../../../../host/patterns/evaluation/roc-auc.js"
import { sweep } from "../../../../host/patterns/evaluation/sweep.js"
import { DEFAULT_FIT } from "../../../../host/patterns/fit.js"
import { rowOf } from "../../../../host/patterns/matrix.js"
import { CHANNELS, HOURS } from "../../../../host/patterns/week.js"

test("the gradient written by hand is that of finite differences, for many tokens, one and none", () => {
  const rng = stream(5, "gradient")
  const model = new Attention(3, rng)
  for (const count of [7, 1, 0]) {
    const hours = new Float64Array(CHANNELS.length * HOURS)
    for (let i = 0; i < count; i++) {
      const hour = (i * 29) % HOURS
      hours[hour] = 0.5 + rng.exponential()
      for (let c = 1; c < CHANNELS.length; c++) hours[c * HOURS + hour] = rng.uniform()
    }
    const tokens = tokensOf(hours)
    const direction = [0.7, -1.3, 0.4]
    const loss = (): number =>
      model.run(tokens).reduce((sum, out, o) => sum + direction[o] * out + (out * out) / 2, 0)
    const gradient = new Float64Array(model.weights.length)
    const slopes = (out: Float64Array, into: Float64Array): void =>
      into.set(out.map((value, o) => direction[o] + value))
    model.run(tokens, slopes, gradient)
    for (let i = 0; i < model.weights.length; i++) {
      const held = model.weights[i]
      const h = 1e-5
      model.weights[i] = held + h
      const above = loss()
      model.weights[i] = held - h
      const below = loss()
      model.weights[i] = held
      const slope = (above - below) / (2 * h)
      assert.ok(
        Math.abs(slope - gradient[i]) < 1e-6 * Math.max(1, Math.abs(slope)),
        `${count} tokens, weight ${i}: ${gradient[i]}, ${slope}`,
      )
    }
  }
})

test("it tells who listens in the morning from who listens at night, the same way each time", () => {
  const rng = stream(8, "mornings")
  const rows = 60
  const values = new Float64Array(rows * CHANNELS.length * HOURS)
  const labels = Uint8Array.from({ length: rows }, (_, i) => i % 2)
  for (let i = 0; i < rows; i++) {
    for (let n = 0; n < 30; n++) {
      const hour = 24 * rng.int(7) + (rng.uniform() < 0.7 ? (labels[i] === 1 ? 7 : 22) : rng.int(24))
      values[i * CHANNELS.length * HOURS + hour] += 0.25
    }
  }
  const hours = { rows, columns: CHANNELS.length * HOURS, values }
  const fold = {
    train: Array.from({ length: 40 }, (_, i) => i),
    test: Array.from({ length: 20 }, (_, i) => 40 + i),
  }
  const [scores] = attentionScores(hours, [labels], fold, 1)
  const judged = fold.test.map((row) => labels[row])
  assert.ok((rocAuc(scores, judged) ?? 0) > 0.9)
  assert.deepEqual(attentionScores(hours, [labels], fold, 1)[0], scores)
  assert.equal(tokensOf(rowOf(hours, 0)).length % 12, 0)
})

test("a sweep judges settings, channels and people put aside", () => {
  const { judged, channels } = judgedOfSimulation(80, 8, 3, DEFAULT_FIT)
  const { plays, weeks, hours } = judged
  const activities = new Map([["friends", judged.activities.get("friends")!]])
  let steps = 0
  const swept = sweep({ plays, weeks, hours, covariates: null, activities }, channels, {
    ...{ atoms: [4, 8], lambdas: [2, 8], starts: 1, iterations: 20, seed: 1, folds: 3 },
    progress: () => steps++,
  })
  assert.deepEqual([swept.people, swept.heldOut, swept.settings.length, swept.without.length], [64, 16, 4, 4])
  assert.equal(steps, 4 + 4 + 2)
  const [small, large, heavy] = [
    swept.settings.find(({ atoms, lambda }) => atoms === 4 && lambda === 2)!,
    swept.settings.find(({ atoms, lambda }) => atoms === 8 && lambda === 2)!,
    swept.settings.find(({ atoms, lambda }) => atoms === 8 && lambda === 8)!,
  ]
  assert.ok(large.explained > heavy.explained, "a heavier weight explains less")
  assert.ok(large.used > heavy.used, "with fewer codes")
  assert.ok(small.explained > 0 && small.explained < 1)
  const highest = Math.max(...swept.settings.map(({ area }) => area!))
  const best = swept.settings.find(
    ({ atoms, lambda }) => atoms === swept.best.atoms && lambda === swept.best.lambda,
  )!
  assert.equal(best.area, highest)
  assert.ok(swept.onHeldOut.area! > 0.5 && swept.onHeldOut.area! <= 1)
  assert.ok(swept.onHeldOut.low! <= swept.onHeldOut.area! && swept.onHeldOut.high! >= swept.onHeldOut.area!)
  assert.ok(swept.attention.area! > 0 && swept.attention.area! < 1)
})
