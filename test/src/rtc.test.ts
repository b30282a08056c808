import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../host/model/random.js"
import { Ds3231 } from "../../host/rehearsal/chips/ds3231.js"
import { VirtualClock } from "../../host/rehearsal/clock.js"
import { Board } from "./bench/board.js"
import { Mailbox } from "./bench/mailbox.js"

const READ = 1
const SET = 2
const DAY_MS = 86_400_000
const AWAY_MS = 60_000
const START = Date.UTC(2026, 5, 1, 12)
const FIRST = Date.UTC(2000, 0, 1)
const END = Date.UTC(2100, 0, 1)

async function boardWithClock(chip = new Ds3231()) {
  const mailbox = new Mailbox()
  const clock = new VirtualClock(START)
  const chips = [mailbox, chip]
  const board = await Board.start({ entry: "test/src/programs/rtc.ts", clock, chips })
  return {
    board,
    clock,
    mailbox,
    chip,
    read: () => mailbox.call(board, READ),
    set: async (unixMs: number) => (await mailbox.call(board, SET, unixMs)) === 1,
  }
}

/** Both sides of the ends of months, in all years, and of the century, and `count` instants at random. */
function instants(count: number): number[] {
  const random = stream(7, "clock")
  const list = [FIRST, END - 1000]
  for (let year = 2000; year < 2100; year++) {
    // All twelve in a leap year, in a common one and around the years that a century's rule would change.
    const months = [0, 1, 24, 25, 96, 99].includes(year - 2000) ? [...Array(12).keys()] : [0, 2]
    for (const month of months) list.push(Date.UTC(year, month, 1) - 1000, Date.UTC(year, month, 1))
    list.push(Date.UTC(year, 1, 28, 23, 59, 59), Date.UTC(year, 1, 29), Date.UTC(year, 11, 31, 12))
  }
  const seconds = (END - FIRST) / 1000
  for (let i = 0; i < count; i++) list.push(FIRST + random.int(seconds) * 1000)
  return list.filter((at) => at >= FIRST)
}

const iso = (unixMs: number): string => new Date(unixMs).toISOString()

test("every time of the century is read as the host's calendar has it, with 12 hours and with 24", async () => {
  const { clock, chip, read } = await boardWithClock()
  chip.stopped = false
  for (const [i, at] of instants(300).entries()) {
    chip.hours12 = i % 2 === 0
    chip.show(at, clock.now())
    const unixMs = await read()
    const now = chip.time(clock.now())
    // The order takes milliseconds: the second may have changed under way, but only one.
    const right = unixMs === at || (unixMs === at + 1000 && now >= at + 1000)
    if (at === END - 1000 && unixMs === undefined) continue
    assert.ok(right, `${iso(at)} is read as ${unixMs}`)
  }
})

test("every time of the century is set as the host's calendar has it, with its day of the week", async () => {
  const { clock, chip, set } = await boardWithClock()
  for (const at of instants(300).filter((at) => at < END - 2000)) {
    chip.hours12 = true
    chip.show(at > FIRST + 10 * DAY_MS ? at - 9 * DAY_MS - 7_654_321 : at + 9 * DAY_MS, clock.now())
    const began = clock.now()
    assert.ok(await set(at), iso(at))
    const off = chip.time(clock.now()) - at - (clock.now() - began)
    assert.ok(off > -100 && off <= 1000, `${iso(at)} is set ${off} ms off`)
    const weekday = chip.transfer(Uint8Array.of(3), 1, clock.now())![0]
    assert.equal(weekday, new Date(chip.time(clock.now())).getUTCDay() + 1, iso(at))
  }
  assert.equal(chip.stopped, false)
  const before = chip.time(clock.now())
  for (const at of [FIRST - 1, END, Number.NaN, -1, 0]) assert.equal(await set(at), false, String(at))
  assert.ok(Math.abs(chip.time(clock.now()) - before) < 10_000)
})

test("a new clock is not believed until it is set, and then goes on without power as long as its cell holds", async () => {
  const { board, clock, chip, read, set } = await boardWithClock()
  assert.equal(await read(), undefined)
  assert.ok(await set(clock.now()))
  assert.ok(Math.abs((await read())! - clock.now()) <= 1000)
  board.powerOff()
  await clock.advance(AWAY_MS)
  await board.powerOn()
  assert.ok(Math.abs((await read())! - clock.now()) <= 1000)
  board.powerOff()
  chip.cell = false
  await clock.advance(AWAY_MS)
  await board.powerOn()
  assert.equal(await read(), undefined)
  assert.ok(await set(clock.now()))
  assert.ok(Math.abs((await read())! - clock.now()) <= 1000)
})

