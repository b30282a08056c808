// DFPlayer Mini (YX5200 and clones that answer questions) on the serial line of an SC16IS750; files 0001.mp3 to
// 9999.mp3 in the folder "mp3" of its card. Source: DFRobot's manual of the module; what clones do as logs of them show
// it (github.com/ghmartin77/DFPlayerAnalyzer, issues).
//
// A frame is 10 bytes: 7E FF 06, command, 1 = acknowledge, two bytes of value, two of checksum, EF. Commands ask for
// the acknowledgement and are sent again without it: each of them does the same when it is done twice. Whether a file
// sounds is asked for; the module's word that one has finished is not used, because it comes once, twice or late, when
// the next file plays already. Bytes that are no frame are passed over. Volume is lost with power: it is read before
// each file and written where it differs.

import * as ds from "@devicescript/core"
import type { I2cBus } from "../i2c"
import { MAX_VOLUME } from "../record"
import { CARD_MISSING, CARD_PRESENT } from "./audio-output"
import { NO_ANSWER, PolledAudio, SILENT, SOUNDS } from "./polled"
import { Sc16is750 } from "./sc16is750"

const BAUD = 9600
const SET_VOLUME = 0x06
const RESUME = 0x0d
const PAUSE = 0x0e
const PLAY_MP3 = 0x12
const STOP = 0x16
const INSERTED = 0x3a
const REMOVED = 0x3b
const READY = 0x3f
const FAILED = 0x40
const ACKNOWLEDGED = 0x41
const STATUS = 0x42
const VOLUME = 0x43
const FILES = 0x48

/** In the values of INSERTED, REMOVED and READY. */
const CARD = 2
/** Values of FAILED: a frame did not arrive whole, the number is too high, there is no such file. */
const TORN = 3
const CHECKSUM = 4
const OUT_OF_SCOPE = 5
const NO_FILE = 6

const FRAME_BYTES = 10
const LOUDEST = 30
/** Of genuine modules and most clones answers are over 20 to 60 ms after the question went out. */
const REPLY_MS = 100
/** Two frames on the line. */
const ON_LINE_MS = 21
const LOOK_MS = 8
const TRIES = 5

export class DfPlayer extends PolledAudio {
  readonly maxFile = 9999
  /** The question takes 11 ms on the line, and the module a while to look. */
  protected lagMs = 22
  private uart: Sc16is750
  private frame = Buffer.alloc(FRAME_BYTES)
  private length = 0
  private out = Buffer.alloc(FRAME_BYTES)
  /** The command whose reply is awaited, and its value once it is there. */
  private awaited = 0
  private reply = NO_ANSWER
  /** The module could not read what was sent. */
  private torn = false

  constructor(bus: I2cBus) {
    super()
    this.uart = new Sc16is750(bus)
    this.out.blitAt(0, hex`7eff06`, 0, 3)
    this.out[9] = 0xef
  }

  protected async find(): Promise<boolean> {
    if (!(await this.uart.open(BAUD))) return false
    this.length = 0
    // A module that plays on while this one restarts. Its first words after power-on say what it has.
    if ((await this.ask()) === NO_ANSWER || !(await this.send(STOP, 0))) return false
    await this.askCard()
    return true
  }

  protected async ask(): Promise<number> {
    const status = await this.question(STATUS)
    return status === NO_ANSWER ? NO_ANSWER : (status & 0xff) === 1 ? SOUNDS : SILENT
  }

  protected async sendPlay(file: number): Promise<boolean> {
    return await this.send(PLAY_MP3, file)
  }

  protected async sendPause(): Promise<boolean> {
    return await this.send(PAUSE, 0)
  }

  protected async sendResume(): Promise<boolean> {
    return await this.send(RESUME, 0)
  }

  protected async sendStop(): Promise<boolean> {
    return await this.send(STOP, 0)
  }

  protected async adjust(volume: number): Promise<boolean> {
    const level = Math.round((volume * LOUDEST) / MAX_VOLUME)
    let is = NO_ANSWER
    for (let i = 0; i < TRIES && is === NO_ANSWER; i++) is = await this.question(VOLUME)
    return is === level || (await this.send(SET_VOLUME, level))
  }

  protected async askCard(): Promise<void> {
    const files = await this.question(FILES)
    if (files !== NO_ANSWER) this.card = files > 0 ? CARD_PRESENT : CARD_MISSING
  }

  /** Sends a command until it is acknowledged. */
  private async send(command: number, value: number): Promise<boolean> {
    for (let i = 0; i < TRIES; i++) {
      if ((await this.exchange(command, 1, value, ACKNOWLEDGED)) !== NO_ANSWER) return true
    }
    return false
  }

  /** The value that answers a question. */
  private async question(what: number): Promise<number> {
    return await this.exchange(what, 0, 0, what)
  }

  /** One frame out; the value of the frame `awaited` that comes back within REPLY_MS. */
  private async exchange(
    command: number,
    acknowledge: number,
    value: number,
    awaited: number,
  ): Promise<number> {
    const out = this.out
    out[3] = command
    out[4] = acknowledge
    out[5] = value >> 8
    out[6] = value & 0xff
    const sum = checksum(out)
    out[7] = sum >> 8
    out[8] = sum & 0xff
    const sent = ds.millis()
    this.reply = NO_ANSWER
    this.torn = false
    if (!(await this.uart.write(out))) return NO_ANSWER
    this.awaited = awaited
    await ds.sleep(ON_LINE_MS)
    while (
      (await this.receive()) &&
      this.reply === NO_ANSWER &&
      !this.torn &&
      ds.millis() - sent < REPLY_MS
    ) {
      await ds.sleep(LOOK_MS)
    }
    this.awaited = 0
    return this.reply
  }

  /** Takes in what has arrived; false where the bridge does not answer. */
  private async receive(): Promise<boolean> {
    const bytes = await this.uart.read()
    if (bytes === undefined) return false
    for (let i = 0; i < bytes.length; i++) {
      this.frame[this.length] = bytes[i]
      this.length++
      this.take()
    }
    return true
  }

  /** Acts on the frame if it is whole; throws away what can't be the beginning of one. */
  private take(): void {
    const f = this.frame
    while (this.length > 0) {
      let good = f[0] === 0x7e && (this.length < 2 || f[1] === 0xff) && (this.length < 3 || f[2] === 6)
      if (good && this.length < FRAME_BYTES) return
      good = good && f[9] === 0xef && checksum(f) === f[7] * 256 + f[8]
      if (good) this.hear(f[3], f[5] * 256 + f[6])
      // A frame that does not check may hold the beginning of the next.
      const skip = good ? FRAME_BYTES : 1
      this.length -= skip
      for (let i = 0; i < this.length; i++) f[i] = f[i + skip]
    }
  }

  private hear(what: number, value: number): void {
    if (what === this.awaited) this.reply = value
    else if (what === INSERTED) this.card = CARD_PRESENT
    else if (what === REMOVED) this.card = CARD_MISSING
    else if (what === READY) this.card = (value & CARD) !== 0 ? CARD_PRESENT : CARD_MISSING
    else if (what === FAILED) {
      if (value === TORN || value === CHECKSUM) this.torn = true
      else if (value === OUT_OF_SCOPE || value === NO_FILE) this.refused = true
    }
  }
}

/** Minus the sum of bytes 1 to 6, in 16 bits. */
function checksum(frame: Buffer): number {
  let sum = 0
  for (let i = 1; i < 7; i++) sum += frame[i]
  return (65536 - sum) & 0xffff
}
