// The simulated I2C bus: a Jacdac I2C service, behind which chips are simulated register by register. Every
// transaction takes the time that its bits take on the wire, on the virtual clock.

import * as jd from "jacdac-ts"
import type { VirtualClock } from "./clock.js"

/** A chip on the bus, as its data sheet describes it. */
export interface Chip {
  /** 7-bit address. */
  readonly address: number
  /**
   * One transaction: `write` arrives, then `count` bytes are read. Undefined where the chip does not acknowledge.
   * `start` is the virtual time at which the first bit is on the wire, ms.
   */
  transfer(write: Uint8Array, count: number, start: number): Uint8Array | undefined
  /** Power of the board comes or goes. */
  power(on: boolean): void
}

const OK = 0
const NOT_ACKNOWLEDGED = 1
const NO_BUS = 3
/** Acknowledge bit included. */
const BITS_PER_BYTE = 9
/** A master gives a hanging bus up after this. */
const HANG_MS = 200

export class SimulatedI2cBus extends jd.JDServiceServer {
  /** Transactions so far. */
  transactions = 0
  /** A chip holds the clock line: nothing gets through. */
  hangs = false
  private readonly chips = new Map<number, Chip>()

  constructor(
    private readonly clock: VirtualClock,
    chips: readonly Chip[],
    private readonly kHz = 100,
  ) {
    super(jd.SRV_I2C)
    this.addRegister(jd.I2CReg.Ok, [true])
    for (const chip of chips) this.chips.set(chip.address, chip)
    this.addCommand(jd.I2CCmd.Transaction, (packet) => this.transact(packet))
  }

  power(on: boolean): void {
    for (const chip of this.chips.values()) chip.power(on)
  }

  private transact(packet: jd.Packet): void {
    const [address, count, bytes] = packet.jdunpack<[number, number, Uint8Array]>("u8 u8 b")
    const write = bytes ?? new Uint8Array(0)
    this.transactions++
    if (this.hangs) {
      this.answer(HANG_MS, NO_BUS)
      return
    }
    const read = this.chips.get(address)?.transfer(write, count, this.clock.now())
    const onWire = 1 + write.length + (count > 0 ? 1 + count : 0)
    this.answer((onWire * BITS_PER_BYTE) / this.kHz, read ? OK : NOT_ACKNOWLEDGED, read)
  }

  private answer(ms: number, status: number, read: Uint8Array = new Uint8Array(0)): void {
    const bytes = new Uint8Array([status, ...read])
    this.clock.setTimeout(() => {
      void this.sendPacketAsync(jd.Packet.from(jd.I2CCmd.Transaction, bytes))
    }, ms)
  }
}
