// The listen log: what happened, kept in a ring of records until the host has it. Which memory holds the ring is the
// business of BoardMemory.
//
// Sequences are 1, 2, 3, … within an epoch, without holes: every listen that ends takes one, whether the log
// could keep it or not, so the host can prove that it has seen everything. The one exception is a listen that is
// lost before its first checkpoint: nobody ever heard of it, and its number goes to the next one.
//
// The record of sequence s always has slot (s − 1) mod capacity, so finding, freeing and recovering need no index:
// slot and record belong together exactly where the record checks and has that sequence. A slot may be written
// once the sequence `capacity` before it is acknowledged; before that the log is full, and the listen is counted and
// named in BoardState.unrecorded instead. Each write is read back; what could not be written waits in RAM, in order,
// and is never told to the host before it is kept: a number that the host has seen is never given away again.
// Appending and checkpointing belong to one fiber (the player's), collecting and acknowledging to another.

import * as ds from "@devicescript/core"
import { type BoardMemory, CELL_OPEN, PAGE_RECORDS } from "../memory/board-memory"
import { type ListenRecord, packRecord, RECORD_BYTES, unpackRecord } from "../record"
import { type BoardState, MAX_UNRECORDED_RANGES } from "../state"
import { GONE_CHECKSUM, GONE_LOG_FULL, GONE_UNKNOWN, MAX_PLAYS, MAX_RANGES } from "../wire"

const MAX_BOOT = 65535
/** Records that wait in RAM at most while the memory refuses writes. */
const MAX_WAITING = 12
const RETRY_MS = 5000
const TURN_MS = 3
const CHECKPOINT_BYTES = RECORD_BYTES + 1

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

export class ListenLog {
  /** Everything up to this sequence has ended and is kept; only this much is told to the host. */
  private closed = 0
  private waiting: ListenRecord[] = []
  private busy = false
  private draft = Buffer.alloc(CHECKPOINT_BYTES)

  constructor(
    private memory: BoardMemory,
    private state: BoardState,
  ) {}

  /**
   * Finds or starts the epoch, counts this start, reads both back, recovers the log and turns a listen that was
   * open when the power went into a record. Call once, before anything else; resolves only when this is kept.
   */
  async open(): Promise<LastListen> {
    let found = await this.state.load()
    while (found === undefined) {
      await ds.sleep(RETRY_MS)
      found = await this.state.load()
    }
    if (!found || this.state.boot >= MAX_BOOT) {
      // Records of another epoch must not be taken for this one's.
      while (!(await this.memory.clear())) await ds.sleep(RETRY_MS)
      this.state.renew()
    }
    this.state.boot++
    // Without a start that is kept two boots could have the same name: better no music than a wrong record.
    while (!(await this.state.commit())) await ds.sleep(RETRY_MS)
    const newest = this.memory.stateEndsLog ? await this.stored(this.state.last) : await this.newest()
    if (newest && newest.sequence > this.state.last) this.state.last = newest.sequence
    this.closed = this.state.last
    const open = await this.lastCheckpoint()
    if (!open || (newest && newest.sequence >= open.record.sequence)) {
      if (!newest) return undefined
      return {
        record: newest,
        paused: open !== undefined && newest.sequence === open.record.sequence && open.paused,
      }
    }
    if (open.record.sequence > this.state.last) {
      // Numbers before it that are in neither the log nor `unrecorded` were lost in RAM: they read as unknown.
      this.state.last = open.record.sequence - 1
      this.closed = this.state.last
      this.waiting.push(open.record)
      await this.flush()
    }
    return open
  }

  /** A listen waits in RAM because the memory has refused it, or is just being written. */
  refused(): boolean {
    return this.waiting.length > 0
  }

  /** Sequence of the newest listen that has ended; 0 = none. */
  lastSequence(): number {
    return this.closed + this.waiting.length
  }

  /** The listen with this sequence, where the memory holds it or it waits for the memory; undefined otherwise. */
  async record(sequence: number): Promise<ListenRecord> {
    for (const record of this.waiting) if (record.sequence === sequence) return record
    return await this.stored(sequence)
  }

