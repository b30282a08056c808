// Many simulations, side by side in worker threads; the result does not depend on how many.

import { Worker } from "node:worker_threads"
import { DEFAULT_DRAWS } from "../model/select.js"
import { type CalibrationReport, reportCalibration } from "./report.js"
import { createScenario } from "./scenario.js"
import type { Outcome } from "./simulation.js"
import type { WorkerResult, WorkerTask } from "./worker.js"

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
  const { sims, seed, draws = DEFAULT_DRAWS } = options
  const outcomes = await runAll({ ...options, draws })
  return reportCalibration(createScenario(seed), outcomes, { sims, seed, draws })
}

/** Outcomes in the order of the simulations; each worker asks for the next when it is done. */
async function runAll(options: CalibrateOptions & { draws: number }): Promise<Outcome[]> {
  const { sims, seed, draws, onProgress } = options
  const task: WorkerTask = { seed, draws }
  const outcomes = new Array<Outcome>(sims)
  const threads: Worker[] = []
  let next = 0
  let done = 0
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(new URL("./worker.js", import.meta.url), { workerData: task })
      threads.push(thread)
      const give = (): void => {
        if (next < sims) thread.postMessage(next++)
        else resolve()
      }
      thread.on("message", ({ sim, outcome }: WorkerResult) => {
        outcomes[sim] = outcome
        onProgress?.(++done)
        give()
      })
      thread.on("error", reject)
      thread.on("exit", (code) => reject(new Error(`calibrate: a worker thread ended with code ${code}`)))
      give()
    })
  try {
    await Promise.all(Array.from({ length: Math.min(options.workers, sims) }, serve))
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return outcomes
}
