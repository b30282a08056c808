// The listen log: what happened, kept until the host has it. One interface, so that a store of another kind
// (FRAM) can stand where the settings flash is.
//
// Sequences are 1, 2, 3, … within an epoch, without holes: every listen that ends takes one, whether the log
// could keep it or not, so the host can prove that it has seen everything. The one exception is a listen that is
// lost before its first checkpoint: nobody ever heard of it, and its number goes to the next one.

import type { ListenRecord } from "../record"

/** What one request tells: records and ranges of sequences that cannot be given, in order of sequence. */
export class Batch {
  count = 0
  /** [boot or 0, from, to, GONE_ code] each. */
  gone: number[][] = []

  /** `records`: room for the packed records, RECORD_BYTES each. */
  constructor(readonly records: Buffer) {}

  clear(): void {
    this.count = 0
    this.gone = []
  }
}

/** Where the board was when it lost power or restarted. */
export interface LastListen {
  record: ListenRecord
  /** The listen was paused when the power went. */
  paused: boolean
}

export interface ListenLog {
  /** 0 = settings flash, 1 = FRAM: SyncHealth.store. */
  readonly kind: number
  /** Records that fit. */
  readonly capacity: number
  /**
   * Finds or starts the epoch, counts this start, reads both back, recovers the log and turns a listen that was
   * open when the power went into a record. Call once, before anything else; resolves only when this is on flash.
   */
  open(): Promise<LastListen>
  /** The sequence that the open listen has, or the next one gets. */
  nextSequence(): number
  /** Keeps the listen that goes on, as it would be if the power went now; false where the flash refused. */
  checkpoint(record: ListenRecord, paused: boolean): Promise<boolean>
  /** Keeps a listen that ended; sets its boot and sequence. Does not fail: what flash refuses waits in RAM. */
  append(record: ListenRecord): Promise<void>
  /** Tries again what the flash refused; true where nothing waits any more. */
  flush(): Promise<boolean>
  /** Adds what is known of sequences `from` to `to`; gives the first one that is not in the batch. */
  collect(batch: Batch, from: number, to: number): Promise<number>
  /** The host has everything up to `upTo` on disk: those records may be overwritten. */
  acknowledge(upTo: number): Promise<void>
  /** Listens that ended and that no acknowledgement covers. */
  unacknowledged(): number
}
