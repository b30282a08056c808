// The worker thread of a rehearsal of hostile input: one batch per message.

import { workerData } from "node:worker_threads"
import { serveThread } from "../../threads.js"
import { batchesOf, type HostileInputTask } from "./hostile-input.js"
import { judge } from "./judge.js"
import { TARGETS } from "./targets.js"

const { seed, perTarget, current } = workerData as HostileInputTask
const batches = batchesOf(perTarget)
const numbers = new Int32Array(current)
serveThread((index) => {
  const { target, from, to } = batches[index]
  return judge(TARGETS[target], seed, from, to, (input) => {
    numbers[index] = input
  })
})
