// Playlists on the board: check the bytes of wire.ts, keep them in one of two slots, swap.
//
// A new list is checked, written to the slot that does not play, read back entry by entry, and only then staged; at
// the next track boundary it is read once more, checked once more, and becomes the active one. Until then, and
// whenever anything fails, the old one plays. A slot is ten settings entries of 200 bytes.

import * as ds from "@devicescript/core"
import { digest } from "@devicescript/crypto"
import type { SettingsFlash } from "./flash"
import { FLAG_EXPLORE } from "./record"
import { type BoardState, NO_SLOT } from "./state"
import {
  LIST_CHECKSUM_AT,
  LIST_CHECKSUM_BYTES,
  LIST_HEADER_BYTES,
  LIST_ITEM_BYTES,
  LIST_LAYOUT,
  LIST_MAGIC_0,
  LIST_MAGIC_1,
  MAX_PLAYLIST_BYTES,
  MAX_PLAYLIST_ITEMS,
  REFUSED_CHECKSUM,
  REFUSED_FORMAT,
  REFUSED_SONG,
  REFUSED_STORE,
  REFUSED_TOO_LARGE,
} from "./wire"

const ENTRY_BYTES = 200
/** How long one fiber waits before it looks again whether the other has done with the slots. */
const TURN_MS = 5

/** Why the board can't play `bytes` (a REFUSED_ code), or 0. `maxSong`: highest file number of the sound board. */
export function faultOf(bytes: Buffer, maxSong: number): number {
  if (bytes.length > MAX_PLAYLIST_BYTES) return REFUSED_TOO_LARGE
  if (bytes.length < LIST_HEADER_BYTES || bytes[0] !== LIST_MAGIC_0 || bytes[1] !== LIST_MAGIC_1) {
    return REFUSED_FORMAT
  }
  const count = countOf(bytes)
  if (bytes[2] !== LIST_LAYOUT || bytes.length !== LIST_HEADER_BYTES + count * LIST_ITEM_BYTES) {
    return REFUSED_FORMAT
  }
  const sum = digest("sha256", bytes.slice(0, LIST_CHECKSUM_AT), bytes.slice(LIST_HEADER_BYTES))
  for (let i = 0; i < LIST_CHECKSUM_BYTES; i++) {
    if (sum[i] !== bytes[LIST_CHECKSUM_AT + i]) return REFUSED_CHECKSUM
  }
  if (versionOf(bytes) === 0 || count === 0 || count > MAX_PLAYLIST_ITEMS) return REFUSED_FORMAT
  for (let i = 0; i < count; i++) {
    const song = songAt(bytes, i)
    if (song === 0 || lengthAt(bytes, i) === 0) return REFUSED_FORMAT
    if (song > maxSong) return REFUSED_SONG
  }
  return 0
}

export function versionOf(bytes: Buffer): number {
  return bytes.getAt(4, "u32")
}

export function countOf(bytes: Buffer): number {
  return bytes.getAt(8, "u16")
}

/** File number of item `i`. */
export function songAt(bytes: Buffer, i: number): number {
  return bytes.getAt(LIST_HEADER_BYTES + i * LIST_ITEM_BYTES, "u16")
}

/** Length of item `i`, milliseconds. */
export function lengthAt(bytes: Buffer, i: number): number {
  const at = LIST_HEADER_BYTES + i * LIST_ITEM_BYTES + 2
  return bytes.getAt(at, "u16") + bytes[at + 2] * 65536
}

/** FLAG_ values of item `i` that a record takes over. */
export function flagsAt(bytes: Buffer, i: number): number {
  return bytes[LIST_HEADER_BYTES + i * LIST_ITEM_BYTES + 5] & FLAG_EXPLORE
}

export class PlaylistSlots {
  /** Version of the list that plays; 0 = none. */
  version = 0
  /** Version of the list that is staged; 0 = none. */
  next = 0
  /** The list that plays; checked. */
  active: Buffer
  private busy = false

  /** `keys`: the first letters of the keys of slot 0 and of slot 1. */
  constructor(
    private flash: SettingsFlash,
    private state: BoardState,
    private keys: string[],
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
      const prefix = this.keys[this.spare()]
      for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
        const part = bytes.slice(at, Math.min(at + ENTRY_BYTES, bytes.length))
        if (!(await this.flash.write(prefix + at / ENTRY_BYTES, part))) return REFUSED_STORE
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
    const prefix = this.keys[slot]
    const head = await this.flash.read(prefix + 0)
    if (!head || head.length < LIST_HEADER_BYTES) return undefined
    const size = LIST_HEADER_BYTES + countOf(head) * LIST_ITEM_BYTES
    if (size > MAX_PLAYLIST_BYTES) return undefined
    const bytes = Buffer.alloc(size)
    for (let at = 0; at < size; at += ENTRY_BYTES) {
      const part = await this.flash.read(prefix + at / ENTRY_BYTES)
      if (!part || part.length < Math.min(ENTRY_BYTES, size - at)) return undefined
      bytes.blitAt(at, part, 0, Math.min(ENTRY_BYTES, size - at))
    }
    return faultOf(bytes, this.maxSong) === 0 ? bytes : undefined
  }

  private async turn(): Promise<void> {
    while (this.busy) await ds.sleep(TURN_MS)
    this.busy = true
  }
}
