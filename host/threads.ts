// Numbered pieces of work, given to threads one at a time; the results in the order of the numbers, whoever did them.
//
// A piece may hold a database, and a thread that is terminated within a call of it takes the whole process with it. So
// threads end by themselves, after the piece that they are at; terminated are only those whose patience has run out,
// and no such work opens a database (test/guards.test.ts).

import { parentPort, type ResourceLimits, Worker } from "node:worker_threads"

interface ThreadWork<T> {
  /** Name of the work, for errors. */
  name: string
  /** Module that the threads run: it answers each number it is sent with a ThreadResult, and ends at null. */
  module: URL
  /** What every thread is given when it starts. */
  workerData: unknown
  /** Pieces, numbered from 0. */
  count: number
  workers: number
  /** Told how many pieces are done. */
  onProgress?: (done: number) => void
  /** What one thread may use. */
  limits?: ResourceLimits
  /** A piece that takes longer has lost its thread, ms, which is terminated: not for work that opens a database. Left
   *  out, there is no end to patience. */
  patienceMs?: number
  /** The result of a piece that cost its thread; left out, the first such piece ends all work. */
  lost?(index: number, reason: string): T
}

interface ThreadResult<T> {
  index: number
  output: T
}

/** The thread's side: does each piece it is told the number of. In the main thread there is nobody to serve. */
export function serveThread<T>(piece: (index: number) => T | Promise<T>): void {
  const port = parentPort
  port?.on("message", async (index: number | null) => {
    // Ends this thread, whatever timers a piece has left behind.
    if (index === null) process.exit()
    const result: ThreadResult<T> = { index, output: await piece(index) }
    port.postMessage(result)
  })
}

/** Rejects with the first failure, once the other threads are through with their pieces; no thread outlives the call. */
export async function inThreads<T>(work: ThreadWork<T>): Promise<T[]> {
  const { name, module, workerData, count, workers, onProgress, limits, patienceMs, lost } = work
  const outputs = new Array<T>(count)
  let next = 0
  let done = 0
  let failure: Error | undefined
  // One thread after the other takes pieces until none are left; a new one takes over from one that is lost.
  const serve = async (): Promise<void> => {
    while (next < count) await serveOne()
  }
  const serveOne = (): Promise<void> =>
    new Promise((gone) => {
      const thread = new Worker(module, { workerData, resourceLimits: limits })
      let piece = -1
      let patience: NodeJS.Timeout | undefined
      let over = false
      const take = (index: number, output: T): void => {
        clearTimeout(patience)
        outputs[index] = output
        onProgress?.(++done)
      }
      const lose = (reason: string): void => {
        if (over) return
        over = true
        clearTimeout(patience)
        if (lost !== undefined) {
          take(piece, lost(piece, reason))
          return
        }
        failure ??= new Error(`${name}: a worker thread was lost at piece ${piece}: ${reason}`)
        next = count
      }
      const give = (): void => {
        if (next >= count) {
          over = true
          thread.postMessage(null)
          return
        }
        piece = next++
        if (patienceMs !== undefined) {
          patience = setTimeout(() => {
            lose(`no answer in ${patienceMs} ms`)
            void thread.terminate()
          }, patienceMs)
        }
        thread.postMessage(piece)
      }
      thread.on("message", ({ index, output }: ThreadResult<T>) => {
        if (over) return
        take(index, output)
        give()
      })
      thread.on("error", (error) => lose(error instanceof Error ? error.message : String(error)))
      thread.on("exit", (code) => {
        lose(`it ended with code ${code}`)
        gone()
      })
      give()
    })
  await Promise.all(Array.from({ length: Math.min(workers, count) }, serve))
  if (failure !== undefined) throw failure
  return outputs
}
