// The working thread of a running server: woken by commits and by the clock, one piece of work at a time, never waited
// for. It checks the boards that synced, estimates, and looks over the whole study once a minute.

import { Worker } from "node:worker_threads"
import type { FastifyBaseLogger } from "fastify"
import type { Action, ActionResult } from "../round/act.js"
import { CHECK_EVERY_MS } from "../study/quality/check.js"
import type { WorkerData, WorkerReport, WorkerTask } from "../worker.js"

const BROKEN_OFF: ActionResult = {
  done: false,
  lines: ["the server stopped before it was done; fieldtune wave status shows how far it came"],
}

interface Estimator {
  /** There may be something to do; `device` has synced. */
  wake(device?: string): void
  /** Does what was asked for on the page, after the work under way. */
  act(action: Action): Promise<ActionResult>
  /** Lets the thread finish the listener it is at, and ends it; the others are estimated after the next start. */
  close(): Promise<void>
}

export function startEstimator(dir: string, now: () => number, log: FastifyBaseLogger): Estimator {
  let worker: Worker | undefined
  let busy = false
  let waiting = false
  let synced = new Set<string>()
  let acting: ((result: ActionResult) => void) | undefined
  const asked: { action: Action; resolve(result: ActionResult): void }[] = []
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

  const start = (): Worker => {
    const workerData: WorkerData = { dir, stop }
    const thread = new Worker(new URL("../worker.js", import.meta.url), { workerData })
    thread.on("message", ({ done, failed, acted }: WorkerReport) => {
      busy = false
      if (acted !== undefined) answerAction(acted)
      for (const { subject, reason } of failed) log.error({ subject, reason }, "estimation or check failed")
      if (done.length > 0) log.info({ subjects: done }, "estimated")
      if (waiting || asked.length > 0) wake()
    })
    thread.on("error", (err) =>
      log.error({ err }, "the estimating thread broke off; the next sync starts it again"),
    )
    thread.on("exit", () => {
      worker = undefined
      busy = false
      answerAction(BROKEN_OFF)
    })
    return thread
  }
  const answerAction = (result: ActionResult): void => {
    acting?.(result)
    acting = undefined
  }
  const wake = (device?: string): void => {
    if (device !== undefined) synced.add(device)
    waiting = busy
    if (busy) return
    busy = true
    worker ??= start()
    const next = asked.shift()
    acting = next?.resolve
    const task: WorkerTask = { now: now(), synced: [...synced], action: next?.action }
    synced = new Set()
    worker.postMessage(task)
  }
  const everySoOften = setInterval(wake, CHECK_EVERY_MS)
  everySoOften.unref()
  return {
    wake,
    act: (action) =>
      new Promise((resolve) => {
        asked.push({ action, resolve })
        wake()
      }),
    async close() {
      clearInterval(everySoOften)
      waiting = false
      // A thread that is terminated within a call of the database takes the whole process with it.
      const thread = worker
      if (thread === undefined) return
      const gone = new Promise((resolve) => thread.once("exit", resolve))
      Atomics.store(stop, 0, 1)
      for (const { resolve } of asked.splice(0)) resolve(BROKEN_OFF)
      thread.postMessage(null)
      await gone
    },
  }
}
