// The board's light says the worst that is to be said, in a rhythm that also a light of one colour can show:
// one long blink = the board can't do its work, two = somebody should look at it soon, none = all is well; the short
// blinks behind say what it is. In between it is dark, 83 to 99 % of the time.
//
// The runtime shows states of its own on the same light (network, cloud) where a program has not set it for 2 s, so
// the dark is set again and again. It looks at the light every 65 ms; shorter blinks may get lost.

import * as ds from "@devicescript/core"

// Conditions, worst first: of several the lowest bit is shown.
/** The memory for listens does not answer. */
export const LIGHT_NO_MEMORY = 1
export const LIGHT_LOG_FULL = 2
/** No sound board, or no card in it. */
export const LIGHT_NO_SOUND = 4
/** No device key or no address of a host. */
export const LIGHT_UNPROVISIONED = 8
export const LIGHT_BATTERY_LOW = 16
/** No sync for long. */
export const LIGHT_NO_SYNC = 32
export const LIGHT_LOG_NEARLY_FULL = 64
export const LIGHT_NO_PLAYLIST = 128
export const LIGHT_STARTING = 256
export const LIGHT_SYNCING = 512
export const LIGHT_PAUSED = 1024
export const LIGHT_PLAYING = 2048

/** One pattern after the other, the last one for none of the conditions: red, green, blue, blinks (high half: long,
 *  low half: short), period in tenths of a second. */
const PATTERNS = hex`
  ff0000 11 3c  ff0000 12 3c  ff0000 13 3c  ff0000 14 3c
  ffa000 21 78  ffa000 22 78  ffa000 23 78  ffa000 24 78
  ffffff 01 0a  0000ff 03 1e  00ff00 02 3c  00ff00 01 3c  00ff00 01 78`
const PATTERN_BYTES = 5
const CONDITIONS = 12
const LONG_MS = 460
const SHORT_MS = 130
const GAP_MS = 260
/** The dark is set again after this time. */
const DARK_MS = 1500
const NEARLY_FULL = 0.9

/** What shines. */
export interface LightOutput {
  /** 0 to 255 each; at once. */
  set(red: number, green: number, blue: number): Promise<void>
}

/** The light of the board itself ("led" in its board file), by its control service. */
export class BoardLight implements LightOutput {
  /** `control`: role "control[int:0]". */
  constructor(private control: ds.Control) {}

  async set(red: number, green: number, blue: number): Promise<void> {
    // A command to a role that is not bound would wait for ever.
    if (this.control.isBound) await this.control.setStatusLight(red, green, blue, 0)
  }
}

/** The condition of a log with room for `capacity` listens that holds `count`: full, nearly (90 %), or 0. */
export function logCondition(count: number, capacity: number): number {
  if (count >= capacity) return LIGHT_LOG_FULL
  return count >= capacity * NEARLY_FULL ? LIGHT_LOG_NEARLY_FULL : 0
}

/** Number of the pattern for `conditions`, a sum of LIGHT_…; the one that is shown has the lowest bit. */
export function patternOf(conditions: number): number {
  let pattern = 0
  while (pattern < CONDITIONS && (conditions & (1 << pattern)) === 0) pattern++
  return pattern
}

export class StatusLight {
  /** `conditions`: what holds now, a sum of LIGHT_…; asked at least every 3.5 s. */
  constructor(
    private light: LightOutput,
    private conditions: () => number,
  ) {}

  start(): void {
    const self = this
    const run = async () => {
      while (true) {
        try {
          await self.show(patternOf(self.conditions()))
        } catch (e: any) {
          console.log("light: " + e.message)
          await ds.sleep(DARK_MS)
        }
      }
    }
    run.start()
  }

  /** Once, for a period; ends sooner in the dark where another pattern is due. */
  private async show(pattern: number): Promise<void> {
    const at = pattern * PATTERN_BYTES
    const long = PATTERNS[at + 3] >> 4
    const blinks = long + (PATTERNS[at + 3] & 15)
    let left = PATTERNS[at + 4] * 100
    for (let i = 0; i < blinks; i++) {
      const ms = i < long ? LONG_MS : SHORT_MS
      await this.light.set(PATTERNS[at], PATTERNS[at + 1], PATTERNS[at + 2])
      await ds.sleep(ms)
      await this.light.set(0, 0, 0)
      await ds.sleep(GAP_MS)
      left -= ms + GAP_MS
    }
    while (left > 0 && patternOf(this.conditions()) === pattern) {
      await this.light.set(0, 0, 0)
      await ds.sleep(Math.min(left, DARK_MS))
      left -= DARK_MS
    }
  }
}
