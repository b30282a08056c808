// Power is cut at random moments of the loop: while music plays, during a sync, while a new playlist is on its way and at
// the swap. Whatever was acknowledged or had ended must be in the store once, and of an open listen at most five
// seconds may be missing.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { stream } from "../host/model/random.js"
import { unpackPlaylist } from "../host/protocol/playlist.js"
import { matchListens, soundedMs } from "../host/rehearsal/ledger.js"
import { Rehearsal } from "../host/rehearsal/study.js"
import { runRound } from "../host/round.js"
import { END_POWER_LOST } from "../src/record.js"

const CUTS = 50
/** A listen that ended this shortly before the cut may not have reached the flash yet: then it was still open. */
const WRITING_MS = 60
/** What the checkpoint may miss of an open listen. */
const CHECKPOINT_MS = 5000
const TIMING_MS = 150

test(`${CUTS} power cuts: every acknowledged and every ended listen once, at most 5 s of an open one missing`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-cuts-"))
  const rng = stream(2024, "power cuts")
  const rehearsal = await Rehearsal.open({
    dir: join(folder, "study"),
    seed: 11,
    boards: 1,
    waves: 1,
    songs: 120,
  })
  const { study, clock, participants } = rehearsal
  const participant = participants[0]
  const { board, listener } = participant
  const cutAt: number[] = []
  const kinds = { playing: 0, sync: 0, download: 0 }
  await rehearsal.sync()
  listener.begin()
  await clock.advance(20_000)
  for (let cut = 0; cut < CUTS; cut++) {
    const kind = cut % 5 === 3 ? "sync" : cut % 5 === 4 ? "download" : "playing"
    kinds[kind]++
    await clock.advance(5_000 + rng.uniform() * 100_000)
    if (kind === "download") await runRound(study, { now: clock.now() })
    if (kind !== "playing") {
      board.tap("play", 2000)
      await clock.advance(1500)
    }
    // During a sync the cut falls into its exchanges; the swap follows at the next track.
    await clock.advance(rng.uniform() * (kind === "playing" ? 20_000 : 1500))
    cutAt.push(clock.now())
    await rehearsal.cutPower(participant, 500 + rng.uniform() * 5000)
    await clock.advance(4000)
    listener.resume()
  }
  listener.leave()
  assert.ok(await clock.advance(1_800_000, () => listener.stopped), "the last song ends")
  await clock.advance(5000)
  await rehearsal.sync()
  await rehearsal.sync()

  const plays = await study.store.plays.all()
  const { pairs, lost, duplicated } = matchListens(board.sound.sounded, plays, participant.bootAt)
  assert.equal(participant.bootAt.length, CUTS + 1)
  assert.deepEqual(board.panics, [])
  assert.deepEqual(duplicated, [], "no listen stored twice, none that did not sound")
  const openAtCut = (until: number): boolean => cutAt.some((at) => until <= at && at - until < WRITING_MS)
  for (const sounded of lost) {
    assert.ok(
      openAtCut(sounded.until!),
      `file ${sounded.file} from ${sounded.from} ended before any cut and is lost`,
    )
    assert.ok(
      soundedMs(sounded, clock.now()) <= CHECKPOINT_MS,
      `more than 5 s of file ${sounded.file} are lost`,
    )
  }
  let powerLost = 0
  for (const { sounded, play } of pairs) {
    const missing = soundedMs(sounded, clock.now()) - play.heardMs
    if (play.reason === END_POWER_LOST) {
      powerLost++
      assert.ok(openAtCut(sounded.until!), `play ${play.sequence} lost power where none was cut`)
      assert.ok(
        missing >= -TIMING_MS && missing <= CHECKPOINT_MS,
        `play ${play.sequence} misses ${missing} ms`,
      )
    } else {
      assert.ok(Math.abs(missing) <= TIMING_MS, `play ${play.sequence} is ${missing} ms off`)
    }
  }
  assert.ok(powerLost >= CUTS / 2, `only ${powerLost} listens were open at a cut`)
  // Sequences have no holes, so completeness is proved and not assumed.
  const sequences = plays.map((play) => play.sequence).sort((a, b) => a - b)
  assert.deepEqual(
    sequences,
    sequences.map((_, i) => i + 1),
  )
  assert.equal(new Set(plays.map((play) => play.epoch)).size, 1, "the board's memory survived")
  // Every list came whole or not at all: each song was heard from a place where a published list has it.
  const lists = (await study.store.playlists.all()).map((list) => unpackPlaylist(list.bytes))
  for (const play of plays) {
    const named = lists.some((list) => list.items[play.position]?.song === play.song)
    assert.ok(named, `song ${play.song} stands at position ${play.position} of no list`)
  }
  const newest = (await study.store.playlists.all()).at(-1)!
  assert.equal(newest.state, "confirmed")
  assert.ok(kinds.sync >= 10 && kinds.download >= 10)
  await rehearsal.close()
  await study.close()
  rmSync(folder, { recursive: true, force: true })
})
