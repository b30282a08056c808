// How the server ends.

import assert from "node:assert/strict"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { describe, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { sealRequest } from "../../../host/protocol/seal.js"
import { fleetStudy } from "../../../host/rehearsal/fleet.js"
import { ServerProcess } from "../../../host/rehearsal/server-process.js"
import { buildServer, stopServer } from "../../../host/server/server.js"
import type { Study } from "../../../host/study/study.js"
import { DEVICE, KEY, recordOf, requestOf, START, withFolder, withStudy } from "../study/folder.js"

const HEAD = `POST /v1/sync/${DEVICE} HTTP/1.1\r\nHost: x\r\nContent-Length: `

/** A connection on which so much of a request has arrived; what came back when it is closed. */
async function begun(port: number, text: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(port, "127.0.0.1")
  let received = ""
  socket.on("data", (piece) => {
    received += piece.toString("latin1")
  })
  socket.on("error", () => {})
  const answer = new Promise<string>((resolve) => socket.on("close", () => resolve(received)))
  await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  // It has been read when a whole exchange that began later has been answered.
  await (await fetch(`http://127.0.0.1:${port}/v1/health`)).arrayBuffer()
  return { socket, answer }
}

async function serving(study: Study) {
  const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
  await app.listen({ port: 0, host: "127.0.0.1" })
  return { app, port: (app.server.address() as { port: number }).port }
}

describe("stopping", () => {
  test("an exchange that is under way is answered, and what it brought is stored", () =>
    withStudy(async ({ study }) => {
      await study.store.songs.put([
        { id: 1, source: "1", title: "", artist: "", genre: "", lengthMs: 180000, attributes: {} },
      ])
      const { app, port } = await serving(study)
      const request = requestOf({ plays: [recordOf({ sequence: 1 })] })
      const body = sealRequest(KEY, DEVICE, new Uint8Array(16), encodeMessagePack(request))
      const { socket, answer } = await begun(port, `${HEAD}${body.length}\r\n\r\n`)
      const stopped = stopServer(app, 60_000)
      socket.write(body)
      assert.match(await answer, /^HTTP\/1\.1 200 /)
      await stopped
      assert.equal(await study.store.plays.count(), 1)
    }))

  test("a connection that never sends the rest is cut off", () =>
    withStudy(async ({ study }) => {
      const { app, port } = await serving(study)
      const { answer } = await begun(port, `${HEAD}100\r\n\r\n`)
      await stopServer(app, 50)
      assert.equal(await answer, "")
    }))

  test("a second signal ends the process at once", () =>
    withFolder(async (dir) => {
      const { study } = await fleetStudy(join(dir, "study"), { seed: 1, count: 1 })
      await study.close()
      const server = ServerProcess.start(study.dir)
      const { socket } = await begun(await server.port, `${HEAD}100\r\n\r\n`)
      server.child.kill("SIGTERM")
      await sleep(300)
      assert.equal(server.child.exitCode, null, "the first signal waits for what is under way")
      assert.equal(await server.kill("SIGTERM"), null)
      assert.equal(server.child.signalCode, "SIGTERM")
      socket.destroy()
    }))
})