  /** Keeps the listen that goes on, as it would be if the power went now; false where the memory refused. */
  async checkpoint(record: ListenRecord, paused: boolean): Promise<boolean> {
    if (!(await this.flush())) return false
    record.sequence = this.lastSequence() + 1
    record.boot = this.state.boot
    return await this.writeCheckpoint(record, paused)
  }

  /** Keeps a listen that ended; sets its boot and sequence. Does not fail: what the memory refuses waits in RAM. */
  async append(record: ListenRecord): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) {
      this.state.unrecordedCount++
      return
    }
    record.sequence = this.lastSequence() + 1
    record.boot = this.state.boot
    this.waiting.push(record)
    await this.flush()
  }

  /** Tries again what the memory refused; true where nothing waits any more. */
  async flush(): Promise<boolean> {
    while (this.waiting.length > 0) {
      const record = this.waiting[0]
      const kept = this.full(record.sequence) ? await this.leaveOut(record) : await this.put(record)
      if (!kept) return false
      this.closed = record.sequence
      this.waiting.shift()
    }
    return true
  }

  /** Adds what is known of sequences `from` to `to`; gives the first one that is not in the batch. */
  async collect(batch: Batch, from: number, to: number): Promise<number> {
    const end = Math.min(to, this.closed)
    let sequence = from
    // Overwritten long ago: one range, however long. What is not acknowledged is never overwritten, and of what is,
    // numbers that found the log full have overwritten nothing.
    const first = Math.min(this.state.acked + 1, this.closed - 2 * this.memory.capacity + 1)
    if (sequence < first && sequence <= end) {
      const upTo = Math.min(end, first - 1)
      if (!addGone(batch, 0, sequence, upTo, GONE_UNKNOWN)) return sequence
      sequence = upTo + 1
    }
    let bytes: Buffer
    let index = -1
    while (sequence <= end) {
      const left = this.rangeOf(sequence)
      if (left) {
        const upTo = Math.min(end, left[2])
        if (!addGone(batch, left[0], sequence, upTo, GONE_LOG_FULL)) return sequence
        sequence = upTo + 1
      } else {
        const slot = (sequence - 1) % this.memory.capacity
        if (index !== Math.idiv(slot, PAGE_RECORDS)) {
          index = Math.idiv(slot, PAGE_RECORDS)
          bytes = await this.memory.readPage(index)
          // No answer is no reason to call records gone: the next sync asks again.
          if (bytes === undefined) return sequence
        }
        const offset = (slot % PAGE_RECORDS) * RECORD_BYTES
        const record = unpackRecord(bytes, offset)
        if (record && record.sequence === sequence) {
          if (batch.count === MAX_PLAYS) return sequence
          batch.records.blitAt(batch.count * RECORD_BYTES, bytes, offset, RECORD_BYTES)
          batch.count++
        } else {
          const why = record || blank(bytes, offset) ? GONE_UNKNOWN : GONE_CHECKSUM
          if (!addGone(batch, 0, sequence, sequence, why)) return sequence
        }
        sequence++
      }
    }
    return sequence
  }

  /** The host has everything up to `upTo` on disk: those records may be overwritten. */
  async acknowledge(upTo: number): Promise<void> {
    const state = this.state
    await this.turn()
    const before = state.acked
    const ranges = state.unrecorded
    const covered = Math.min(upTo, this.closed)
    if (covered > before) {
      state.acked = covered
      state.unrecorded = ranges.filter((range) => range[2] > covered)
      if (!(await state.commit())) {
        // Freed in RAM alone, the same records would be reported as lost after a restart.
        state.acked = before
        state.unrecorded = ranges
      }
    }
    this.busy = false
  }

  /** Listens that ended and that no acknowledgement covers. */
  unacknowledged(): number {
    return this.closed - this.state.acked
  }

  private full(sequence: number): boolean {
    if (sequence > this.state.acked + this.memory.capacity) return true
    // The list of ranges is bounded too: when it is full, its last range grows until the host has taken some.
    return this.state.unrecorded.length >= MAX_UNRECORDED_RANGES
  }

  /** Counts and names a listen that the full log can't take. */
  private async leaveOut(record: ListenRecord): Promise<boolean> {
    const state = this.state
    await this.turn()
    const ranges = state.unrecorded
    const tail = ranges.length > 0 ? ranges[ranges.length - 1] : undefined
    const grows = tail !== undefined && tail[2] === record.sequence - 1
    const boot = grows ? tail[0] : 0
    if (grows) {
      tail[2] = record.sequence
      if (boot !== record.boot) tail[0] = 0
    } else ranges.push([record.boot, record.sequence, record.sequence])
    state.unrecordedCount++
    const before = state.last
    state.last = record.sequence
    const kept = await state.commit()
    if (!kept) {
      state.last = before
      state.unrecordedCount--
      if (grows) {
        tail[2] = record.sequence - 1
        tail[0] = boot
      } else ranges.pop()
    }
    this.busy = false
    // The ring does not hold it, so the checkpoint remembers how it ended and where to go on after a restart.
    if (kept) await this.writeCheckpoint(record, false)
    return kept
  }

  /** Acknowledging and leaving out both change the list of ranges: one at a time. */
  private async turn(): Promise<void> {
    while (this.busy) await ds.sleep(TURN_MS)
    this.busy = true
  }

  private async put(record: ListenRecord): Promise<boolean> {
    const state = this.state
    packRecord(record, this.draft, 0)
    if (!(await this.memory.writeRecord((record.sequence - 1) % this.memory.capacity, this.draft)))
      return false
    const before = state.last
    state.last = record.sequence
    if (!this.memory.stateEndsLog || (await state.commit())) return true
    state.last = before
    return false
  }

  private async writeCheckpoint(record: ListenRecord, paused: boolean): Promise<boolean> {
    packRecord(record, this.draft, 0)
    this.draft[RECORD_BYTES] = paused ? 1 : 0
    return await this.memory.writeCell(CELL_OPEN, this.draft)
  }

  private async lastCheckpoint(): Promise<LastListen> {
    let bytes = await this.memory.readCell(CELL_OPEN)
    while (bytes === undefined) {
      await ds.sleep(RETRY_MS)
      bytes = await this.memory.readCell(CELL_OPEN)
    }
    if (bytes.length !== CHECKPOINT_BYTES) return undefined
    const record = unpackRecord(bytes, 0)
    if (!record) return undefined
    return { record: record, paused: bytes[RECORD_BYTES] === 1 }
  }

  /** The record in the ring, if it checks. */
  private async stored(sequence: number): Promise<ListenRecord> {
    if (sequence === 0) return undefined
    const slot = (sequence - 1) % this.memory.capacity
    const bytes = await this.readSurely(Math.idiv(slot, PAGE_RECORDS))
    const record = unpackRecord(bytes, (slot % PAGE_RECORDS) * RECORD_BYTES)
    return record && record.sequence === sequence ? record : undefined
  }

  /** The record with the highest sequence in the ring. */
  private async newest(): Promise<ListenRecord> {
    let best: ListenRecord
    for (let page = 0; page * PAGE_RECORDS < this.memory.capacity; page++) {
      const bytes = await this.readSurely(page)
      for (let k = 0; k < PAGE_RECORDS; k++) {
        const record = unpackRecord(bytes, k * RECORD_BYTES)
        if (record && (record.sequence - 1) % this.memory.capacity === page * PAGE_RECORDS + k) {
          if (!best || record.sequence > best.sequence) best = record
        }
      }
    }
    return best
  }

  private async readSurely(page: number): Promise<Buffer> {
    let bytes = await this.memory.readPage(page)
    while (bytes === undefined) {
      await ds.sleep(RETRY_MS)
      bytes = await this.memory.readPage(page)
    }
    return bytes
  }

  private rangeOf(sequence: number): number[] {
    for (const range of this.state.unrecorded) {
      if (range[1] <= sequence && sequence <= range[2]) return range
    }
    return undefined
  }
}

/** Never written: zeros, or beyond the end of the entry. */
function blank(bytes: Buffer, offset: number): boolean {
  for (let i = offset; i < offset + RECORD_BYTES && i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}

/** Adds a range, joined to the one before where it can be; false where the batch is full. */
function addGone(batch: Batch, boot: number, from: number, to: number, why: number): boolean {
  const count = batch.gone.length
  const last = count > 0 ? batch.gone[count - 1] : undefined
  if (last && last[2] === from - 1 && last[0] === boot && last[3] === why) {
    last[2] = to
    return true
  }
  if (count === MAX_RANGES) return false
  batch.gone.push([boot, from, to, why])
  return true
}
