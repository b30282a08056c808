// Time on the board is uptime in milliseconds and never a wall clock.

import * as ds from "@devicescript/core"

/** The runtime's scheduler stops at 2³² ms of uptime (49.7 days): the board restarts itself well before. */
export const RESTART_AFTER_MS = 45 * 24 * 3600 * 1000

/** A sleep that another fiber can end. One fiber sleeps on it, any fiber may ring it. */
export class Alarm {
  private fiber: ds.Fiber
  private waiting = false
  private rung = false

  /** Sleeps `ms` milliseconds, or until `ring`; returns at once where it rang since the last sleep. */
  async sleep(ms: number): Promise<void> {
    if (!this.rung) {
      this.fiber = ds.Fiber.self()
      this.waiting = true
      await ds.suspend(ms)
      this.waiting = false
    }
    this.rung = false
  }

  ring(): void {
    this.rung = true
    if (this.waiting && this.fiber.suspended) {
      this.waiting = false
      this.fiber.resume(undefined)
    }
  }
}
