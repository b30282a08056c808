// The board's end of one connection, on virtual time: the part of a socket that the VM uses.

import type { VmSocket } from "../firmware/bundle.js"
import type { VirtualClock } from "./clock.js"

/** The network's end of the same connection. Nothing arrives once either side has closed it. */
export interface Connection {
  /** Runs `work` after `ms`, unless the connection is closed by then. */
  later(ms: number, work: () => void): void
  /** Bytes arrive at the board now. */
  deliver(bytes: Uint8Array): void
  /** The other side closes. */
  close(): void
}

export interface SocketOptions {
  clock: VirtualClock
  /** Until the connection opens, or is refused, ms. */
  latencyMs: number
  /** Nobody listens. */
  refused: boolean
  /** A whole HTTP request (head, and a body of Content-Length bytes) has been sent. */
  onRequest(request: Buffer, connection: Connection): void
}

export function openSocket({ clock, latencyMs, refused, onRequest }: SocketOptions): VmSocket {
  const listeners = new Map<string, ((value: any) => void)[]>()
  let closed = false
  let sent = Buffer.alloc(0)
  const emit = (event: string, value?: unknown): void => {
    for (const listener of listeners.get(event) ?? []) listener(value)
  }
  const connection: Connection = {
    later: (ms, work) => {
      clock.setTimeout(() => {
        if (!closed) work()
      }, ms)
    },
    deliver: (bytes) => emit("data", Buffer.from(bytes)),
    close: () => {
      closed = true
      emit("end")
      emit("close", false)
    },
  }
  connection.later(latencyMs, () => {
    if (!refused) return emit("connect")
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
      if (!isWhole(sent)) return
      const request = sent
      sent = Buffer.alloc(0)
      onRequest(request, connection)
    },
    end: () => {
      closed = true
    },
  }
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf("\r\n\r\n")
  if (end < 0) return false
  const length = /content-length: *(\d+)/i.exec(bytes.subarray(0, end).toString("latin1"))?.[1]
  return bytes.length >= end + 4 + Number(length ?? 0)
}
