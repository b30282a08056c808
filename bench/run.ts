// Speed claims, side by side with what one would take instead, in one run, as ratios. npm run bench

import { readFileSync } from "node:fs"
import { join } from "node:path"
import logcdf from "@stdlib/stats-base-dists-normal-logcdf"
import { packageRoot } from "../host/firmware/manifest.js"
import { describeFeatures } from "../host/model/features.js"
import { logNormalCdf } from "../host/model/normal-cdf.js"
import { type Observations, observeRows } from "../host/model/observations.js"
import { freezePrior } from "../host/model/prior.js"
import { stream } from "../host/model/random.js"
import { fitFirstBlock, updateTaste } from "../host/model/taste.js"
import { Board } from "../host/rehearsal/board.js"
import { VirtualClock } from "../host/rehearsal/clock.js"

const REPEATS = 7

/** Median of the times of `work`, ms. */
function time(work: () => void): number {
  work()
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[REPEATS >> 1]
}

function say(claim: string, ours: number, theirs: number, what: string): void {
  const ratio = (theirs / ours).toFixed(2)
  process.stdout.write(`${claim}: ${ours.toFixed(1)} ms; ${what}: ${theirs.toFixed(1)} ms; ratio ${ratio}\n`)
}

function normalCdf(): void {
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
  say("log Φ, 10⁶ values from −40 to 8", ours, theirs, "@stdlib logcdf")
}

/** Plays of one listener: 6 attributes, σ = .5, about a third heard to the end. */
function plays(n: number): { observations: Observations; spec: ReturnType<typeof describeFeatures> } {
  const rng = stream(2, "bench")
  const names = ["a", "b", "c", "d", "e", "f"]
  const songs = Array.from({ length: 200 }, (_, i) => ({
    id: i + 1,
    attributes: Object.fromEntries(names.map((name) => [name, rng.normal()])),
    lengthS: 240,
  }))
  const spec = describeFeatures(songs)
  const rows = Array.from({ length: n }, (_, source) => {
    const song = songs[rng.int(songs.length)]
    const y = 5 + 0.4 * song.attributes.a - 0.3 * song.attributes.c + 0.5 * rng.normal()
    const end = Math.log(song.lengthS)
    return { song, y: Math.min(y, end), censored: y >= end, source }
  })
  return { observations: observeRows(rows, spec), spec }
}

function particlePath(): void {
  const first = plays(500)
  const both = plays(520)
  const hyper = freezePrior(first.observations, first.spec)
  if ("reason" in hyper) throw new Error(hyper.reason)
  const options = { seed: 1, stream: ["bench"] }
  const model = fitFirstBlock(first.observations, hyper, options)
  const ours = time(() => void updateTaste(model, both.observations, 500, options))
  const theirs = time(() => void fitFirstBlock(both.observations, hyper, options))
  say("20 new plays on 500, by particles with moves", ours, theirs, "fit again from all plays")
}

async function virtualTime(): Promise<void> {
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
  say("one simulated hour of the firmware, idle", performance.now() - start, simulated, "real time")
  board.powerOff()
}

normalCdf()
particlePath()
await virtualTime()
