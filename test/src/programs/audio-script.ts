// Runs a script of calls on a sound board's driver as the player would make them: one fiber, polls in between. Setting
// "script": P and a file number plays, H pauses, R goes on, S stops, V sets the volume, W waits that many ms,
// E waits until nothing plays any more, B until the board is there. Logs before each step and after each poll what the
// driver says: "= step state position errors card".

import * as ds from "@devicescript/core"
import { AUDIO_ABSENT, AUDIO_PLAYING, type AudioOutput } from "../../../src/audio/audio-output"
import { SettingsFlash } from "../../../src/flash"
import { I2cBus } from "../../../src/i2c"

const IDLE_MS = 100
/** E and B give up after this long. */
const LONG_MS = 60000

const settings = new ds.Settings("settings")
const role = new ds.I2C("i2c")

export function runScript(soundBoard: (bus: I2cBus) => AudioOutput): void {
  const bus = new I2cBus(role)
  const audio = soundBoard(bus)

  function tell(step: string): void {
    const text = step + " " + audio.state() + " " + audio.positionMs(ds.millis())
    console.log("= " + text + " " + audio.errors + " " + audio.card)
  }

  async function wait(ms: number, done: () => boolean): Promise<void> {
    const end = ds.millis() + ms
    while (!done() && ds.millis() < end) {
      const playing = audio.state() === AUDIO_PLAYING && audio.pollMs > 0
      if (playing) await audio.poll()
      tell("-")
      const rest = end - ds.millis()
      await ds.sleep(Math.max(1, Math.min(rest, playing ? audio.pollMs : IDLE_MS)))
    }
  }

  async function step(op: string, value: number): Promise<void> {
    if (op === "P") tell((await audio.play(value)) ? "played" : "refused")
    else if (op === "H") await audio.pause()
    else if (op === "R") tell((await audio.resume()) ? "resumed" : "refused")
    else if (op === "S") await audio.stop()
    else if (op === "V") await audio.setVolume(value)
    else if (op === "W") await wait(value, () => false)
    else if (op === "E") await wait(LONG_MS, () => audio.state() !== AUDIO_PLAYING)
    else if (op === "B") await wait(LONG_MS, () => audio.state() !== AUDIO_ABSENT)
  }

  async function run(): Promise<void> {
    const flash = new SettingsFlash(settings)
    flash.start()
    bus.start()
    audio.start(() => tell("changed"))
    const script = (await flash.read("script")).toString().split(" ")
    for (let i = 0; i < script.length; i++) {
      tell(script[i])
      const before = ds.millis()
      await step(script[i][0], parseFloat(script[i].slice(1)))
      tell("took" + (ds.millis() - before))
    }
    tell("end")
  }
  run.start()
}
