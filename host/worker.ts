// Estimation beside the server: a thread that opens the study by itself, so that a sync never waits for it.
// It is given { dir } and, as messages, the host's time; each makes it estimate every dirty subject.

import { parentPort, workerData } from "node:worker_threads"
import { estimate } from "./round.js"
import { openStudy } from "./study/study.js"

/** What the thread says: one message per estimation. */
export type WorkerMessage = { done: number[] } | { failed: string }

const port = parentPort
if (port !== null) {
  const { dir } = workerData as { dir: string }
  let queue = Promise.resolve()
  port.on("message", (now: number) => {
    queue = queue.then(async () => port.postMessage(await estimateDirty(dir, now)))
  })
}

async function estimateDirty(dir: string, now: number): Promise<WorkerMessage> {
  try {
    const study = await openStudy(dir)
    try {
      const subjects = await study.store.subjects.dirty()
      if (subjects.length > 0) await estimate(study, { now, subjects })
      return { done: subjects }
    } finally {
      await study.close()
    }
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
