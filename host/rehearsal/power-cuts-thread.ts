// The worker thread of a rehearsal of power cuts: one world per message.

import { workerData } from "node:worker_threads"
import { serveThread } from "../threads.js"
import { type PowerCutTask, runWorld, worldsOf } from "./power-cuts.js"

const worlds = worldsOf(workerData as PowerCutTask)
serveThread((index) => runWorld(worlds[index]))
