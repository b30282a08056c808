// BoardMemory on FRAM, the MB85RC256V: 32 KB at I2C address 0x50, written byte by byte without erasing, 1,000 records.
// A board that has it never writes its flash after provisioning, so no power cut can cost it its program.
//
// Map, addresses in bytes:
//   0 state, two copies of 192 | 384 open listen, two copies of 64 | 512 records, 1,000 of 20
//   20,512 playlist slot 0, 5,000 | 25,512 slot 1, 5,000 | 30,512 free
// A copy: generation u32, length u8, the bytes, and the first 8 bytes of the SHA-256 of all that. The older of the
// two copies is written; the newer of those that check is read. The generation stands under the checksum: else a
// write that is cut after its first bytes would make an old copy the newest.

import * as ds from "@devicescript/core"
import { digest } from "@devicescript/crypto"
import { same } from "../flash"
import type { I2cBus } from "../i2c"
import { RECORD_BYTES } from "../record"
import { type BoardMemory, CELL_OPEN, MEMORY_FRAM, PAGE_RECORDS, PART_BYTES } from "./board-memory"

const ADDRESS = 0x50
const CAPACITY = 1000
const MAX_LIST_BYTES = 5000

const STATE_AT = 0
const STATE_BYTES = 192
const OPEN_AT = 2 * STATE_BYTES
const OPEN_BYTES = 64
const RECORDS_AT = OPEN_AT + 2 * OPEN_BYTES
const LISTS_AT = RECORDS_AT + CAPACITY * RECORD_BYTES

const HEAD_BYTES = 5
const SUM_BYTES = 8
const TRIES = 4

export class FramMemory implements BoardMemory {
  readonly kind = MEMORY_FRAM
  readonly capacity = CAPACITY
  readonly maxListBytes = MAX_LIST_BYTES
  readonly stateEndsLog = true
  private cells = [new Pair(this, STATE_AT, STATE_BYTES), new Pair(this, OPEN_AT, OPEN_BYTES)]

  constructor(private bus: I2cBus) {}

  /** A chip answers at the address. */
  async present(): Promise<boolean> {
    return (await this.read(0, 1)) !== undefined
  }

  async readCell(cell: number): Promise<Buffer> {
    return await this.cells[cell].read()
  }

  async writeCell(cell: number, bytes: Buffer): Promise<boolean> {
    return await this.cells[cell].write(bytes)
  }

  async readPage(page: number): Promise<Buffer> {
    return await this.read(RECORDS_AT + page * PAGE_RECORDS * RECORD_BYTES, PAGE_RECORDS * RECORD_BYTES)
  }

  async writeRecord(slot: number, record: Buffer): Promise<boolean> {
    return await this.write(RECORDS_AT + slot * RECORD_BYTES, record.slice(0, RECORD_BYTES))
  }

  /** The state says which records count, so those of another epoch can stay; the open listen can't. */
  async clear(): Promise<boolean> {
    return await this.writeCell(CELL_OPEN, Buffer.alloc(1))
  }

  async readPart(slot: number, part: number): Promise<Buffer> {
    return await this.read(LISTS_AT + slot * MAX_LIST_BYTES + part * PART_BYTES, PART_BYTES)
  }

  async writePart(slot: number, part: number, bytes: Buffer): Promise<boolean> {
    return await this.write(LISTS_AT + slot * MAX_LIST_BYTES + part * PART_BYTES, bytes)
  }

  /** `count` bytes from `at`; undefined where the chip does not answer. */
  async read(at: number, count: number): Promise<Buffer> {
    // A transaction of the microcontroller does not yield. Without this a full request would be collected and packed
    // in twice the 128 K steps after which the runtime ends the program.
    await ds.sleep(0)
    for (let i = 0; i < TRIES; i++) {
      const bytes = await this.bus.xfer(ADDRESS, Buffer.from([at >> 8, at & 255]), count)
      if (bytes !== undefined && bytes.length === count) return bytes
    }
    return undefined
  }

  /** Writes and reads back; false where the bytes did not arrive, after some tries. */
  async write(at: number, bytes: Buffer): Promise<boolean> {
    const message = Buffer.from([at >> 8, at & 255]).concat(bytes)
    for (let i = 0; i < TRIES; i++) {
      await this.bus.xfer(ADDRESS, message, 0)
      const back = await this.read(at, bytes.length)
      if (back !== undefined && same(back, bytes)) return true
    }
    console.log("fram: " + bytes.length + " bytes at " + at + " were not kept")
    return false
  }
}

/** Two copies of a few bytes, written in turns. */
class Pair {
  private generation = 0
  /** The copy that the next write takes: never the newest that checks. */
  private next = 0

  /** `bytes`: room of one copy; the copies stand at `at` and right behind. */
  constructor(
    private memory: FramMemory,
    private at: number,
    private bytes: number,
  ) {}

  async read(): Promise<Buffer> {
    let newest = Buffer.alloc(0)
    this.generation = 0
    this.next = 0
    for (let copy = 0; copy < 2; copy++) {
      const bytes = await this.memory.read(this.at + copy * this.bytes, this.bytes)
      if (bytes === undefined) return undefined
      const end = HEAD_BYTES + bytes[4]
      const generation = bytes.getAt(0, "u32")
      if (generation > this.generation && end + SUM_BYTES <= this.bytes) {
        const sum = digest("sha256", bytes.slice(0, end)).slice(0, SUM_BYTES)
        if (same(sum, bytes.slice(end, end + SUM_BYTES))) {
          this.generation = generation
          this.next = 1 - copy
          newest = bytes.slice(HEAD_BYTES, end)
        }
      }
    }
    return newest
  }

  async write(bytes: Buffer): Promise<boolean> {
    const head = Buffer.alloc(HEAD_BYTES)
    head.setAt(0, "u32", this.generation + 1)
    head[4] = bytes.length
    const copy = head.concat(bytes)
    const sum = digest("sha256", copy).slice(0, SUM_BYTES)
    if (!(await this.memory.write(this.at + this.next * this.bytes, copy.concat(sum)))) return false
    this.generation++
    this.next = 1 - this.next
    return true
  }
}
