// SparkFun Qwiic MP3 Trigger (WIG-15165, retired but widely owned), I2C address 0x37; files F001.mp3 to F255.mp3 in
// the root of its card. Sources: the maker's hookup guide and the board's published firmware 1.0 and 1.1.
//
// - An answer is ready 20 ms after its question; to find the card takes the board up to 250 ms.
// - Status is 1 while it sounds; silence is 2, in firmware 1.1 it is 0, and neither tells paused from stopped.
// - Pause is a switch: sent twice, it plays on.
// - Volume is kept in EEPROM, which wears: it is read first and written only where it differs.
// - To count the songs stops the music, so this driver never does.

import * as ds from "@devicescript/core"
import type { I2cBus } from "../i2c"
import { MAX_VOLUME } from "../record"
import { CARD_MISSING, CARD_PRESENT } from "./audio-output"
import { NO_ANSWER, PolledAudio, SILENT, SOUNDS } from "./polled"

const ADDRESS = 0x37
const STOP = 0x00
const PLAY_FILE = 0x02
const PAUSE = 0x03
const SET_VOLUME = 0x07
const STATUS = 0x0a
const CARD = 0x0b
const VOLUME = 0x0e
const ID = 0x10

const QWIIC_MP3_TRIGGER = 0x39
const LOUDEST = 31
const ANSWER_MS = 21
const CARD_ANSWER_MS = 300
/** The board does not answer while it passes a command on. */
const TRIES = 5
const COMMAND_MS = 50
const RETRY_MS = 15

const NOTHING = Buffer.alloc(0)

export class Mp3Trigger extends PolledAudio {
  readonly maxFile = 255
  /** It looks at the decoder when the question arrives. */
  protected lagMs = 0

  constructor(private bus: I2cBus) {
    super()
  }

  protected async find(): Promise<boolean> {
    if ((await this.read(ID, ANSWER_MS)) !== QWIIC_MP3_TRIGGER) return false
    // A board that plays on while this one restarts.
    if (!(await this.sendStop())) return false
    await ds.sleep(COMMAND_MS)
    await this.askCard()
    return true
  }

  protected async ask(): Promise<number> {
    const status = await this.read(STATUS, ANSWER_MS)
    return status === undefined ? NO_ANSWER : status === 1 ? SOUNDS : SILENT
  }

  protected async sendPlay(file: number): Promise<boolean> {
    return await this.send(PLAY_FILE, file)
  }

  protected async sendPause(): Promise<boolean> {
    return await this.send(PAUSE)
  }

  protected async sendResume(): Promise<boolean> {
    return await this.send(PAUSE)
  }

  protected async sendStop(): Promise<boolean> {
    return await this.send(STOP)
  }

  protected async adjust(volume: number): Promise<boolean> {
    const level = Math.round((volume * LOUDEST) / MAX_VOLUME)
    const set = await this.read(VOLUME, ANSWER_MS)
    return set === level || (set !== undefined && (await this.send(SET_VOLUME, level)))
  }

  protected async askCard(): Promise<void> {
    const card = await this.read(CARD, CARD_ANSWER_MS)
    if (card !== undefined) this.card = card === 1 ? CARD_PRESENT : CARD_MISSING
  }

  private async send(command: number, value?: number): Promise<boolean> {
    const bytes = Buffer.alloc(value === undefined ? 1 : 2)
    bytes[0] = command
    if (value !== undefined) bytes[1] = value
    for (let i = 0; i < TRIES; i++) {
      if ((await this.bus.xfer(ADDRESS, bytes, 0)) !== undefined) return true
      await ds.sleep(RETRY_MS)
    }
    return false
  }

  /** The byte that answers `question`; undefined where the board does not. */
  private async read(question: number, waitMs: number): Promise<number> {
    const bytes = Buffer.alloc(1)
    bytes[0] = question
    if ((await this.bus.xfer(ADDRESS, bytes, 0)) === undefined) return undefined
    await ds.sleep(waitMs)
    const answer = await this.bus.xfer(ADDRESS, NOTHING, 1)
    return answer === undefined ? undefined : answer[0]
  }
}
