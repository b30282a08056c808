// The boards that limits are held for: every kind of sound board and store that there is a firmware for.

import { Fram } from "../../../host/rehearsal/chips/fram.js"
import type { VirtualClock } from "../../../host/rehearsal/clock.js"
import type { Chip } from "../../../host/rehearsal/i2c-bus.js"

export interface Rig {
  name: string
  /** Entry file of its firmware. */
  entry: string
  /** Chips on its I2C bus; `lengthMs` is the length of every file on a card. */
  chips?: (clock: VirtualClock, lengthMs: number) => readonly Chip[]
}

export const RIGS: readonly Rig[] = [
  { name: "Jacdac sound player, settings flash", entry: "src/entry/jacdac.ts" },
  { name: "Jacdac sound player, FRAM", entry: "src/entry/jacdac.ts", chips: () => [new Fram()] },
]