test("a clock that drifts is set again when it is more than 2 s off, and left alone before", async () => {
  for (const driftPpm of [-2, 2]) {
    const { clock, chip, read, set } = await boardWithClock(new Ds3231({ driftPpm }))
    let writes = 0
    const { transfer } = chip
    chip.transfer = (write, count, start) => {
      if (write.length > 1) writes++
      return transfer.call(chip, write, count, start)
    }
    assert.ok(await set(clock.now()))
    assert.equal(writes, 2)
    /** What so many days do to the clock, at once. */
    const pass = (days: number): void => {
      const now = clock.now()
      chip.show(chip.time(now + days * DAY_MS) - days * DAY_MS, now)
    }
    // 0.17 s a day.
    pass(4)
    assert.ok(Math.abs((await read())! - clock.now()) <= 1700)
    assert.ok(await set(clock.now()))
    assert.equal(writes, 2, "a clock that is right is not written")
    pass(20)
    const off = (await read())! - clock.now()
    assert.ok(driftPpm < 0 ? off < -2000 : off > 2000, `${off} ms off`)
    assert.ok(await set(clock.now()))
    assert.equal(writes, 4)
    assert.ok(Math.abs((await read())! - clock.now()) <= 1000)
  }
})

test("a time that no calendar has is not believed, and the next set mends it", async () => {
  const { clock, chip, read, set } = await boardWithClock()
  const good = [0x30, 0x59, 0x23, 0x01, 0x28, 0x02, 0x26]
  const write = (bytes: number[]) => chip.transfer(Uint8Array.of(0, ...bytes), 0, clock.now())
  chip.stopped = false
  write(good)
  assert.equal(await read(), Date.UTC(2026, 1, 28, 23, 59, 30))
  const wrong: [number, number, string][] = [
    [0, 0x60, "second 60"],
    [0, 0x4a, "second 4A"],
    [0, 0xb0, "an unused bit of the seconds"],
    [1, 0x60, "minute 60"],
    [1, 0x80, "an unused bit of the minutes"],
    [2, 0x24, "hour 24"],
    [2, 0x40, "hour 0 of 12"],
    [2, 0x53, "hour 13 of 12"],
    [2, 0xd1, "an unused bit of the hours"],
    [4, 0x00, "day 0"],
    [4, 0x29, "29 February 2026"],
    [4, 0x32, "day 32"],
    [5, 0x00, "month 0"],
    [5, 0x13, "month 13"],
    [5, 0x82, "the century bit"],
    [6, 0xa0, "year A0"],
  ]
  for (const [register, byte, what] of wrong) {
    write(good.map((was, i) => (i === register ? byte : was)))
    assert.equal(await read(), undefined, what)
  }
  write([...good.slice(0, 4), 0x31, 0x04, 0x26])
  assert.equal(await read(), undefined, "31 April")
  write([...good.slice(0, 6), 0x28].map((byte, i) => (i === 4 ? 0x29 : byte)))
  assert.equal(await read(), Date.UTC(2028, 1, 29, 23, 59, 30))
  write(good.map(() => 0xff))
  assert.equal(await read(), undefined, "a line that is high")
  assert.ok(await set(clock.now()))
  assert.ok(Math.abs((await read())! - clock.now()) <= 1000)
})

test("without a clock, or on a bus that hangs, there is no time, and the board goes on", async () => {
  const { board, clock, mailbox, chip, read, set } = await boardWithClock()
  assert.ok(await set(clock.now()))
  chip.gone = true
  assert.equal(await read(), undefined)
  assert.equal(await set(clock.now()), false)
  chip.gone = false
  assert.ok((await read()) !== undefined)
  mailbox.taken = () => {
    board.i2c!.hangs = true
    clock.setTimeout(() => {
      board.i2c!.hangs = false
    }, 5000)
  }
  assert.equal(await read(), undefined)
  assert.equal(await set(clock.now()), false)
  mailbox.taken = () => {}
  assert.ok(await set(clock.now()))
  assert.deepEqual(board.panics, [])
})
