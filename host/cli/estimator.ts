// The working thread of a running server: woken by commits and by the clock, one piece of work at a time, never waited
// for. It checks the boards that synced, estimates, and looks over the whole study once a minute.

import { Worker } from "node:worker_threads"
import type { FastifyBaseLogger } from "fastify"
import { CHECK_EVERY_MS } from "../study/quality/check.js"
import type { WorkerData, WorkerReport, WorkerTask } from "../worker.js"

interface Estimator {
  /** There may be something to do; `device` has synced. */
  wake(device?: string): void
  /** Lets the thread finish the listener it is at, and ends it; the others are estimated after the next start. */
  close(): Promise<void>
}

export function startEstimator(dir: string, now: () => number, log: FastifyBaseLogger): Estimator {
  let worker: Worker | undefined
  let busy = false
  let waiting = false
  let synced = new Set<string>()
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

  const start = (): Worker => {
    const workerData: WorkerData = { dir, stop }
    const thread = new Worker(new URL("../worker.js", import.meta.url), { workerData })
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
      // A thread that is terminated within a call of the database takes the whole process with it.
      const thread = worker
      if (thread === undefined) return
      const gone = new Promise((resolve) => thread.once("exit", resolve))
      Atomics.store(stop, 0, 1)
      thread.postMessage(null)
      await gone
    },
  }
}
