// What the firmware costs on a board, beside what it may cost; and how fast boards are rehearsed.

import { HEAP_BYTES } from "../host/firmware/meter.js"
import { VirtualClock } from "../host/rehearsal/clock.js"
import { type Costs, costsOf, ROUND_TRIP_MS, STEP_US, WAITING } from "../test/src/bench/costs.js"
import { TestHost } from "../test/src/bench/host.js"
import { fieldHost, mixedUse } from "../test/src/bench/mixed-use.js"
import { RIGS, type Rig, startRig } from "../test/src/bench/rigs.js"
import type { Claim } from "./report.js"

const HOURS = 3
const HOUR_MS = 3_600_000
/** Limits of the firmware; test/src/limits.test.ts holds them. */
const LISTEN_STEPS = 20_000
const STRETCH_STEPS = 131_071
const HEAP_SHARE = 0.75
const SYNC_MS = 60_000

export async function firmware(): Promise<Claim[]> {
  const claims: Claim[] = []
  for (const rig of RIGS) {
    const costs = await costsOf(rig)
    claims.push(...costsAsClaims(rig, costs), await rehearsed(rig))
  }
  return claims
}

function costsAsClaims({ name }: Rig, costs: Costs): Claim[] {
  const within = (what: string, ours: number, theirs: number, unit: string, note?: string): Claim => {
    return {
      what: `${name}: ${what}`,
      ours,
      theirs,
      peer: "limit",
      ratio: theirs / ours,
      goal: 1,
      unit,
      note,
    }
  }
  const { begin, checkpoint, end, song, songMs, following, exchange, syncMs, syncSteps } = costs
  const perSecond = song / (songMs / 1000) + following
  const listen =
    `begin ${begin}, a checkpoint ${checkpoint}, end with its record ${end}. A song of ${songMs / 1000} s with all its ` +
    `checkpoints: ${Math.round(song)}; polls and what the bus brings by itself: ${Math.round(following)} a second. ` +
    `So ${Math.round(perSecond)} steps a second of music: ${share(perSecond)} of an ESP32`
  const sync =
    `${Math.round(exchange)} steps for each 120 records, ${syncSteps} in all, which take an ESP32 ` +
    `${seconds(syncSteps)} more than the virtual time on the left`
  return [
    within(
      "steps of a listen with one checkpoint",
      begin + checkpoint + end,
      LISTEN_STEPS,
      "steps",
      `${listen}\n    ${BASIS}`,
    ),
    within("longest stretch without a yield", costs.longest, STRETCH_STEPS, "steps", time(costs.longest)),
    within(
      "heap high-water",
      costs.bound,
      HEAP_SHARE * HEAP_BYTES,
      "B",
      `of ${HEAP_BYTES} B; ${costs.room} B are free in one piece at that time or worse`,
    ),
    within(`sync of ${WAITING} listens, round trip ${ROUND_TRIP_MS} ms`, syncMs, SYNC_MS, "ms", sync),
  ]
}

async function rehearsed(rig: Rig): Promise<Claim> {
  const host = fieldHost(new TestHost("12abdd2289421234"), "bench")
  const clock = new VirtualClock()
  const board = await startRig(rig, host, clock, 240_000)
  const start = performance.now()
  const from = clock.now()
  await mixedUse(board, host, "bench", HOURS)
  const ours = performance.now() - start
  board.powerOff()
  const simulated = clock.now() - from
  const hours = simulated / HOUR_MS / (ours / 1000)
  return {
    what: `${rig.name}: ${(simulated / HOUR_MS).toFixed(1)} simulated hours of mixed use`,
    ours,
    theirs: simulated,
    peer: "real time",
    ratio: simulated / ours,
    note: `${hours.toFixed(2)} simulated hours a second`,
  }
}

const BASIS =
  "time on an ESP32 is an estimate: no figure is published; assumed are 150 to 1,000 cycles of 240 MHz a step " +
  `(${STEP_US.least.toFixed(1)} to ${STEP_US.most.toFixed(1)} µs), without native code`

/** Time of so many steps on an ESP32. */
function time(steps: number): string {
  return `${range(steps / 1000)} ms on an ESP32`
}

function seconds(steps: number): string {
  return `${range(steps / 1e6)} s`
}

/** Share of the processor that so many steps a second take. */
function share(steps: number): string {
  return `${range(steps / 1e4)} %`
}

/** So many microseconds a step, times `factor`. */
function range(factor: number): string {
  const figure = (us: number) => Number((us * factor).toPrecision(2)).toString()
  return `${figure(STEP_US.least)} to ${figure(STEP_US.most)}`
}
