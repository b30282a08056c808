// The adaptive playlist in use: a fiber weighs every listen while the next song plays, and at the next track boundary
// the player asks what to play. What cannot be repeated from the listen records is not chosen here: where the fiber
// has not kept up, or the log does not hold every listen of the playlist, the published order goes on.

import * as ds from "@devicescript/core"
import { Adaptation } from "./adapt"
import { Alarm } from "./clock"
import { countOf, isAdaptive } from "./playlist"
import type { ListenRecord } from "./record"

/** Between two steps of work: other fibers run. */
const STEP_MS = 1
/** With nothing to do the fiber wakes this seldom. */
const IDLE_MS = 600000
const RETRY_MS = 2000
/** More listens than this behind, and it gives up on the playlist. */
const MAX_BEHIND = 8

/** What the log must tell: the listens of this epoch, one at a time. */
export interface ListenHistory {
  /** Sequence of the newest listen that has ended; 0 = none. */
  lastSequence(): number
  /** The listen with this sequence, if the log holds it or keeps it in RAM until it can; undefined otherwise. */
  record(sequence: number): Promise<ListenRecord>
}

export class Rescoring {
  /** The item that `next` gave last was chosen here: FLAG_REORDERED of its record. */
  chosen = false
  private alarm = new Alarm()
  /** Undefined where the playlist carries no particles. */
  private adaptation: Adaptation
  /** Songs in the published order. */
  private size = 0
  private version = 0
  /** The listens since a restart have been read back. */
  private known = false
  /** Every listen of the playlist is in the log. */
  private whole = false
  /** The newest listen; it is weighed when the next one has begun. */
  private last: ListenRecord
  private waits = false
  private queue: ListenRecord[] = []
  /** The scores are those of the weights. */
  private fresh = false

  constructor(private history: ListenHistory) {}

  /** Runs the fiber; call once. */
  start(): void {
    const self = this
    const run = async () => await self.run()
    run.start()
  }

  /**
   * Takes over the active playlist (undefined: there is none). `again`: it may have been played from before this
   * start, so its listens are read from the log.
   */
  load(list: Buffer, version: number, again: boolean): void {
    this.adaptation = undefined
    this.queue = []
    this.last = undefined
    this.waits = false
    this.fresh = false
    this.chosen = false
    this.size = 0
    if (!list) return
    this.version = version % 256
    this.known = !again
    this.whole = !again
    this.size = countOf(list)
    if (!isAdaptive(list)) return
    this.adaptation = new Adaptation(list)
    this.size = this.adaptation.size
    this.alarm.ring()
  }

  /** A listen has ended and the log has it, or keeps it in RAM until it can. */
  heard(record: ListenRecord): void {
    if (!this.adaptation || !this.known || record.listVersion !== this.version) return
    if (this.last && record.sequence <= this.last.sequence) return
    this.playing()
    if (this.adaptation.has(record.position, record.song)) this.adaptation.mark(record.position)
    this.last = record
    this.waits = true
  }

  /** The next song has begun: the listen before it may be weighed. */
  playing(): void {
    if (!this.waits) return
    this.waits = false
    if (!this.whole) return
    if (this.queue.length >= MAX_BEHIND) this.giveUp()
    else this.queue.push(this.last)
    this.alarm.ring()
  }

  /**
   * The item to play after item `position` (−1 at the beginning of a playlist), for the listen with this sequence.
   * Answers at once; the same question has the same answer until `playing` or `heard`.
   */
  next(position: number, sequence: number): number {
    const adaptation = this.adaptation
    this.chosen = false
    if (!adaptation || !this.known) return position + 1 < this.size ? position + 1 : 0
    this.chosen =
      this.whole &&
      this.fresh &&
      this.queue.length === 0 &&
      this.waits &&
      this.last.sequence === sequence - 1 &&
      adaptation.heard >= adaptation.after
    return this.chosen ? adaptation.choose(sequence) : adaptation.published()
  }

  /** Nothing is left to be weighed or rescored. */
  settled(): boolean {
    return !this.adaptation || !this.whole || (this.fresh && this.queue.length === 0)
  }

  private async run(): Promise<void> {
    while (true) {
      try {
        const adaptation = this.adaptation
        if (adaptation && !this.known) await this.readBack(adaptation)
        if (adaptation === this.adaptation) {
          if (this.settled()) await this.alarm.sleep(IDLE_MS)
          else await this.work(adaptation)
        }
      } catch (e: any) {
        console.log("rescoring: " + e.message)
        await ds.sleep(RETRY_MS)
      }
    }
  }

  /** One listen is weighed, or every item rescored. */
  private async work(adaptation: Adaptation): Promise<void> {
    if (this.queue.length === 0 || (adaptation.deciding() && !this.fresh)) {
      await this.rescore(adaptation)
      return
    }
    const record = this.queue[0]
    // A listen that the full log has left out will never reach the host.
    const kept = await this.history.record(record.sequence)
    if (adaptation !== this.adaptation) return
    if (kept && kept.position === record.position) {
      this.weigh(adaptation, kept)
      this.queue.shift()
    } else this.giveUp()
    await ds.sleep(STEP_MS)
  }

  /** No more choices from this playlist: the published order goes on. */
  private giveUp(): void {
    this.whole = false
    this.queue = []
  }

  /** False where another playlist, or a listen to be weighed, came in between. */
  private async rescore(adaptation: Adaptation): Promise<boolean> {
    for (let item = 0; item < adaptation.items; item++) {
      adaptation.rescore(item)
      await ds.sleep(STEP_MS)
      if (adaptation !== this.adaptation) return false
      if (this.queue.length > 0 && !adaptation.deciding()) return false
    }
    adaptation.decide()
    this.fresh = true
    return true
  }

  private weigh(adaptation: Adaptation, record: ListenRecord): void {
    if (!adaptation.has(record.position, record.song)) return
    adaptation.weigh(record.position, record.heardMs, record.reason)
    this.fresh = false
  }

  /** After a restart: the listens of the playlist so far, the newest of which is not yet weighed. */
  private async readBack(adaptation: Adaptation): Promise<void> {
    const history = this.history
    let first = history.lastSequence() + 1
    let whole = true
    while (first > 1 && whole) {
      const before = await history.record(first - 1)
      if (!before) whole = false
      else if (before.listVersion !== this.version) break
      else first--
    }
    let sequence = first
    while (whole && sequence <= history.lastSequence()) {
      const record = await history.record(sequence)
      if (adaptation !== this.adaptation) return
      if (!record || record.listVersion !== this.version) whole = false
      else {
        if (this.last) {
          if (adaptation.deciding() && !this.fresh && !(await this.rescore(adaptation))) return
          this.weigh(adaptation, this.last)
          await ds.sleep(STEP_MS)
        }
        if (adaptation.has(record.position, record.song)) adaptation.mark(record.position)
        this.last = record
        sequence++
      }
    }
    if (adaptation !== this.adaptation) return
    // The song that plays now, if one does, has begun after the last listen.
    this.waits = this.last !== undefined
    this.whole = whole
    this.known = true
    // Nobody can tell what was played: the published order goes on from where the board stands.
    if (!whole) this.adaptation = undefined
  }
}
