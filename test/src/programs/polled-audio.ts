// The player over a sound board that is polled, can pause, and tells by its state when a file has ended: one whose
// file 12 is missing and whose file 300 is 800 ms shorter than the playlist says.

import * as ds from "@devicescript/core"
import {
  AUDIO_PAUSED,
  AUDIO_PLAYING,
  AUDIO_STOPPED,
  type AudioOutput,
  CARD_UNKNOWN,
} from "../../../src/audio/audio-output"
import { SettingsFlash } from "../../../src/flash"
import { Health } from "../../../src/health"
import { I2cBus } from "../../../src/i2c"
import { ListenLog } from "../../../src/log/listen-log"
import { SettingsMemory } from "../../../src/memory/settings-memory"
import { Player, PRESS_PLAY } from "../../../src/player"
import { Rescoring } from "../../../src/rescoring"
import { SerialLink } from "../../../src/serial"
import { PlaylistSlots } from "../../../src/slots"
import { BoardState } from "../../../src/state"
import { Sync, type SyncParts } from "../../../src/sync"

class PolledAudio implements AudioOutput {
  readonly maxFile = 9999
  readonly pollMs = 100
  errors = 0
  card = CARD_UNKNOWN
  private now = AUDIO_STOPPED
  private lengthMs = 0
  private playedMs = 0
  private since = 0

  start(): void {}

  async play(file: number): Promise<boolean> {
    this.lengthMs = file === 12 ? 0 : file === 300 ? 44200 : 1000000
    this.playedMs = 0
    return await this.resume()
  }

  async pause(): Promise<void> {
    this.playedMs = this.positionMs(ds.millis())
    this.now = AUDIO_PAUSED
  }

  async resume(): Promise<boolean> {
    this.since = ds.millis()
    this.now = AUDIO_PLAYING
    return true
  }

  async stop(): Promise<void> {
    await this.pause()
    this.now = AUDIO_STOPPED
  }

  async setVolume(): Promise<void> {}

  async poll(): Promise<void> {
    if (this.now === AUDIO_PLAYING && this.positionMs(ds.millis()) >= this.lengthMs) await this.stop()
  }

  state(): number {
    return this.now
  }

  positionMs(at: number): number {
    const running = this.now === AUDIO_PLAYING ? Math.max(0, at - this.since) : 0
    return Math.min(this.lengthMs, this.playedMs + running)
  }
}

const settings = new ds.Settings("settings")
const playButton = new ds.Button("play")

async function main(): Promise<void> {
  const flash = new SettingsFlash(settings)
  flash.start()
  const memory = new SettingsMemory(flash, "t")
  const state = new BoardState(memory)
  const log = new ListenLog(memory, state)
  const last = await log.open()
  const audio = new PolledAudio()
  const lists = new PlaylistSlots(memory, state, audio.maxFile)
  await lists.open()
  const player = new Player(audio, log, lists, state, new Rescoring(log))
  playButton.up.subscribe(() => player.press(PRESS_PLAY, ds.millis()))
  player.start(last)
  const health = new Health(new I2cBus(new ds.I2C("i2c")))
  const parts: SyncParts = {
    firmware: "polled",
    device: ds.deviceIdentifier("self"),
    flash: flash,
    keyKey: "ftkey",
    addressKey: "fthost",
    memory: memory,
    state: state,
    log: log,
    lists: lists,
    player: player,
    audio: audio,
    link: new SerialLink(new ds.Serial("serial"), ds.deviceIdentifier("self")),
    health: health,
  }
  const sync = new Sync(parts)
  sync.start()
  health.start(parts)
}

main.start()
