// Keeps blocks of one kilobyte until there is no heap left.

import * as ds from "@devicescript/core"

const BLOCK_BYTES = 1024

async function fill(): Promise<void> {
  const blocks: Buffer[] = []
  while (true) {
    blocks.push(Buffer.alloc(BLOCK_BYTES))
    await ds.sleep(1)
  }
}

fill.start()
