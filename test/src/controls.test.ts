// What a listener may do beside playing, skipping and stopping, as the plan allows it.

import assert from "node:assert/strict"
import { test } from "node:test"
import { encodeMessagePack } from "../../host/protocol/messagepack.js"
import {
  END_FINISHED,
  END_PREVIOUS,
  END_SKIPPED,
  END_SLEEP_TIMER,
  END_STOPPED,
  FLAG_LIKED,
} from "../../src/record.js"
import {
  CONTROL_LIKE,
  CONTROL_PREVIOUS,
  CONTROL_VOLUME,
  type DevicePlan,
  RESET_PLANNED,
  RESET_POWER,
} from "../../src/wire.js"
import { boardWithList, playsOf } from "./bench/session.js"

/** A board that follows `plan`. */
async function boardWithPlan(plan: DevicePlan): Promise<Awaited<ReturnType<typeof boardWithList>>> {
  const bench = await boardWithList()
  bench.host.plan = plan
  await bench.board.press("play", 2000)
  await bench.board.clock.advance(5000)
  return bench
}

const files = (board: { sound: { sounded: readonly { file: number }[] } }): number[] =>
  board.sound.sounded.map(({ file }) => file)

test("holding skip goes back where the plan allows it, and the time heard ends when the button went down", async () => {
  const { board, host } = await boardWithPlan({ sync: 1, vol: 12, ctl: CONTROL_PREVIOUS })
  await board.press("play")
  await board.clock.advance(5000)
  await board.press("skip")
  await board.clock.advance(20_000)
  const downAt = board.clock.now()
  const second = board.sound.sounded[1]
  await board.press("skip", 2000)
  await board.clock.advance(10_000)
  await board.press("skip")
  await board.clock.advance(1000)
  assert.deepEqual(files(board), [7, 12, 7, 12])
  const plays = await playsOf(board, host, 3)
  assert.deepEqual(
    plays.slice(0, 3).map(({ song, reason }) => [song, reason]),
    [
      [7, END_SKIPPED],
      [12, END_PREVIOUS],
      [7, END_SKIPPED],
    ],
  )
  assert.ok(Math.abs(plays[1].heardMs - (downAt - second.from)) < 150, `${plays[1].heardMs} ms`)
})

test("without the plan's leave, holding skip is skipping, and holding stop is stopping", async () => {
  const { board, host } = await boardWithPlan({ sync: 1, vol: 12 })
  await board.press("play")
  await board.clock.advance(5000)
  await board.press("skip", 2000)
  await board.clock.advance(5000)
  await board.press("stop", 2000)
  await board.clock.advance(1000)
  assert.deepEqual(files(board), [7, 12])
  const plays = await playsOf(board, host, 2)
  assert.deepEqual(
    plays.map(({ reason, flags }) => [reason, flags & FLAG_LIKED]),
    [
      [END_SKIPPED, 0],
      [END_STOPPED, 0],
    ],
  )
})

test("holding stop likes the song that plays, which goes on, and a power cut does not forget it", async () => {
  const { board, host } = await boardWithPlan({ sync: 1, vol: 12, ctl: CONTROL_LIKE })
  await board.press("play")
  await board.clock.advance(1000)
  await board.press("stop", 2000)
  await board.clock.advance(300)
  assert.equal(board.sound.playing?.file, 7)
  board.powerOff()
  await board.clock.advance(1000)
  await board.powerOn()
  await board.clock.advance(5000)
  await board.press("stop")
  const [liked, other] = await playsOf(board, host, 2)
  assert.deepEqual([liked.flags & FLAG_LIKED, other.flags & FLAG_LIKED], [FLAG_LIKED, 0])
})

test("play held with skip or stop changes the volume within the plan's limit, and never pauses or syncs", async () => {
  const { board, host } = await boardWithPlan({ sync: 1, vol: 9, ctl: CONTROL_VOLUME })
  await board.press("play")
  await board.clock.advance(3000)
  const turn = async (button: "skip" | "stop"): Promise<void> => {
    board.tap("play", 600)
    await board.clock.advance(200)
    board.tap(button, 60)
    await board.clock.advance(1000)
  }
  for (let i = 0; i < 4; i++) await turn("skip")
  assert.equal(board.sound.playing?.file, 7, "the music goes on")
  assert.equal(board.sound.sounded.length, 1)
  await board.press("skip")
  await board.clock.advance(2000)
  for (let i = 0; i < 3; i++) await turn("stop")
  await board.press("skip")
  const plays = await playsOf(board, host, 2)
  // Volume 8 is where a board starts, 9 is the limit.
  assert.deepEqual(
    plays.slice(0, 2).map(({ volume }) => volume),
    [9, 6],
  )
  assert.equal(host.requests.at(-1)!.health.vol, 6)
})

test("the sleep timer ends the music when nobody has pressed a button for so long", async () => {
  const { board, host } = await boardWithPlan({ sync: 1, vol: 12, sleep: 2 })
  await board.press("play")
  await board.clock.advance(90_000)
  await board.press("skip")
  const pressed = board.clock.now()
  await board.clock.advance(200_000)
  assert.equal(board.sound.playing, undefined)
  const last = board.sound.sounded.at(-1)!
  assert.ok(Math.abs(last.until! - pressed - 120_000) < 1000, `${last.until! - pressed} ms`)
  const plays = await playsOf(board, host, 3)
  assert.equal(plays.at(-1)!.reason, END_SLEEP_TIMER)
  assert.deepEqual(
    plays.slice(0, 2).map(({ reason }) => reason),
    [END_FINISHED, END_SKIPPED],
  )
  // It stays silent after a power cut, and plays when asked.
  board.powerOff()
  await board.powerOn()
  await board.clock.advance(10_000)
  assert.equal(board.sound.playing, undefined)
  await board.press("play")
  await board.clock.advance(1000)
  assert.notEqual(board.sound.playing, undefined)
})

test("a provisioned plan holds until the first sync brings the study's", async () => {
  const plan = encodeMessagePack({ sync: 0, vol: 5 })
  const { board, host } = await boardWithList(undefined, { settings: { ftplan: plan }, synced: false })
  await board.clock.advance(200_000)
  assert.equal(host.requests.length, 0, "no sync of its own")
  await board.press("play", 2000)
  await board.clock.advance(3000)
  assert.equal(host.requests[0].health.vol, 5)
})

test("after 45 days the board starts itself anew between two listens, goes on playing, and says that it was planned", async () => {
  const { board, host } = await boardWithList()
  host.failure = "refused"
  // The VM counts microseconds in 32 bits, so time may not jump over more than 71 minutes at once.
  for (let hour = 0; hour < 45 * 24 - 1; hour++) {
    board.clock.jump(3_600_000)
    await board.clock.advance(50)
  }
  host.failure = undefined
  await board.clock.advance(5000)
  await board.press("play")
  // The VM halts where a microcontroller starts again.
  await board.line("target reset", 3_700_000)
  board.powerOff()
  await board.powerOn()
  const heard = board.sound.sounded.length
  await board.clock.advance(70_000)
  assert.ok(board.sound.sounded.length > heard, "the music goes on")
  const { boot, health } = host.requests.at(-1)!
  assert.deepEqual([boot, health.reset], [2, RESET_PLANNED])
  board.powerOff()
  await board.powerOn()
  await board.clock.advance(70_000)
  assert.equal(host.requests.at(-1)!.health.reset, RESET_POWER)
})
