// The calibration's worker thread: runs the simulations it is told to, one message per simulation back.

import { parentPort, workerData } from "node:worker_threads"
import type { ThreadResult } from "../threads.js"
import { createScenario } from "./scenario.js"
import { type Outcome, simulate } from "./simulation.js"

export interface WorkerTask {
  seed: number
  draws: number
}

const port = parentPort
if (port !== null) {
  const { seed, draws } = workerData as WorkerTask
  const scenario = createScenario(seed)
  port.on("message", (sim: number) => {
    const result: ThreadResult<Outcome> = { index: sim, output: simulate(scenario, sim, { seed, draws }) }
    port.postMessage(result)
  })
}
