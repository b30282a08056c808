// Days of use of one board, in a process of its own: the test runner keeps a note of every promise, and here there are
// millions. Prints what the test judges, as JSON.
//
//   node endurance-run.js RIG HOURS SEED      RIG: a name of bench/rigs.ts

import { VirtualClock } from "../../host/rehearsal/clock.js"
import { TestHost } from "./bench/host.js"
import { fieldHost, mixedUse } from "./bench/mixed-use.js"
import { RIGS, startRig } from "./bench/rigs.js"

/** Length of the files on a card. */
const LENGTH_MS = 240_000
/** Longer than the longest pause between two tries of a sync. */
const SETTLE_MS = 3_600_000

const [name, hours, seed] = process.argv.slice(2)
const rig = RIGS.find((r) => r.name === name)
if (rig === undefined) throw new Error(`no board ${JSON.stringify(name)} in bench/rigs.ts`)
const host = fieldHost(new TestHost("12abdd2289421234"), seed)
const clock = new VirtualClock()
const board = await startRig(rig, host, clock, LENGTH_MS)
await clock.advance(10_000)
const began = performance.now()
await mixedUse(board, host, seed, Number(hours))
await clock.advance(SETTLE_MS)
const seconds = (performance.now() - began) / 1000
process.stdout.write(
  JSON.stringify({
    panics: board.panics,
    lines: board.lines.filter((line) => /exception|panic|memory|alloc/i.test(line)),
    sequences: [...host.plays.keys()],
    boots: [...new Set(host.requests.map((request) => request.boot))],
    exchanges: host.requests.length,
    offered: host.playlist?.version,
    list: host.requests.at(-1)?.list,
    gone: host.gone,
    waiting: host.requests.at(-1)?.health.log,
    seconds,
  }),
)
board.powerOff()
