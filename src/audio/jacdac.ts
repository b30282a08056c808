// AudioOutput over any Jacdac sound-player service (commands play, cancel; register intensity).
//
// File n has the name "0001.mp3" … "9999.mp3". The service reports neither position nor the end of a file, and it
// can't pause: the position is the uptime since `play` was sent, the end is the length that the playlist states,
// and `pause` cancels, so that `resume` starts the file again from its beginning. The player then counts the
// furthest point that was reached, never a second twice.
//
// The bus calls a device gone when it was silent for 2 s, and looks every 500 ms. What was played in that time is
// unknown, so a listen that ends this way counts only up to LOSS_MS before the loss was noticed.

import * as ds from "@devicescript/core"
import { MAX_VOLUME } from "../record"
import {
  AUDIO_ABSENT,
  AUDIO_PAUSED,
  AUDIO_PLAYING,
  AUDIO_STOPPED,
  type AudioOutput,
  CARD_UNKNOWN,
} from "./audio-output"

const LOSS_MS = 2500
const NAME_DIGITS = 4

export class JacdacSoundPlayer implements AudioOutput {
  readonly maxFile = 9999
  readonly pollMs = 0
  errors = 0
  card = CARD_UNKNOWN

  private now = AUDIO_STOPPED
  private file = 0
  private startedAt = 0
  /** Where the sound stood when it last stopped, ms. */
  private stoppedAt = 0
  private volume = -1
  private intensity = -1

  constructor(private sound: ds.SoundPlayer) {}

  start(changed: () => void): void {
    const self = this
    this.sound.binding().subscribe((bound) => {
      if (bound) self.intensity = -1
      else self.lost(ds.millis())
      changed()
    })
  }

  async play(file: number): Promise<boolean> {
    if (!this.sound.isBound) return false
    await this.adjust()
    this.file = file
    await this.sound.play(nameOf(file))
    this.startedAt = ds.millis()
    this.now = AUDIO_PLAYING
    return true
  }

  async pause(): Promise<void> {
    await this.silence(AUDIO_PAUSED)
  }

  async resume(): Promise<boolean> {
    return await this.play(this.file)
  }

  async stop(): Promise<void> {
    await this.silence(AUDIO_STOPPED)
  }

  async setVolume(volume: number): Promise<void> {
    this.volume = volume
    if (this.now === AUDIO_PLAYING && this.sound.isBound) await this.adjust()
  }

  async poll(): Promise<void> {}

  state(): number {
    return this.sound.isBound ? this.now : AUDIO_ABSENT
  }

  positionMs(at: number): number {
    return this.now === AUDIO_PLAYING ? Math.max(0, at - this.startedAt) : this.stoppedAt
  }

  private async adjust(): Promise<void> {
    if (this.intensity === this.volume || this.volume < 0) return
    this.intensity = this.volume
    await this.sound.intensity.write(this.volume / MAX_VOLUME)
  }

  private async silence(state: number): Promise<void> {
    this.stoppedAt = this.positionMs(ds.millis())
    this.now = state
    if (this.sound.isBound) await this.sound.cancel()
  }

  private lost(at: number): void {
    if (this.now !== AUDIO_PLAYING) return
    this.errors++
    this.stoppedAt = Math.max(0, at - LOSS_MS - this.startedAt)
    this.now = AUDIO_STOPPED
  }
}

function nameOf(file: number): string {
  let digits = "" + file
  while (digits.length < NAME_DIGITS) digits = "0" + digits
  return digits + ".mp3"
}
