// Estimation beside the server: a thread that opens the study by itself, so that a sync never waits for it.
// It is given { dir } and, as messages, the host's time; each makes it estimate the dirty subjects, one after the
// other, so that one that fails does not keep the others waiting.

import { parentPort, workerData } from "node:worker_threads"
import { estimate } from "./round.js"
import { openStudy } from "./study/study.js"

/** What the thread says after each message. */
export interface WorkerReport {
  done: number[]
  failed: { subject: number | null; reason: string }[]
}

const port = parentPort
if (port !== null) {
  const { dir } = workerData as { dir: string }
  let queue = Promise.resolve()
  port.on("message", (now: number) => {
    queue = queue.then(async () => port.postMessage(await estimateDirty(dir, now)))
  })
}

async function estimateDirty(dir: string, now: number): Promise<WorkerReport> {
  const report: WorkerReport = { done: [], failed: [] }
  try {
    const study = await openStudy(dir)
    try {
      for (const subject of await study.store.subjects.dirty()) {
        try {
          await estimate(study, { now, subjects: [subject] })
          report.done.push(subject)
        } catch (error) {
          report.failed.push({ subject, reason: reasonOf(error) })
        }
      }
    } finally {
      await study.close()
    }
  } catch (error) {
    report.failed.push({ subject: null, reason: reasonOf(error) })
  }
  return report
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
