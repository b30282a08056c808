import assert from "node:assert/strict"
import { test } from "node:test"
import { HEAP_BYTES, Meter } from "../../host/firmware/meter.js"
import { VirtualClock } from "../../host/rehearsal/clock.js"
import { TestHost } from "./bench/host.js"
import { fieldHost, mixedUse } from "./bench/mixed-use.js"
import { RIGS, startRig } from "./bench/rigs.js"

const HOURS = 2
const LENGTH_MS = 240_000
const MOST_HEAP = 0.75 * HEAP_BYTES

// What is measured: the bytes that are in use in the VM's heap, headers included, after each of its collections, and
// to these the bytes that were allocated until the next one; a metered VM collects every 256 bytes. The syncs of full
// requests and a start with a full log, which take most, are measured in limits.test.ts.
// Boards whose sound board is polled collect ten times as often: limits.test.ts measures theirs.
for (const rig of RIGS.filter(({ driver }) => driver === undefined)) {
  test(`${rig.name}: ${HOURS} hours of mixed use take at most three quarters of the heap`, async (t) => {
    const host = fieldHost(new TestHost("12abdd2289421234"), "heap")
    const meter = new Meter()
    const clock = new VirtualClock()
    const board = await startRig(rig, host, clock, LENGTH_MS, { meter })
    await clock.advance(10_000)
    await mixedUse(board, host, "heap", HOURS)
    board.powerOff()
    const { live, bound, room, collections } = meter.heap
    t.diagnostic(`live ${live} B, bound ${bound} B, room ${room} B, ${collections} collections`)
    assert.deepEqual(board.panics, [])
    assert.ok(host.plays.size > 20, `only ${host.plays.size} listens`)
    assert.ok(collections > 10_000, `only ${collections} collections`)
    assert.ok(bound <= MOST_HEAP, `${bound} B of heap, at most ${MOST_HEAP} B`)
  })
}
