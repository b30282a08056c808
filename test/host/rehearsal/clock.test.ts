import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { VirtualClock } from "../../../host/rehearsal/clock.js"

test("calls run in order of time, and of arrival where times are equal", async () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(gaps, async (delays) => {
      const clock = new VirtualClock(0)
      const ran: [number, number][] = []
      delays.forEach((delay, i) => {
        clock.setTimeout(() => ran.push([clock.now(), i]), delay)
      })
      await clock.advance(50)
      const expected = delays.map((delay, i) => [delay, i]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepEqual(ran, expected)
      assert.equal(clock.now(), 50)
    }),
  )
})

test("a cleared call does not run, and calls may set further ones", async () => {
  const clock = new VirtualClock(100)
  const ran: number[] = []
  const handle = clock.setTimeout(() => ran.push(-1), 5)
  clock.setTimeout(() => {
    clock.clearTimeout(handle)
    clock.setTimeout(() => ran.push(clock.now()), 3)
  }, 5 - 1)
  await clock.advance(20)
  assert.deepEqual(ran, [107])
})

test("time stands still while work outside of it is held", async () => {
  const clock = new VirtualClock(0)
  const seen: number[] = []
  clock.setTimeout(() => {
    clock.hold(
      new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        seen.push(clock.now())
        clock.setTimeout(() => seen.push(clock.now()), 1)
      }),
    )
  }, 10)
  clock.setTimeout(() => seen.push(clock.now()), 10)
  await clock.advance(100)
  assert.deepEqual(seen, [10, 10, 11])
})

test("advance ends where its condition holds and says so", async () => {
  const clock = new VirtualClock(0)
  let rings = 0
  const again = (): void => {
    rings++
    clock.setTimeout(again, 10)
  }
  clock.setTimeout(again, 10)
  assert.equal(await clock.advance(1000, () => rings === 3), true)
  assert.equal(clock.now(), 30)
  assert.equal(await clock.advance(5, () => rings === 4), false)
})

test("work that fails while time stands still makes the advance fail", async () => {
  const clock = new VirtualClock(0)
  clock.setTimeout(() => clock.hold(Promise.reject(new Error("the disk is full"))), 5)
  await assert.rejects(clock.advance(10), /the disk is full/)
})
