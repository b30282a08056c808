// A clock that is read and set on order: 1 = read, 2 = set to the order's value.

import * as ds from "@devicescript/core"
import { I2cBus } from "../../../src/i2c"
import { Rtc } from "../../../src/rtc"
import { serve } from "./mailbox"

const role = new ds.I2C("i2c")

async function main(): Promise<void> {
  const bus = new I2cBus(role)
  bus.start()
  const rtc = new Rtc(bus)
  await serve(bus, async (code, value) => {
    if (code === 1) return await rtc.read()
    return (await rtc.set(value)) ? 1 : 0
  })
}

main.start()
