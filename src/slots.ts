// The two playlist slots: a new list is written to the slot that does not play, read back part by part, and only
// then staged; at the next track boundary it is read once more, checked once more, and becomes the active one. Until
// then, and whenever anything fails, the old one plays.

import * as ds from "@devicescript/core"
import { type BoardMemory, PART_BYTES } from "./memory/board-memory"
import { countOf, faultOf, versionOf } from "./playlist"
import { type BoardState, NO_SLOT } from "./state"
import { LIST_HEADER_BYTES, LIST_ITEM_BYTES, REFUSED_STORE, REFUSED_TOO_LARGE } from "./wire"

/** How long one fiber waits before it looks again whether the other has done with the slots. */
const TURN_MS = 5

export class PlaylistSlots {
  /** Version of the list that plays; 0 = none. */
  version = 0
  /** Version of the list that is staged; 0 = none. */
  next = 0
  /** The list that plays; checked. */
  active: Buffer
  private busy = false

  constructor(
    private memory: BoardMemory,
    private state: BoardState,
    private maxSong: number,
  ) {}

  /** After a start: reads both slots as the state says. */
  async open(): Promise<void> {
    if (this.state.slot !== NO_SLOT) {
      this.active = await this.read(this.state.slot)
      this.version = this.active ? versionOf(this.active) : 0
    }
    if (this.state.staged) {
      const staged = await this.read(this.spare())
      this.next = staged ? versionOf(staged) : 0
    }
  }

  /** Checks `bytes` and stages them; a REFUSED_ code where they can't be, 0 where they are. */
  async stage(bytes: Buffer): Promise<number> {
    if (bytes.length > this.memory.maxListBytes) return REFUSED_TOO_LARGE
    const fault = faultOf(bytes, this.maxSong)
    if (fault !== 0) return fault
    await this.turn()
    try {
      this.next = 0
      if (this.state.staged) {
        // The slot is about to be written: a start in between must not find it staged.
        this.state.staged = false
        if (!(await this.state.commit())) return REFUSED_STORE
      }
      for (let at = 0; at < bytes.length; at += PART_BYTES) {
        const part = bytes.slice(at, Math.min(at + PART_BYTES, bytes.length))
        if (!(await this.memory.writePart(this.spare(), at / PART_BYTES, part))) return REFUSED_STORE
      }
      this.state.staged = true
      if (!(await this.state.commit())) {
        this.state.staged = false
        return REFUSED_STORE
      }
      this.next = versionOf(bytes)
      return 0
    } finally {
      this.busy = false
    }
  }

  /** Makes the staged list the active one; false where there is none, or where it can't be, and the old one stays. */
  async swap(): Promise<boolean> {
    // While a list is being written the music goes on with the old one.
    if (this.busy || !this.state.staged) return false
    this.busy = true
    try {
      const bytes = await this.read(this.spare())
      this.state.staged = false
      if (bytes) {
        const before = this.state.slot
        this.state.slot = this.spare()
        if (await this.state.commit()) {
          this.active = bytes
          this.version = versionOf(bytes)
          this.next = 0
          return true
        }
        this.state.slot = before
      }
      this.next = 0
      return false
    } finally {
      this.busy = false
    }
  }

  private spare(): number {
    return this.state.slot === 0 ? 1 : 0
  }

  /** The list in `slot`; undefined where it does not check. */
  private async read(slot: number): Promise<Buffer> {
    const head = await this.memory.readPart(slot, 0)
    if (!head || head.length < LIST_HEADER_BYTES) return undefined
    const size = LIST_HEADER_BYTES + countOf(head) * LIST_ITEM_BYTES
    if (size > this.memory.maxListBytes) return undefined
    const bytes = Buffer.alloc(size)
    for (let at = 0; at < size; at += PART_BYTES) {
      const part = at === 0 ? head : await this.memory.readPart(slot, at / PART_BYTES)
      if (!part || part.length < Math.min(PART_BYTES, size - at)) return undefined
      bytes.blitAt(at, part, 0, Math.min(PART_BYTES, size - at))
    }
    return faultOf(bytes, this.maxSong) === 0 ? bytes : undefined
  }

  private async turn(): Promise<void> {
    while (this.busy) await ds.sleep(TURN_MS)
    this.busy = true
  }
}
