// Killing the server, rehearsed: `fieldtune serve` runs in a process of its own, a fleet of boards (fleet.ts) syncs with
// it as fast as it answers, and at a random moment it is killed with SIGKILL: mostly under load, sometimes while it
// starts or while it ends. Each time it is started again and has to hold everything that it ever acknowledged, once and
// to the byte, in a database without a fault.
//
// The seed gives records and moments; how far the processes are at a moment is up to the machine, so a seed repeats
// the rehearsal and not its course.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { sql } from "kysely"
import { type Rng, stream } from "../model/random.js"
import { bytesOf, openEmbedded } from "../store/embedded.js"
import { type FleetBoard, fleetStudy } from "./fleet.js"
import { ServerProcess } from "./server-process.js"

const BOARDS = 24
/** Shares of the kills. */
const WHILE_STARTING = 0.1
const WHILE_STOPPING = 0.1
/** A start takes about so long, ms; a kill within it hits each of its steps. */
const START_MS = 900
/** An end takes about so long, ms. */
const STOP_MS = 40
/** Exchanges answered before a kill under load, at most. */
const MOST_ANSWERS = 80
/** A kill comes at most so long after the last of them, ms: in the middle of what follows. */
const MOST_DELAY_MS = 30
/** Listens of a board between two exchanges, at most. */
const MOST_LISTENS = 12
const PAUSE_MS = 20
const MAX_DETAILS = 20
const DATABASE = "fieldtune.db"

type Moment = "load" | "starting" | "stopping"

export interface ServerKillReport {
  seed: number
  kills: number
  moments: Record<Moment, number>
  /** Exchanges that were answered with an acknowledgement, and those that broke off. */
  answered: number
  broken: number
  /** Records that were acknowledged. */
  acknowledged: number
  /** Acknowledged and not stored as they were sent. */
  lost: number
  /** Stored twice, or never sent. */
  doubled: number
  violations: number
  details: string[]
}

