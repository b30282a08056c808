// A computing thread of the pool (pool.ts): runs one task at a time and answers with its output or its error.

import { parentPort } from "node:worker_threads"
import { runTask, type TaskAnswer, type TaskMessage } from "./pool.js"

const port = parentPort
if (port !== null) {
  let held: unknown
  port.on("message", ({ task, context, input }: TaskMessage) => {
    if (context !== undefined) held = context.value
    let answer: TaskAnswer
    try {
      answer = { output: runTask(task, held, input) }
    } catch (error) {
      answer = { error }
    }
    port.postMessage(answer)
  })
}
