// Numbered pieces of work, given to threads one at a time; the results in the order of the numbers, whoever did them.

import { parentPort, Worker } from "node:worker_threads"

interface ThreadWork {
  /** Name of the work, for errors. */
  name: string
  /** Module that the threads run: it answers each number it is sent with a ThreadResult. */
  module: URL
  /** What every thread is given when it starts. */
  workerData: unknown
  /** Pieces, numbered from 0. */
  count: number
  workers: number
  /** Told how many pieces are done. */
  onProgress?: (done: number) => void
}

interface ThreadResult<T> {
  index: number
  output: T
}

/** The thread's side: does each piece it is told the number of. In the main thread there is nobody to serve. */
export function serveThread<T>(piece: (index: number) => T | Promise<T>): void {
  const port = parentPort
  port?.on("message", async (index: number) => {
    const result: ThreadResult<T> = { index, output: await piece(index) }
    port.postMessage(result)
  })
}

/** Rejects with the first failure; no thread outlives the call. */
export async function inThreads<T>(work: ThreadWork): Promise<T[]> {
  const { name, module, workerData, count, workers, onProgress } = work
  const outputs = new Array<T>(count)
  const threads: Worker[] = []
  let next = 0
  let done = 0
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(module, { workerData })
      threads.push(thread)
      const give = (): void => {
        if (next < count) thread.postMessage(next++)
        else resolve()
      }
      thread.on("message", ({ index, output }: ThreadResult<T>) => {
        outputs[index] = output
        onProgress?.(++done)
        give()
      })
      thread.on("error", reject)
      thread.on("exit", (code) => reject(new Error(`${name}: a worker thread ended with code ${code}`)))
      give()
    })
  try {
    await Promise.all(Array.from({ length: Math.min(workers, count) }, serve))
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return outputs
}
