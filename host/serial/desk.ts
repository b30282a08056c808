// Where boards that hang on the laptop's bus bring what they have heard: a Jacdac serial service. src/serial.ts is the
// other side, and has the format. What a board brings is a sealed request like any other; `deliver` hands it to the
// server that also answers HTTP.

import * as jd from "jacdac-ts"
import {
  MAX_BODY_BYTES,
  SERIAL_GET,
  SERIAL_HEAD_BYTES,
  SERIAL_PIECE_BYTES,
  SERIAL_PUT,
  SERIAL_REFUSED,
} from "../../src/wire.js"

const DEVICE_BYTES = 8
const MAX_PIECES = Math.ceil(MAX_BODY_BYTES / SERIAL_PIECE_BYTES)
/** Boards on one bus; what more would be is not there. */
const MAX_DEVICES = 64
const OK = 200

export interface Delivered {
  status: number
  body: Uint8Array
}

/** One exchange of a board. */
interface Exchange {
  number: number
  pieces: (Uint8Array | undefined)[]
  /** Undefined while the server has not answered. */
  reply?: Delivered
}

export class SerialDesk extends jd.JDServiceServer {
  private readonly exchanges = new Map<string, Exchange>()

  /** `deliver` must not fail: a status says what is wrong. */
  constructor(private readonly deliver: (device: string, body: Uint8Array) => Promise<Delivered>) {
    super(jd.SRV_SERIAL)
    this.addCommand(jd.SerialCmd.Send, (packet) => this.hear(packet.data))
  }

  private hear(question: Uint8Array): void {
    if (question.length < SERIAL_HEAD_BYTES || question.length > SERIAL_HEAD_BYTES + SERIAL_PIECE_BYTES)
      return
    const device = Buffer.from(question.subarray(0, DEVICE_BYTES)).toString("hex")
    const [kind, number, piece, pieces] = question.subarray(DEVICE_BYTES)
    const head = question.subarray(0, SERIAL_HEAD_BYTES)
    if (kind === SERIAL_PUT) {
      if (this.take(device, number, piece, pieces, question.slice(SERIAL_HEAD_BYTES))) this.answer(head)
    } else if (kind === SERIAL_GET) this.give(device, number, piece, head)
  }

  /** True where the piece is known now. */
  private take(device: string, number: number, piece: number, pieces: number, bytes: Uint8Array): boolean {
    if (pieces === 0 || pieces > MAX_PIECES || piece >= pieces || bytes.length === 0) return false
    let exchange = this.exchanges.get(device)
    if (exchange?.number !== number || exchange.pieces.length !== pieces) {
      if (exchange === undefined && this.exchanges.size >= MAX_DEVICES) return false
      exchange = { number, pieces: new Array(pieces).fill(undefined) }
      this.exchanges.set(device, exchange)
    }
    if (exchange.pieces[piece] !== undefined) return true
    exchange.pieces[piece] = bytes
    if (exchange.pieces.every((known) => known !== undefined)) {
      const whole = exchange
      const body = new Uint8Array(Buffer.concat(whole.pieces as Uint8Array[]))
      void this.deliver(device, body).then((reply) => {
        whole.reply = reply
      })
    }
    return true
  }

  private give(device: string, number: number, piece: number, head: Uint8Array): void {
    const exchange = this.exchanges.get(device)
    // A question out of turn has no answer: the board begins again.
    if (exchange?.number !== number) return
    const { reply } = exchange
    if (reply === undefined) {
      this.answer(head)
      return
    }
    const bytes = new Uint8Array(head)
    if (reply.status !== OK) {
      bytes[DEVICE_BYTES] = SERIAL_REFUSED
      this.answer(bytes, new Uint8Array([reply.status & 255, reply.status >> 8]))
      return
    }
    bytes[SERIAL_HEAD_BYTES - 1] = Math.ceil(reply.body.length / SERIAL_PIECE_BYTES)
    const from = piece * SERIAL_PIECE_BYTES
    this.answer(bytes, reply.body.subarray(from, from + SERIAL_PIECE_BYTES))
  }

  private answer(head: Uint8Array, bytes: Uint8Array = new Uint8Array(0)): void {
    const packet = jd.Packet.from(jd.SerialCmd.Send, new Uint8Array(Buffer.concat([head, bytes])))
    void this.sendPacketAsync(packet)
  }
}
