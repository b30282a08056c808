// What the whole firmware tells of itself, on a board with a clock chip and a fuel gauge.

import assert from "node:assert/strict"
import { test } from "node:test"
import { Ds3231 } from "../../host/rehearsal/chips/ds3231.js"
import { Fram } from "../../host/rehearsal/chips/fram.js"
import { FuelGauge } from "../../host/rehearsal/chips/fuel-gauge.js"
import { END_BATTERY } from "../../src/record.js"
import { RESET_POWER } from "../../src/wire.js"
import { boardWithList, playsOf } from "./bench/session.js"

test("battery, clock, reason of the start and last sync reach the host; an empty battery ends the music", async () => {
  const gauge = new FuelGauge()
  const rtc = new Ds3231()
  gauge.percent = 64
  const { board, host } = await boardWithList(undefined, { fram: new Fram(), chips: [gauge, rtc] })
  await board.clock.advance(125_000)
  const { health, up } = host.requests.at(-1)!
  assert.deepEqual([health.bat, health.reset, health.card, health.store], [64, RESET_POWER, 0, 1])
  assert.ok(health.last! > 0 && health.last! < up, `${health.last} of ${up}`)
  // The first sync set the clock by the host's.
  const now = 1_732_345_678_901
  assert.ok(health.rtc! >= now - 1000 && health.rtc! < now + 130_000, `${health.rtc}`)
  await board.press("play")
  await board.clock.advance(20_000)
  gauge.percent = 2
  await board.clock.advance(90_000)
  assert.equal(board.sound.playing, undefined)
  const [last] = await playsOf(board, host, 1)
  assert.equal(last.reason, END_BATTERY)
  assert.equal(host.requests.at(-1)!.health.bat, 2)
  assert.deepEqual(board.panics, [])
})
