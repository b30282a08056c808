// The host's end of src/serial.ts: puts the pieces of requests together and gives out those of replies.
//
// A board asks until it is answered, so any question may come twice, late, or never. The answer depends only on what
// has come before: a piece that is known is confirmed again, a request is handed on once, and a question that fits
// nothing gets no answer.

import {
  MAX_BODY_BYTES,
  SERIAL_GET,
  SERIAL_HEAD_BYTES,
  SERIAL_PIECE_BYTES,
  SERIAL_PUT,
  SERIAL_REFUSED,
} from "../../src/wire.js"

/** What the server says to a request: the body is empty unless the status is 200. */
export interface SerialReply {
  status: number
  body: Uint8Array
}

interface Exchange {
  pieces: (Uint8Array | undefined)[]
  /** How many of them are there. */
  filled: number
  reply?: SerialReply
}

const DEVICE_BYTES = 8
const KIND_AT = 8
const EXCHANGE_AT = 9
const PIECE_AT = 10
const PIECES_AT = 11
const MAX_PIECES = Math.ceil(MAX_BODY_BYTES / SERIAL_PIECE_BYTES)
/** Kept of each board: questions of an older exchange that come late must not end the one that goes on. */
const KEPT_EXCHANGES = 4
/** Kept at all: the id of a board costs a sender nothing. */
const KEPT_DEVICES = 64
const STATUS_TOO_LARGE = 413

export class Exchanges {
  /** By device, then by number; the oldest first. */
  private readonly devices = new Map<string, Map<number, Exchange>>()

  /**
   * `serve` is called once with every whole request and must not reject; `delivered` is called when a board asks for the last piece of a reply, which
   * it does once it has all others.
   */
  constructor(
    private readonly serve: (device: string, body: Uint8Array) => Promise<SerialReply>,
    private readonly delivered: (device: string) => void,
  ) {}

  /** The device that a question comes from. */
  static deviceOf(question: Uint8Array): string | undefined {
    if (question.length < SERIAL_HEAD_BYTES) return undefined
    return Buffer.from(question.subarray(0, DEVICE_BYTES)).toString("hex")
  }

  /** The answer to a question; undefined where it gets none. */
  answer(question: Uint8Array): Uint8Array | undefined {
    const device = Exchanges.deviceOf(question)
    if (device === undefined) return undefined
    if (question[KIND_AT] === SERIAL_PUT) return this.put(device, question)
    if (question[KIND_AT] === SERIAL_GET) return this.get(device, question)
    return undefined
  }

  private put(device: string, question: Uint8Array): Uint8Array | undefined {
    const piece = question[PIECE_AT]
    const count = question[PIECES_AT]
    const bytes = question.slice(SERIAL_HEAD_BYTES)
    if (count < 1 || count > MAX_PIECES || piece >= count) return undefined
    const last = piece === count - 1
    if (bytes.length > SERIAL_PIECE_BYTES || bytes.length < (last ? 1 : SERIAL_PIECE_BYTES)) return undefined
    const number = question[EXCHANGE_AT]
    let exchange = this.devices.get(device)?.get(number)
    const known = exchange?.pieces[piece]
    // A first piece begins with a fresh salt. Another one under the same number is that of a later exchange.
    if (piece === 0 && (exchange?.pieces.length !== count || known === undefined || !same(known, bytes))) {
      exchange = this.open(device, number, count)
    }
    if (exchange === undefined || exchange.pieces.length !== count) return undefined
    if (exchange.pieces[piece] === undefined) {
      exchange.pieces[piece] = bytes
      exchange.filled++
      if (exchange.filled === count) this.hand(device, exchange)
    }
    return question.slice(0, SERIAL_HEAD_BYTES)
  }

  private open(device: string, number: number, count: number): Exchange {
    let exchanges = this.devices.get(device)
    if (exchanges === undefined) {
      exchanges = new Map()
      this.devices.set(device, exchanges)
      if (this.devices.size > KEPT_DEVICES) this.devices.delete(firstKey(this.devices))
    }
    exchanges.delete(number)
    const exchange: Exchange = { pieces: new Array(count).fill(undefined), filled: 0 }
    exchanges.set(number, exchange)
    if (exchanges.size > KEPT_EXCHANGES) exchanges.delete(firstKey(exchanges))
    return exchange
  }

  private hand(device: string, exchange: Exchange): void {
    const body = new Uint8Array(Buffer.concat(exchange.pieces as Uint8Array[]))
    if (body.length > MAX_BODY_BYTES) {
      exchange.reply = { status: STATUS_TOO_LARGE, body: new Uint8Array(0) }
      return
    }
    void this.serve(device, body).then((reply) => {
      exchange.reply = reply
    })
  }

  private get(device: string, question: Uint8Array): Uint8Array | undefined {
    const exchange = this.devices.get(device)?.get(question[EXCHANGE_AT])
    if (exchange === undefined || exchange.filled < exchange.pieces.length) return undefined
    const head = question.slice(0, SERIAL_HEAD_BYTES)
    const { reply } = exchange
    if (reply === undefined) {
      head[PIECES_AT] = 0
      return head
    }
    if (reply.status !== 200) {
      head[KIND_AT] = SERIAL_REFUSED
      head[PIECES_AT] = 1
      return Buffer.concat([head, Uint8Array.of(reply.status & 255, reply.status >> 8)])
    }
    const count = Math.ceil(reply.body.length / SERIAL_PIECE_BYTES)
    const piece = question[PIECE_AT]
    if (piece >= count) return undefined
    if (piece === count - 1) this.delivered(device)
    head[PIECES_AT] = count
    const from = piece * SERIAL_PIECE_BYTES
    return Buffer.concat([head, reply.body.subarray(from, from + SERIAL_PIECE_BYTES)])
  }
}

function firstKey<K>(map: Map<K, unknown>): K {
  return map.keys().next().value as K
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
