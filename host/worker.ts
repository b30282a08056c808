// Work beside the server: a thread that opens the study by itself, so that a sync never waits for it. Each message makes
// it check the boards that synced, estimate the dirty subjects, one after the other, so that one that fails does not keep
// the others waiting, and check the whole study where that was not done for a while.

import { parentPort, workerData } from "node:worker_threads"
import { type Action, type ActionResult, act } from "./round/act.js"
import { estimate } from "./round.js"
import { CHECK_EVERY_MS, checkBoard, checkStudy } from "./study/quality/check.js"
import { openStudy, type Study } from "./study/study.js"

/** What the thread is started with. */
export interface WorkerData {
  dir: string
  /** One number, shared; not 0 = no listener is begun any more. */
  stop: Int32Array
}

/** What the thread is told; null ends it when it has answered all before. */
export interface WorkerTask {
  /** Unix milliseconds. */
  now: number
  /** Boards that have synced. */
  synced: string[]
  /** What was asked for on the page; it is done first. */
  action?: Action
}

/** What the thread says after each message. */
export interface WorkerReport {
  done: number[]
  failed: { subject: number | null; reason: string }[]
  /** What came of the action. */
  acted?: ActionResult
}

const FAILED: ActionResult = {
  done: false,
  lines: ["it failed for a reason that the server's log tells; what was done up to there stands"],
}

const port = parentPort
if (port !== null) {
  const data = workerData as WorkerData
  let queue = Promise.resolve()
  port.on("message", (task: WorkerTask | null) => {
    queue = queue.then(async () => (task === null ? port.close() : port.postMessage(await work(data, task))))
  })
}

async function work({ dir, stop }: WorkerData, { now, synced, action }: WorkerTask): Promise<WorkerReport> {
  const report: WorkerReport = { done: [], failed: [] }
  const attempt = async (subject: number | null, body: () => Promise<unknown>): Promise<boolean> => {
    try {
      await body()
      return true
    } catch (error) {
      report.failed.push({ subject, reason: reasonOf(error) })
      return false
    }
  }
  await attempt(null, async () => {
    const study = await openStudy(dir)
    try {
      if (action !== undefined) {
        const tried = await attempt(null, async () => {
          report.acted = await act(study, action, now)
        })
        if (!tried) report.acted = FAILED
      }
      for (const device of synced) await attempt(null, () => checkBoard(study, device, now))
      for (const subject of await study.store.subjects.dirty()) {
        if (Atomics.load(stop, 0) !== 0) return
        if (await attempt(subject, () => estimate(study, { now, subjects: [subject] }))) {
          report.done.push(subject)
        }
      }
      await attempt(null, () => checkNowAndThen(study, now))
    } finally {
      await study.close()
    }
  })
  return report
}

async function checkNowAndThen(study: Study, now: number): Promise<void> {
  const last = await study.store.findings.checkedAt()
  if (last !== null && last <= now && now - last < CHECK_EVERY_MS) return
  if (await study.store.clocks.unsettled()) await study.store.clocks.settle(now)
  await checkStudy(study, now)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
