// A light whose conditions a test orders (1: one bit for each, worst first); it logs each change, and sets the board's
// own light as well. Order 2 answers the pattern of conditions, 3 the condition of a log of 400 with so many listens;
// after 4 the light fails.

import * as ds from "@devicescript/core"
import { I2cBus } from "../../../src/i2c"
import {
  BoardLight,
  LIGHT_BATTERY_LOW,
  LIGHT_LOG_FULL,
  LIGHT_LOG_NEARLY_FULL,
  LIGHT_NO_MEMORY,
  LIGHT_NO_PLAYLIST,
  LIGHT_NO_SOUND,
  LIGHT_NO_SYNC,
  LIGHT_PAUSED,
  LIGHT_PLAYING,
  LIGHT_STARTING,
  LIGHT_SYNCING,
  LIGHT_UNPROVISIONED,
  type LightOutput,
  logCondition,
  patternOf,
  StatusLight,
} from "../../../src/status-light"
import { serve } from "./mailbox"

const role = new ds.I2C("i2c")
const control = new ds.Control("control[int:0]")

const WORST_FIRST = [
  LIGHT_NO_MEMORY,
  LIGHT_LOG_FULL,
  LIGHT_NO_SOUND,
  LIGHT_UNPROVISIONED,
  LIGHT_BATTERY_LOW,
  LIGHT_NO_SYNC,
  LIGHT_LOG_NEARLY_FULL,
  LIGHT_NO_PLAYLIST,
  LIGHT_STARTING,
  LIGHT_SYNCING,
  LIGHT_PAUSED,
  LIGHT_PLAYING,
]

function conditionsOf(bits: number): number {
  let sum = 0
  for (let i = 0; i < WORST_FIRST.length; i++) if ((bits & (1 << i)) !== 0) sum += WORST_FIRST[i]
  return sum
}

class RecordedLight implements LightOutput {
  fails = false
  private board = new BoardLight(control)

  async set(red: number, green: number, blue: number): Promise<void> {
    if (this.fails) throw new Error("no light")
    console.log("LIGHT " + ds.millis() + " " + red + " " + green + " " + blue)
    await this.board.set(red, green, blue)
  }
}

async function main(): Promise<void> {
  const bus = new I2cBus(role)
  bus.start()
  const light = new RecordedLight()
  let conditions = 0
  new StatusLight(light, () => conditions).start()
  await serve(bus, async (code, value) => {
    if (code === 1) conditions = conditionsOf(value)
    if (code === 2) return patternOf(conditionsOf(value))
    if (code === 3) return logCondition(value, 400)
    light.fails = code === 4
    return 0
  })
}

main.start()
