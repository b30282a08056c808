// Two fibers that commit the board's state while a third keeps the flash busy, with all small delays between them;
// after each round the state on flash is compared with the one in RAM.

import * as ds from "@devicescript/core"
import { SettingsFlash } from "../../../src/flash"
import { SettingsMemory } from "../../../src/memory/settings-memory"
import { BoardState } from "../../../src/state"

const ROUNDS = 60
const settings = new ds.Settings("settings")

async function main(): Promise<void> {
  const flash = new SettingsFlash(settings)
  flash.start()
  const memory = new SettingsMemory(flash, "ft")
  const state = new BoardState(memory)
  const onFlash = new BoardState(memory)
  let running = 0
  let stale = 0
  const keepBusy = async () => {
    await flash.write("other", Buffer.alloc(100))
    running--
  }
  const commit = async () => {
    await state.commit()
    running--
  }
  for (let round = 0; round < ROUNDS; round++) {
    running = 3
    keepBusy.start()
    await ds.sleep(round % 5)
    state.acked++
    commit.start()
    await ds.sleep(Math.idiv(round, 5) % 4)
    state.last++
    commit.start()
    while (running > 0) await ds.sleep(1)
    await onFlash.load()
    if (onFlash.acked !== state.acked || onFlash.last !== state.last) stale++
  }
  console.log("ROUNDS " + ROUNDS + " STALE " + stale)
}

main.start()
