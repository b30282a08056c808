import assert from "node:assert/strict"
import { test } from "node:test"
import { firmwareManifest } from "../../host/firmware/manifest.js"
import { HEAP_BYTES } from "../../host/firmware/meter.js"
import { programOf } from "./bench/board.js"
import { costsOf, ROUND_TRIP_MS, STEP_US, WAITING } from "./bench/costs.js"
import { RIGS } from "./bench/rigs.js"

/** The song's beginning, one checkpoint, its end and its record. */
const MOST_PER_LISTEN = 20_000
/** Of the 128 K steps after which the VM ends the program: half. */
const MOST_WITHOUT_YIELD = 65_536
const MOST_HEAP = 0.75 * HEAP_BYTES
/** The longest body of a request or reply, in one piece. */
const LEAST_ROOM = 4096 + 12
const MOST_SYNC_MS = 60_000
const MOST_BYTECODE = 48 * 1024

for (const rig of RIGS) {
  test(`${rig.name}: the bytecode is within its limit`, async () => {
    const { bytecodeBytes } = firmwareManifest()
    assert.ok(bytecodeBytes <= MOST_BYTECODE, `devicescript.json allows ${bytecodeBytes} B`)
    const { bytecode } = await programOf(rig.entry)
    assert.ok(
      bytecode.length <= bytecodeBytes,
      `${bytecode.length} B of bytecode, at most ${bytecodeBytes} B`,
    )
  })

  test(`${rig.name}: steps, heap and the time of a sync are within their limits`, async (t) => {
    const costs = await costsOf(rig)
    t.diagnostic(JSON.stringify(costs))
    const listen = costs.begin + costs.checkpoint + costs.end
    assert.ok(listen <= MOST_PER_LISTEN, `${listen} steps for a listen, at most ${MOST_PER_LISTEN}`)
    const { longest, bound, room, syncMs, syncSteps } = costs
    assert.ok(
      longest <= MOST_WITHOUT_YIELD,
      `${longest} steps without a yield, at most ${MOST_WITHOUT_YIELD}`,
    )
    assert.ok(bound <= MOST_HEAP, `${bound} B of heap, at most ${MOST_HEAP} B`)
    assert.ok(room >= LEAST_ROOM, `${room} B are free in one piece, at least ${LEAST_ROOM} B`)
    // The virtual clock stands still while the board computes, so that comes on top.
    const ms = syncMs + (syncSteps * STEP_US.most) / 1000
    const sync = `${WAITING} records over a round trip of ${ROUND_TRIP_MS} ms`
    assert.ok(syncMs > 4 * 2 * ROUND_TRIP_MS, `${sync} in ${syncMs} ms: the round trips are not in it`)
    assert.ok(ms <= MOST_SYNC_MS, `${sync}: ${ms} ms, at most ${MOST_SYNC_MS} ms`)
  })
}
