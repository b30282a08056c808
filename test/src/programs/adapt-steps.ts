// How many bytecode steps a piece of work takes: the runtime ends a program that runs 128 K steps without a yield, so
// the longest loop that may stand before the work tells. A job is the loop's length (u32), the kind of work, and a
// playlist; the answer is one byte, and none after the program was ended.

import * as ds from "@devicescript/core"
import { Adaptation } from "../../../src/adapt"
import { post } from "../../../src/http"
import { faultOf } from "../../../src/playlist"
import { MAX_FRAM_PLAYLIST_BYTES } from "../../../src/wire"

const MAX_JOB_BYTES = 5100

let sink = 0

function loop(count: number): void {
  for (let i = 0; i < count; i++) sink = sink ^ i
}

function work(kind: number, list: Buffer, adaptation: Adaptation): void {
  switch (kind) {
    case 1:
      adaptation.weigh(0, 90000, 1)
      break
    case 2:
      adaptation.weigh(0, 90000, 4)
      break
    case 3:
      adaptation.rescore(0)
      break
    case 4:
      sink = adaptation.choose(7)
      break
    case 5:
      adaptation.mark(1)
      break
    case 6:
      sink = new Adaptation(list).items
      break
    case 7:
      sink = faultOf(list, 65535, MAX_FRAM_PLAYLIST_BYTES)
      break
    default:
      break
  }
}

async function main(): Promise<void> {
  const to = { host: "10.0.0.5", port: 80 }
  let answer = Buffer.alloc(0)
  while (true) {
    const job = (await post(to, "/job", Buffer.alloc(0), answer, MAX_JOB_BYTES, 5000)).body
    if (job.length === 0) break
    const list = job.slice(5)
    const count = job.getAt(0, "u32")
    const adaptation = new Adaptation(list)
    await ds.sleep(1)
    loop(count)
    work(job[4], list, adaptation)
    await ds.sleep(1)
    answer = Buffer.alloc(1)
  }
  console.log("END")
}

main.start()
