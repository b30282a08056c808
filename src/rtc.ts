// The real-time clock DS3231: I2C address 0x68, time in registers 0x00 to 0x06 as BCD, control 0x0E, status 0x0F.
// (Maxim DS3231 data sheet, 19-5170.) It keeps time without power to 2 ppm, from its own cell.
//
// Years are 2000 to 2099: the chip's century bit is clear and every fourth year is a leap year. A clock whose
// oscillator has stopped since it was set (new, or its cell ran out) says so by a flag and is not believed; a time
// that no calendar has, as a bus without a chip or a disturbed one reads, neither.

import * as ds from "@devicescript/core"
import type { I2cBus } from "./i2c"

const ADDRESS = 0x68
const REGISTERS = 16
const STATUS = 15
const OSCILLATOR_STOPPED = 0x80
const HOURS_12 = 0x40
const AFTERNOON = 0x20
/** From 0x0E: oscillator on, also without power; no square wave, no alarms; flags clear. */
const RUN = hex`0e 1c 00`
const MONTH_DAYS = hex`1f 1c 1f 1e 1f 1e 1f 1f 1e 1f 1e 1f`
/** 2000-01-01, a Saturday, as Unix milliseconds; and 2100-01-01. */
const FIRST_MS = 946684800000
const END_MS = 4102444800000
const DAY_S = 86400
/** A clock that is off by no more is left alone: it shows whole seconds. */
const TOLERANCE_MS = 2000

export class Rtc {
  constructor(private bus: I2cBus) {}

  /** Unix ms, in whole seconds; undefined where no clock answers or its time is not to be believed. */
  async read(): Promise<number> {
    const r = await this.bus.xfer(ADDRESS, hex`00`, REGISTERS)
    return r !== undefined && r.length === REGISTERS ? unixOf(r) : undefined
  }

  /**
   * Sets the clock where it is off by more than 2 s, or not believed. `unixMs`: the time now. True where the clock is
   * right afterwards; false where none answers, or for a year that it does not have.
   */
  async set(unixMs: number): Promise<boolean> {
    if (!(unixMs >= FIRST_MS && unixMs < END_MS - TOLERANCE_MS)) return false
    const began = ds.millis()
    if (near(await this.read(), unixMs)) return true
    // The chip counts full seconds from this write, and is read rounded down: round up.
    const message = registersOf(Math.ceil((unixMs + ds.millis() - began - FIRST_MS) / 1000))
    if ((await this.bus.xfer(ADDRESS, message, 0)) === undefined) return false
    // Only then: the flag that the oscillator stopped may fall when the time is right.
    if ((await this.bus.xfer(ADDRESS, RUN, 0)) === undefined) return false
    return near(await this.read(), unixMs + ds.millis() - began)
  }
}

function near(read: number, unixMs: number): boolean {
  return read !== undefined && Math.abs(read - unixMs) <= TOLERANCE_MS
}

/** Days of month `month` (0 to 11) of the year 2000 + `year`. */
function daysOf(month: number, year: number): number {
  return month === 1 && year % 4 === 0 ? 29 : MONTH_DAYS[month]
}

/** More than any field may hold where a bit is set that the field does not use. */
function fromBcd(byte: number): number {
  return (byte & 15) < 10 ? (byte >> 4) * 10 + (byte & 15) : 255
}

/** Unix ms of the registers from 0x00; undefined where they hold no time, or the oscillator has stopped. */
function unixOf(r: Buffer): number {
  if ((r[STATUS] & OSCILLATOR_STOPPED) !== 0) return undefined
  const second = fromBcd(r[0])
  const minute = fromBcd(r[1])
  let hour = fromBcd(r[2])
  if ((r[2] & HOURS_12) !== 0) {
    hour = fromBcd(r[2] & ~(HOURS_12 | AFTERNOON))
    if (hour < 1 || hour > 12) return undefined
    hour = (hour % 12) + ((r[2] & AFTERNOON) !== 0 ? 12 : 0)
  }
  const day = fromBcd(r[4])
  const month = fromBcd(r[5]) - 1
  const year = fromBcd(r[6])
  // A century bit makes the month more than 11.
  if (second > 59 || minute > 59 || hour > 23 || month < 0 || month > 11 || year > 99) return undefined
  if (day < 1 || day > daysOf(month, year)) return undefined
  let days = year * 365 + ((year + 3) >> 2) + day - 1
  for (let m = 0; m < month; m++) days += daysOf(m, year)
  return FIRST_MS + (days * DAY_S + hour * 3600 + minute * 60 + second) * 1000
}

/** The write that sets `seconds` since the start of 2000: register 0x00, then seconds … year. */
function registersOf(seconds: number): Buffer {
  let day = Math.floor(seconds / DAY_S)
  const rest = seconds - day * DAY_S
  const weekday = ((day + 6) % 7) + 1
  // 1,461 days are four years, and the first of them is the long one.
  const year = Math.idiv(day * 4, 1461)
  day -= year * 365 + ((year + 3) >> 2)
  let month = 0
  while (day >= daysOf(month, year)) {
    day -= daysOf(month, year)
    month++
  }
  const fields = [
    rest % 60,
    Math.idiv(rest, 60) % 60,
    Math.idiv(rest, 3600),
    weekday,
    day + 1,
    month + 1,
    year,
  ]
  const b = Buffer.alloc(8)
  for (let i = 0; i < 7; i++) b[i + 1] = Math.idiv(fields[i], 10) * 16 + (fields[i] % 10)
  return b
}
