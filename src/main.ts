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
// "ftplan" is what the study allows, as the `plan` of a reply (MessagePack); the first sync replaces it.
// "ftstore" is "fram" or "flash": where the board keeps what changes. Without it a board takes FRAM if one answers.
// The other settings that start with "ft" are those of settings-memory.ts.

import * as ds from "@devicescript/core"
import type { AudioOutput } from "./audio/audio-output"
import { Buttons } from "./buttons"
import { SettingsFlash } from "./flash"
import { Health } from "./health"
import { I2cBus } from "./i2c"
import { ListenLog } from "./log/listen-log"
import type { BoardMemory } from "./memory/board-memory"
import { FramMemory } from "./memory/fram-memory"
import { SettingsMemory } from "./memory/settings-memory"
import { unpack } from "./msgpack"
import { Player } from "./player"
import { planOf } from "./reply"
import { Rescoring } from "./rescoring"
import { resetReason } from "./reset-reason"
import { SerialLink } from "./serial"
import { PlaylistSlots } from "./slots"
import { BoardState } from "./state"
import { BoardLight, StatusLight } from "./status-light"
import { Sync, type SyncParts } from "./sync"

/** Of devicescript.json. */
const FIRMWARE = "0.1.0"
const RETRY_MS = 5000
const FRAM_RETRY_MS = 100

const playButton = new ds.Button("play")
const skipButton = new ds.Button("skip")
const stopButton = new ds.Button("stop")
const settings = new ds.Settings("settings")
const simulatedBus = new ds.I2C("i2c")
const serial = new ds.Serial("serial")
const control = new ds.Control("control[int:0]")

/**
 * FRAM where the provisioning says so, else where one answers. A board that was provisioned for FRAM waits for it: with
 * its flash instead it would start an epoch of its own and leave what it knows behind.
 */
async function memoryOf(flash: SettingsFlash, bus: I2cBus, health: Health): Promise<BoardMemory> {
  const fram = new FramMemory(bus)
  const wanted = await flash.read("ftstore")
  if (wanted === undefined) throw new Error("the settings do not answer")
  const store = wanted.toString()
  if (store === "flash") return new SettingsMemory(flash, "ft")
  while (!(await fram.present())) {
    if (store !== "fram") return new SettingsMemory(flash, "ft")
    health.waiting = true
    await ds.sleep(FRAM_RETRY_MS)
  }
  return fram
}

/** The plan that came with the provisioning: what holds until the first sync. */
async function takePlan(flash: SettingsFlash, state: BoardState): Promise<void> {
  const bytes = await flash.read("ftplan")
  if (!bytes || bytes.length === 0) return
  try {
    if (state.follow(planOf(unpack(bytes)))) await state.commit()
  } catch (e: any) {
    console.log("ftplan: " + e.message)
  }
}

async function run(bus: I2cBus, audio: AudioOutput, health: Health, startedMs: number): Promise<void> {
  const flash = new SettingsFlash(settings)
  flash.start()
  const memory = await memoryOf(flash, bus, health)
  const state = new BoardState(memory)
  const log = new ListenLog(memory, state)
  const last = await log.open()
  health.reset = resetReason(state.restarted, startedMs)
  if (state.boot === 1) await takePlan(flash, state)
  const lists = new PlaylistSlots(memory, state, audio.maxFile)
  await lists.open()
  await lists.swap()
  const player = new Player(audio, log, lists, state, new Rescoring(log))
  const device = ds.deviceIdentifier("self")
  const parts: SyncParts = {
    firmware: FIRMWARE,
    device: device,
    flash: flash,
    keyKey: "ftkey",
    addressKey: "fthost",
    memory: memory,
    state: state,
    log: log,
    lists: lists,
    player: player,
    audio: audio,
    link: new SerialLink(serial, device),
    health: health,
  }
  const sync = new Sync(parts)

  new Buttons(playButton, skipButton, stopButton, state).start(
    (press, at) => player.press(press, at),
    () => sync.demand(),
  )

  player.start(last)
  sync.start()
  health.start(parts)
  console.log("fieldtune " + FIRMWARE + " epoch " + state.epoch + " boot " + state.boot)
}

/** Runs the firmware; `soundBoard` makes the driver of the sound board, on the board's I2C bus if it needs one. */
export function main(soundBoard: (bus: I2cBus) => AudioOutput): void {
  const startedMs = ds.millis()
  const bus = new I2cBus(simulatedBus)
  const audio = soundBoard(bus)
  const health = new Health(bus)
  const start = async () => {
    bus.start()
    new StatusLight(new BoardLight(control), () => health.conditions()).start()
    while (true) {
      try {
        await run(bus, audio, health, startedMs)
        return
      } catch (e: any) {
        console.log("start: " + e.message)
        await ds.sleep(RETRY_MS)
      }
    }
  }
  start.start()
}
