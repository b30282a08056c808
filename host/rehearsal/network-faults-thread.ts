// The worker thread of a rehearsal of network faults: one world per message.

import { workerData } from "node:worker_threads"
import { serveThread } from "../threads.js"
import { type NetworkFaultTask, networkWorlds, runNetworkWorld } from "./network-faults.js"

const worlds = networkWorlds(workerData as NetworkFaultTask)
serveThread((index) => runNetworkWorld(worlds[index]))
