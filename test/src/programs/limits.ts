// Known costs, to hold the meter to: steps of code without branches, kept memory, and a loop without a yield.

import * as ds from "@devicescript/core"

const BLOCKS = 20
const BLOCK_BYTES = 1000
const CRUMB_BYTES = 20

let sum = 0
const kept: Buffer[] = []

function straight(a: number, b: number): void {
  sum = a * b + 3
  sum = sum - b * 1000
  sum = Math.idiv(sum, 2)
}

/** Garbage enough that a metered VM collects. */
async function collect(): Promise<void> {
  for (let i = 0; i < 30; i++) {
    sum += Buffer.alloc(CRUMB_BYTES).length
    await ds.sleep(1)
  }
}

/** Stands for a call that waits here and nowhere else. */
async function wait(): Promise<void> {
  sum++
  await ds.sleep(1)
}

async function waitOften(): Promise<void> {
  for (let i = 0; i < 50; i++) await wait()
}

async function keep(): Promise<void> {
  for (let i = 0; i < BLOCKS; i++) {
    kept.push(Buffer.alloc(BLOCK_BYTES))
    sum += Buffer.alloc(BLOCK_BYTES).length
    await ds.sleep(1)
  }
}

/** A line, and time for whoever waits for it to look at the meter. */
async function say(line: string): Promise<void> {
  console.log(line)
  await ds.sleep(1)
}

async function run(): Promise<void> {
  straight(3, 4)
  straight(5, 6)
  await say("STRAIGHT")
  await waitOften()
  await say("WAITED")
  await collect()
  await say("EMPTY")
  await keep()
  await say("FULL")
  await collect()
  await say("KEPT")
  while (true) sum++
}

run.start()
