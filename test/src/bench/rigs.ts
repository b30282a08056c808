// The boards that limits are held for: every kind of sound board and store that there is a firmware for.

import { stream } from "../../../host/model/random.js"
import { DfPlayerChip } from "../../../host/rehearsal/chips/dfplayer.js"
import { Fram } from "../../../host/rehearsal/chips/fram.js"
import { Sc16is750 } from "../../../host/rehearsal/chips/sc16is750.js"
import type { VirtualClock } from "../../../host/rehearsal/clock.js"
import type { Chip } from "../../../host/rehearsal/i2c-bus.js"
import { Board } from "./board.js"
import type { TestHost } from "./host.js"

export interface Rig {
  name: string
  /** Entry file of its firmware. */
  entry: string
  /** Functions of the driver that talk with the sound board: what they take is no bookkeeping. */
  driver?: readonly string[]
  /** Chips on its I2C bus; `lengthMs` is the length of every file on a card. */
  chips?: (clock: VirtualClock, lengthMs: number) => readonly Chip[]
}

export const RIGS: readonly Rig[] = [
  { name: "Jacdac sound player, settings flash", entry: "src/entry/jacdac.ts" },
  { name: "Jacdac sound player, FRAM", entry: "src/entry/jacdac.ts", chips: () => [new Fram()] },
  {
    name: "DFPlayer Mini, FRAM",
    entry: "src/entry/dfplayer.ts",
    driver: ["play", "setVolume", "stop", "poll"].map((name) => `src/audio/polled.ts:${name}`),
    chips: (clock, lengthMs) => {
      const module = new DfPlayerChip(clock, () => lengthMs, stream(1, "dfplayer"))
      return [new Fram(), new Sc16is750(clock, module)]
    },
  },
]

/** A board of this kind with `host`; every file on its card has `lengthMs`. */
export function startRig(
  rig: Rig,
  host: TestHost,
  clock: VirtualClock,
  lengthMs: number,
  others: Parameters<typeof Board.start>[0] = {},
): Promise<Board> {
  return Board.start({
    entry: rig.entry,
    server: host.serve,
    settings: { ...host.settings, ftstore: Buffer.from(rig.chips ? "fram" : "flash") },
    clock,
    chips: rig.chips?.(clock, lengthMs),
    ...others,
  })
}
