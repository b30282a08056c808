// Hours of use as a field study sees them: somebody plays, pauses, skips and stops, the host changes the volume limit
// and replaces the playlist, the network goes away for a while, the sound board loses its bus for some seconds. Power
// stays. The same seed gives the same hours.

import { stream } from "../../../host/model/random.js"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { MAX_PLAYLIST_ITEMS } from "../../../src/wire.js"
import type { Board } from "./board.js"
import type { TestHost } from "./host.js"

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** Between two things that happen, on average. */
const PAUSE_MS = 3 * MINUTE_MS
const FAILURES = ["refused", "silent", 404, 503] as const
const HOLD_MS = 1800

/** Lets the board live for `hours`; at the end the host answers again and the music has stopped. */
export async function mixedUse(board: Board, host: TestHost, seed: string, hours: number): Promise<void> {
  const { clock } = board
  const rng = stream(seed, "mixed use")
  const end = clock.now() + hours * HOUR_MS
  let backAt = Number.POSITIVE_INFINITY
  let playing = false
  const play = async (): Promise<void> => {
    await board.press("play", 40 + rng.int(200))
    playing = !playing
  }
  const acts: (() => Promise<void>)[] = [
    ...Array(4).fill(play),
    ...Array(6).fill(() => board.press("skip", 40 + rng.int(200))),
    // Someone who looks for a song.
    async () => {
      for (let i = 1 + rng.int(12); i > 0; i--) {
        await board.press("skip")
        await clock.advance(rng.int(1500))
      }
    },
    async () => {
      await board.press("stop")
      await clock.advance(rng.int(5 * MINUTE_MS))
      await play()
    },
    () => board.press("play", HOLD_MS),
    async () => {
      host.plan = { ...host.plan, vol: 3 + rng.int(13) }
    },
    async () => {
      if (rng.uniform() < 0.5) return
      host.playlist = randomPlaylist((host.playlist?.version ?? 0) + 1, rng)
    },
    async () => {
      if (rng.uniform() < 0.8) return
      host.failure = FAILURES[rng.int(FAILURES.length)]
      backAt = clock.now() + 5 * MINUTE_MS + rng.int(HOUR_MS)
    },
    async () => {
      if (rng.uniform() < 0.7) return
      board.soundGone = true
      await clock.advance(1000 + rng.int(30_000))
      board.soundGone = false
    },
  ]
  while (clock.now() < end) {
    await clock.advance(Math.min(end - clock.now(), rng.exponential() * PAUSE_MS))
    if (clock.now() >= backAt) {
      host.failure = undefined
      backAt = Number.POSITIVE_INFINITY
    }
    await acts[rng.int(acts.length)]()
  }
  host.failure = undefined
  await board.press("stop")
  await clock.advance(MINUTE_MS)
}

function randomPlaylist(version: number, rng: ReturnType<typeof stream>) {
  const count = rng.uniform() < 0.3 ? MAX_PLAYLIST_ITEMS : 1 + rng.int(MAX_PLAYLIST_ITEMS)
  const items = Array.from({ length: count }, () => ({
    song: 1 + rng.int(9000),
    lengthMs: 20_000 + rng.int(400_000),
    flags: rng.int(2),
  }))
  return { version, bytes: packPlaylist(items, version) }
}

/** Makes it a host whose first playlist is the longest that there is, with a sync every ten minutes. */
export function fieldHost(host: TestHost, seed: string): TestHost {
  host.plan.sync = 10
  host.playlist = randomPlaylist(1, stream(seed, "first playlist"))
  return host
}
