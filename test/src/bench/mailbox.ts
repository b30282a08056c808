// Calls from a test into a program on the board: a chip that hands out an order and takes its answer. The program's
// side is programs/mailbox.ts.

import type { Chip } from "../../../host/rehearsal/i2c-bus.js"
import type { Board } from "./board.js"

const ORDER_BYTES = 9
/** More than what the program does for one order can take. */
const ANSWER_MS = 60_000

export class Mailbox implements Chip {
  readonly address = 0x11
  /** Called when the program has taken an order. */
  taken: () => void = () => {}
  private order: Uint8Array | undefined
  private answers: Buffer[] = []

  transfer(write: Uint8Array, count: number): Uint8Array | undefined {
    if (write.length === ORDER_BYTES) this.answers.push(Buffer.from(write))
    if (count === 0) return new Uint8Array(0)
    const { order } = this
    if (order === undefined) return undefined
    this.order = undefined
    this.taken()
    return order
  }

  power(): void {}

  /** Hands out order `code` (1 to 255) with `value`; nobody waits. */
  send(code: number, value = 0): void {
    const order = Buffer.alloc(ORDER_BYTES)
    order[0] = code
    order.writeDoubleLE(value, 1)
    this.order = order
    this.answers = []
  }

  /** The same, and time moves on until the program has answered; its answer. */
  async call(board: Board, code: number, value = 0): Promise<number | undefined> {
    this.send(code, value)
    const done = () => this.answers.length > 0
    if (!(await board.clock.advance(ANSWER_MS, done))) {
      throw new Error(`order ${code}: no answer in ${ANSWER_MS} ms; ${board.lines.slice(-8).join(" | ")}`)
    }
    const [answer] = this.answers
    return answer[0] === 1 ? answer.readDoubleLE(1) : undefined
  }
}
