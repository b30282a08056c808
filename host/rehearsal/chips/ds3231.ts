// The real-time clock DS3231 on the simulated bus: I2C address 0x68, registers 0x00 to 0x12, a register address that
// moves on by itself and starts again at 0. Time is BCD, with 12 or 24 hours, a day of the week, a century bit that
// turns when year 99 ends. Writing the seconds starts a new second. The oscillator-stop flag (status, bit 7) is set
// by the first power and by a cell that ran out; only a write of 0 clears it. (Maxim DS3231 data sheet, 19-5170.)
//
// Its calendar is the host's own Date, so that it knows nothing of the firmware's.

import type { Chip } from "../i2c-bus.js"

/** Registers behind the time, as the first power leaves them: alarms, control 0x1C, status 0x88, aging, 25 °C. */
const FIRST_POWER = [0, 0, 0, 0, 0, 0, 0, 0x1c, 0x88, 0, 25, 0]
const TIME_REGISTERS = 7
const REGISTERS = TIME_REGISTERS + FIRST_POWER.length
const STATUS = 0x0f
const STOPPED = 0x80
const HOURS_12 = 0x40
const CENTURY = 0x80

interface Ds3231Options {
  /** How fast the oscillator is, parts per million; the data sheet allows ±2 from 0 to 40 °C. */
  driftPpm?: number
}

export class Ds3231 implements Chip {
  readonly address = 0x68
  /** Does not acknowledge. */
  gone = false
  /** The cell holds: the clock goes on without power. Asked when power is back. */
  cell = true
  /** Shows 12 hours. */
  hours12 = false
  /** What the time registers hold where it is no time: they stand still until all of them make sense. */
  private senseless: number[] | undefined
  /** Time of the chip, Unix ms, at the time `at` of the virtual clock. */
  private unixMs = Date.UTC(2000, 0, 1)
  private at: number | undefined
  private weekday = 1
  private registers = [...FIRST_POWER]
  private pointer = 0
  private readonly rate: number

  constructor({ driftPpm = 0 }: Ds3231Options = {}) {
    this.rate = 1 + driftPpm * 1e-6
  }

  /** Unix ms that the chip shows at time `now` of the virtual clock, with its part of a second. */
  time(now: number): number {
    return this.unixMs + (this.at === undefined ? 0 : (now - this.at) * this.rate)
  }

  /** Sets it, the oscillator-stop flag apart. */
  show(unixMs: number, now: number): void {
    this.weekday = new Date(unixMs).getUTCDay() + 1
    this.unixMs = unixMs
    this.at = now
    this.senseless = undefined
  }

  /** Whether the oscillator has stopped since the flag was last cleared. */
  get stopped(): boolean {
    return (this.registers[STATUS - TIME_REGISTERS] & STOPPED) !== 0
  }

  set stopped(on: boolean) {
    const i = STATUS - TIME_REGISTERS
    this.registers[i] = (this.registers[i] & ~STOPPED) | (on ? STOPPED : 0)
  }

  transfer(write: Uint8Array, count: number, start: number): Uint8Array | undefined {
    if (this.gone) return undefined
    this.at ??= start
    // The start of a transaction latches the time.
    const now = this.timeRegisters(start)
    if (write.length > 0) this.pointer = write[0] % REGISTERS
    let timeWritten = false
    for (const byte of write.subarray(1)) {
      if (this.pointer < TIME_REGISTERS) {
        now[this.pointer] = byte
        timeWritten = true
      } else this.writeRegister(this.pointer, byte)
      this.pointer = (this.pointer + 1) % REGISTERS
    }
    if (timeWritten) this.writeTime(now, start)
    const read = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      read[i] =
        this.pointer < TIME_REGISTERS ? now[this.pointer] : this.registers[this.pointer - TIME_REGISTERS]
      this.pointer = (this.pointer + 1) % REGISTERS
    }
    return read
  }

  power(on: boolean): void {
    this.pointer = 0
    if (!on || this.cell) return
    // It has stood still without power.
    this.unixMs = Date.UTC(2000, 0, 1)
    this.at = undefined
    this.weekday = 1
    this.hours12 = false
    this.senseless = undefined
    this.registers = [...FIRST_POWER]
  }

  private writeRegister(register: number, byte: number): void {
    const i = register - TIME_REGISTERS
    // Of the status only the 32 kHz output can be set; the flags can only be cleared.
    if (register === STATUS) this.registers[i] = (this.registers[i] & byte & 0x83) | (byte & 0x08)
    else if (register < STATUS + 2) this.registers[i] = byte
  }

  private timeRegisters(now: number): number[] {
    if (this.senseless) return [...this.senseless]
    const shown = this.time(now)
    const d = new Date(shown)
    const year = d.getUTCFullYear()
    const hour = d.getUTCHours()
    const days = Math.floor(shown / 86_400_000) - Math.floor(this.unixMs / 86_400_000)
    return [
      bcd(d.getUTCSeconds()),
      bcd(d.getUTCMinutes()),
      this.hours12 ? HOURS_12 | (hour >= 12 ? 0x20 : 0) | bcd(hour % 12 || 12) : bcd(hour),
      ((this.weekday - 1 + days) % 7) + 1,
      bcd(d.getUTCDate()),
      bcd(d.getUTCMonth() + 1) | (year >= 2100 ? CENTURY : 0),
      bcd(year % 100),
    ]
  }

  private writeTime(r: number[], now: number): void {
    this.hours12 = (r[2] & HOURS_12) !== 0
    const hour = this.hours12 ? (unbcd(r[2] & 0x1f) % 12) + (r[2] & 0x20 ? 12 : 0) : unbcd(r[2])
    const year = 2000 + unbcd(r[6]) + (r[5] & CENTURY ? 100 : 0)
    const unixMs = Date.UTC(year, unbcd(r[5] & 0x7f) - 1, unbcd(r[4]), hour, unbcd(r[1]), unbcd(r[0]))
    this.senseless = undefined
    this.unixMs = unixMs
    this.at = now
    this.weekday = r[3]
    // Date carries what is too much; the chip does not.
    const kept = this.timeRegisters(now)
    if (kept.some((byte, i) => byte !== r[i])) this.senseless = r
  }
}

const bcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10)
const unbcd = (byte: number): number => (byte >> 4) * 10 + (byte & 15)
