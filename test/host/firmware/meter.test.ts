import assert from "node:assert/strict"
import { test } from "node:test"
import { HEAP_BYTES, instrument, Meter } from "../../../host/firmware/meter.js"
import { Board, programOf } from "../../src/bench/board.js"

const PROGRAM = "test/src/programs/limits.ts"
const [WAIT, WAIT_OFTEN] = [`${PROGRAM}:wait`, `${PROGRAM}:waitOften`]
const STRAIGHT = `${PROGRAM}:straight`
/** The VM ends a program that would take its 128 K-th step without a yield. */
const MOST_STEPS = 128 * 1024 - 1
/** What the program keeps: blocks, with the three words that the VM adds to each. */
const BLOCKS = 20
const BLOCK_BYTES = 1000 + 12
/** A piece of garbage that may or may not be reachable still when a collection begins. */
const CRUMB_BYTES = 20 + 12

test("steps are counted one by one, and heap by the block", async () => {
  const { functions } = await programOf(PROGRAM)
  const meter = new Meter()
  meter.watch(functions, [STRAIGHT, WAIT, WAIT_OFTEN, `${PROGRAM}:run`])
  meter.takeAsNative(functions, WAIT)
  const board = await Board.start({ entry: PROGRAM, meter })

  await board.line("STRAIGHT")
  const { opcodes } = functions.find(({ name }) => name === STRAIGHT)!
  assert.ok(opcodes > 15, `${opcodes} opcodes`)
  assert.deepEqual(
    meter.share(STRAIGHT),
    { calls: 2, steps: 2 * opcodes, most: opcodes },
    "as many as the compiler's disassembly has",
  )

  meter.reset()
  await board.line("WAITED")
  const waiting = meter.share(WAIT).steps + meter.share(WAIT_OFTEN).steps
  assert.equal(meter.share(WAIT).calls, 50)
  assert.ok(meter.longest >= waiting, "a wait in a function that is taken as native does not end a stretch")
  assert.ok(meter.longest < waiting + 50, "other waits do")

  meter.reset()
  await board.line("EMPTY")
  const empty = meter.heap.live
  await board.line("FULL")
  meter.reset()
  await board.line("KEPT")
  const { live, bound } = meter.heap
  // The array that holds the blocks takes 8 bytes a value, and has grown ahead.
  const array = live - empty - BLOCKS * BLOCK_BYTES
  assert.ok(8 * BLOCKS <= array + CRUMB_BYTES, `${live - empty} B for ${BLOCKS} blocks`)
  assert.ok(array <= 8 * 2 * BLOCKS + CRUMB_BYTES, `${live - empty} B for ${BLOCKS} blocks`)
  assert.ok(live <= bound && bound <= live + BLOCK_BYTES, `${bound} B`)

  await board.clock.advance(1000, () => board.panics.length > 0)
  assert.equal(meter.longest, MOST_STEPS, "as many as the VM itself allows")
  board.powerOff()
})

test("a heap that has no more room is measured as full", async () => {
  const meter = new Meter()
  const board = await Board.start({ entry: "test/src/programs/heap.ts", meter })
  await board.clock.advance(60_000, () => board.panics.length > 0)
  assert.ok(board.panics.length > 0, "the heap has an end")
  const { live, room } = meter.heap
  // Less than a block is left in one piece, or less than the array needs to grow.
  assert.ok(HEAP_BYTES - 3 * 1024 < live && live <= HEAP_BYTES, `${live} B`)
  assert.ok(room < 1024, `a block of ${room} B is free`)
  board.powerOff()
})

test("a program without a function of that name, and a binary that is not the VM's, are refused", () => {
  assert.throws(() => new Meter().watch([], ["src/player.ts:begin"]), /0 functions .* src\/player.ts:begin/)
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  assert.throws(() => instrument(empty), /the VM has 0 sections 1, not one/)
})