export async function rehearseServerKills(
  { seed, kills }: { seed: number; kills: number },
  onProgress: (kills: number) => void = () => {},
): Promise<ServerKillReport> {
  const root = mkdtempSync(join(tmpdir(), "fieldtune-kills-"))
  try {
    const { study, boards } = await fleetStudy(join(root, "study"), { seed, count: BOARDS })
    await study.close()
    const rng = stream(seed, "server-kills")
    const ledger = new Ledger(join(study.dir, DATABASE), boards)
    const load = new Load(boards, stream(seed, "server-kills load"))
    const moments = { load: 0, starting: 0, stopping: 0 }
    for (let kill = 1; kill <= kills; kill++) {
      const moment = momentOf(rng)
      moments[moment]++
      const server = ServerProcess.start(study.dir)
      if (moment === "starting") {
        await sleep(rng.int(START_MS))
      } else {
        const port = await server.port
        await ledger.look()
        await load.run(port, 1 + rng.int(MOST_ANSWERS))
        await sleep(rng.int(MOST_DELAY_MS))
        if (moment === "stopping") {
          server.child.kill("SIGTERM")
          await sleep(rng.int(STOP_MS))
        }
      }
      await server.kill("SIGKILL")
      await load.stop()
      onProgress(kill)
    }
    const last = ServerProcess.start(study.dir)
    const port = await last.port
    await ledger.look()
    await load.drain(port)
    const code = await last.kill("SIGTERM")
    if (code !== 0) load.violations.push(`the server ended with ${code}: ${last.log}`)
    const final = new Ledger(join(study.dir, DATABASE), boards)
    await final.look({ all: true })
    const violations = [
      ...boards.flatMap((board) => board.violations),
      ...load.violations,
      ...ledger.violations,
      ...final.violations,
    ]
    return {
      seed,
      kills,
      moments,
      answered: load.answered,
      broken: load.broken,
      acknowledged: boards.reduce((sum, board) => sum + board.acked, 0),
      lost: ledger.lost + final.lost,
      doubled: ledger.doubled + final.doubled,
      violations: violations.length,
      details: violations.slice(0, MAX_DETAILS),
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function momentOf(rng: Rng): Moment {
  const u = rng.uniform()
  if (u < WHILE_STARTING) return "starting"
  return u < WHILE_STARTING + WHILE_STOPPING ? "stopping" : "load"
}

/** What the boards know beside what the database holds. */
export class Ledger {
  lost = 0
  doubled = 0
  readonly violations: string[] = []
  /** Highest play.id that was looked at, and sequences that were stored by then, by device. */
  private newest = 0
  private readonly stored = new Map<string, Set<number>>()

  constructor(
    private readonly path: string,
    private readonly boards: readonly FleetBoard[],
  ) {}

  /** Compares; looks at no play twice, but counts them all. `all`: everything that was made must be there. */
  async look({ all = false } = {}): Promise<void> {
    const db = openEmbedded(this.path, { readOnly: true })
    try {
      // What is acknowledged by now must be in what is read next.
      const acked = this.boards.map((board) => (all ? board.records.length : board.acked))
      const check = await sql<{ integrityCheck: string }>`pragma integrity_check`.execute(db)
      for (const { integrityCheck } of check.rows) {
        if (integrityCheck !== "ok") this.violations.push(`integrity: ${integrityCheck}`)
      }
      const rows = await db
        .selectFrom("play")
        .select(["id", "device", "sequence", "record"])
        .where("id", ">", this.newest)
        .orderBy("id")
        .execute()
      const boardOf = new Map(this.boards.map((board) => [board.device, board]))
      for (const { id, device, sequence, record } of rows) {
        this.newest = id
        const known = this.stored.get(device) ?? new Set()
        this.stored.set(device, known)
        const sent = boardOf.get(device)?.records[sequence - 1]
        if (known.has(sequence) || sent === undefined || Buffer.compare(sent, bytesOf(record)) !== 0) {
          this.doubled++
          this.violations.push(`${device}: record ${sequence} is stored twice or as it was not sent`)
        }
        known.add(sequence)
      }
      for (const [i, board] of this.boards.entries()) this.missing(board, acked[i])
      await this.count(db)
    } finally {
      await db.destroy()
    }
  }

  private missing({ device }: FleetBoard, acked: number): void {
    for (let sequence = 1; sequence <= acked; sequence++) {
      if (this.stored.get(device)?.has(sequence)) continue
      this.lost++
      this.violations.push(`${device}: record ${sequence} of ${acked} is not stored`)
    }
  }

  /** Nothing that was there may have gone, and every play has come with a sync whose body is kept. */
  private async count(db: ReturnType<typeof openEmbedded>): Promise<void> {
    const { rows } = await sql<{ plays: number; brought: number; empty: number }>`
      select (select count(*) from play where id <= ${this.newest}) as plays,
        (select coalesce(sum(stored), 0) from sync where id <= (select max(sync) from play where id <= ${this.newest}))
          as brought,
        (select count(*) from sync where length(body) = 0) as empty`.execute(db)
    const [{ plays, brought, empty }] = rows
    let seen = 0
    for (const known of this.stored.values()) seen += known.size
    if (plays < seen) this.lost += seen - plays
    if (plays !== seen) this.violations.push(`${plays} plays are stored, ${seen} were seen`)
    if (brought !== plays) this.violations.push(`syncs brought ${brought} plays, ${plays} are stored`)
    if (empty > 0) this.violations.push(`${empty} syncs have no body`)
  }
}

/** Boards that sync as fast as they are answered. */
class Load {
  answered = 0
  broken = 0
  readonly violations: string[] = []
  private going = false
  private lanes: Promise<void>[] = []

  constructor(
    private readonly boards: readonly FleetBoard[],
    private readonly rng: Rng,
  ) {}

  /** Starts; resolves when `answers` exchanges have been answered. It goes on until it is stopped. */
  async run(port: number, answers: number): Promise<void> {
    this.going = true
    const until = this.answered + answers
    this.lanes = this.boards.map((board) => this.lane(board, port))
    while (this.answered < until) await sleep(1)
  }

  async stop(): Promise<void> {
    this.going = false
    await Promise.all(this.lanes)
    this.lanes = []
  }

  /** Brings what is left, without anything new. */
  async drain(port: number): Promise<void> {
    for (const board of this.boards) {
      while (board.unacknowledged > 0) await this.exchange(board, port)
    }
  }

  private async lane(board: FleetBoard, port: number): Promise<void> {
    while (this.going) {
      board.hear(this.rng.int(MOST_LISTENS + 1))
      await this.exchange(board, port)
    }
  }

  private async exchange(board: FleetBoard, port: number): Promise<void> {
    let status: number
    try {
      status = await board.exchange(port)
    } catch {
      // The server is gone, or went in the middle.
      this.broken++
      return sleep(PAUSE_MS)
    }
    if (status === 200) {
      this.answered++
      return
    }
    if (status !== 429 && status !== 503) this.violations.push(`${board.device}: status ${status}`)
    await sleep(PAUSE_MS)
  }
}
