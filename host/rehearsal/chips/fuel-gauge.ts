// The fuel gauge MAX17048 on the simulated bus: I2C address 0x36, registers of 16 bits, high byte first, at even
// addresses; the address moves on byte by byte. (Maxim MAX17048 data sheet, 19-6171.)

import type { Chip } from "../i2c-bus.js"

const CELL_VOLTAGE = 0x02
const CHARGE = 0x04
const VERSION = 0x08
const HIBERNATE = 0x0a
const CONFIGURATION = 0x0c
const MILLIVOLTS_PER_STEP = 0.078125
const STEPS_PER_PERCENT = 256

export class FuelGauge implements Chip {
  readonly address = 0x36
  /** Does not acknowledge. */
  gone = false
  millivolts = 3900
  /** State of charge; the gauge's model may show more than 100. */
  percent = 80
  /** What tells it from others of its family. */
  version = 0x0012
  private pointer = 0

  transfer(write: Uint8Array, count: number): Uint8Array | undefined {
    if (this.gone) return undefined
    if (write.length > 0) this.pointer = write[0]
    const read = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      const word = this.register(this.pointer & 0xfe)
      read[i] = this.pointer & 1 ? word & 255 : word >> 8
      this.pointer = (this.pointer + 1) & 255
    }
    return read
  }

  power(): void {
    this.pointer = 0
  }

  private register(at: number): number {
    if (at === CELL_VOLTAGE) return Math.round(this.millivolts / MILLIVOLTS_PER_STEP) & 0xffff
    if (at === CHARGE) return Math.round(this.percent * STEPS_PER_PERCENT) & 0xffff
    if (at === VERSION) return this.version
    if (at === HIBERNATE) return 0x8030
    if (at === CONFIGURATION) return 0x971c
    return 0
  }
}
