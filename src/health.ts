// How the board is: what it tells the host of itself, what its light shows, and the end of the music when the battery
// is nearly empty.

import * as ds from "@devicescript/core"
import { AUDIO_ABSENT } from "./audio/audio-output"
import { Battery } from "./battery"
import type { I2cBus } from "./i2c"
import { PRESS_BATTERY } from "./player"
import { Rtc } from "./rtc"
import {
  LIGHT_BATTERY_LOW,
  LIGHT_NO_MEMORY,
  LIGHT_NO_PLAYLIST,
  LIGHT_NO_SOUND,
  LIGHT_NO_SYNC,
  LIGHT_PAUSED,
  LIGHT_PLAYING,
  LIGHT_STARTING,
  LIGHT_SYNCING,
  LIGHT_UNPROVISIONED,
  logCondition,
} from "./status-light"
import type { SyncParts } from "./sync"
import type { SyncHealth } from "./wire"

const POLL_MS = 60000
/** So long without a sync is worth somebody's attention. */
const NO_SYNC_MS = 86400000
const MAX_LOG = 65535

export class Health {
  /** RESET_ value. */
  reset = 0
  /** The board waits for its memory. */
  waiting = false
  /** Failed syncs since the last one that went through. */
  fails = 0
  /** Uptime at the end of that one; 0 = none in this boot. */
  lastSync = 0
  syncing = false
  provisioned = true
  private parts: SyncParts
  private battery: Battery
  private rtc: Rtc

  constructor(bus: I2cBus) {
    this.battery = new Battery(bus)
    this.rtc = new Rtc(bus)
  }

  /** The board runs: looks after the battery from now on. */
  start(parts: SyncParts): void {
    this.parts = parts
    const self = this
    const watch = async () => {
      while (true) {
        await self.battery.poll()
        if (self.battery.empty) parts.player.press(PRESS_BATTERY, ds.millis())
        await ds.sleep(POLL_MS)
      }
    }
    watch.start()
  }

  /** Sum of LIGHT_ values. */
  conditions(): number {
    if (!this.parts) return this.waiting ? LIGHT_STARTING | LIGHT_NO_MEMORY : LIGHT_STARTING
    const { audio, lists, log, memory, player } = this.parts
    let sum = logCondition(log.unacknowledged(), memory.capacity)
    if (log.refused()) sum |= LIGHT_NO_MEMORY
    if (audio.state() === AUDIO_ABSENT) sum |= LIGHT_NO_SOUND
    if (!this.provisioned) sum |= LIGHT_UNPROVISIONED
    if (this.battery.low) sum |= LIGHT_BATTERY_LOW
    if (ds.millis() - this.lastSync > NO_SYNC_MS) sum |= LIGHT_NO_SYNC
    if (lists.version === 0) sum |= LIGHT_NO_PLAYLIST
    if (this.syncing) sum |= LIGHT_SYNCING
    if (player.pausing()) sum |= LIGHT_PAUSED
    else if (!player.idle()) sum |= LIGHT_PLAYING
    return sum
  }

  async report(): Promise<SyncHealth> {
    const { audio, log, memory, state } = this.parts
    const health: SyncHealth = {
      // What the field holds; a request that says more is refused.
      log: Math.min(log.unacknowledged(), MAX_LOG),
      cap: memory.capacity,
      full: state.unrecordedCount,
      audio: audio.errors,
      fails: this.fails,
      store: memory.kind,
      vol: state.loudness(),
      card: audio.card,
      bat: this.battery.percent,
      reset: this.reset,
      rtc: await this.rtc.read(),
    }
    if (this.lastSync > 0) health.last = this.lastSync
    return health
  }

  /** A sync went through, at `now` of the host's clock (Unix ms). */
  async synced(now: number): Promise<void> {
    this.fails = 0
    this.lastSync = ds.millis()
    await this.rtc.set(now)
  }
}
