// The charge of the board's battery, where the board has the fuel gauge MAX17048: I2C address 0x36, registers of 16
// bits, high byte first: cell voltage 0x02 (78.125 µV a step), state of charge 0x04 (1/256 %), version 0x08 (0x001n).
// (Maxim MAX17048 data sheet, 19-6171.)

import type { I2cBus } from "./i2c"

const ADDRESS = 0x36
/** High byte of a cell voltage of 2.5 V and of 5.0 V: what a lithium cell never has lies outside. */
const MIN_CELL = 0x7d
const MAX_CELL = 0xfa
/** Low from here on down, and until it is charged to more than OK. */
const LOW_PERCENT = 15
const OK_PERCENT = 20
const EMPTY_PERCENT = 3

export class Battery {
  /** Whole percent of charge at the last poll, rounded down, 0 to 100; undefined where no gauge answers. */
  percent: number
  /** The battery is to be charged; false where no gauge answers. */
  low = false
  /** The board may go out at any time. */
  empty = false

  constructor(private bus: I2cBus) {}

  /** Asks the gauge. */
  async poll(): Promise<void> {
    this.percent = await this.read()
    this.low = this.percent <= (this.low ? OK_PERCENT : LOW_PERCENT)
    this.empty = this.percent <= EMPTY_PERCENT
  }

  private async read(): Promise<number> {
    const version = await this.bus.xfer(ADDRESS, hex`08`, 2)
    // Other gauges of the family answer at the address, and count otherwise.
    if (version === undefined || version[0] !== 0 || (version[1] & 0xf0) !== 0x10) return undefined
    const r = await this.bus.xfer(ADDRESS, hex`02`, 4)
    if (r === undefined || r[0] < MIN_CELL || r[0] >= MAX_CELL) return undefined
    return Math.min(100, r[2])
  }
}
