// What is under the others: log Φ, and the firmware on virtual time.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import logcdf from "@stdlib/stats-base-dists-normal-logcdf"
import { packageRoot } from "../host/firmware/manifest.js"
import { logNormalCdf } from "../host/model/normal-cdf.js"
import { stream } from "../host/model/random.js"
import { Board } from "../host/rehearsal/board.js"
import { VirtualClock } from "../host/rehearsal/clock.js"
import { type Claim, time } from "./report.js"

export function normalCdf(): Claim[] {
  const rng = stream(1, "bench")
  const z = Float64Array.from({ length: 1_000_000 }, () => 8 - 48 * rng.uniform())
  let sink = 0
  const ours = time(() => {
    for (let i = 0; i < z.length; i++) sink += logNormalCdf(z[i])
  })
  const theirs = time(() => {
    for (let i = 0; i < z.length; i++) sink += logcdf(z[i], 0, 1)
  })
  if (Number.isNaN(sink)) throw new Error("a log probability is not a number")
  return [
    { what: "log Φ, 10⁶ values from −40 to 8", ours, theirs, peer: "@stdlib logcdf", ratio: theirs / ours },
  ]
}

export async function virtualTime(): Promise<Claim[]> {
  const bytecode = new Uint8Array(readFileSync(join(packageRoot(), "dist", "firmware", "fieldtune.devs")))
  const clock = new VirtualClock()
  const net = { createConnection: () => ({ on() {}, once() {}, write() {}, end() {} }) }
  const board = await Board.start({
    deviceId: "f1e1d70000000100",
    bytecode,
    clock,
    net,
    entropy: (n) => new Uint8Array(n).fill(7),
  })
  const simulated = 3_600_000
  const start = performance.now()
  await clock.advance(simulated)
  const ours = performance.now() - start
  board.powerOff()
  const what = "one simulated hour of the firmware, idle"
  return [{ what, ours, theirs: simulated, peer: "real time", ratio: simulated / ours }]
}
