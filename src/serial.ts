// The way to the host over the bus, for a board that is plugged into a laptop and has no network: a Jacdac serial
// service that `fieldtune sync --serial` puts there. Requests and replies are those of HTTP, cut into pieces.
//
// Everything is asked by the board and answered by the host, one question at a time, each repeated until its answer
// comes: so a frame that is lost, doubled or late changes nothing. A question and its answer:
//   0 device id, 8 bytes | 8 kind u8 | 9 exchange u8 | 10 piece u8 | 11 pieces u8 | 12 … at most PIECE_BYTES
//   kind SERIAL_PUT: a piece of the request; the answer repeats the first 12 bytes
//   kind SERIAL_GET: which piece of the reply is wanted; the answer holds it, and 0 pieces where the reply is not
//   ready; a reply that is refused has the HTTP status in two bytes and kind SERIAL_REFUSED
// The first question of an exchange names all its pieces; a host forgets an older exchange of the board then.

import * as ds from "@devicescript/core"
import type { HttpReply } from "./http"
import {
  MAX_BODY_BYTES,
  SERIAL_GET,
  SERIAL_HEAD_BYTES,
  SERIAL_PIECE_BYTES,
  SERIAL_PUT,
  SERIAL_REFUSED,
} from "./wire"

const ANSWER_MS = 400
const TRIES = 8
/** Between two questions whether the reply is ready. */
const READY_MS = 50

export class SerialLink {
  private fiber: ds.Fiber
  private waiting = false
  private exchange = 0
  private self: Buffer
  private question: Buffer
  private answer: Buffer

  /** `device`: sixteen hexadecimal digits. */
  constructor(
    private role: ds.Serial,
    device: string,
  ) {
    this.self = Buffer.from(device, "hex")
  }

  /** Listens to the service; `appeared` is called when a host comes. */
  start(appeared: () => void): void {
    const self = this
    const code = this.role.spec.lookup("send").code
    this.role.report().subscribe((packet) => {
      if (packet.serviceCommand === code && self.waiting) self.take(packet.decode())
    })
    this.role.binding().subscribe((bound) => {
      if (bound) appeared()
    })
  }

  /** A host is on the bus. */
  present(): boolean {
    return this.role.isBound
  }

  /** One exchange; throws RangeError "serial: …" where the host does not answer. Ends within `timeoutMs`. */
  async post(salt: Buffer, sealed: Buffer, timeoutMs: number): Promise<HttpReply> {
    const deadline = ds.millis() + timeoutMs
    this.exchange = (this.exchange + 1) % 256
    const body = salt.concat(sealed)
    const pieces = Math.ceil(body.length / SERIAL_PIECE_BYTES)
    for (let i = 0; i < pieces; i++) {
      const end = Math.min(body.length, (i + 1) * SERIAL_PIECE_BYTES)
      await this.ask(SERIAL_PUT, i, pieces, body.slice(i * SERIAL_PIECE_BYTES, end), deadline)
    }
    let reply = Buffer.alloc(0)
    let piece = 0
    while (true) {
      const answer = await this.ask(SERIAL_GET, piece, 0, Buffer.alloc(0), deadline)
      const part = answer.slice(SERIAL_HEAD_BYTES)
      if (answer[8] === SERIAL_REFUSED) return { status: part.getAt(0, "u16"), body: reply }
      if (answer[11] === 0) await ds.sleep(READY_MS)
      else {
        if (reply.length + part.length > MAX_BODY_BYTES) throw new RangeError("serial: reply too long")
        reply = reply.concat(part)
        piece++
        if (piece === answer[11]) return { status: 200, body: reply }
      }
    }
  }

  private async ask(
    kind: number,
    piece: number,
    pieces: number,
    bytes: Buffer,
    deadline: number,
  ): Promise<Buffer> {
    this.question = this.self.concat(Buffer.from([kind, this.exchange, piece, pieces]))
    const message = this.question.concat(bytes)
    for (let i = 0; i < TRIES && this.role.isBound && ds.millis() < deadline; i++) {
      this.answer = undefined
      this.fiber = ds.Fiber.self()
      this.waiting = true
      await this.role.send(message)
      if (this.answer === undefined) await ds.suspend(ANSWER_MS)
      this.waiting = false
      if (this.answer !== undefined) return this.answer
    }
    throw new RangeError("serial: no answer")
  }

  /** Takes a report where it answers the question: the service's other boards have theirs. */
  private take(answer: Buffer): void {
    if (answer.length < SERIAL_HEAD_BYTES) return
    // The kind may be SERIAL_REFUSED instead.
    for (let i = 0; i < SERIAL_HEAD_BYTES - 1; i++) {
      if (i !== 8 && answer[i] !== this.question[i]) return
    }
    if (answer[8] !== this.question[8] && answer[8] !== SERIAL_REFUSED) return
    this.waiting = false
    this.answer = answer
    if (this.fiber.suspended) this.fiber.resume(undefined)
  }
}
