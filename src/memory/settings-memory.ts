// BoardMemory on the settings flash: no extra part, 400 records. 40 entries of 10 records, 20 of playlist parts, the
// state and the open listen, 62 of the 72 entries that an ESP32 has room for.
//
// An entry is written whole, so nothing in it is ever torn. But a power cut within a flash write can make
// DeviceScript erase everything at the next start, the program included: a board with this memory alone promises
// only what it has synced.

import { type SettingsFlash, same } from "../flash"
import { RECORD_BYTES } from "../record"
import { type BoardMemory, CELL_STATE, MEMORY_FLASH, PAGE_RECORDS, PART_BYTES } from "./board-memory"

const PAGES = 40
const MAX_LIST_BYTES = 10 * PART_BYTES

export class SettingsMemory implements BoardMemory {
  readonly kind = MEMORY_FLASH
  readonly capacity = PAGES * PAGE_RECORDS
  readonly maxListBytes = MAX_LIST_BYTES
  readonly stateEndsLog = false
  /** Page that was read or written last by whoever appends, and its number. */
  private page: Buffer
  private pageIndex = -1

  /** `prefix`: the first letters of all keys. */
  constructor(
    private flash: SettingsFlash,
    private prefix: string,
  ) {}

  async readCell(cell: number): Promise<Buffer> {
    return await this.flash.read(this.prefix + nameOf(cell))
  }

  async writeCell(cell: number, bytes: Buffer): Promise<boolean> {
    return await this.write(nameOf(cell), bytes)
  }

  async readPage(page: number): Promise<Buffer> {
    return await this.flash.read(this.prefix + "l" + page)
  }

  async writeRecord(slot: number, record: Buffer): Promise<boolean> {
    const index = Math.idiv(slot, PAGE_RECORDS)
    if (this.pageIndex !== index) {
      const old = await this.readPage(index)
      if (old === undefined) return false
      this.page = Buffer.alloc(PART_BYTES)
      this.page.blitAt(0, old, 0, Math.min(old.length, PART_BYTES))
      this.pageIndex = index
    }
    this.page.blitAt((slot % PAGE_RECORDS) * RECORD_BYTES, record, 0, RECORD_BYTES)
    return await this.write("l" + index, this.page)
  }

  async clear(): Promise<boolean> {
    const none = Buffer.alloc(1)
    this.pageIndex = -1
    for (let i = 0; i <= PAGES; i++) {
      const key = i < PAGES ? "l" + i : "open"
      const old = await this.flash.read(this.prefix + key)
      if (old === undefined) return false
      if (old.length > 0 && !same(old, none) && !(await this.write(key, none))) return false
    }
    return true
  }

  async readPart(slot: number, part: number): Promise<Buffer> {
    return await this.flash.read(this.prefix + (slot === 0 ? "a" : "b") + part)
  }

  async writePart(slot: number, part: number, bytes: Buffer): Promise<boolean> {
    return await this.write((slot === 0 ? "a" : "b") + part, bytes)
  }

  private async write(key: string, bytes: Buffer): Promise<boolean> {
    return await this.flash.write(this.prefix + key, bytes)
  }
}

function nameOf(cell: number): string {
  return cell === CELL_STATE ? "state" : "open"
}
