// Three days of use of one board, in a process of its own: the test runner keeps a note of every promise, and here
// there are millions. Prints what the test judges, as JSON.
//
//   node endurance-run.js ENTRY HOURS SEED

import { Board } from "./bench/board.js"
import { TestHost } from "./bench/host.js"
import { fieldHost, mixedUse } from "./bench/mixed-use.js"

const [entry, hours, seed] = process.argv.slice(2)
const host = fieldHost(new TestHost("12abdd2289421234"), seed)
const board = await Board.start({ entry, server: host.serve, settings: host.settings })
await board.clock.advance(10_000)
const began = performance.now()
await mixedUse(board, host, seed, Number(hours))
// What is left after the last failure, at the latest.
await board.clock.advance(3_600_000)
const wallMs = performance.now() - began
process.stdout.write(
  JSON.stringify({
    panics: board.panics,
    lines: board.lines.filter((line) => /exception|panic|memory|alloc/i.test(line)),
    refusals: board.lines.filter((line) => /refused|not kept/.test(line)).length,
    sequences: [...host.plays.keys()],
    boots: [...new Set(host.requests.map((request) => request.boot))],
    exchanges: host.requests.length,
    lists: host.playlist?.version,
    list: host.requests.at(-1)?.list,
    gone: host.gone,
    waiting: host.requests.at(-1)?.health.log,
    wallMs,
  }),
)
board.powerOff()
