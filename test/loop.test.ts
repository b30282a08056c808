// The whole loop: firmware in the VM → store → estimate → design → the board plays the new list.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { stream } from "../host/model/random.js"
import type { Fault } from "../host/rehearsal/network.js"
import { Rehearsal, type RehearsalOptions, type RehearsalReport } from "../host/rehearsal/study.js"

const SMALL = { boards: 2, waves: 2, songs: 150, playlistSize: 20, sessionMinutes: 12 }

/** Runs a small rehearsal and hands over the report with what is still open. */
async function rehearse(
  options: Partial<RehearsalOptions> & { seed: number },
  look: (report: RehearsalReport, rehearsal: Rehearsal) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-loop-"))
  const rehearsal = await Rehearsal.open({ dir: join(folder, "study"), ...SMALL, ...options })
  try {
    await look(await rehearsal.run(), rehearsal)
  } finally {
    await rehearsal.close()
    await rehearsal.study.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

test("boards play, the host learns, designs and publishes, the boards play what was designed", async () => {
  await rehearse({ seed: 5 }, async (report, { study, participants }) => {
    const [random, designed] = report.waves
    assert.equal(random.arm, "random")
    assert.equal(designed.arm, "model")
    assert.equal(report.playsStored, report.playsOnBoards)
    assert.ok(report.playsStored > 20, `only ${report.playsStored} plays`)
    assert.deepEqual([report.lost, report.duplicated, report.panics], [0, 0, 0])
    assert.ok(report.heardErrorMs <= 150, `time heard is up to ${report.heardErrorMs} ms off`)
    assert.equal(report.playlistsConfirmed, report.playlistsPublished)
    assert.equal(report.playlistsPublished, SMALL.boards * SMALL.waves)
    // What sounded in the second wave is what was published for it.
    for (const { board, subject } of participants) {
      const list = (await study.store.playlists.of(subject)).at(-1)!
      const songs = new Set((await study.store.playlists.items(list.id)).map((item) => item.song))
      const plays = (await study.store.plays.of(subject)).filter((play) => play.playlist === list.id)
      assert.ok(plays.length > 0)
      for (const play of plays) {
        assert.ok(songs.has(play.song))
        assert.equal(
          board.sound.sounded.some((sounded) => sounded.file === play.song),
          true,
        )
      }
      // One block per pass with new plays: before the second wave, and at the end.
      assert.equal((await study.store.models.blocks(subject)).length, 2)
    }
  })
})

test("the same seed gives the same study to the byte, another seed another one", async () => {
  const hashes: string[] = []
  for (const seed of [7, 7, 8]) {
    await rehearse({ seed, waves: 2, sessionMinutes: 5 }, (report) => {
      hashes.push(report.databaseSha)
    })
  }
  assert.equal(hashes[0], hashes[1])
  assert.notEqual(hashes[0], hashes[2])
})

test("replies that are cut off, silence and refused connections lose nothing and double nothing", async () => {
  const rng = stream(3, "network faults")
  let faults = 0
  const fault = (): Fault | undefined => {
    const kind = rng.int(5)
    if (kind > 2) return undefined
    faults++
    if (kind === 0) return { refuse: true }
    const after = rng.int(400)
    return kind === 1 ? { cutReplyAfter: after } : { silentAfter: after }
  }
  const options = { seed: 9, boards: 1, waves: 1, sessionMinutes: 10, fault }
  await rehearse(options, async (_, rehearsal) => {
    // Demand syncs until one has gone through: records wait on the board as long as that takes.
    for (let i = 0; i < 40; i++) await rehearsal.sync()
    const report = await rehearsal.report()
    assert.ok(faults >= 10, `only ${faults} faults`)
    assert.deepEqual([report.lost, report.duplicated], [0, 0])
    assert.equal(report.playsStored, report.playsOnBoards)
  })
})
