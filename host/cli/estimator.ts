// The estimating thread of a running server: woken by commits, one estimation at a time, never waited for.

import { Worker } from "node:worker_threads"
import type { FastifyBaseLogger } from "fastify"
import type { WorkerReport } from "../worker.js"

interface Estimator {
  /** New plays are in the store. */
  wake(): void
  /** Ends the thread; an estimation that is going on is lost and made again at the next start. */
  close(): Promise<void>
}

export function startEstimator(dir: string, now: () => number, log: FastifyBaseLogger): Estimator {
  let worker: Worker | undefined
  let busy = false
  let waiting = false

  const start = (): Worker => {
    const thread = new Worker(new URL("../worker.js", import.meta.url), { workerData: { dir } })
    thread.on("message", ({ done, failed }: WorkerReport) => {
      busy = false
      for (const { subject, reason } of failed) log.error({ subject, reason }, "estimation failed")
      if (done.length > 0) log.info({ subjects: done }, "estimated")
      if (waiting) wake()
    })
    thread.on("error", (err) =>
      log.error({ err }, "the estimating thread broke off; the next sync starts it again"),
    )
    thread.on("exit", () => {
      worker = undefined
      busy = false
    })
    return thread
  }
  const wake = (): void => {
    waiting = busy
    if (busy) return
    busy = true
    worker ??= start()
    worker.postMessage(now())
  }
  return {
    wake,
    async close() {
      waiting = false
      await worker?.terminate()
    },
  }
}
