// A board on the bench: the virtual board of the rehearsals, with a network that a test writes by hand.

import { type CompileResult, compile } from "../../../host/firmware/bundle.js"
import { firmwareManifest } from "../../../host/firmware/manifest.js"
import type { Meter } from "../../../host/firmware/meter.js"
import { Board as VirtualBoard } from "../../../host/rehearsal/board.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import type { Chip } from "../../../host/rehearsal/i2c-bus.js"
import type { SoundSource } from "../../../host/rehearsal/sound-board.js"
import { type Server, TestNetwork } from "./network.js"

const DEVICE = "12abdd2289421234"

const compiled = new Map<string, Promise<CompileResult>>()

/** An entry file of this repository, compiled once per process. */
export function programOf(entry: string): Promise<CompileResult> {
  let result = compiled.get(entry)
  if (result === undefined) {
    const { root } = firmwareManifest()
    result = compile(entry, { root, name: "test", version: "0.0.0" })
    compiled.set(entry, result)
  }
  return result
}

interface BoardOptions {
  /** Entry file; the firmware where absent. */
  entry?: string
  server?: Server
  clock?: VirtualClock
  /** Chips on the board's I2C bus. */
  chips?: readonly Chip[]
  /** What sounds, where it is one of the chips. */
  sound?: SoundSource
  /** Length in ms of a file on the card of the Jacdac sound board. */
  lengthMs?: (file: number) => number | undefined
  /** Settings that are written from outside before the program starts. */
  settings?: Record<string, Uint8Array>
  /** Counts what the program costs. */
  meter?: Meter
  /** Between board and server, ms. */
  roundTripMs?: number
}

export type Board = VirtualBoard & { readonly network: TestNetwork }

export const Board = {
  /** A board with power, its program deployed and running. */
  async start(options: BoardOptions = {}): Promise<Board> {
    const {
      entry = "src/entry/jacdac.ts",
      server = () => "refused",
      clock = new VirtualClock(),
      settings,
      chips,
      sound,
      lengthMs,
      meter,
      roundTripMs,
    } = options
    const network = new TestNetwork(clock, server, roundTripMs)
    const { bytecode } = await programOf(entry)
    const entropy = numberedBytes()
    const board = await VirtualBoard.start({
      deviceId: DEVICE,
      bytecode,
      clock,
      net: network,
      entropy,
      settings,
      chips,
      sound,
      lengthMs,
      meter,
    })
    return Object.assign(board, { network })
  },
}

/** Random bytes of a test: different at each draw, the same in each run. */
function numberedBytes(): (count: number) => Uint8Array {
  let draws = 0
  return (count) => Uint8Array.from({ length: count }, () => (Math.imul(++draws, 2654435761) >>> 11) & 255)
}
