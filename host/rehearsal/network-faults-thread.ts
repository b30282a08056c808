// The worker thread of a rehearsal of network faults: one world per message.

import { parentPort, workerData } from "node:worker_threads"
import type { ThreadResult } from "../threads.js"
import { type NetworkFaultTask, networkWorlds, runNetworkWorld, type WorldResult } from "./network-faults.js"

const port = parentPort
if (port !== null) {
  const worlds = networkWorlds(workerData as NetworkFaultTask)
  port.on("message", async (index: number) => {
    const result: ThreadResult<WorldResult> = { index, output: await runNetworkWorld(worlds[index]) }
    port.postMessage(result)
  })
}
