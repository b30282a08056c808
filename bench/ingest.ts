// Syncs of a fleet: 1,000 and 10,000 boards that bring 50 plays each through the real endpoint into the durable store,
// beside the least that could do it (a bare node:http server that writes the same rows in one transaction per sync),
// and how long a board waits where 200 of them come every second.

import { type ChildProcess, fork } from "node:child_process"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type FleetBoard, fleetStudy } from "../host/rehearsal/fleet.js"
import type { ServerMessage } from "./ingest-server.js"
import type { Claim } from "./report.js"

const PLAYS = 50
/** Boards whose syncs are under way at a time where as many as possible are to go through. */
const CONCURRENT = 32
const RATE = 200
const STEADY_S = 20
const GOAL_SHARE = 0.5
const GOAL_P99_MS = 250

interface Run {
  perSecond: number
  /** Ascending, milliseconds. */
  latencies: number[]
  /** Syncs without an answer in time. */
  unanswered: number
  /** Of the server process, bytes: highest, and after the first tenth and all of the syncs. */
  peak: number
  early: number
  late: number
}

export async function ingest(): Promise<Claim[]> {
  const claims: Claim[] = []
  for (const count of [1000, 10_000]) {
    const [theirs, ours] = await withFleet(count, async (dir, boards) => {
      const copy = `${dir}-bare`
      cpSync(dir, copy, { recursive: true })
      return [await run("bare", copy, boards, saturate), await run("ours", dir, boards, saturate)]
    })
    claims.push({
      what: `${count} boards sync ${PLAYS} plays each`,
      ours: ours.perSecond,
      theirs: theirs.perSecond,
      peer: "node:http and the same insert",
      ratio: ours.perSecond / theirs.perSecond,
      goal: GOAL_SHARE,
      unit: "syncs/s",
      note: `${CONCURRENT} at a time: ${times(ours)}, theirs ${times(theirs)}; ${memory(ours)}, theirs ${memory(theirs)}`,
    })
  }
  const steady = await withFleet(RATE * STEADY_S, (dir, boards) => run("ours", dir, boards, atRate))
  const p99 = quantile(steady.latencies, 0.99)
  claims.push({
    what: `99 % of syncs, where ${RATE} boards come every second`,
    ours: p99,
    theirs: GOAL_P99_MS,
    peer: "what was aimed at",
    ratio: GOAL_P99_MS / p99,
    goal: 1,
    note: `${steady.perSecond.toFixed(0)} syncs/s for ${STEADY_S} s: ${times(steady)}; ${memory(steady)}`,
  })
  return claims
}

/** Runs `work` with a study in which `count` boards have plays to bring. */
async function withFleet<T>(
  count: number,
  work: (dir: string, boards: readonly FleetBoard[]) => Promise<T>,
): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "fieldtune-ingest-"))
  try {
    const { study, boards } = await fleetStudy(join(root, "study"), { seed: 1, count })
    await study.close()
    for (const board of boards) board.hear(PLAYS)
    return await work(study.dir, boards)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

type Load = (boards: readonly FleetBoard[], sync: (board: FleetBoard) => Promise<void>) => Promise<void>

async function run(
  kind: "ours" | "bare",
  dir: string,
  boards: readonly FleetBoard[],
  load: Load,
): Promise<Run> {
  const server = await Server.start(kind, dir)
  try {
    return await measure(kind, server, boards, load)
  } finally {
    server.stop()
  }
}

async function measure(
  kind: "ours" | "bare",
  server: Server,
  boards: readonly FleetBoard[],
  load: Load,
): Promise<Run> {
  const latencies: number[] = []
  let early = 0
  let unanswered = 0
  const sync = async (board: FleetBoard): Promise<void> => {
    const began = performance.now()
    if (kind === "ours") {
      // A board that gets no answer in time has waited for nothing, which counts as long as it waited.
      const status = await board.exchange(server.port).catch(() => null)
      if (status === null) unanswered++
      else if (status !== 200 || board.unacknowledged > 0)
        throw new Error(`${board.device}: status ${status}`)
    } else {
      await board.send(server.port)
    }
    latencies.push(performance.now() - began)
    if (latencies.length === Math.ceil(boards.length / 10)) early = (await server.memory()).now
  }
  const began = performance.now()
  await load(boards, sync)
  const seconds = (performance.now() - began) / 1000
  const { peak, now: late } = await server.memory()
  latencies.sort((a, b) => a - b)
  return { perSecond: (boards.length - unanswered) / seconds, latencies, unanswered, peak, early, late }
}

/** As many as possible: the next board comes when one is done. */
const saturate: Load = async (boards, sync) => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < boards.length) await sync(boards[next++])
  }
  await Promise.all(Array.from({ length: CONCURRENT }, lane))
}

/** Boards come at their times, whether the ones before are done or not. */
const atRate: Load = async (boards, sync) => {
  const began = performance.now()
  const done: Promise<void>[] = []
  for (const [i, board] of boards.entries()) {
    const wait = began + (i * 1000) / RATE - performance.now()
    if (wait > 0) await sleep(wait)
    done.push(sync(board))
  }
  await Promise.all(done)
}

class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(kind: string, dir: string): Promise<Server> {
    const program = fileURLToPath(new URL("./ingest-server.js", import.meta.url))
    const child = fork(program, [kind, dir])
    const message = await heard(child)
    if (!("port" in message)) throw new Error("the server said no port")
    return new Server(child, message.port)
  }

  async memory(): Promise<{ peak: number; now: number }> {
    const answer = heard(this.child)
    this.child.send("memory")
    const message = await answer
    if (!("peak" in message)) throw new Error("the server said no memory")
    return message
  }

  stop(): void {
    this.child.kill("SIGKILL")
  }
}

function heard(child: ChildProcess): Promise<ServerMessage> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("the server ended"))
    child.once("exit", ended)
    child.once("message", (message) => {
      child.off("exit", ended)
      resolve(message as ServerMessage)
    })
  })
}

function quantile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)]
}

function times({ latencies, unanswered }: Run): string {
  const none = unanswered === 0 ? "" : `${unanswered} unanswered, `
  return `${none}p50 ${quantile(latencies, 0.5).toFixed(0)} ms, p99 ${quantile(latencies, 0.99).toFixed(0)} ms`
}

function memory({ peak, early, late }: Run): string {
  const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`
  return `memory at most ${mb(peak)} (${mb(early)} after a tenth, ${mb(late)} in the end)`
}
