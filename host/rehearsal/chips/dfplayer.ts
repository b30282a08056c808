// The DFPlayer Mini on its serial line, frame by frame, as its manual describes it; what clones do beyond that is as
// logs of such modules show it (github.com/ghmartin77/DFPlayerAnalyzer, issues): the end of a file is told twice.

import type { Rng } from "../../model/random.js"
import type { VirtualClock } from "../clock.js"
import { CardPlayer, type PlayResult } from "./card.js"
import type { SerialDevice } from "./sc16is750.js"

/** Until the module has read the card and says what it found. */
const BOOT_MS = [1500, 3000] as const
/** From a command to its effect, from a question to its answer. */
const COMMAND_MS = [5, 30] as const
const ANSWER_MS = [2, 30] as const
/** Between the two times that the end of a file is told. */
const SECOND_END_MS = 40
const DEFAULT_VOLUME = 30
const FILES = 100

const START = 0x7e
const END = 0xef
const FRAME_BYTES = 10
const CARD = 2

const ERROR_CHECKSUM = 4
const ERRORS: Record<PlayResult, number> = { ok: 0, "no file": 6, "no card": 6 }

export class DfPlayerChip implements SerialDevice {
  readonly baud = 9600
  send: (bytes: Uint8Array) => void = () => {}
  /** Volumes that were set. */
  readonly volumes: number[] = []
  readonly player: CardPlayer
  private volume = DEFAULT_VOLUME
  private frame: number[] = []
  private ready = false
  private life = 0

  constructor(
    private readonly clock: VirtualClock,
    lengthMs: (file: number) => number | undefined,
    rng: Rng,
  ) {
    this.player = new CardPlayer(clock, lengthMs, rng)
    this.player.onEnd = (file) => {
      this.tell(0x3d, file)
      this.after(SECOND_END_MS, () => this.tell(0x3d, file))
    }
    this.power(true)
  }

  power(on: boolean): void {
    this.player.end(false)
    this.life++
    this.ready = false
    this.volume = DEFAULT_VOLUME
    this.frame = []
    if (!on) return
    this.after(this.player.draw(BOOT_MS), () => {
      this.ready = true
      this.tell(0x3f, this.player.hasCard ? CARD : 0)
    })
  }

  pullCard(): void {
    this.player.pullCard()
    if (this.ready) this.tell(0x3b, CARD)
  }

  insertCard(): void {
    this.player.insertCard()
    if (this.ready) this.tell(0x3a, CARD)
  }

  receive(byte: number): void {
    if (!this.ready) return
    const { frame } = this
    if (frame.length === 0 && byte !== START) return
    frame.push(byte)
    if (frame.length < FRAME_BYTES) return
    this.frame = []
    if (checksum(frame) !== frame[7] * 256 + frame[8] || frame[9] !== END) this.tell(0x40, ERROR_CHECKSUM)
    else {
      if (frame[4] === 1) this.after(this.player.draw(ANSWER_MS), () => this.tell(0x41, 0))
      this.take(frame[3], frame[5] * 256 + frame[6])
    }
  }

  private take(command: number, value: number): void {
    const { player } = this
    const run = (work: () => void): void => this.after(player.draw(COMMAND_MS), work)
    const say = (answer: () => number): void =>
      this.after(player.draw(ANSWER_MS), () => this.tell(command, answer()))
    if (command === 0x12) {
      run(() => {
        const error = ERRORS[player.play(value)]
        if (error !== 0) this.tell(0x40, error)
      })
    } else if (command === 0x06) {
      this.volumes.push(value)
      this.volume = Math.min(value, 30)
    } else if (command === 0x0d) run(() => player.resume())
    else if (command === 0x0e) run(() => player.pause())
    else if (command === 0x16) run(() => player.end(true))
    else if (command === 0x42) say(() => CARD * 256 + (player.sounds ? 1 : player.paused ? 2 : 0))
    else if (command === 0x43) say(() => this.volume)
    else if (command === 0x48) say(() => (player.hasCard ? FILES : 0))
  }

  private tell(what: number, value: number): void {
    const frame = [START, 0xff, 6, what, 0, value >> 8, value & 0xff, 0, 0, END]
    const sum = checksum(frame)
    frame[7] = sum >> 8
    frame[8] = sum & 0xff
    this.send(Uint8Array.from(frame))
  }

  private after(ms: number, work: () => void): void {
    const { life } = this
    this.clock.setTimeout(() => {
      if (this.life === life) work()
    }, ms)
  }
}

/** Minus the sum of version to second parameter, in 16 bits. */
function checksum(frame: readonly number[]): number {
  let sum = 0
  for (let i = 1; i < 7; i++) sum += frame[i]
  return (0x10000 - sum) & 0xffff
}
