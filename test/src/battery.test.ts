import assert from "node:assert/strict"
import { test } from "node:test"
import { FuelGauge } from "../../host/rehearsal/chips/fuel-gauge.js"
import { Board } from "./bench/board.js"
import { Mailbox } from "./bench/mailbox.js"

async function boardWithGauge() {
  const mailbox = new Mailbox()
  const gauge = new FuelGauge()
  const board = await Board.start({ entry: "test/src/programs/battery.ts", chips: [mailbox, gauge] })
  return {
    board,
    gauge,
    mailbox,
    poll: () => mailbox.call(board, 1),
    low: async () => (await mailbox.call(board, 2)) === 1,
    empty: async () => (await mailbox.call(board, 3)) === 1,
  }
}

test("the charge is the gauge's in whole percent and never above 100", async () => {
  const { gauge, poll } = await boardWithGauge()
  for (const percent of [0, 0.25, 1, 14.99609375, 50.5, 99.99609375, 100]) {
    gauge.percent = percent
    assert.equal(await poll(), Math.floor(percent))
  }
  gauge.percent = 103.5
  assert.equal(await poll(), 100)
})

test("the battery is low below 16 percent, until it has 21, and empty below 4", async () => {
  const { gauge, poll, low, empty } = await boardWithGauge()
  const seen: string[] = []
  for (const percent of [80, 16, 15.9, 18, 20.9, 21, 18, 16, 14, 4, 3.9, 4]) {
    gauge.percent = percent
    await poll()
    seen.push(`${percent} ${(await low()) ? "low" : "ok"}${(await empty()) ? " empty" : ""}`)
  }
  assert.deepEqual(seen, [
    "80 ok",
    "16 ok",
    "15.9 low",
    "18 low",
    "20.9 low",
    "21 ok",
    "18 ok",
    "16 ok",
    "14 low",
    "4 low",
    "3.9 low empty",
    "4 low",
  ])
})

test("without a gauge, on a bus that hangs, or from another chip, there is no charge, and nothing is low", async () => {
  const { board, gauge, mailbox, poll, low } = await boardWithGauge()
  gauge.percent = 5
  assert.equal(await poll(), 5)
  assert.equal(await low(), true)
  gauge.gone = true
  assert.equal(await poll(), undefined)
  assert.equal(await low(), false)
  gauge.gone = false
  gauge.version = 0x0003
  assert.equal(await poll(), undefined)
  gauge.version = 0x0011
  assert.equal(await poll(), 5)
  for (const millivolts of [0, 2400, 5001, 5119]) {
    gauge.millivolts = millivolts
    assert.equal(await poll(), undefined, `${millivolts} mV`)
  }
  gauge.millivolts = 2600
  assert.equal(await poll(), 5)
  mailbox.taken = () => {
    board.i2c!.hangs = true
    board.clock.setTimeout(() => {
      board.i2c!.hangs = false
    }, 5000)
  }
  assert.equal(await poll(), undefined)
  assert.equal(await low(), false)
  assert.deepEqual(board.panics, [])
})
