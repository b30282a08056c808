// One collection over a Jacdac bus: while it goes on, the bus has a service to which the boards bring their listens.
// It ends when every board that was seen has nothing left, or will not come to an end.
//
// That a board has nothing left is told by the board: it goes on asking until it and the host agree, and then is
// quiet. A quiet board whose last request was not the last one (it was full, its reply was not fetched, a playlist was
// on its way) is waited for: it tries again after a pause.

import { MAX_PLAYS, MAX_RANGES, type SyncRequest } from "../../src/wire.js"
import type { VmClock } from "../firmware/bundle.js"
import type { answerSync } from "../server/sync.js"
import { BusDevice } from "./bus-device.js"
import { Exchanges, type SerialReply } from "./exchanges.js"

type Answer = Awaited<ReturnType<typeof answerSync>>

type SerialOutcome =
  /** It has nothing left. */
  | "synced"
  /** It began and did not come to an end: unplugged, or the bus loses too much. */
  | "interrupted"
  /** It is on the bus and asked nothing. */
  | "silent"
  /** The server refused what it sent. */
  | "refused"

export interface CollectedBoard {
  device: string
  /** Plays that the study did not have before. */
  plays: number
  /** Requests that were answered. */
  exchanges: number
  /** Version of the playlist that plays, and of the one that starts with the next song; 0 = none. */
  list: number
  next: number
  /** undefined while it goes on. */
  outcome: SerialOutcome | undefined
  /** Where the server refused its last request: "device" = the study does not know the board, "seal" = not its key. */
  code: string | null
  reason: string | null
}

export interface CollectOptions {
  /** Id of the service's device on the bus, sixteen hexadecimal digits. */
  id: string
  clock: VmClock
  send(frame: Uint8Array): void
  exchange(device: string, body: Uint8Array): Promise<Answer>
  /** Only this board; the others are not answered. */
  only?: string
  /** How long it waits for the first board, ms. */
  waitMs: number
  /** Stays until `stop`. */
  watch?: boolean
  /** Called when a board appears, after each of its exchanges, and when its outcome is known. */
  told?(board: Readonly<CollectedBoard>): void
}

interface Progress extends CollectedBoard {
  /** Its last question, or the answer to it. */
  activeAt: number
  asked: boolean
  /** Requests that the server is busy with. */
  open: number
  /** The last request was the last one, so far as the host can tell. */
  last: boolean
  /** The board has fetched the reply to it. */
  delivered: boolean
}

const TICK_MS = 250
/** Long enough for a board to take a playlist or to free its records between two exchanges. */
const QUIET_MS = 3000
/** Longer than the first pause of a board whose sync failed (src/sync.ts), with the time the failed one took. */
const GIVE_UP_MS = 45_000
/** A sync over the network that goes on takes 10 s at most before the bus has its turn. */
const SILENT_MS = 25_000
/** Boards on the bus have announced themselves by then. */
const GATHER_MS = 5000

export class Collection {
  /** What became of each board, in order of appearance; empty where none appeared. Rejects where the study fails. */
  readonly done: Promise<CollectedBoard[]>
  private readonly device: BusDevice
  private readonly exchanges: Exchanges
  private readonly boards = new Map<string, Progress>()
  private readonly startedAt: number
  private readonly exchanging = new Set<Promise<unknown>>()
  private stopped = false
  private timer: unknown
  private finish!: (boards: CollectedBoard[]) => void
  private fail!: (error: unknown) => void

  constructor(private readonly options: CollectOptions) {
    const { id, clock, send } = options
    this.done = new Promise((resolve, reject) => {
      this.finish = resolve
      this.fail = reject
    })
    this.exchanges = new Exchanges(
      (device, body) => this.serve(device, body),
      (device) => {
        const board = this.boards.get(device)
        if (board !== undefined) board.delivered = true
      },
    )
    this.device = new BusDevice({
      id,
      clock,
      send,
      asked: (question) => this.asked(question),
      announced: (board) => this.wants(board) && this.board(board),
    })
    this.startedAt = clock.now()
    this.device.start()
    this.tick()
  }

  /** Takes a frame of the bus. */
  hear(frame: Uint8Array): void {
    if (!this.stopped) this.device.hear(frame)
  }

