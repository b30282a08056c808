// A battery that is polled on order: 1 = poll and answer the percent, 2 = is it low, 3 = empty.

import * as ds from "@devicescript/core"
import { Battery } from "../../../src/battery"
import { I2cBus } from "../../../src/i2c"
import { serve } from "./mailbox"

const role = new ds.I2C("i2c")

async function main(): Promise<void> {
  const bus = new I2cBus(role)
  bus.start()
  const battery = new Battery(bus)
  await serve(bus, async (code) => {
    if (code === 2) return battery.low ? 1 : 0
    if (code === 3) return battery.empty ? 1 : 0
    await battery.poll()
    return battery.percent
  })
}

main.start()
