// A network of one server, in memory and on the test's clock: it says what arrives, in which pieces and when.

import type { VmNet, VmSocket } from "../../../host/firmware/bundle.js"
import type { VirtualClock } from "../../../host/rehearsal/clock.js"
import { openSocket } from "../../../host/rehearsal/socket.js"

/** What the server does after it has the whole request: bytes after a pause each, then the end. */
export interface Answer {
  pieces: { afterMs: number; bytes: Uint8Array }[]
  /** Closes after the last piece; else the connection stays open and silent. */
  close: boolean
}

export interface Received {
  head: string
  body: Uint8Array
  at: number
}

/** "refused": nobody listens; "silent": the connection opens and nothing ever comes. */
export type Reaction = Answer | "refused" | "silent"

/** Asked once per connection when it opens (with no request) and once when the request is whole. */
export type Server = (request: Received | undefined) => Reaction | undefined

const ROUND_TRIP_MS = 4

export class TestNetwork implements VmNet {
  /** Sockets that were opened. */
  opened = 0

  constructor(
    private readonly clock: VirtualClock,
    private readonly server: Server,
    private readonly roundTripMs = ROUND_TRIP_MS,
  ) {}

  createConnection(): VmSocket {
    this.opened++
    const { clock, server, roundTripMs } = this
    return openSocket({
      clock,
      latencyMs: roundTripMs,
      refused: server(undefined) === "refused",
      onRequest: (request, connection) => {
        const end = request.indexOf("\r\n\r\n")
        const head = request.subarray(0, end).toString("latin1")
        const reaction = server({ head, body: new Uint8Array(request.subarray(end + 4)), at: clock.now() })
        if (reaction === undefined || reaction === "silent" || reaction === "refused") return
        let at = roundTripMs
        for (const { afterMs, bytes } of reaction.pieces) {
          at += afterMs
          connection.later(at, () => connection.deliver(bytes))
        }
        if (reaction.close) connection.later(at + 1, () => connection.close())
      },
    })
  }
}

/** A reply as a well-behaved server sends it: in one piece, with its length. */
export function httpAnswer(status: number, body: Uint8Array): Answer {
  const head = `HTTP/1.1 ${status} Status\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  return { pieces: [{ afterMs: 0, bytes: Buffer.concat([Buffer.from(head), body]) }], close: true }
}
