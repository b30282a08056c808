// The models of the chips are as strict as the chips: what a driver may not do goes wrong on them, too.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { DfPlayerChip } from "../../../host/rehearsal/chips/dfplayer.js"
import { Mp3TriggerChip } from "../../../host/rehearsal/chips/mp3-trigger.js"
import { Sc16is750 } from "../../../host/rehearsal/chips/sc16is750.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { soundedMs } from "../../../host/rehearsal/ledger.js"

const lengthMs = (file: number): number | undefined => (file < 50 ? 60_000 : undefined)

function trigger() {
  const clock = new VirtualClock(0)
  const chip = new Mp3TriggerChip(clock, lengthMs, stream(5, "chip"))
  const write = (...bytes: number[]) => chip.transfer(Uint8Array.from(bytes), 0, clock.now())
  const read = () => chip.transfer(new Uint8Array(0), 1, clock.now())?.[0]
  /** As a good driver does it: with 25 ms between question and answer. */
  const ask = async (question: number, waitMs = 25) => {
    assert.ok(write(question))
    await clock.advance(waitMs)
    return read()
  }
  return { clock, chip, write, read, ask }
}

test("MP3 Trigger: nothing answers while it starts, and volume outlives its power", async () => {
  const { clock, chip, write, ask } = trigger()
  await clock.advance(1500)
  assert.equal(write(0x10), undefined)
  await clock.advance(1000)
  assert.equal(await ask(0x10), 0x39)
  assert.ok(write(0x07, 9))
  await clock.advance(100)
  chip.power(false)
  assert.equal(write(0x10), undefined)
  chip.power(true)
  await clock.advance(2500)
  assert.equal(await ask(0x0e), 9)
})

test("MP3 Trigger: an answer that is read too early is garbage", async () => {
  const { clock, write, read, ask } = trigger()
  await clock.advance(2500)
  assert.equal(await ask(0x10), 0x39)
  const early = new Set<number | undefined>()
  for (let i = 0; i < 20; i++) {
    write(0x10)
    await clock.advance(10)
    early.add(read())
    await clock.advance(30)
  }
  assert.ok(early.size > 10, `${early.size} different answers`)
  assert.equal(await ask(0x0b, 300), 1)
})

test("MP3 Trigger: it is silent before it sounds, pause is a switch, and counting stops the music", async () => {
  const { clock, chip, write, ask } = trigger()
  await clock.advance(2500)
  write(0x02, 3)
  assert.equal(write(0x0a), undefined, "it does not answer while it passes a command on")
  await clock.advance(60)
  assert.equal(await ask(0x0a), 2)
  await clock.advance(400)
  assert.equal(await ask(0x0a), 1)
  write(0x03)
  await clock.advance(1000)
  assert.equal(await ask(0x0a), 2)
  write(0x03)
  await clock.advance(1000)
  assert.equal(await ask(0x0a), 1)
  const [sounded] = chip.player.sounded
  const heard = soundedMs(sounded, clock.now())
  assert.ok(heard < clock.now() - sounded.from - 900 && heard > 1000, `${heard} ms`)
  write(0x08)
  await clock.advance(60)
  assert.equal(sounded.cancelled, true)
  assert.equal(await ask(0x0a), 2)
})

test("MP3 Trigger: a file that is not there leaves the one that plays alone", async () => {
  const { clock, chip, write, read } = trigger()
  await clock.advance(2500)
  write(0x02, 3)
  await clock.advance(1000)
  write(0x02, 99)
  await clock.advance(60)
  read()
  assert.equal(read(), 2)
  assert.equal(chip.player.playing?.file, 3)
  chip.player.pullCard()
  assert.equal(chip.player.playing, undefined)
})

