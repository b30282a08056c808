// Tells why it started, then fails or restarts as ordered: 1 = exception, 2 = memory used up, 3 = a loop without end,
// 4 = stack used up, 5 = planned restart. With the setting "fail" it fails at once.

import * as ds from "@devicescript/core"
import { SettingsFlash } from "../../../src/flash"
import { I2cBus } from "../../../src/i2c"
import { resetReason } from "../../../src/reset-reason"
import { serve } from "./mailbox"

const started = ds.millis()
const role = new ds.I2C("i2c")
const settings = new ds.Settings("settings")

function deep(n: number): number {
  return n < 0 ? 0 : deep(n + 1) + 1
}

async function main(): Promise<void> {
  const flash = new SettingsFlash(settings)
  flash.start()
  const planned = (await flash.read("planned"))[0] === 1
  await flash.write("planned", Buffer.from([0]))
  console.log("START " + resetReason(planned, started) + " " + started)
  if ((await flash.read("fail"))[0] === 1) throw new Error("at once")
  const bus = new I2cBus(role)
  bus.start()
  await serve(bus, async (code) => {
    if (code === 1) throw new Error("ordered")
    const kept: Buffer[] = []
    while (code === 2) {
      kept.push(Buffer.alloc(1000))
      await ds.sleep(1)
    }
    let n = 0
    while (code === 3) n++
    if (code === 4) n = deep(0)
    if (code === 5) {
      await flash.write("planned", Buffer.from([1]))
      ds.reboot()
    }
    return n
  })
}

main.start()
