// Loaded into a command's process before the command: its calendar is the clock of the test, which writes its time,
// Unix milliseconds, into the file FIELD_CLOCK. Everything else is the command's own.

import { readFileSync } from "node:fs"

const file = process.env.FIELD_CLOCK
if (file === undefined) throw new Error("FIELD_CLOCK: must name the file with the time")

const Real = Date
const now = (): number => Number(readFileSync(file, "latin1"))

class VirtualDate extends Real {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [now()] : given) as [number]))
  }
  static override now(): number {
    return now()
  }
}

globalThis.Date = VirtualDate as DateConstructor
