// Counts bytecode steps without a clock: see programs/adapt-steps.ts.

import { Board } from "./board.js"
import { httpAnswer } from "./network.js"

/** Steps that the runtime lets a program run without a yield (2.16.4: DEVS_MAX_STEPS). */
export const MAX_STEPS = 128 * 1024

/** No loop of so many iterations passes. */
const LONGEST = 40_000

/** Kinds of work of programs/adapt-steps.ts. */
export const WORK = {
  nothing: 0,
  weighSkipped: 1,
  weighCensored: 2,
  rescore: 3,
  choose: 4,
  mark: 5,
  load: 6,
  check: 7,
}

interface Job {
  work: number
  list: Uint8Array
}

/** Steps of each job, to about a dozen. */
export async function countSteps(jobs: readonly Job[]): Promise<number[]> {
  const all = [{ work: WORK.nothing, list: jobs[0].list }, ...jobs]
  /** Longest loop that passed, of each job so far. */
  const longest: number[] = []
  let low = -1
  let high = LONGEST
  let asked = -1
  const board = await Board.start({
    entry: "test/src/programs/adapt-steps.ts",
    server: (request) => {
      if (request === undefined) return undefined
      if (asked >= 0) {
        if (request.body.length > 0) low = asked
        else high = asked
      }
      if (high - low <= 1) {
        longest.push(low)
        low = -1
        high = LONGEST
      }
      if (longest.length === all.length) return httpAnswer(200, new Uint8Array(0))
      asked = (low + high) >> 1
      const { work, list } = all[longest.length]
      const job = Buffer.alloc(5 + list.length)
      job.writeUInt32LE(asked, 0)
      job.writeUInt8(work, 4)
      job.set(list, 5)
      return httpAnswer(200, job)
    },
  })
  await board.line("END", 36_000_000)
  const [nothing, ...counts] = longest
  if (!(nothing > 1000 && nothing < LONGEST - 1))
    throw new Error(`the runtime ends a loop after ${nothing} iterations`)
  return counts.map((count) => Math.round(((nothing - count) * MAX_STEPS) / nothing))
}
