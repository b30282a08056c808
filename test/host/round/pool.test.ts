import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { openPool } from "../../../host/round/pool.js"
import type { AggregateInput, TasteInput } from "../../../host/round/tasks.js"
import { simulate, smallHyper } from "../model/simulate.js"

const hyper = smallHyper(4)

/** Work of very different length, the longest first. */
const inputs = [120, 5, 60, 1].map((n, i): TasteInput => {
  const { observations } = simulate(hyper, n, stream(41, i), { censoring: true, collinear: false })
  return { observations, hyper, options: { seed: 5, stream: ["subject", i], draws: 60 } }
})

test("one, two and four threads give the same bits in the order of the inputs", async () => {
  const results = []
  for (const workers of [1, 2, 4]) {
    const pool = openPool(workers)
    results.push(await Promise.all(pool.run("taste", null, inputs)))
    await pool.close()
  }
  assert.deepEqual(
    results[0].map(({ model }) => model.plays),
    [120, 5, 60, 1],
  )
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
})

test("a task that fails fails alone, with its own error, and the threads go on", async () => {
  const wrong: TasteInput = { ...inputs[1], options: { ...inputs[1].options, draws: 0 } }
  for (const workers of [1, 2]) {
    const pool = openPool(workers)
    const [first, second, third] = await Promise.allSettled(
      pool.run("taste", null, [inputs[1], wrong, inputs[3]]),
    )
    assert.equal(first.status, "fulfilled")
    assert.ok(second.status === "rejected" && /draws: 0/.test(String(second.reason)), `${workers} threads`)
    assert.ok(third.status === "fulfilled" && third.value.model.plays === 1)
    const [after] = pool.run("taste", null, [inputs[3]])
    assert.equal((await after).model.plays, 1)
    await pool.close()
  }
})

test("a thread that served one task serves another with its own context", async () => {
  const pool = openPool(2)
  await Promise.all(pool.run("taste", null, inputs.slice(1, 3)))
  const play = { subject: 1, song: 7, y: 3, censored: false }
  const constants: AggregateInput = { plays: [play], seed: 1, stream: ["constants"], draws: 20 }
  const [aggregate] = await Promise.all(pool.run("aggregate", null, [constants]))
  const { observations } = inputs[1]
  const { model } = await pool.run("taste", null, [inputs[1]])[0]
  const members = [{ id: 3, particles: model.particles, heard: observations.song }]
  const crowd = { members, aggregates: [aggregate], of: new Map([[3, 0]]), everybody: 0 }
  const songs = {
    ids: Uint32Array.of(7, 8),
    x: observations.x.subarray(0, 8),
    logLength: Float64Array.of(5, 5),
  }
  const target = { subject: 3, observations, weighting: "density" as const, evidence: 0, all: true }
  const [average] = await Promise.all(pool.run("average", { crowd, songs }, [target]))
  await pool.close()
  assert.deepEqual([...average.weights.keys()], [3, 0])
  assert.equal(average.predictions.share.length, 2)
})

test("what waits in a closed pool is refused", async () => {
  const pool = openPool(2)
  const results = Promise.allSettled(pool.run("taste", null, [...inputs, ...inputs]))
  await pool.close()
  for (const result of await results) assert.equal(result.status, "rejected")
})
