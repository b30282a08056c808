// The firmware, and after an hour of it whatever heap is left, in blocks of one kilobyte until there is none.

import * as ds from "@devicescript/core"
import "../../../src/entry/jacdac"

const HOUR_MS = 3600000
const BLOCK_BYTES = 1024

async function main(): Promise<void> {
  await ds.sleep(HOUR_MS)
  const blocks: Buffer[] = []
  while (true) {
    blocks.push(Buffer.alloc(BLOCK_BYTES))
    console.log("FREE " + blocks.length)
    await ds.sleep(1)
  }
}

main.start()