  /** Ends the collection with what there is, once the server is done with it; with an error, `done` rejects. */
  stop(error?: unknown): void {
    if (this.stopped) return
    this.stopped = true
    this.options.clock.clearTimeout(this.timer)
    this.device.stop()
    void Promise.allSettled(this.exchanging).then(() => {
      if (error !== undefined) return this.fail(error)
      for (const board of this.boards.values()) {
        board.outcome ??= outcomeOf(board, Number.POSITIVE_INFINITY)
      }
      this.finish([...this.boards.values()].map(reportOf))
    })
  }

  private wants(device: string): boolean {
    return this.options.only === undefined || this.options.only === device
  }

  private board(device: string): Progress {
    let board = this.boards.get(device)
    if (board === undefined) {
      const now = this.options.clock.now()
      board = {
        ...{ device, plays: 0, exchanges: 0, list: 0, next: 0, outcome: undefined },
        ...{ activeAt: now, asked: false, open: 0, last: false, delivered: false, code: null, reason: null },
      }
      this.boards.set(device, board)
      this.options.told?.(reportOf(board))
    }
    return board
  }

  private asked(question: Uint8Array): Uint8Array | undefined {
    const device = Exchanges.deviceOf(question)
    if (device === undefined || !this.wants(device)) return undefined
    const answer = this.exchanges.answer(question)
    if (answer !== undefined) {
      const board = this.board(device)
      board.activeAt = this.options.clock.now()
      board.asked = true
      // It comes again, at its interval or because it was plugged in again.
      board.outcome = undefined
    }
    return answer
  }

  private async serve(device: string, body: Uint8Array): Promise<SerialReply> {
    const board = this.board(device)
    board.open++
    board.last = false
    board.delivered = false
    const exchange = this.options.exchange(device, body)
    this.exchanging.add(exchange)
    let answer: Answer
    try {
      answer = await exchange
    } catch (error) {
      this.stop(error)
      return { status: 500, body: new Uint8Array(0) }
    } finally {
      this.exchanging.delete(exchange)
      board.open--
      board.activeAt = this.options.clock.now()
    }
    if (!("sealed" in answer)) {
      board.code = answer.code
      board.reason = answer.reason
      this.options.told?.(reportOf(board))
      return { status: answer.status, body: new Uint8Array(0) }
    }
    const { request, outcome, sealed } = answer
    board.code = null
    board.reason = null
    board.exchanges++
    board.plays += outcome.stored
    board.list = request.list
    board.next = request.next ?? 0
    board.last = saysAll(request) && outcome.offer === null
    this.options.told?.(reportOf(board))
    return { status: 200, body: sealed }
  }

  private tick(): void {
    const { clock, watch, waitMs, told } = this.options
    const now = clock.now()
    this.timer = clock.setTimeout(() => this.tick(), TICK_MS)
    const boards = [...this.boards.values()]
    for (const board of boards) {
      if (board.outcome !== undefined) continue
      board.outcome = outcomeOf(board, now)
      if (board.outcome !== undefined) told?.(reportOf(board))
    }
    if (watch) return
    const since = now - this.startedAt
    if (boards.length === 0 ? since >= waitMs : since >= GATHER_MS && boards.every((b) => b.outcome)) {
      this.stop()
    }
  }
}

/** The request did not leave out listens for lack of room. */
function saysAll({ plays, gone, health }: SyncRequest): boolean {
  return (plays.length < MAX_PLAYS && gone.length < MAX_RANGES) || plays.length >= health.log
}

/** undefined while there is something to wait for. */
function outcomeOf(board: Progress, now: number): SerialOutcome | undefined {
  const { activeAt, asked, open, code, last, delivered } = board
  if (open > 0) return undefined
  const quiet = now - activeAt
  if (!asked) return quiet < SILENT_MS ? undefined : "silent"
  if (quiet < QUIET_MS) return undefined
  // Trying again will not change it.
  if (code === "device" || code === "seal") return "refused"
  if (last && delivered) return "synced"
  if (quiet < GIVE_UP_MS) return undefined
  return code === null ? "interrupted" : "refused"
}

function reportOf(board: Progress): CollectedBoard {
  const { device, plays, exchanges, list, next, outcome, code, reason } = board
  return { device, plays, exchanges, list, next, outcome, code, reason }
}
