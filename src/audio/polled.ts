// The account of what was heard from a sound board that only says whether it sounds now. A driver extends it with the
// board's commands and questions.
//
// A listen consists of spans between a first and a last moment of sound. Where one begins or ends between two answers,
// it did so in the middle, as far as is known; so an edge is off by at most half the time between them. Around play,
// pause, resume and stop the board is asked as fast as it answers. Between answers the position runs on, but no
// further than one poll past the last one that heard sound; of a board that is lost, only what an answer confirmed
// counts.
//
// Commands and polls come from the player's fiber; while nothing plays, a fiber of its own looks every second whether
// the board is there and has a card. They take turns. No call waits longer than the limits below allow.

import * as ds from "@devicescript/core"
import {
  AUDIO_ABSENT,
  AUDIO_PAUSED,
  AUDIO_PLAYING,
  AUDIO_STOPPED,
  type AudioOutput,
  CARD_MISSING,
  CARD_PRESENT,
  CARD_UNKNOWN,
} from "./audio-output"

/** Answers of a board to `ask`. */
export const SILENT = 0
export const SOUNDS = 1
export const NO_ANSWER = -1

/** With the time that a question takes, ten polls a second. */
const POLL_MS = 75
/** So far past an answer the position runs on: one poll. */
const AHEAD_MS = 100
/** While the first sound is awaited. */
const FAST_POLL_MS = 10
/** A file that does not sound after this long can't be played. */
const START_MS = 2500
/** A board without an answer for this long is lost. */
const LOST_MS = 700
/** After pause and stop it must be silent by then. A board takes up to 250 ms for a command. */
const HUSH_MS = 500
/** When the first answer after it is silence, the command took about this long. */
const EFFECT_MS = 30
const WATCH_MS = 1000
/** Questions to a silent board before it counts as lost. */
const WATCH_TRIES = 3
const RETRY_MS = 10
const TURN_MS = 3

export abstract class PolledAudio implements AudioOutput {
  abstract readonly maxFile: number
  pollMs = POLL_MS
  errors = 0
  card = CARD_UNKNOWN
  /** The board said of the file that it can't play it. */
  protected refused = false

  private now = AUDIO_ABSENT
  /** Play or resume was sent, and no sound has been confirmed since. */
  private starting = false
  private startedAt = 0
  /** Spans that are over, ms. */
  private heard = 0
  /** The span that goes on: its beginning, and the last answer that heard it. */
  private from = 0
  private seen = 0
  private silentAt = 0
  private answeredAt = 0
  /** The first question since then that had no answer; 0 = none. */
  private missedAt = 0
  private volume = -1
  private taken = false

  /** True where the board answers; it is silent then and `card` is known, as far as it can be. */
  protected abstract find(): Promise<boolean>
  /** SILENT, SOUNDS or NO_ANSWER; `lagMs` after the call began, within a few ms. */
  protected abstract ask(): Promise<number>
  protected abstract lagMs: number
  /** False where the command did not arrive. */
  protected abstract sendPlay(file: number): Promise<boolean>
  protected abstract sendPause(): Promise<boolean>
  protected abstract sendResume(): Promise<boolean>
  protected abstract sendStop(): Promise<boolean>
  /** Makes `volume` (0 … MAX_VOLUME) the board's, unless it is; false where the board does not answer. */
  protected abstract adjust(volume: number): Promise<boolean>
  /** Asks a silent board about its card; takes over `card`. */
  protected abstract askCard(): Promise<void>

  start(changed: () => void): void {
    const self = this
    const watch = async () => {
      while (true) {
        try {
          if (await self.watch()) changed()
        } catch (e: any) {
          console.log("audio: " + e.message)
        }
        await ds.sleep(WATCH_MS)
      }
    }
    watch.start()
  }

  async play(file: number): Promise<boolean> {
    await this.turn()
    try {
      if (this.now === AUDIO_PLAYING || this.now === AUDIO_PAUSED) await this.hush(AUDIO_STOPPED)
      this.heard = 0
      if (this.now === AUDIO_ABSENT && !(await this.meet())) return false
      this.refused = false
      const set = this.volume < 0 || (await this.adjust(this.volume))
      if (set && (await this.sendPlay(file))) {
        this.begin()
        return true
      }
      this.lost()
      return false
    } finally {
      this.taken = false
    }
  }

  async pause(): Promise<void> {
    await this.turn()
    try {
      // A pause before the first sound would be lost.
      while (this.starting) await this.look()
      if (this.now === AUDIO_PLAYING) await this.hush(AUDIO_PAUSED)
    } finally {
      this.taken = false
    }
  }

  async resume(): Promise<boolean> {
    await this.turn()
    try {
      if (this.now !== AUDIO_PAUSED) return false
      if (await this.sendResume()) this.begin()
      else this.lost()
      return this.starting
    } finally {
      this.taken = false
    }
  }

