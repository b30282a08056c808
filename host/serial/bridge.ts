// The way to a Jacdac bus: the TCP port that the DeviceScript development server opens beside its websocket, with the
// same frames. Before each frame stands its length in one byte; 255 says that the length follows in two bytes.

import { createConnection } from "node:net"

export interface Bridge {
  send(frame: Uint8Array): void
  close(): void
}

export interface BridgeListener {
  frame(bytes: Uint8Array): void
  /** The other side has closed, or the connection failed. */
  lost(error: BridgeError): void
}

/** There is no bus at the address, or none any more. */
export class BridgeError extends Error {
  override name = "BridgeError"
}

/** Where the development server listens. */
export const BRIDGE_ADDRESS = "127.0.0.1:8082"
const CONNECT_MS = 5000
const LONG = 255

/** Connects to the bus at HOST:PORT; rejects with BridgeError. */
export async function connectBridge(address: string, listener: BridgeListener): Promise<Bridge> {
  const { host, port } = parse(address)
  return new Promise((resolve, reject) => {
    let open = false
    let closed = false
    let waiting: Uint8Array = new Uint8Array(0)
    const socket = createConnection({ host, port })
    const fail = (why: string): void => {
      if (closed) return
      closed = true
      socket.destroy()
      if (open) listener.lost(new BridgeError(`${address}: ${why}; what has come is in the study`))
      else {
        const start = "start the DeviceScript development server and leave it running: npx devs devtools"
        reject(new BridgeError(`${address}: ${why}; ${start}`))
      }
    }
    socket.setNoDelay()
    socket.setTimeout(CONNECT_MS, () => fail(`no connection in ${CONNECT_MS / 1000} s`))
    socket.on("connect", () => {
      socket.setTimeout(0)
      open = true
      resolve({
        send: (frame) => {
          if (!closed) socket.write(prefixed(frame))
        },
        close: () => {
          closed = true
          socket.destroy()
        },
      })
    })
    socket.on("data", (bytes) => {
      const { frames, rest } = framesIn(Buffer.concat([waiting, bytes]))
      waiting = rest
      for (const frame of frames) listener.frame(frame)
    })
    socket.on("error", (error: NodeJS.ErrnoException) =>
      fail(error.code === "ECONNREFUSED" ? "nothing listens there" : error.message),
    )
    socket.on("close", () => fail("the server has closed the connection"))
  })
}

/** Throws BridgeError where it is no address. */
function parse(address: string): { host: string; port: number } {
  const parts = /^(\[[0-9a-f:.]+\]|[^/:\s]+):(\d{1,5})$/i.exec(address)
  const port = Number(parts?.[2])
  if (parts === null || port < 1 || port > 65535) {
    throw new BridgeError(`${address}: must be HOST:PORT, such as ${BRIDGE_ADDRESS}`)
  }
  return { host: parts[1].replace(/[[\]]/g, ""), port }
}

function prefixed(frame: Uint8Array): Uint8Array {
  const { length } = frame
  const prefix = length < LONG ? [length] : [LONG, length & 255, length >> 8]
  return Buffer.concat([Uint8Array.from(prefix), frame])
}

/** The whole frames at the beginning of `bytes`, and what is behind them. */
function framesIn(bytes: Uint8Array): { frames: Uint8Array[]; rest: Uint8Array } {
  const frames: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const long = bytes[at] === LONG
    const begin = at + (long ? 3 : 1)
    if (begin > bytes.length) break
    const end = begin + (long ? bytes[at + 1] | (bytes[at + 2] << 8) : bytes[at])
    if (end > bytes.length) break
    frames.push(new Uint8Array(bytes.subarray(begin, end)))
    at = end
  }
  return { frames, rest: bytes.subarray(at) }
}
