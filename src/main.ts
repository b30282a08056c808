// Wires one board. The only file that names roles and settings keys. What differs between boards is the sound board:
// src/entry/ has one entry file for each.
//
// Roles (Jacdac): "sound" SoundPlayer; "play", "skip", "stop" Button. Their order in the alphabet is the order in
// which a board with three buttons binds them; a bus with several boards binds them through its role manager.
//
// Provisioning: settings "ftkey" = the device key, 32 raw bytes; "fthost" = the host's address as text, such as
// http://10.0.0.5:8137. Both are written from outside with the `set` command of the board's Jacdac settings service
// or are part of its flash image; a board that finds them later takes them within a minute. Without them it plays
// and keeps what it hears, and does not sync.
//
// Other settings are the board's own: "ftstate", "ftopen" (the open listen), "ftl0" … "ftl39" (the log),
// "fta0" … "fta9" and "ftb0" … "ftb9" (two playlists).

import * as ds from "@devicescript/core"
import type { AudioOutput } from "./audio/audio-output"
import { SettingsFlash } from "./flash"
import { I2cBus } from "./i2c"
import { SettingsLog } from "./log/settings-log"
import { Player, PRESS_PLAY, PRESS_SKIP, PRESS_STOP } from "./player"
import { PlaylistSlots } from "./slots"
import { BoardState } from "./state"
import { Sync } from "./sync"

/** Of devicescript.json. */
const FIRMWARE = "0.1.0"
/** Holding the play button this long asks for a sync instead. */
const HOLD_MS = 1500
const RETRY_MS = 5000

const playButton = new ds.Button("play")
const skipButton = new ds.Button("skip")
const stopButton = new ds.Button("stop")
const settings = new ds.Settings("settings")
const simulatedBus = new ds.I2C("i2c")

async function run(audio: AudioOutput): Promise<void> {
  const flash = new SettingsFlash(settings)
  flash.start()
  const state = new BoardState(flash, "ftstate")
  const log = new SettingsLog(flash, state, "ftl", "ftopen")
  const last = await log.open()
  const lists = new PlaylistSlots(flash, state, ["fta", "ftb"], audio.maxFile)
  await lists.open()
  await lists.swap()
  const player = new Player(audio, log, lists, state)
  const sync = new Sync({
    firmware: FIRMWARE,
    device: ds.deviceIdentifier("self"),
    flash: flash,
    keyKey: "ftkey",
    addressKey: "fthost",
    state: state,
    log: log,
    lists: lists,
    player: player,
    audio: audio,
  })

  let held = false
  playButton.down.subscribe(() => {
    held = false
  })
  playButton.hold.subscribe((ms) => {
    if (ms >= HOLD_MS && !held) {
      held = true
      sync.demand()
    }
  })
  playButton.up.subscribe((ms) => {
    if (held) return
    if (ms >= HOLD_MS) sync.demand()
    else player.press(PRESS_PLAY, ds.millis())
  })
  skipButton.down.subscribe(() => player.press(PRESS_SKIP, ds.millis()))
  stopButton.down.subscribe(() => player.press(PRESS_STOP, ds.millis()))

  player.start(last)
  sync.start()
  console.log("fieldtune " + FIRMWARE + " epoch " + state.epoch + " boot " + state.boot)
}

/** Runs the firmware; `soundBoard` makes the driver of the sound board, on the board's I2C bus if it needs one. */
export function main(soundBoard: (bus: I2cBus) => AudioOutput): void {
  const bus = new I2cBus(simulatedBus)
  const audio = soundBoard(bus)
  const start = async () => {
    bus.start()
    while (true) {
      try {
        await run(audio)
        return
      } catch (e: any) {
        console.log("start: " + e.message)
        await ds.sleep(RETRY_MS)
      }
    }
  }
  start.start()
}
