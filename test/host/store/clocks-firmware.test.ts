// Clocks with the real firmware in the VM: the times that the store gives to listens, beside what sounded when.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { matchListens } from "../../../host/rehearsal/ledger.js"
import { Rehearsal } from "../../../host/rehearsal/study.js"

const MINUTE = 60_000
/** A board that gets power is ready for a button by then. */
const STARTED_MS = 20_000

test("listens of real boards are stored with the time at which they sounded, over power cuts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-clocks-"))
  const rehearsal = await Rehearsal.open({
    dir: join(folder, "study"),
    seed: 21,
    boards: 2,
    waves: 1,
    songs: 60,
    playlistSize: 20,
    sessionMinutes: 4,
  })
  try {
    const { clock, participants, study } = rehearsal
    await rehearsal.sync()
    await rehearsal.session()
    await rehearsal.sync()
    // A boot that meets no host: it lies between its neighbours.
    for (const participant of participants) await rehearsal.cutPower(participant)
    await clock.advance(STARTED_MS)
    await rehearsal.session()
    for (const participant of participants) await rehearsal.cutPower(participant, 60_000)
    await clock.advance(STARTED_MS + 10 * MINUTE)
    await rehearsal.session()
    await rehearsal.sync()
    const stored = await study.store.plays.all()
    const boots = new Set<number>()
    for (const { board, bootAt } of participants) {
      const own = stored.filter(({ device }) => device === board.deviceId)
      const { pairs, lost, duplicated } = matchListens(board.sound.sounded, own, bootAt)
      assert.deepEqual([lost, duplicated], [[], []])
      for (const { sounded, play } of pairs) {
        assert.ok(play.startedAt !== null && play.uncertaintyMs !== null, `boot ${play.boot} has no time`)
        const error = Math.abs(play.startedAt - sounded.from)
        assert.ok(error <= play.uncertaintyMs, `boot ${play.boot}: off by ${error} of ${play.uncertaintyMs}`)
        // Met by the host: known to a request's delay, and in truth to the bus's.
        if (play.boot !== 2) assert.ok(error < 2000 && play.uncertaintyMs <= 31_000, `${error}`)
        else assert.ok(play.uncertaintyMs < 10 * MINUTE, `${play.uncertaintyMs}`)
        boots.add(play.boot)
      }
    }
    assert.deepEqual([...boots].sort(), [1, 2, 3])
    assert.deepEqual(await study.store.clocks.settle(clock.now()), [])
  } finally {
    await rehearsal.close()
    await rehearsal.study.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
