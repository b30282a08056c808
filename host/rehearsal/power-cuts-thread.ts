// The worker thread of a rehearsal of power cuts: one world per message.

import { parentPort, workerData } from "node:worker_threads"
import type { ThreadResult } from "../threads.js"
import { type PowerCutTask, runWorld, type WorldResult, worldsOf } from "./power-cuts.js"

const port = parentPort
if (port !== null) {
  const worlds = worldsOf(workerData as PowerCutTask)
  port.on("message", async (index: number) => {
    const result: ThreadResult<WorldResult> = { index, output: await runWorld(worlds[index]) }
    port.postMessage(result)
  })
}