test("a file that is stopped in a pause ended where the pause began", async () => {
  const { clock, chip } = trigger()
  const { player } = chip
  player.play(1)
  await clock.advance(1000)
  const [sounded] = player.sounded
  player.pause()
  const heard = soundedMs(sounded, clock.now())
  await clock.advance(5000)
  assert.equal(soundedMs(sounded, clock.now()), heard)
  player.end(true)
  assert.equal(soundedMs(sounded, clock.now()), heard)
  assert.equal(heard, 1000 - sounded.from)
})

const QUERY = [0x7e, 0xff, 6, 0x42, 0, 0, 0, 0xfe, 0xb9, 0xef]

function player(divisor = 96) {
  const clock = new VirtualClock(0)
  const chip = new DfPlayerChip(clock, lengthMs, stream(6, "chip"))
  const bridge = new Sc16is750(clock, chip)
  const set = (register: number, ...bytes: number[]) =>
    bridge.transfer(Uint8Array.from([register << 3, ...bytes]), 0) !== undefined
  const get = (register: number, count = 1) => [...bridge.transfer(Uint8Array.of(register << 3), count)!]
  const open = (): void => {
    set(3, 0x80)
    set(0, divisor & 0xff)
    set(1, divisor >> 8)
    set(3, 0x03)
    set(2, 0x07)
  }
  open()
  return { clock, chip, bridge, set, get, open }
}

test("SC16IS750: bytes take their time on the line, and levels tell what waits", async () => {
  const { clock, set, get } = player()
  await clock.advance(3500)
  const ready = [0x7e, 0xff, 6, 0x3f, 0, 0, 2, 0xfe, 0xba, 0xef]
  assert.deepEqual(get(9), [10])
  assert.deepEqual(get(0, 10), ready)
  assert.ok(set(0, ...QUERY))
  assert.deepEqual(get(8), [54])
  await clock.advance(5)
  assert.ok(get(8)[0] > 54 && get(8)[0] < 64)
  assert.equal(get(5)[0] & 0x20, 0)
  await clock.advance(60)
  assert.deepEqual([get(8)[0], get(9)[0], get(5)[0]], [64, 10, 0x61])
  assert.deepEqual(get(0, 10), [0x7e, 0xff, 6, 0x42, 0, 2, 0, 0xfe, 0xb7, 0xef])
})

test("SC16IS750: another speed is another language, and a reset forgets the line", async () => {
  const { clock, set, get } = player(48)
  await clock.advance(3500)
  assert.notEqual(get(0, 10)[0], 0x7e)
  set(0, ...QUERY)
  await clock.advance(100)
  assert.deepEqual(get(9), [0])
  const other = player()
  await other.clock.advance(3500)
  assert.equal(other.set(14, 8), false)
  assert.deepEqual([other.get(3)[0], other.get(9)[0]], [0x1d, 0])
  other.set(0, ...QUERY)
  await other.clock.advance(100)
  assert.deepEqual(other.get(9), [0])
})

test("SC16IS750: what does not fit its 64 bytes is lost, and it says so", async () => {
  const { clock, chip, get } = player()
  await clock.advance(3500)
  get(0, 10)
  chip.send(new Uint8Array(80).fill(7))
  await clock.advance(100)
  assert.deepEqual([get(9)[0], get(5)[0] & 2, get(5)[0] & 2], [64, 2, 0])
})

test("DFPlayer: the end of a file is told twice, a frame that does not check is an error", async () => {
  const { clock, set, get } = player()
  await clock.advance(3500)
  get(0, 10)
  const play = [0x7e, 0xff, 6, 0x12, 0, 0, 7, 0xfe, 0xe2, 0xef]
  set(0, ...play)
  await clock.advance(61_000)
  const end = [0x7e, 0xff, 6, 0x3d, 0, 0, 7, 0xfe, 0xb7, 0xef]
  assert.deepEqual(get(0, get(9)[0]), [...end, ...end])
  set(0, ...play.with(6, 8))
  await clock.advance(100)
  assert.deepEqual(get(0, 7).slice(3), [0x40, 0, 0, 4])
})
