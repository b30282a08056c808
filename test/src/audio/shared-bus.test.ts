// Sound board and memory share one bus: while a sync writes and reads much of the memory, the sound board still gets its
// turn in time to be known as playing.

import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { TestHost } from "../bench/host.js"
import { RIGS, startRig } from "../bench/rigs.js"

const SYNCS = 30
const WAITING = 450
const SONGS = 256
const LENGTH_MS = 200_000

test("no sync with a long playlist makes the player believe that its DFPlayer is gone", async () => {
  const host = new TestHost("12abdd2289421234")
  host.plan.sync = 0
  host.ackUpTo = 0
  const publish = (version: number): void => {
    const items = Array.from({ length: SONGS }, (_, i) => ({ song: i + 1, lengthMs: LENGTH_MS, flags: 0 }))
    host.playlist = { version, bytes: packPlaylist(items, version) }
  }
  publish(1)
  const rig = RIGS.find(({ driver }) => driver !== undefined)!
  const clock = new VirtualClock()
  const board = await startRig(rig, host, clock, LENGTH_MS, { roundTripMs: 100 })
  await clock.advance(12_000)
  await board.press("play")
  await clock.advance(2000)
  for (let i = 0; i < WAITING; i++) {
    await board.press("skip")
    await clock.advance(900)
  }
  for (let sync = 0; sync < SYNCS; sync++) {
    publish(sync + 2)
    await board.press("play", 1600)
    await clock.advance(12_300 + sync * 37 + ((sync * 53) % 700))
  }
  const { health, list, next } = host.requests.at(-1)!
  assert.equal(Math.max(list, next ?? 0), SYNCS + 1, "every list has arrived")
  assert.ok(health.log >= WAITING, `${health.log} records wait`)
  assert.equal(health.audio, 0, "errors of the sound board")
})
