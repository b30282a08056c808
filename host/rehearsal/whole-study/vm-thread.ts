// The worker thread of a rehearsal with the real firmware: boards in the real VM, each in its listener's pocket. What a
// board sends over HTTP goes to the main thread, where the study is; virtual time stands still until the answer is there.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { parentPort, workerData } from "node:worker_threads"
import { stream } from "../../model/random.js"
import { Board } from "../board.js"
import { VirtualClock } from "../clock.js"
import { HostNetwork } from "../network.js"
import { bytesFrom } from "../random-bytes.js"
import { LocalPocket, type PocketLedger, type PocketOptions } from "./pocket.js"
import type { HostAnswer, VmCall, VmMessage, VmWork } from "./vm-fleet.js"

/** The program has started by then. */
const PROVISIONED_MS = 3000
const ADDRESS = "http://10.0.0.5:8137"

const port = parentPort
if (port !== null) {
  const { bytecode, catalogue } = workerData as VmWork
  const lengths = new Map(catalogue.songs.map(({ id, lengthS }) => [id, Math.round(lengthS * 1000)]))
  const pockets = new Map<string, LocalPocket>()
  const waiting = new Map<number, (answer: HostAnswer) => void>()
  let asked = 0

  const provision = async (options: PocketOptions, at: number): Promise<void> => {
    const { device, key, subject, seed } = options
    const clock = new VirtualClock(at)
    let pocket: LocalPocket | undefined
    const server = createServer(async (request, response) => {
      const body = await bodyOf(request)
      const id = asked++
      const answer = await new Promise<HostAnswer>((resolve) => {
        waiting.set(id, resolve)
        const message: VmMessage = { kind: "exchange", id, device, body, now: pocket!.hostNow() }
        port.postMessage(message)
      })
      reply(response, answer)
    })
    const board = await Board.start({
      deviceId: device,
      bytecode,
      clock,
      net: new HostNetwork({ clock, server }),
      entropy: bytesFrom(stream(seed, "board", subject, device)),
      lengthMs: (file) => lengths.get(file),
      settings: { ftkey: key, fthost: Buffer.from(ADDRESS) },
    })
    await clock.advance(PROVISIONED_MS)
    pocket = new LocalPocket(options, board, catalogue, at)
    await pocket.switchOff()
    pockets.set(device, pocket)
  }

  const run = async ({ call }: VmCall): Promise<number | PocketLedger | null> => {
    if (call.name === "provision") {
      await provision(call.options, call.at)
      return null
    }
    const pocket = pockets.get(call.device)!
    if (call.name === "listen") return pocket.listen(call.session)
    if (call.name === "contact") return pocket.contact(call.at)
    if (call.name === "ledger") return pocket.ledger()
    await pocket.switchOff()
    return null
  }

  // One piece of work after the other; answers of the host come in between.
  let turn: Promise<unknown> = Promise.resolve()
  port.on("message", (message: VmCall | HostAnswer) => {
    if ("answers" in message) {
      waiting.get(message.answers)!(message)
      waiting.delete(message.answers)
      return
    }
    turn = turn.then(async () => {
      let done: VmMessage
      try {
        done = { kind: "done", id: message.id, output: await run(message) }
      } catch (error) {
        done = { kind: "failed", id: message.id, error }
      }
      port.postMessage(done)
    })
  })
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

function reply(response: ServerResponse, { status, body }: HostAnswer): void {
  response.writeHead(status, { "content-length": body.length, connection: "close" })
  response.end(body)
}