  async stop(): Promise<void> {
    await this.turn()
    try {
      if (this.now === AUDIO_PLAYING || this.now === AUDIO_PAUSED) await this.hush(AUDIO_STOPPED)
    } finally {
      this.taken = false
    }
  }

  async setVolume(volume: number): Promise<void> {
    if (volume === this.volume) return
    this.volume = volume
    await this.turn()
    try {
      // What does not arrive now is made good by the next play.
      if (this.now === AUDIO_PLAYING) await this.adjust(volume)
    } finally {
      this.taken = false
    }
  }

  async poll(): Promise<void> {
    await this.turn()
    try {
      if (this.now === AUDIO_PLAYING) await this.look()
    } finally {
      this.taken = false
    }
  }

  state(): number {
    return this.now
  }

  positionMs(at: number): number {
    if (this.now !== AUDIO_PLAYING || this.starting) return this.heard
    return this.heard + Math.max(0, Math.min(at, this.seen + AHEAD_MS) - this.from)
  }

  private async turn(): Promise<void> {
    while (this.taken) await ds.sleep(TURN_MS)
    this.taken = true
  }

  private begin(): void {
    this.now = AUDIO_PLAYING
    this.starting = true
    this.pollMs = FAST_POLL_MS
    this.startedAt = ds.millis()
    this.silentAt = this.startedAt
    this.answeredAt = this.startedAt
    this.missedAt = 0
  }

  /** The span that goes on ended at uptime `at`. */
  private close(at: number, state: number): void {
    if (this.now === AUDIO_PLAYING && !this.starting) this.heard += Math.max(0, at - this.from)
    this.starting = false
    this.pollMs = POLL_MS
    this.now = state
  }

  private lost(): void {
    this.errors++
    this.card = CARD_UNKNOWN
    // It went at some moment between the last answer and the first that did not come.
    this.close(this.missedAt > 0 ? middle(this.seen, this.missedAt) : this.seen, AUDIO_ABSENT)
  }

  /** Asks once while a file plays. */
  private async look(): Promise<void> {
    const at = ds.millis() + this.lagMs
    const answer = await this.ask()
    if (answer === NO_ANSWER) {
      if (this.missedAt === 0) this.missedAt = at
      if (ds.millis() - this.answeredAt > LOST_MS) this.lost()
      return
    }
    this.answeredAt = at
    this.missedAt = 0
    if (answer === SOUNDS) {
      if (this.starting) {
        this.from = middle(this.silentAt, at)
        this.starting = false
        this.pollMs = POLL_MS
        this.card = CARD_PRESENT
      }
      this.seen = at
      return
    }
    this.silentAt = at
    if (this.starting) {
      if (!this.refused && at - this.startedAt < START_MS) return
      this.errors++
    }
    // Over, or its card is gone, or it could not be played.
    this.close(middle(this.seen, at), AUDIO_STOPPED)
    await this.lookAtCard()
  }

  /** Stops or pauses what plays and waits until it is silent. */
  private async hush(state: number): Promise<void> {
    const sent = ds.millis()
    const arrived = state === AUDIO_PAUSED ? await this.sendPause() : await this.sendStop()
    if (arrived) {
      this.seen = Math.max(this.seen, sent)
      while (ds.millis() - sent < HUSH_MS) {
        const at = ds.millis() + this.lagMs
        const answer = await this.ask()
        if (answer === SILENT) {
          this.close(this.seen > sent ? middle(this.seen, at) : Math.min(sent + EFFECT_MS, at), state)
          return
        }
        if (answer === SOUNDS) this.seen = at
        else await ds.sleep(RETRY_MS)
      }
    }
    this.lost()
  }

  private async meet(): Promise<boolean> {
    if (!(await this.find()) || this.card === CARD_MISSING) return false
    this.now = AUDIO_STOPPED
    return true
  }

  private async lookAtCard(): Promise<void> {
    await this.askCard()
    if (this.card === CARD_MISSING) this.now = AUDIO_ABSENT
  }

  /** While nothing plays: true where a board came or went. */
  private async watch(): Promise<boolean> {
    if (this.now === AUDIO_PLAYING) return false
    await this.turn()
    try {
      if (this.now === AUDIO_PLAYING) return false
      if (this.now === AUDIO_ABSENT) return await this.meet()
      let answer = NO_ANSWER
      for (let i = 0; i < WATCH_TRIES && answer === NO_ANSWER; i++) answer = await this.ask()
      if (answer === NO_ANSWER) this.lost()
      else if (this.card === CARD_MISSING) this.now = AUDIO_ABSENT
      // Its own keys, or a card that was put in: what nobody records must not play.
      else if (answer === SOUNDS && this.now === AUDIO_STOPPED) await this.sendStop()
      return this.now === AUDIO_ABSENT
    } finally {
      this.taken = false
    }
  }
}

/** Whole ms, as records hold them. */
function middle(from: number, to: number): number {
  return Math.floor((from + to) / 2)
}
