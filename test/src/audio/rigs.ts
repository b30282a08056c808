// The sound boards that the firmware can drive, each with its model and the faults that can be done to it.

import { stream } from "../../../host/model/random.js"
import { DfPlayerChip } from "../../../host/rehearsal/chips/dfplayer.js"
import { Mp3TriggerChip } from "../../../host/rehearsal/chips/mp3-trigger.js"
import { Sc16is750 } from "../../../host/rehearsal/chips/sc16is750.js"
import type { VirtualClock } from "../../../host/rehearsal/clock.js"
import type { Chip } from "../../../host/rehearsal/i2c-bus.js"
import type { SoundSource } from "../../../host/rehearsal/sound-board.js"

type LengthMs = (file: number) => number | undefined

export interface Chips {
  chips: readonly Chip[]
  sound: SoundSource
  /** Volumes that the board was told, in its own steps. */
  volumes: readonly number[]
  pullCard: () => void
  insertCard: () => void
  /** A key of the board itself plays a file. */
  key: (file: number) => void
  /** The sound board alone loses its power, or gets it back. */
  power: (on: boolean) => void
  /** It does not acknowledge, or does again. */
  deaf: (on: boolean) => void
}

/** Where answers get lost, up to 700 ms without one may be missing at the end: only then is the board lost. */
export const LOSSY_MS = 850

export interface Rig {
  name: string
  /** Entry files: the script's program, and the firmware. */
  script: string
  firmware: string
  /** Highest volume of the board's own scale. */
  loudest: number
  /** How much less than what sounded may count, ms. */
  shortMs: number
  /** Undefined: a Jacdac sound player, which tells neither position nor end nor card, and can't pause. */
  chips?: (clock: VirtualClock, lengthMs: LengthMs, seed: number) => Chips
}

function mp3Trigger(clock: VirtualClock, lengthMs: LengthMs, seed: number, stopped: number): Chips {
  const chip = new Mp3TriggerChip(clock, lengthMs, stream(seed, "mp3-trigger"), stopped)
  return {
    chips: [chip],
    sound: chip.player,
    volumes: chip.volumes,
    pullCard: () => chip.player.pullCard(),
    insertCard: () => chip.player.insertCard(),
    key: (file) => chip.player.play(file),
    power: (on) => chip.power(on),
    deaf: (on) => {
      chip.deaf = on
    },
  }
}

/** Bytes on the line that arrive changed, and bytes that nobody sent. */
const NOISE = 0.004
const BURST_EVERY_MS = 1700

function dfPlayer(clock: VirtualClock, lengthMs: LengthMs, seed: number, noisy: boolean): Chips {
  const module = new DfPlayerChip(clock, lengthMs, stream(seed, "dfplayer"))
  const bridge = new Sc16is750(clock, module)
  if (noisy) {
    const rng = stream(seed, "noise")
    bridge.noise = (byte) => (rng.uniform() < NOISE ? rng.int(256) : byte)
    const burst = (): void => {
      module.send(Uint8Array.from({ length: 1 + rng.int(12) }, () => [0x7e, 0xff, 6, 0x3d, 0][rng.int(5)]))
      clock.setTimeout(burst, BURST_EVERY_MS)
    }
    burst()
  }
  return {
    chips: [bridge],
    sound: module.player,
    volumes: module.volumes,
    pullCard: () => module.pullCard(),
    insertCard: () => module.insertCard(),
    key: (file) => module.player.play(file),
    power: (on) => bridge.power(on),
    deaf: (on) => {
      bridge.deaf = on
    },
  }
}

const program = (name: string) => ({
  script: `test/src/programs/audio-${name}.ts`,
  firmware: `src/entry/${name}.ts`,
})

export const RIGS: readonly Rig[] = [
  { name: "Jacdac sound player", ...program("jacdac"), loudest: 1, shortMs: 150 },
  {
    name: "Qwiic MP3 Trigger",
    ...program("mp3-trigger"),
    loudest: 31,
    shortMs: 150,
    chips: (clock, lengthMs, seed) => mp3Trigger(clock, lengthMs, seed, 2),
  },
  {
    name: "Qwiic MP3 Trigger with firmware 1.1",
    ...program("mp3-trigger"),
    loudest: 31,
    shortMs: 150,
    chips: (clock, lengthMs, seed) => mp3Trigger(clock, lengthMs, seed, 0),
  },
  {
    name: "DFPlayer Mini",
    ...program("dfplayer"),
    loudest: 30,
    shortMs: 150,
    chips: (clock, lengthMs, seed) => dfPlayer(clock, lengthMs, seed, false),
  },
  {
    name: "DFPlayer Mini on a bad line",
    ...program("dfplayer"),
    loudest: 30,
    shortMs: LOSSY_MS,
    chips: (clock, lengthMs, seed) => dfPlayer(clock, lengthMs, seed, true),
  },
]
