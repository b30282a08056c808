// The network between simulated boards and a real HTTP server of Node, without sockets: the board's bytes go into
// the server through a stream pair, virtual time stands still until the answer is there, and then it arrives in
// pieces, as the ESP32 reads it. Faults are decided per connection.

import type { Server } from "node:http"
import { Duplex } from "node:stream"
import type { VmNet, VmSocket } from "../firmware/bundle.js"
import type { VirtualClock } from "./clock.js"

/** The ESP32 hands over at most this many bytes at a time. */
const PIECE_BYTES = 1024
const LATENCY_MS = 12
/** Between two pieces. */
const PIECE_MS = 3

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
  /** Connections that were asked for. */
  connections = 0
  /** Out of reach of the host: every connection is refused. */
  away = false

  constructor(private readonly options: HostNetworkOptions) {}

  createConnection(): VmSocket {
    const { clock, server, fault } = this.options
    const trouble = (this.away ? { refuse: true } : fault?.(this.connections)) ?? {}
    this.connections++
    const listeners = new Map<string, ((value: any) => void)[]>()
    let closed = false
    let sent = Buffer.alloc(0)
    const emit = (event: string, value?: unknown): void => {
      for (const listener of listeners.get(event) ?? []) listener(value)
    }
    const later = (ms: number, run: () => void): void => {
      clock.setTimeout(() => {
        if (!closed) run()
      }, ms)
    }
    const finish = (): void => {
      closed = true
      emit("end")
      emit("close", false)
    }
    const deliver = (answer: Buffer): void => {
      const limit = trouble.cutReplyAfter ?? trouble.silentAfter ?? answer.length
      const reaching = answer.subarray(0, limit)
      let at = LATENCY_MS
      for (let from = 0; from < reaching.length; from += PIECE_BYTES) {
        const piece = Buffer.from(reaching.subarray(from, from + PIECE_BYTES))
        later(at, () => emit("data", piece))
        at += PIECE_MS
      }
      if (trouble.silentAfter === undefined) later(at, finish)
    }
    later(LATENCY_MS, () => {
      if (!trouble.refuse) return emit("connect")
      closed = true
      emit("error", new Error("ECONNREFUSED"))
      emit("close", true)
    })
    const on = (event: string, listener: (value: any) => void): void => {
      listeners.set(event, [...(listeners.get(event) ?? []), listener])
    }
    return {
      on,
      once: on,
      write: (bytes: Uint8Array) => {
        sent = Buffer.concat([sent, bytes])
        if (!wholeRequest(sent)) return
        const request = sent
        sent = Buffer.alloc(0)
        later(LATENCY_MS, () => clock.hold(exchangeWith(server, request).then(deliver)))
      },
      end: () => {
        closed = true
      },
    }
  }
}

function wholeRequest(bytes: Buffer): boolean {
  const end = bytes.indexOf("\r\n\r\n")
  if (end < 0) return false
  const length = /content-length: *(\d+)/i.exec(bytes.subarray(0, end).toString("latin1"))?.[1]
  return bytes.length >= end + 4 + Number(length ?? 0)
}

/** Hands one request to the server and gives everything it writes until it closes the connection. */
function exchangeWith(server: Server, request: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const answer: Buffer[] = []
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        answer.push(chunk)
        done()
      },
      final(done) {
        done()
        socket.destroy()
      },
      destroy(error, done) {
        done(error)
        resolve(Buffer.concat(answer))
      },
    })
    // A server that refuses destroys the socket with its reason; the reason is in its log.
    socket.on("error", () => {})
    server.emit("connection", socket)
    socket.push(request)
  })
}
