// Many simulations, side by side in worker threads; the result does not depend on how many.

import { DEFAULT_DRAWS } from "../model/select.js"
import { inThreads } from "../threads.js"
import { type CalibrationReport, reportCalibration } from "./report.js"
import { createScenario } from "./scenario.js"
import type { Outcome } from "./simulation.js"
import type { WorkerTask } from "./worker.js"

interface CalibrateOptions {
  sims: number
  seed: number
  workers: number
  /** Particles per subject. */
  draws?: number
  /** Simulations done so far. */
  onProgress?: (done: number) => void
}

export async function calibrate(options: CalibrateOptions): Promise<CalibrationReport> {
  const { sims, seed, workers, onProgress, draws = DEFAULT_DRAWS } = options
  const task: WorkerTask = { seed, draws }
  const outcomes = await inThreads<Outcome>({
    name: "calibrate",
    module: new URL("./worker.js", import.meta.url),
    workerData: task,
    count: sims,
    workers,
    onProgress,
  })
  return reportCalibration(createScenario(seed), outcomes, { sims, seed, draws })
}
