// Power goes in the middle of what the board writes: right after a chosen one of its flash writes, while songs end,
// records are acknowledged, replies get lost and new playlists arrive.

import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { matchListens } from "../../../host/rehearsal/ledger.js"
import type { Play } from "../../../host/store/plays.js"
import { Board } from "../bench/board.js"
import { TestHost } from "../bench/host.js"
import type { Reaction, Received } from "../bench/network.js"
import { FOUR_SONGS } from "../bench/session.js"

/** By then a listen has a checkpoint, and is never forgotten. */
const CHECKPOINT_MS = 5000

test("after whichever flash write the power goes, no listen that ended is lost or told in two ways", async () => {
  const host = new TestHost("12abdd2289421234")
  let lose = false
  // A lost reply: the host has dealt with the request and the board never hears of it.
  const serve = (request: Received | undefined): Reaction | undefined => {
    const reaction = host.serve(request)
    return request !== undefined && lose ? "silent" : reaction
  }
  let version = 1
  const publish = (): void => {
    host.playlist = { version, bytes: packPlaylist(FOUR_SONGS, version) }
    version++
  }
  publish()
  const clock = new VirtualClock()
  const bootAt = [clock.now()]
  const board = await Board.start({ clock, server: serve, settings: host.settings })
  await board.clock.advance(10_000)
  await board.press("play")
  for (let cut = 0; cut < 60; cut++) {
    await board.clock.advance(6000)
    lose = cut % 3 === 1
    if (cut % 4 === 2) publish()
    // A sync and the end of a song at the same time.
    let writes = 0
    let over = false
    const last = cut % 30
    board.keepFlash = () => {
      if (over) return false
      if (writes++ === last) {
        over = true
        board.clock.setTimeout(() => board.powerOff(), 0)
      }
      return true
    }
    board.tap("play", 1600)
    await board.clock.advance(1500 + (cut % 7) * 30)
    board.tap("skip", 30)
    await board.clock.advance(6000, () => over)
    over = true
    board.powerOff()
    board.keepFlash = () => true
    await board.clock.advance(1000)
    bootAt.push(board.clock.now())
    await board.powerOn()
    await board.clock.advance(4000)
    if (board.sound.sounded.at(-1)!.until !== undefined) await board.press("play")
  }
  lose = false
  await board.press("stop")
  await board.clock.advance(130_000)
  const plays = [...host.plays.values()].sort((a, b) => a.sequence - b.sequence)
  assert.deepEqual(
    plays.map((p) => p.sequence),
    plays.map((_, i) => i + 1),
  )
  assert.deepEqual(host.gone, [])
  assert.deepEqual(board.panics, [])
  const { lost, duplicated } = matchListens(board.sound.sounded, plays as unknown as Play[], bootAt)
  assert.deepEqual(duplicated, [])
  for (const { file, from, until } of lost) {
    assert.ok(until! - from < CHECKPOINT_MS, `${until! - from} ms of file ${file} are lost`)
  }
})
