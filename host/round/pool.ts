// The work of a pass over subjects, in this thread or in several: the same results in the same order.
//
//   openPool(workers)                   1 = everything in this thread, when its turn comes
//   pool.run(task, context, inputs)     one promise per input, in the order of the inputs
//   pool.close()                        ends the threads
//
// Threads compute and nothing else: they never open the study, so the database has one writer, and a thread can be
// terminated at any moment, which within a call of the database would take the whole process with it (test/guards.test.ts
// holds them to that, by what they load). A task gets its
// context once per thread and then one input at a time, whichever thread is free, which is why no task may remember
// anything of the one before. Random numbers come from names in the input.

import { Worker } from "node:worker_threads"
import { TASKS } from "./tasks.js"

type Tasks = typeof TASKS
export type TaskName = keyof Tasks
type ContextOf<T extends TaskName> = Parameters<Tasks[T]>[0]
type InputOf<T extends TaskName> = Parameters<Tasks[T]>[1]
type OutputOf<T extends TaskName> = ReturnType<Tasks[T]>

export interface Pool {
  run<T extends TaskName>(
    task: T,
    context: ContextOf<T>,
    inputs: readonly InputOf<T>[],
  ): Promise<OutputOf<T>>[]
  close(): Promise<void>
}

/** What a thread is sent; the context comes with a thread's first input of a run. */
export interface TaskMessage {
  task: TaskName
  context?: { value: unknown }
  input: unknown
}

/** What a thread answers. */
export type TaskAnswer = { output: unknown } | { error: unknown }

/** The task by its name, its types checked by `run`. */
export function runTask(task: TaskName, context: unknown, input: unknown): unknown {
  return (TASKS[task] as (context: unknown, input: unknown) => unknown)(context, input)
}

export function openPool(workers: number): Pool {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`workers: must be a whole number from 1, got ${workers}`)
  }
  return workers === 1 ? inThisThread() : inThreads(workers)
}

function inThisThread(): Pool {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    run: (task, context, inputs) =>
      inputs.map((input) => {
        const result = turn.then(() => runTask(task, context, input))
        turn = result.catch(() => {})
        return result as Promise<any>
      }),
    close: async () => {},
  }
}

interface Job {
  task: TaskName
  context: unknown
  input: unknown
  resolve(output: unknown): void
  reject(error: unknown): void
}

interface Thread {
  worker: Worker
  /** The context that the thread holds. */
  context: unknown
  job?: Job
}

function inThreads(workers: number): Pool {
  const threads: Thread[] = []
  const queue: Job[] = []
  let closed = false

  const settle = (thread: Thread, conclude: (job: Job) => void): void => {
    const { job } = thread
    thread.job = undefined
    if (job !== undefined) conclude(job)
  }
  const start = (): Thread => {
    const worker = new Worker(new URL("./thread.js", import.meta.url))
    const thread: Thread = { worker, context: undefined }
    // A pool that is idle keeps no program alive.
    worker.unref()
    worker.on("message", (answer: TaskAnswer) => {
      settle(thread, (job) => ("output" in answer ? job.resolve(answer.output) : job.reject(answer.error)))
      next(thread)
    })
    worker.on("error", (error) => settle(thread, (job) => job.reject(error)))
    worker.on("exit", (code) => {
      threads.splice(threads.indexOf(thread), 1)
      settle(thread, (job) => job.reject(new Error(`a computing thread ended with code ${code}`)))
      if (!closed && queue.length > 0) next(grow())
    })
    return thread
  }
  const grow = (): Thread => {
    const thread = start()
    threads.push(thread)
    return thread
  }
  const next = (thread: Thread): void => {
    const job = queue.shift()
    if (job === undefined) {
      thread.worker.unref()
      return
    }
    thread.job = job
    thread.worker.ref()
    const message: TaskMessage = { task: job.task, input: job.input }
    if (thread.context !== job.context) {
      message.context = { value: job.context }
      thread.context = job.context
    }
    thread.worker.postMessage(message)
  }
  return {
    run(task, context, inputs) {
      const results = inputs.map(
        (input) =>
          new Promise<any>((resolve, reject) => {
            queue.push({ task, context, input, resolve, reject })
          }),
      )
      // Whoever awaits them in order must not be warned of a later one that failed meanwhile.
      for (const result of results) result.catch(() => {})
      for (const thread of threads) if (thread.job === undefined) next(thread)
      while (threads.length < workers && queue.length > 0) next(grow())
      return results
    },
    async close() {
      closed = true
      for (const { reject } of queue.splice(0)) reject(new Error("the pool was closed"))
      await Promise.all(threads.map((thread) => thread.worker.terminate()))
    },
  }
}
