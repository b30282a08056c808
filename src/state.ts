// What the board must not forget: epoch, boot, what the host has acknowledged, which playlist slot plays, the plan.
// 168 bytes, written whole, read back, and checked by the first bytes of their SHA-256.
//
// Layout, little endian:
//   0 "FS" | 2 layout u8 = 2 | 3 volume u8 | 4 epoch u32 | 8 boot u16 | 10 active slot u8 (255 none)
//   11 staged u8 | 12 acknowledged u32 | 16 last u32 | 20 unrecorded u32 | 24 minutes between syncs u16
//   26 highest volume u8 | 27 ranges not recorded u8 | 28 … ranges: boot u16, from u32, to u32
//   148 CONTROL_ values u8 | 149 1 = the board restarts itself u8 | 150 minutes of the sleep timer u16
//   152 checksum, 16 bytes

import * as ds from "@devicescript/core"
import { digest, randomBuffer } from "@devicescript/crypto"
import { type BoardMemory, CELL_STATE } from "./memory/board-memory"
import { MAX_VOLUME } from "./record"
import type { DevicePlan } from "./wire"

/** Most ranges of listens that were not recorded; see ListenLog. */
export const MAX_UNRECORDED_RANGES = 12
export const NO_SLOT = 255
/** Minutes between syncs until the host has sent a plan. */
const DEFAULT_SYNC_MINUTES = 15
const DEFAULT_VOLUME = 8
const TURN_MS = 3

const LAYOUT = 2
const RANGES_AT = 28
const RANGE_BYTES = 10
const CONTROLS_AT = RANGES_AT + MAX_UNRECORDED_RANGES * RANGE_BYTES
const CHECKSUM_AT = CONTROLS_AT + 4
const CHECKSUM_BYTES = 16
const STATE_BYTES = CHECKSUM_AT + CHECKSUM_BYTES

export class BoardState {
  epoch = 0
  boot = 0
  /** Everything up to this sequence is durable at the host. */
  acked = 0
  /** Everything up to this sequence has ended: it is in the log, in `unrecorded`, or lost. */
  last = 0
  /** Listens of this epoch that found the log full, or no room in RAM while the memory refused writes. */
  unrecordedCount = 0
  /** [boot or 0, from, to] of those that the host has not acknowledged, ascending. */
  unrecorded: number[][] = []
  /** Playlist slot that plays: 0, 1 or NO_SLOT. */
  slot = NO_SLOT
  /** The other slot holds a checked playlist that starts at the next track boundary. */
  staged = false
  syncMinutes = DEFAULT_SYNC_MINUTES
  volume = DEFAULT_VOLUME
  maxVolume = MAX_VOLUME
  /** Sum of CONTROL_ values. */
  controls = 0
  sleepMinutes = 0
  /** The board is about to restart itself. */
  restarting = false
  /** It has done so. */
  restarted = false

  private bytes = Buffer.alloc(STATE_BYTES)
  private busy = false

  constructor(private memory: BoardMemory) {}

  /** Reads it: true = found, false = there is none that checks, undefined = the memory did not answer. */
  async load(): Promise<boolean> {
    const b = await this.memory.readCell(CELL_STATE)
    if (b === undefined) return undefined
    if (b.length !== STATE_BYTES || b[0] !== 0x46 || b[1] !== 0x53 || b[2] !== LAYOUT) return false
    const sum = digest("sha256", b.slice(0, CHECKSUM_AT))
    for (let i = 0; i < CHECKSUM_BYTES; i++) if (sum[i] !== b[CHECKSUM_AT + i]) return false
    this.volume = b[3]
    this.epoch = b.getAt(4, "u32")
    this.boot = b.getAt(8, "u16")
    this.slot = b[10]
    this.staged = b[11] === 1
    this.acked = b.getAt(12, "u32")
    this.last = b.getAt(16, "u32")
    this.unrecordedCount = b.getAt(20, "u32")
    this.syncMinutes = b.getAt(24, "u16")
    this.maxVolume = b[26]
    this.controls = b[CONTROLS_AT]
    this.restarted = b[CONTROLS_AT + 1] === 1
    this.sleepMinutes = b.getAt(CONTROLS_AT + 2, "u16")
    this.unrecorded = []
    for (let i = 0; i < b[27]; i++) {
      const at = RANGES_AT + i * RANGE_BYTES
      this.unrecorded.push([b.getAt(at, "u16"), b.getAt(at + 2, "u32"), b.getAt(at + 6, "u32")])
    }
    return true
  }

  /** Starts a new epoch. Plan, volume and playlist slots stay: they do not depend on it. */
  renew(): void {
    this.epoch = randomBuffer(4).getAt(0, "u32")
    this.boot = 0
    this.acked = 0
    this.last = 0
    this.unrecordedCount = 0
    this.unrecorded = []
  }

  /** The volume that is set, within what the study allows. */
  loudness(): number {
    return Math.min(this.volume, this.maxVolume)
  }

  /** What the study allows this board; true where that is news. */
  follow(plan: DevicePlan): boolean {
    const controls = plan.ctl || 0
    const sleep = plan.sleep || 0
    const same = plan.sync === this.syncMinutes && plan.vol === this.maxVolume
    if (same && controls === this.controls && sleep === this.sleepMinutes) return false
    this.syncMinutes = plan.sync
    this.maxVolume = plan.vol
    this.controls = controls
    this.sleepMinutes = sleep
    return true
  }

  /** Writes everything as it is now; false where it could not be read back. */
  async commit(): Promise<boolean> {
    // Packed when its turn comes: bytes that waited could overtake, and undo, what another fiber has committed.
    while (this.busy) await ds.sleep(TURN_MS)
    this.busy = true
    try {
      this.pack()
      return await this.memory.writeCell(CELL_STATE, this.bytes)
    } finally {
      this.busy = false
    }
  }

  private pack(): void {
    const b = this.bytes
    b[0] = 0x46
    b[1] = 0x53
    b[2] = LAYOUT
    b[3] = this.volume
    b.setAt(4, "u32", this.epoch)
    b.setAt(8, "u16", this.boot)
    b[10] = this.slot
    b[11] = this.staged ? 1 : 0
    b.setAt(12, "u32", this.acked)
    b.setAt(16, "u32", this.last)
    b.setAt(20, "u32", this.unrecordedCount)
    b.setAt(24, "u16", this.syncMinutes)
    b[26] = this.maxVolume
    b[27] = this.unrecorded.length
    b.fillAt(RANGES_AT, CHECKSUM_AT - RANGES_AT, 0)
    b[CONTROLS_AT] = this.controls
    b[CONTROLS_AT + 1] = this.restarting ? 1 : 0
    b.setAt(CONTROLS_AT + 2, "u16", this.sleepMinutes)
    for (let i = 0; i < this.unrecorded.length; i++) {
      const at = RANGES_AT + i * RANGE_BYTES
      b.setAt(at, "u16", this.unrecorded[i][0])
      b.setAt(at + 2, "u32", this.unrecorded[i][1])
      b.setAt(at + 6, "u32", this.unrecorded[i][2])
    }
    b.blitAt(CHECKSUM_AT, digest("sha256", b.slice(0, CHECKSUM_AT)), 0, CHECKSUM_BYTES)
  }
}
