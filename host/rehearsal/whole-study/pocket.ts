// A board in its listener's pocket: switched on, listened to, brought to the host, switched off. The same hours for the
// real firmware in the VM and for the model; each board has a virtual clock of its own, which runs a little fast or slow
// against the host's.

import { type FeatureSpec, featureMatrix, type Song } from "../../model/features.js"
import { stream } from "../../model/random.js"
import type { Board } from "../board.js"
import type { VirtualClock } from "../clock.js"
import { Listener, type Taste } from "../listener.js"
import type { Sounded } from "../sound-board.js"

/** What is asked of either kind of board. */
export type PocketBoard = Pick<Board, "clock" | "sound" | "tap" | "powerOn" | "powerOff" | "panics">

/** Songs that boards play and listeners know. */
export interface Catalogue {
  songs: readonly Song[]
  spec: FeatureSpec
}

/** What makes a board: everything of it follows from this. */
export interface PocketOptions {
  subject: number
  /** Sixteen lower-case hexadecimal digits. */
  device: string
  key: Uint8Array
  seed: number
  /** Board seconds per host second less 1, in parts per million. */
  ppm: number
}

/** One outing's listening. */
export interface Session {
  /** Host time at which the board is switched on, Unix ms. */
  at: number
  taste: Taste
  plays: number
  wave: number
  day: number
}

/** What the board did, for whoever keeps the accounts. */
export interface PocketLedger {
  sounded: Sounded[]
  /** Board time at which each boot began. */
  bootAt: number[]
  /** Board time at the end of the last contact; before it everything must have reached the host. */
  contactAt: number
  contacts: number
  /** Hours with music, and with power, of each outing that had either. */
  hours: { listening: number; powered: number }[]
  panics: number
}

/** A pocket as the study's host handles it, wherever the board runs. Host times in Unix ms. */
export interface Pocket {
  readonly options: PocketOptions
  /** Switches on and listens; gives the host time at which the music is over. The board stays on. */
  listen(session: Session): Promise<number>
  /** One sync, begun at host time `at`; a board that is off is switched on for it. Gives the time of its end. */
  contact(at: number): Promise<number>
  switchOff(): Promise<void>
  ledger(): Promise<PocketLedger>
}

/** From the power switch to the first button. */
const READY_MS = 5000
/** Holding the play button this long asks the board for a sync. */
const HOLD_MS = 2000
/** A sync of some exchanges is over by then. */
const SYNC_MS = 15_000
/** A session that lasts longer has gone wrong. */
const LONGEST_MS = 7 * 24 * 3_600_000
const HOUR_MS = 3_600_000
/** The bus has brought the last command to the sound board. */
const QUIET_MS = 2000
const CONTACT_MS = HOLD_MS + SYNC_MS

export class LocalPocket implements Pocket {
  private readonly bootAt: number[] = []
  private readonly hours: PocketLedger["hours"] = []
  private readonly lengths: ReadonlyMap<number, number>
  private readonly byId: ReadonlyMap<number, Song>
  private on = false
  /** Host and board time at the newest start. */
  private hostStart = 0
  private boardStart = 0
  private contactAt = 0
  private contacts = 0

  constructor(
    readonly options: PocketOptions,
    private readonly board: PocketBoard,
    private readonly catalogue: Catalogue,
    /** The board is on, because it was just provisioned, since board time `since`. */
    since?: number,
  ) {
    this.byId = new Map(catalogue.songs.map((song) => [song.id, song]))
    this.lengths = new Map(catalogue.songs.map(({ id, lengthS }) => [id, Math.round(lengthS * 1000)]))
    if (since !== undefined) {
      this.on = true
      this.begin(since, since)
    }
  }

  /** Host time now, Unix ms, whole. */
  hostNow(): number {
    return Math.round(this.hostStart + (this.clock.now() - this.boardStart) / this.rate)
  }

  async listen({ at, taste, plays, wave, day }: Session): Promise<number> {
    const { board, clock, options } = this
    await this.switchOn(at)
    const listener = new Listener({
      board,
      taste,
      rng: stream(options.seed, "listener", options.subject, "wave", wave, "day", day),
      features: (file) =>
        featureMatrix(this.catalogue.spec, this.byId.has(file) ? [this.byId.get(file)!] : []),
      lengthMs: (file) => this.lengths.get(file),
    })
    const hear = board.sound.onStart
    let heard = 0
    board.sound.onStart = (sounded) => {
      if (heard === plays) listener.leave()
      heard++
      hear(sounded)
    }
    const from = clock.now()
    listener.begin()
    if (!(await clock.advance(LONGEST_MS, () => listener.stopped))) {
      throw new Error(`${options.device}: ${heard} of ${plays} songs sounded on day ${day} of wave ${wave}`)
    }
    await clock.advance(QUIET_MS)
    this.hours.push({ listening: (clock.now() - from) / HOUR_MS, powered: 0 })
    return this.hostNow()
  }

  async contact(at: number): Promise<number> {
    const { board, clock } = this
    if (!this.on) await this.switchOn(at)
    else await clock.advance(Math.max(0, Math.round((at - this.hostNow()) * this.rate)))
    board.tap("play", HOLD_MS)
    await clock.advance(CONTACT_MS)
    this.contactAt = clock.now()
    this.contacts++
    return this.hostNow()
  }

  async switchOff(): Promise<void> {
    if (!this.on) return
    this.on = false
    this.board.powerOff()
    const powered = (this.clock.now() - this.boardStart) / HOUR_MS
    const last = this.hours.at(-1)
    if (last === undefined || last.powered > 0) this.hours.push({ listening: 0, powered })
    else last.powered = powered
  }

  async ledger(): Promise<PocketLedger> {
    const { bootAt, contactAt, contacts, hours, board } = this
    return {
      sounded: [...board.sound.sounded],
      bootAt,
      contactAt,
      contacts,
      hours,
      panics: board.panics.length,
    }
  }

  private get clock(): VirtualClock {
    return this.board.clock
  }

  private get rate(): number {
    return 1 + this.options.ppm * 1e-6
  }

  /** Board time is host time at every start, and runs by itself from there. */
  private async switchOn(at: number): Promise<void> {
    const { board, clock, options } = this
    if (this.on) throw new Error(`${options.device}: is on already`)
    // What was due while the board was off (its bus announces itself for ever) is over.
    await clock.advance(0)
    if (clock.now() > at) throw new Error(`${options.device}: is at ${clock.now()}, later than ${at}`)
    clock.jump(at - clock.now())
    this.on = true
    this.begin(at, clock.now())
    await board.powerOn()
    await clock.advance(READY_MS)
  }

  private begin(hostAt: number, boardAt: number): void {
    this.hostStart = hostAt
    this.boardStart = boardAt
    this.bootAt.push(boardAt)
  }
}
