// NXP SC16IS750: a UART behind I2C, for sound boards with a serial line. Source: its data sheet, rev. 9, section 8.
//
// Address 0x4D: A0 and A1 to ground, as breakout boards come (another wiring gives 0x48 … 0x57). Crystal 14.7456 MHz,
// so 9600 baud is divisor 96, exactly. A register's sub-address is its number times 8; bytes written to or read from
// the holding register in one transaction go through its FIFO of 64.

import type { I2cBus } from "../i2c"

const ADDRESS = 0x4d
const CRYSTAL_HZ = 14745600
const FIFO_BYTES = 64

const HOLDING = 0
const DIVISOR_LOW = 0
const DIVISOR_HIGH = 1
const FIFO_CONTROL = 2
const LINE_CONTROL = 3
const WAITING = 9

const DIVISOR_LATCH = 0x80
const EIGHT_BITS_ONE_STOP = 0x03
const FIFOS_ON_AND_EMPTY = 0x07

export class Sc16is750 {
  constructor(private bus: I2cBus) {}

  /** Sets the line to `baud`, 8 bits, no parity, one stop bit, with empty FIFOs; false where the chip does not answer. */
  async open(baud: number): Promise<boolean> {
    const divisor = Math.round(CRYSTAL_HZ / 16 / baud)
    return (
      (await this.set(LINE_CONTROL, DIVISOR_LATCH)) &&
      (await this.set(DIVISOR_LOW, divisor & 0xff)) &&
      (await this.set(DIVISOR_HIGH, divisor >> 8)) &&
      (await this.set(LINE_CONTROL, EIGHT_BITS_ONE_STOP)) &&
      (await this.set(FIFO_CONTROL, FIFOS_ON_AND_EMPTY)) &&
      // A chip that was reset in between has other line settings.
      (await this.get(LINE_CONTROL)) === EIGHT_BITS_ONE_STOP
    )
  }

  /** Hands `bytes` to the line; false where the chip does not answer. Not more than 64 may be on their way. */
  async write(bytes: Buffer): Promise<boolean> {
    const packet = Buffer.alloc(bytes.length + 1)
    packet[0] = HOLDING << 3
    packet.blitAt(1, bytes, 0, bytes.length)
    return (await this.bus.xfer(ADDRESS, packet, 0)) !== undefined
  }

  /** What has arrived, perhaps nothing; undefined where the chip does not answer. */
  async read(): Promise<Buffer> {
    const count = await this.get(WAITING)
    if (count === undefined) return undefined
    if (count === 0) return Buffer.alloc(0)
    return await this.bus.xfer(ADDRESS, register(HOLDING), Math.min(count, FIFO_BYTES))
  }

  private async set(number: number, value: number): Promise<boolean> {
    const bytes = Buffer.alloc(2)
    bytes[0] = number << 3
    bytes[1] = value
    return (await this.bus.xfer(ADDRESS, bytes, 0)) !== undefined
  }

  private async get(number: number): Promise<number> {
    const read = await this.bus.xfer(ADDRESS, register(number), 1)
    return read === undefined ? undefined : read[0]
  }
}

function register(number: number): Buffer {
  const bytes = Buffer.alloc(1)
  bytes[0] = number << 3
  return bytes
}
