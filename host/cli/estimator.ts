// The working thread of a running server: woken by commits and by the clock, one piece of work at a time, never waited
// for. It checks the boards that synced, estimates, and looks over the whole study once a minute.

import { Worker } from "node:worker_threads"
import type { FastifyBaseLogger } from "fastify"
import { CHECK_EVERY_MS } from "../study/quality/check.js"
import type { WorkerReport, WorkerTask } from "../worker.js"

interface Estimator {
  /** There may be something to do; `device` has synced. */
  wake(device?: string): void
  /** Ends the thread; an estimation that is going on is lost and made again at the next start. */
  close(): Promise<void>
}

export function startEstimator(dir: string, now: () => number, log: FastifyBaseLogger): Estimator {
  let worker: Worker | undefined
  let busy = false
  let waiting = false
  let synced = new Set<string>()

  const start = (): Worker => {
    const thread = new Worker(new URL("../worker.js", import.meta.url), { workerData: { dir } })
    thread.on("message", ({ done, failed }: WorkerReport) => {
      busy = false
      for (const { subject, reason } of failed) log.error({ subject, reason }, "estimation or check failed")
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
  const wake = (device?: string): void => {
    if (device !== undefined) synced.add(device)
    waiting = busy
    if (busy) return
    busy = true
    worker ??= start()
    const task: WorkerTask = { now: now(), synced: [...synced] }
    synced = new Set()
    worker.postMessage(task)
  }
  const everySoOften = setInterval(wake, CHECK_EVERY_MS)
  everySoOften.unref()
  return {
    wake,
    async close() {
      clearInterval(everySoOften)
      waiting = false
      await worker?.terminate()
    },
  }
}
