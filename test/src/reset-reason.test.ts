import assert from "node:assert/strict"
import { test } from "node:test"
import { RESET_FAILURE, RESET_PLANNED, RESET_POWER } from "../../src/wire.js"
import { Board } from "./bench/board.js"
import { Mailbox } from "./bench/mailbox.js"
import { powerCut } from "./bench/session.js"

const ENTRY = "test/src/programs/reset-reason.ts"
const PLANNED = 5
/** Longer than any start takes. */
const START_MS = 10_000

/** [reason, uptime in ms] of each start so far. */
function starts(board: Board): [number, number][] {
  return board.lines.flatMap((line) => {
    const match = /START (\d+) (\d+)/.exec(line)
    return match ? [[Number(match[1]), Number(match[2])] as [number, number]] : []
  })
}

async function nextStart(board: Board, since: number): Promise<number> {
  assert.ok(await board.clock.advance(START_MS, () => starts(board).length > since), board.lines.at(-1))
  return starts(board)[since][0]
}

test("power, a planned restart and every kind of failure are told apart", async () => {
  const mailbox = new Mailbox()
  const board = await Board.start({ entry: ENTRY, chips: [mailbox] })
  assert.equal(await nextStart(board, 0), RESET_POWER)
  for (const failure of [1, 2, 3, 4]) {
    const before = starts(board).length
    mailbox.send(failure)
    assert.equal(await nextStart(board, before), RESET_FAILURE, `failure ${failure}`)
    assert.equal(board.panics.length, failure)
  }
  let before = starts(board).length
  await powerCut(board)
  assert.equal(await nextStart(board, before), RESET_POWER)

  mailbox.send(PLANNED)
  // The simulator does not come back by itself from a restart of the device.
  await board.line("target reset")
  before = starts(board).length
  await powerCut(board)
  assert.equal(await nextStart(board, before), RESET_PLANNED)
  // The flag is used up.
  await powerCut(board)
  assert.equal(await nextStart(board, before + 1), RESET_POWER)
  mailbox.send(1)
  assert.equal(await nextStart(board, before + 2), RESET_FAILURE)
})

test("a program that fails as soon as it starts is told from a device that starts again and again", async (t) => {
  const fail = { fail: Uint8Array.of(1) }
  const board = await Board.start({ entry: ENTRY, settings: fail })
  await board.line("START")
  await powerCut(board)
  await board.clock.advance(60_000)
  const [, first, ...again] = starts(board)
  assert.equal(first[0], RESET_POWER)
  assert.ok(again.length >= 5)
  assert.deepEqual(new Set(again.map(([reason]) => reason)), new Set([RESET_FAILURE]))
  // What the limit between the two rests on: the uptime goes on, and the runtime waits 5 s after a failure.
  t.diagnostic(`first start ${first[1]} ms after power, next one ${again[0][1]} ms after it`)
  assert.ok(again[0][1] - first[1] >= 5000)
})
