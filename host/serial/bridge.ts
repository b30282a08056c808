// The way onto the bus of boards that are plugged into this machine: the TCP port of the DeviceScript development
// server (`devs devtools`), which hands on Jacdac frames, one byte of length before each.

import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import type * as jd from "jacdac-ts"
import { JacdacBus, Peripheral } from "../rehearsal/jacdac-bus.js"

const CONNECT_MS = 5000
const MAX_FRAME_BYTES = 255
/** No board has it: the bus is asked nothing of itself. */
const NOBODY = "0000000000000000"

/** Timers that keep no program alive. */
const clock = {
  now: () => Date.now(),
  setTimeout: (run: () => void, ms: number) => setTimeout(run, ms).unref(),
}

export interface Bridge {
  close(): void
  /** Resolves with the reason when the server ends the connection. */
  ended: Promise<string>
}

/** No development server, or not one that hands on frames. */
class BridgeError extends Error {
  override name = "BridgeError"
}

/** Puts the service on the bus behind `host`:`port`; rejects with BridgeError. */
export async function joinBus(host: string, port: number, service: jd.JDServiceServer): Promise<Bridge> {
  const socket = await open(host, port)
  const bus = new JacdacBus(clock, NOBODY)
  bus.add(new Peripheral("fieldtune", [service], { deviceId: randomBytes(8).toString("hex") }))
  bus.onFrame = (frame) => {
    if (frame.length >= MAX_FRAME_BYTES) return
    socket.write(Buffer.concat([Buffer.from([frame.length]), frame]))
  }
  let rest = Buffer.alloc(0)
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data])
    while (rest.length > 0 && rest.length > rest[0]) {
      bus.receive(new Uint8Array(rest.subarray(1, 1 + rest[0])))
      rest = rest.subarray(1 + rest[0])
    }
  })
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error) => resolve(error.message))
    socket.on("close", () => resolve("the development server has closed the connection"))
  })
  return {
    close: () => {
      bus.onFrame = () => {}
      socket.destroy()
    },
    ended,
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const fail = (reason: string): void => {
      socket.destroy()
      reject(
        new BridgeError(
          `--port ${host}:${port}: no DeviceScript development server (${reason}); start it with: npx devs devtools`,
        ),
      )
    }
    socket.setTimeout(CONNECT_MS, () => fail(`no answer in ${CONNECT_MS / 1000} s`))
    socket.once("error", (error) => fail(error.message))
    socket.once("connect", () => {
      socket.setTimeout(0)
      socket.removeAllListeners("error")
      resolve(socket)
    })
  })
}
