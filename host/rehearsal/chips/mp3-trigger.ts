// The SparkFun Qwiic MP3 Trigger, register by register, as its hookup guide and its published firmware describe it:
// a small controller answers the bus, queues commands and passes them to the decoder over a serial line. Before an
// answer is ready a read gives something else, and while the line is in use the controller does not answer at all.

import type { Rng } from "../../model/random.js"
import type { VirtualClock } from "../clock.js"
import type { Chip } from "../i2c-bus.js"
import { CardPlayer, type PlayResult } from "./card.js"

/** The decoder takes about 1.5 s to start, and only after its set-up does the board answer. */
const BOOT_MS = 2000
/** Passing a command to the decoder. */
const COMMAND_MS = [8, 40] as const
/** An answer is ready this long after it was asked for; the card's state needs a command to the decoder. */
const ANSWER_MS = 20
const CARD_ANSWER_MS = 250
const SONGS = 100
const DEVICE_ID = 0x39

const RESULTS: Record<PlayResult, number> = { ok: 0, "no file": 2, "no card": 5 }
const FAILED = 1

export class Mp3TriggerChip implements Chip {
  readonly address = 0x37
  /** Volumes written to its non-volatile memory. */
  readonly volumes: number[] = []
  /** Where true, transactions are not acknowledged. */
  deaf = false
  readonly player: CardPlayer
  private readonly clock: VirtualClock
  private volume = 20
  private readyAt = Number.POSITIVE_INFINITY
  private busyUntil = 0
  private answer = 0
  private answerAt = 0
  private result = 0

  /** `stopped`: status of a board that is silent, 2 in firmware 1.0 and 0 in 1.1. */
  constructor(
    clock: VirtualClock,
    lengthMs: (file: number) => number | undefined,
    private readonly rng: Rng,
    private readonly stopped = 2,
  ) {
    this.clock = clock
    this.player = new CardPlayer(clock, lengthMs, rng)
    this.power(true)
  }

  power(on: boolean): void {
    this.player.end(false)
    this.result = 0
    this.busyUntil = 0
    this.readyAt = on ? this.clock.now() + BOOT_MS : Number.POSITIVE_INFINITY
  }

  transfer(write: Uint8Array, count: number, start: number): Uint8Array | undefined {
    if (this.deaf || start < this.readyAt || start < this.busyUntil) return undefined
    if (write.length > 0) this.take(write[0], write[1], start)
    if (count === 0) return new Uint8Array(0)
    const read = new Uint8Array(count).fill(0xff)
    read[0] = start < this.answerAt ? this.rng.int(256) : this.answer
    this.answer = this.result
    return read
  }

  private take(command: number, value: number | undefined, start: number): void {
    const { player } = this
    const say = (answer: number, ms = ANSWER_MS): void => {
      this.answer = answer
      this.answerAt = start + ms
    }
    say(this.result)
    if (command === 0x00) this.run(start, () => player.end(true))
    else if (command === 0x02 && value !== undefined) {
      this.run(start, () => {
        this.result = RESULTS[player.play(value)]
      })
    } else if (command === 0x03) {
      this.run(start, () => (player.paused ? player.resume() : player.pause()))
    } else if (command === 0x07 && value !== undefined && value <= 31) {
      this.volumes.push(value)
      this.volume = value
      this.run(start, () => {})
    } else if (command === 0x08) {
      this.run(start, () => player.end(true))
      say(SONGS)
    } else if (command === 0x0a) say(player.sounds ? 1 : this.stopped)
    else if (command === 0x0b) say(player.hasCard ? 1 : 0, CARD_ANSWER_MS)
    else if (command === 0x0e) say(this.volume)
    else if (command === 0x10) say(DEVICE_ID)
    else say(FAILED)
  }

  private run(start: number, command: () => void): void {
    this.result = 0
    this.busyUntil = start + this.player.draw(COMMAND_MS)
    const { readyAt } = this
    this.clock.setTimeout(() => {
      if (this.readyAt === readyAt) command()
    }, this.busyUntil - start)
  }
}
