// Group commit: work that comes in while the disk is busy shares one transaction, so one wait for the disk serves
// all of it. Each piece has a savepoint of its own: one that fails takes back what it did and spoils no other.
// A piece is done when the common commit has returned; where that fails, all of its pieces have failed.

import { setImmediate as turn } from "node:timers/promises"
import type { Kysely } from "kysely"
import { rowsOf } from "./embedded.js"
import type { Tables } from "./schema.js"

type Db = Kysely<Tables>

interface Piece {
  run(tx: Db): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Most pieces of one transaction: it must stay short for other processes, and for who waits for its end. */
const MOST = 32
/** Turns of the event loop without another piece, after which none is on its way: accept, read, look up. */
const QUIET_TURNS = 5

export class GroupCommit {
  private readonly waiting: Piece[] = []
  private running = false

  constructor(private readonly db: Db) {}

  /** Runs `work` in a transaction; resolves with its value once that is on disk. */
  commit<T>(work: (tx: Db) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ run: work, resolve: resolve as (value: unknown) => void, reject })
      if (!this.running) void this.drain()
    })
  }

  private async drain(): Promise<void> {
    this.running = true
    try {
      while (this.waiting.length > 0) {
        await this.gather()
        await this.together(this.waiting.splice(0, MOST))
      }
    } finally {
      this.running = false
    }
  }

  /** Lets in what has arrived at the sockets in the meantime: one connection is accepted per turn of the event loop. */
  private async gather(): Promise<void> {
    let before = 0
    for (let quiet = 0; quiet < QUIET_TURNS && this.waiting.length < MOST; quiet++) {
      if (this.waiting.length > before) quiet = 0
      before = this.waiting.length
      await turn()
    }
  }

  private async together(pieces: readonly Piece[]): Promise<void> {
    const done: (() => void)[] = []
    try {
      await this.db.transaction().execute(async (tx) => {
        for (const piece of pieces) done.push(await attempt(tx, piece, pieces.length === 1))
      })
    } catch (error) {
      for (const { reject } of pieces) reject(error)
      return
    }
    for (const tell of done) tell()
  }
}

/** Runs a piece within a savepoint; what is to be told once the transaction is on disk. */
async function attempt(tx: Db, { run, resolve, reject }: Piece, alone: boolean): Promise<() => void> {
  // One that is alone takes back the transaction itself.
  if (alone) {
    const value = await run(tx)
    return () => resolve(value)
  }
  await rowsOf(tx, "savepoint piece", [])
  try {
    const value = await run(tx)
    await rowsOf(tx, "release piece", [])
    return () => resolve(value)
  } catch (error) {
    try {
      await rowsOf(tx, "rollback to piece", [])
      await rowsOf(tx, "release piece", [])
    } catch {
      // The failure has ended the whole transaction, and is what everybody in it must hear.
      throw error
    }
    return () => reject(error)
  }
}
