// The calibration's worker thread: one simulation per message.

import { workerData } from "node:worker_threads"
import { serveThread } from "../threads.js"
import { createScenario } from "./scenario.js"
import { simulate } from "./simulation.js"

export interface WorkerTask {
  seed: number
  draws: number
}

const { seed, draws } = workerData as WorkerTask
const scenario = createScenario(seed)
serveThread((sim) => simulate(scenario, sim, { seed, draws }))
