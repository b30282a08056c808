import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { BridgeError, connectBridge } from "../../../host/serial/bridge.js"

const rng = stream(2, "bridge")
const frameOf = (length: number): Uint8Array => Uint8Array.from({ length }, () => rng.int(256))
/** Of Jacdac frames, and longer ones, whose length stands in two bytes. */
const FRAMES = [12, 16, 100, 251, 252, 254, 255, 256, 700].map(frameOf)

/** A server on a port of this machine; `body` gets its address and its end of the connection. */
async function withServer(
  body: (address: string, peer: () => Promise<Socket>, server: Server) => Promise<void>,
): Promise<void> {
  const server = createServer()
  const peer = once(server, "connection").then(([socket]) => socket as Socket)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  try {
    await body(`127.0.0.1:${port}`, () => peer, server)
  } finally {
    server.close()
  }
}

test("frames come whole, however the bytes arrive, and go out as they came", () =>
  withServer(async (address, peer) => {
    const heard: Uint8Array[] = []
    let failed: Error | undefined
    const bridge = await connectBridge(address, {
      frame: (bytes) => heard.push(bytes),
      lost: (error) => {
        failed = error
      },
    })
    const socket = await peer()
    const echoed: Buffer[] = []
    socket.on("data", (bytes) => echoed.push(bytes))
    socket.setNoDelay()
    for (const frame of FRAMES) bridge.send(frame)
    const length = FRAMES.reduce((sum, frame) => sum + frame.length + (frame.length < 255 ? 1 : 3), 0)
    while (Buffer.concat(echoed).length < length) await new Promise((resolve) => setImmediate(resolve))
    const bytes = Buffer.concat(echoed)
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + rng.int(120)
      socket.write(bytes.subarray(at, end))
      at = end
      await new Promise((resolve) => setImmediate(resolve))
    }
    while (heard.length < FRAMES.length && failed === undefined) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(heard, FRAMES)
    bridge.close()
  }))

test("a server that goes away is told of once, and sending to it does nothing", () =>
  withServer(async (address, peer) => {
    const lost: BridgeError[] = []
    const bridge = await connectBridge(address, { frame: () => {}, lost: (error) => lost.push(error) })
    const socket = await peer()
    socket.destroy()
    while (lost.length === 0) await new Promise((resolve) => setImmediate(resolve))
    bridge.send(FRAMES[0])
    bridge.close()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(lost.length, 1)
    assert.match(
      lost[0].message,
      new RegExp(`^${address}: the server has closed the connection; what has come`),
    )
  }))

test("a bridge that is closed tells of nothing", () =>
  withServer(async (address, peer) => {
    const bridge = await connectBridge(address, {
      frame: () => assert.fail("a frame"),
      lost: () => assert.fail("lost"),
    })
    const socket = await peer()
    bridge.close()
    await once(socket.resume(), "close")
  }))

test("where nobody listens, the error names the address and what starts the server", async () => {
  let free = ""
  await withServer(async (address, _, server) => {
    free = address
    server.close()
  })
  await assert.rejects(
    connectBridge(free, { frame: () => {}, lost: () => {} }),
    new BridgeError(
      `${free}: nothing listens there; start the DeviceScript development server and leave it running: npx devs devtools`,
    ),
  )
})

test("what is no address is refused before anything is opened", async () => {
  const listener = { frame: () => {}, lost: () => {} }
  for (const address of [
    "",
    "8082",
    "localhost",
    "localhost:",
    "host:0",
    "host:65536",
    "tcp://host:1",
    "a b:1",
  ]) {
    await assert.rejects(connectBridge(address, listener), {
      name: "BridgeError",
      message: `${address}: must be HOST:PORT, such as 127.0.0.1:8082`,
    })
  }
})
