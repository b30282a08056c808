// The network between simulated boards and a real HTTP server of Node, without sockets: the board's bytes go into
// the server through a stream pair, virtual time stands still until the answer is there, and then it arrives in
// pieces, as the ESP32 reads it. Faults are decided per connection.

import type { Server } from "node:http"
import { Duplex } from "node:stream"
import type { VmNet, VmSocket } from "../firmware/bundle.js"
import type { VirtualClock } from "./clock.js"
import { type Connection, openSocket } from "./socket.js"

/** The ESP32 hands over at most this many bytes at a time. */
export const PIECE_BYTES = 1024
export const LATENCY_MS = 12
/** Between two pieces. */
export const PIECE_MS = 3

/** What goes wrong on one connection; nothing where absent. */
export interface Fault {
  /** Nobody is there. */
  refuse?: boolean
  /** The request arrives and is dealt with, but only so many bytes of the answer come back; then the end. */
  cutReplyAfter?: number
  /** The same, and then silence instead of the end. */
  silentAfter?: number
}

export interface HostNetworkOptions {
  clock: VirtualClock
  server: Server
  /** Asked once per connection, which are numbered from 0. */
  fault?: (connection: number) => Fault | undefined
}

/** What one board sees of the network. */
export class HostNetwork implements VmNet {
  private connections = 0

  constructor(private readonly options: HostNetworkOptions) {}

  createConnection(): VmSocket {
    const { clock, server, fault } = this.options
    const trouble = fault?.(this.connections) ?? {}
    this.connections++
    return openSocket({
      clock,
      latencyMs: LATENCY_MS,
      refused: trouble.refuse === true,
      onRequest: (request, connection) => {
        connection.later(LATENCY_MS, () => {
          clock.hold(exchangeWith(server, request).then((answer) => bringBack(answer, trouble, connection)))
        })
      },
    })
  }
}

/** The answer arrives in pieces, as far as the fault lets it. */
function bringBack(answer: Buffer, fault: Fault, connection: Connection): void {
  const reaching = answer.subarray(0, fault.cutReplyAfter ?? fault.silentAfter ?? answer.length)
  let at = LATENCY_MS
  for (let from = 0; from < reaching.length; from += PIECE_BYTES) {
    const piece = reaching.subarray(from, from + PIECE_BYTES)
    connection.later(at, () => connection.deliver(piece))
    at += PIECE_MS
  }
  if (fault.silentAfter === undefined) connection.later(at, () => connection.close())
}

/** Hands one request to the server and gives everything it writes until it closes the connection. */
function exchangeWith(server: Server, request: Buffer): Promise<Buffer> {
  const { socket, answer } = connectTo(server)
  socket.push(request)
  return answer
}

/** A connection to the server without a socket: what is pushed arrives, `answer` is all that it writes until it closes. */
export function connectTo(server: Server): { socket: Duplex; answer: Promise<Buffer> } {
  const written: Buffer[] = []
  let close: (answer: Buffer) => void
  const answer = new Promise<Buffer>((resolve) => {
    close = resolve
  })
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk)
      done()
    },
    final(done) {
      done()
      socket.destroy()
    },
    destroy(error, done) {
      done(error)
      close(Buffer.concat(written))
    },
  })
  // A server that refuses destroys the socket with its reason; the reason is in its log.
  socket.on("error", () => {})
  server.emit("connection", socket)
  return { socket, answer }
}
