// NXP SC16IS750, a UART behind I2C: registers and FIFOs as its data sheet describes them (rev. 9, section 8). Bytes take
// the time that the divisor gives them; the crystal is 14.7456 MHz, as on the usual breakout boards.

import type { VirtualClock } from "../clock.js"
import type { Chip } from "../i2c-bus.js"

const CRYSTAL_HZ = 14_745_600
const FIFO_BYTES = 64
/** Start bit, eight bits, stop bit. */
const BITS = 10
/** A receiver still understands a line that is this far off. */
const BAUD_TOLERANCE = 0.03

const THR = 0
const FCR = 2
const LCR = 3
const LSR = 5
const SPR = 7
const TXLVL = 8
const RXLVL = 9
const IOCONTROL = 14

const DIVISOR_LATCH = 0x80
const EIGHT_BITS_ONE_STOP = 0x03

/** What hangs on the serial line. */
export interface SerialDevice {
  readonly baud: number
  /** A byte arrived whole. */
  receive(byte: number): void
  /** Where it sends: set by the bridge. */
  send: (bytes: Uint8Array) => void
  power(on: boolean): void
}

export class Sc16is750 implements Chip {
  /** Where true, transactions are not acknowledged. */
  deaf = false
  /** Changes a byte on the line, in either direction: a bad cable. */
  noise: (byte: number) => number = (byte) => byte
  private registers = new Uint8Array(16)
  private divisor = 0
  private sending: number[] = []
  private received: number[] = []
  private overrun = false
  private powered = true
  /** When the last byte on each line is over. */
  private sentAt = 0
  private arrivedAt = 0
  /** Counts resets: what was on its way before one is lost. */
  private life = 0

  /** `address`: A0 and A1 to ground give 0x4D. */
  constructor(
    private readonly clock: VirtualClock,
    private readonly device: SerialDevice,
    readonly address = 0x4d,
  ) {
    this.reset()
    device.send = (bytes) => {
      for (const byte of bytes) this.arrive(byte)
    }
  }

  power(on: boolean): void {
    this.powered = on
    this.reset()
    this.device.power(on)
  }

  transfer(write: Uint8Array, count: number): Uint8Array | undefined {
    if (!this.powered || this.deaf || write.length === 0) return undefined
    const register = (write[0] >> 3) & 15
    // The register does not move on: a row of bytes goes through one FIFO.
    for (const byte of write.subarray(1)) if (!this.set(register, byte)) return undefined
    return Uint8Array.from({ length: count }, () => this.get(register))
  }

  private reset(): void {
    this.registers.fill(0)
    this.registers[LCR] = 0x1d
    this.registers[SPR] = 0xff
    this.divisor = 0
    this.sending = []
    this.received = []
    this.overrun = false
    this.life++
  }

  private set(register: number, byte: number): boolean {
    const latch = (this.registers[LCR] & DIVISOR_LATCH) !== 0
    if (latch && register === 0) this.divisor = (this.divisor & 0xff00) | byte
    else if (latch && register === 1) this.divisor = (this.divisor & 0xff) | (byte << 8)
    else if (register === THR) this.transmit(byte)
    else if (register === FCR) {
      if (byte & 2) this.received = []
      if (byte & 4) this.sending = []
      this.registers[FCR] = byte
    } else if (register === IOCONTROL && byte & 8) {
      // The chip resets before it acknowledges.
      this.reset()
      return false
    } else this.registers[register] = byte
    return true
  }

  private get(register: number): number {
    if (register === THR) return this.received.shift() ?? 0
    if (register === RXLVL) return this.received.length
    if (register === TXLVL) return FIFO_BYTES - this.sending.length
    if (register === LSR) {
      const status = (this.received.length > 0 ? 1 : 0) | (this.overrun ? 2 : 0)
      this.overrun = false
      return status | (this.sending.length === 0 ? 0x60 : 0)
    }
    return this.registers[register]
  }

  /** The line carries what the device understands. */
  private get fits(): boolean {
    const baud = this.divisor > 0 ? CRYSTAL_HZ / 16 / this.divisor : 0
    const frame = this.registers[LCR] === EIGHT_BITS_ONE_STOP && (this.registers[FCR] & 1) === 1
    return frame && Math.abs(baud / this.device.baud - 1) <= BAUD_TOLERANCE
  }

  private get byteMs(): number {
    return (BITS * 1000) / this.device.baud
  }

  private transmit(byte: number): void {
    if (this.sending.length >= FIFO_BYTES) return
    this.sending.push(byte)
    const { life } = this
    this.sentAt = Math.max(this.sentAt, this.clock.now()) + this.byteMs
    this.clock.setTimeout(() => {
      if (this.life !== life || this.sending.length === 0) return
      const sent = this.sending.shift()!
      if (this.fits) this.device.receive(this.noise(sent))
    }, this.sentAt - this.clock.now())
  }

  private arrive(byte: number): void {
    const { life } = this
    this.arrivedAt = Math.max(this.arrivedAt, this.clock.now()) + this.byteMs
    this.clock.setTimeout(() => {
      if (this.life !== life) return
      if (this.received.length >= FIFO_BYTES) this.overrun = true
      else this.received.push(this.fits ? this.noise(byte) : byte ^ 0x55)
    }, this.arrivedAt - this.clock.now())
  }
}
