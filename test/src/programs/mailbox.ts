// The program's side of bench/mailbox.ts: carries out one order after the other.

import * as ds from "@devicescript/core"
import type { I2cBus } from "../../../src/i2c"

const ADDRESS = 0x11
const ORDER_BYTES = 9
const POLL_MS = 20

/** Carries out orders for ever. */
export async function serve(
  bus: I2cBus,
  carryOut: (code: number, value: number) => Promise<number>,
): Promise<void> {
  while (true) {
    await ds.sleep(POLL_MS)
    const order = await bus.xfer(ADDRESS, Buffer.alloc(0), ORDER_BYTES)
    if (order === undefined) continue
    const result = await carryOut(order[0], order.getAt(1, "f64"))
    const answer = Buffer.alloc(ORDER_BYTES)
    if (result !== undefined) {
      answer[0] = 1
      answer.setAt(1, "f64", result)
    }
    while ((await bus.xfer(ADDRESS, answer, 0)) === undefined) await ds.sleep(POLL_MS)
  }
}
