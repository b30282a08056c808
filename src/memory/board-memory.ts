// What the board needs from its memory: one small state, the listen that goes on, a ring of listen records, two
// playlist slots. Two kinds stand behind it: settings flash (settings-memory.ts) and FRAM (fram-memory.ts).
//
// Every write is read back before it counts. A power cut within a write leaves the state and the open listen as they
// were or as they are meant to be, never a mixture; a record or a part of a playlist may be torn, so a record counts
// only where it checks and a playlist only as a whole.

/** SyncHealth.store. */
export const MEMORY_FLASH = 0
export const MEMORY_FRAM = 1

/** Cells: the state, and the open listen. */
export const CELL_STATE = 0
export const CELL_OPEN = 1

/** Records of one page: the most that is read at once. */
export const PAGE_RECORDS = 10
/** Bytes of one part of a playlist, and of a page of records. */
export const PART_BYTES = 200

export interface BoardMemory {
  /** MEMORY_ value. */
  readonly kind: number
  /** Records that fit, a multiple of PAGE_RECORDS. */
  readonly capacity: number
  /** Largest playlist that a slot holds, bytes. */
  readonly maxListBytes: number
  /**
   * A record counts once the state names it as the last one; else the newest record that checks ends the log. With
   * the record's own checksum of 8 bits alone, one torn write in 256 would pass for a record.
   */
  readonly stateEndsLog: boolean

  /** A cell as it was last written whole: empty where there is none, undefined where the memory does not answer. */
  readCell(cell: number): Promise<Buffer>
  writeCell(cell: number, bytes: Buffer): Promise<boolean>
  /** Records PAGE_RECORDS · `page` and on, RECORD_BYTES each; shorter where never written; undefined: no answer. */
  readPage(page: number): Promise<Buffer>
  /** Writes the first RECORD_BYTES of `record` into slot 0 … capacity − 1. */
  writeRecord(slot: number, record: Buffer): Promise<boolean>
  /** Makes the ring and the open listen blank where what is in them could be taken for records of a new epoch. */
  clear(): Promise<boolean>
  /** Part `part` of playlist slot 0 or 1; shorter or empty where it was not written, undefined: no answer. */
  readPart(slot: number, part: number): Promise<Buffer>
  /** At most PART_BYTES. */
  writePart(slot: number, part: number, bytes: Buffer): Promise<boolean>
}
