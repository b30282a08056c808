// The I2C bus of the board, shared by sound board, memory and clock.
//
// On the microcontroller a transaction is one native call. The simulator has no I2C of its own, so there the bus is
// a Jacdac I2C service, behind which chips are simulated register by register. Callers take turns; a chip that does
// not acknowledge and a bus that hangs end in `undefined`, never in a wait without end.

import * as ds from "@devicescript/core"

const TURN_MS = 1
/** The simulated bus answers or gives up before that. */
const ANSWER_MS = 1500

const NOTHING = Buffer.alloc(0)

/** One bus. */
export class I2cBus {
  /** Callers take turns in the order in which they came: the next one that comes, and the one whose turn it is. */
  private last = 0
  private turn = 0
  private fiber: ds.Fiber
  private waiting = false
  private status = 0
  private answer: Buffer

  /** `role`: the bus of the simulator; a microcontroller does not use it. */
  constructor(private role: ds.I2C) {}

  /** Listens to the simulated bus, where there is one; call once. */
  start(): void {
    if (!ds.isSimulator()) return
    const self = this
    const code = this.role.spec.lookup("transaction").code
    this.role.report().subscribe((packet) => {
      if (packet.serviceCommand === code && self.waiting) self.take(packet.decode())
    })
  }

  /**
   * Writes `bytes` to the chip at `address` (7 bits), then reads `count` bytes (0 = only writes), in one
   * transaction of at most 224 bytes either way (what a Jacdac packet carries); undefined where the chip did not
   * acknowledge or the bus did not work.
   */
  async xfer(address: number, bytes: Buffer, count: number): Promise<Buffer> {
    const mine = this.last
    this.last++
    while (this.turn !== mine) await ds.sleep(TURN_MS)
    try {
      return ds.isSimulator()
        ? await this.simulated(address, bytes, count)
        : await native(address, bytes, count)
    } finally {
      this.turn++
    }
  }

  private async simulated(address: number, bytes: Buffer, count: number): Promise<Buffer> {
    if (!this.role.isBound) return undefined
    this.answer = undefined
    this.fiber = ds.Fiber.self()
    this.waiting = true
    await this.role.transaction(address, count, bytes)
    if (this.answer === undefined) await ds.suspend(ANSWER_MS)
    this.waiting = false
    return this.status === 0 ? this.answer : undefined
  }

  private take(report: any[]): void {
    this.waiting = false
    this.status = report[0]
    this.answer = report[1]
    if (this.fiber.suspended) this.fiber.resume(undefined)
  }
}

async function native(address: number, bytes: Buffer, count: number): Promise<Buffer> {
  const into = count > 0 ? Buffer.alloc(count) : undefined
  const status = await (ds as any)._i2cTransaction(address, bytes, into)
  if (status !== 0) return undefined
  return into ? into : NOTHING
}
