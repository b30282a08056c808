// The calibration's worker thread: runs the simulations it is told to, one message per simulation back.

import { parentPort, workerData } from "node:worker_threads"
import { createScenario } from "./scenario.js"
import { type Outcome, simulate } from "./simulation.js"

export interface WorkerTask {
  seed: number
  draws: number
}

export interface WorkerResult {
  sim: number
  outcome: Outcome
}

const port = parentPort
if (port !== null) {
  const { seed, draws } = workerData as WorkerTask
  const scenario = createScenario(seed)
  port.on("message", (sim: number) => {
    const result: WorkerResult = { sim, outcome: simulate(scenario, sim, { seed, draws }) }
    port.postMessage(result)
  })
}
