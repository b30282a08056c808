// A network of one server, in memory and on the test's clock: it says what arrives, in which pieces and when.

import type { VmNet, VmSocket } from "../../../host/firmware/bundle.js"
import type { VirtualClock } from "../../../host/rehearsal/clock.js"

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

const LATENCY_MS = 4

export class TestNetwork implements VmNet {
  /** Sockets that were opened. */
  opened = 0

  constructor(
    private readonly clock: VirtualClock,
    private readonly server: Server,
  ) {}

  createConnection(): VmSocket {
    this.opened++
    const { clock, server } = this
    const listeners = new Map<string, ((value: any) => void)[]>()
    let closed = false
    let got = Buffer.alloc(0)
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
    const react = (reaction: Reaction | undefined): void => {
      if (reaction === undefined || reaction === "silent" || reaction === "refused") return
      let at = LATENCY_MS
      for (const { afterMs, bytes } of reaction.pieces) {
        at += afterMs
        later(at, () => emit("data", Buffer.from(bytes)))
      }
      if (reaction.close) later(at + 1, finish)
    }
    const opening = server(undefined)
    later(LATENCY_MS, () => {
      if (opening !== "refused") return emit("connect")
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
        got = Buffer.concat([got, bytes])
        const end = got.indexOf("\r\n\r\n")
        if (end < 0) return
        const head = got.subarray(0, end).toString("latin1")
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (got.length < end + 4 + length) return
        const body = new Uint8Array(got.subarray(end + 4))
        got = Buffer.alloc(0)
        react(server({ head, body, at: clock.now() }))
      },
      end: () => {
        closed = true
      },
    }
  }
}

/** A reply as a well-behaved server sends it: in one piece, with its length. */
export function httpAnswer(status: number, body: Uint8Array): Answer {
  const head = `HTTP/1.1 ${status} Status\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  return { pieces: [{ afterMs: 0, bytes: Buffer.concat([Buffer.from(head), body]) }], close: true }
}
