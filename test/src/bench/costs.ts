// What the firmware costs on a board: steps, heap and the time of a sync, measured while the real bytecode lives
// through what takes most: the longest playlist, a full log, a start with it, syncs of full requests, a playlist that
// is replaced while the music plays.

import { Meter } from "../../../host/firmware/meter.js"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { MAX_PLAYLIST_ITEMS, MAX_PLAYS } from "../../../src/wire.js"
import { programOf } from "./board.js"
import { TestHost } from "./host.js"
import { type Rig, startRig } from "./rigs.js"
import { powerCut } from "./session.js"

/** Records that are waiting when the sync is measured: all that the settings flash holds. */
export const WAITING = 400
export const ROUND_TRIP_MS = 100

/**
 * Time of a step on an ESP32 at 240 MHz, µs, as a range: nobody has published a figure, and nothing was run on
 * hardware. Assumed are 150 to 1,000 cycles a step. A desktop processor takes about 100 in the same interpreter
 * compiled to WebAssembly; the ESP32 finishes fewer instructions a cycle and fetches them from flash through a cache.
 * Native code (AES, SHA-256, flash, network) comes on top.
 */
export const STEP_US = { least: 150 / 240, most: 1000 / 240 }

/** Steps are bytecode steps; what follows from a call in another fiber (an answer of the bus) is with the call. */
export interface Costs {
  /** Most steps of beginning a song, of one checkpoint, and of ending a song and appending its record. */
  begin: number
  checkpoint: number
  end: number
  /** Steps of a whole song with all its checkpoints, and its length, ms. */
  song: number
  songMs: number
  /** Steps per second of music: polls of the sound board and what its bus brings by itself. */
  following: number
  /** Steps of an exchange of a full request, and how many exchanges the sync of WAITING records took. */
  exchange: number
  exchanges: number
  /** Virtual time of that sync over a round trip of ROUND_TRIP_MS, ms, and its steps. */
  syncMs: number
  syncSteps: number
  /** Most steps without a yield, of all that was done. */
  longest: number
  /** Heap, bytes: see Meter. */
  live: number
  bound: number
  room: number
}

const DEVICE = "12abdd2289421234"
const SONG_MS = 200_000
const SONGS = 3
const PLAYER = "src/player.ts"
const [RUN, BEGIN, CHECKPOINT, END] = ["run", "begin", "checkpoint", "end"].map((name) => `${PLAYER}:${name}`)
const [SYNC, EXCHANGE] = ["run", "exchange"].map((name) => `src/sync.ts:${name}`)
/** Longer than the button is held to ask for a sync. */
const HOLD_MS = 1600
const SKIP_MS = 400

export async function costsOf(rig: Rig): Promise<Costs> {
  const { functions } = await programOf(rig.entry)
  const meter = new Meter()
  // The simulator's I2C bus answers by a packet; a microcontroller's is one native call.
  meter.takeAsNative(functions, "src/i2c.ts:simulated")
  meter.watch(functions, [RUN, BEGIN, CHECKPOINT, END, SYNC, EXCHANGE, ...(rig.driver ?? [])])
  const host = new TestHost(DEVICE)
  host.plan.sync = 0
  host.ackUpTo = 0
  host.playlist = { version: 1, bytes: longestPlaylist(1) }
  const clock = new VirtualClock()
  let answeredAt = 0
  const board = await startRig(rig, host, clock, SONG_MS, {
    server: (request) => {
      if (request !== undefined) answeredAt = clock.now() + ROUND_TRIP_MS
      return host.serve(request)
    },
    roundTripMs: ROUND_TRIP_MS,
    meter,
  })

  let longest = 0
  const heap = { live: 0, bound: 0, room: Number.POSITIVE_INFINITY }
  /** Ends a part of the measurement. */
  const next = (): void => {
    longest = Math.max(longest, meter.longest)
    heap.live = Math.max(heap.live, meter.heap.live)
    heap.bound = Math.max(heap.bound, meter.heap.bound)
    heap.room = Math.min(heap.room, meter.heap.room)
    meter.reset()
  }
  const must = async (what: string, ms: number, done: () => boolean): Promise<void> => {
    if (await clock.advance(ms, done)) return
    throw new Error(`${rig.name}: no ${what} in ${ms} ms; ${board.lines.slice(-10).join(" | ")}`)
  }
  const steps = (names: string[]): number => names.reduce((sum, name) => sum + meter.share(name).steps, 0)
  /** Asks for a sync and waits until the host has all that it asks for. */
  const sync = async (): Promise<void> => {
    const before = host.requests.length
    await board.press("play", HOLD_MS)
    const last = () => host.requests.length > before && clock.now() > answeredAt + 1000
    await must("sync", 120_000, last)
  }

  // Start and the longest playlist, then some songs from their beginning to their end.
  await must("playlist", 30_000, () => host.requests.at(-1)?.list === 1)
  await clock.advance(1000)
  next()
  await board.press("play")
  await must("begin", 10_000, () => meter.share(BEGIN).calls === 1)
  await clock.advance(1000)
  next()
  await must("end of a song", SONG_MS * (SONGS + 1), () => meter.share(BEGIN).calls === SONGS)
  await clock.advance(1000)
  const song = steps([BEGIN, CHECKPOINT, END]) / SONGS
  const following = steps([RUN]) / ((SONGS * SONG_MS) / 1000)
  const [begin, checkpoint, end] = [BEGIN, CHECKPOINT, END].map((name) => meter.share(name).most)
  next()

  // A full log, a start with it, and a playlist that is replaced while the music plays.
  const waiting = () => host.requests.at(-1)!.health.log
  const wanted = () => Math.min(WAITING, host.requests.at(-1)!.health.cap)
  for (let pressed = 0; waiting() < wanted(); pressed++) {
    if (pressed > 2 * WAITING) throw new Error(`${rig.name}: ${waiting()} records after ${pressed} skips`)
    await board.press("skip")
    await clock.advance(SKIP_MS)
    if (pressed % 100 === 99) await sync()
  }
  host.playlist = { version: 2, bytes: longestPlaylist(2) }
  await sync()
  await must("second playlist", 30_000, () => host.requests.at(-1)!.next === 2)
  await board.press("skip")
  await clock.advance(SKIP_MS)
  next()
  await powerCut(board)
  await must("song after the start", 30_000, () => meter.share(BEGIN).calls === 1)
  await board.press("stop")
  await clock.advance(5000)
  next()

  // The sync of all that waits.
  host.ackUpTo = Number.MAX_SAFE_INTEGER
  const first = host.requests.length
  const began = clock.now()
  await sync()
  const requests = host.requests.slice(first)
  const full = requests.filter(({ plays }) => plays.length === MAX_PLAYS).length
  const told = requests.reduce((sum, { plays }) => sum + plays.length, 0)
  if (full < 3 || told < wanted()) throw new Error(`${rig.name}: ${told} records in ${full} full requests`)
  const syncSteps = steps([SYNC, EXCHANGE])
  const exchanges = requests.length
  const exchange = (syncSteps * MAX_PLAYS) / told
  const syncMs = answeredAt - began - HOLD_MS
  next()
  if (board.panics.length > 0) throw new Error(`${rig.name}: panics ${board.panics.join(", ")}`)
  board.powerOff()
  const steady = { begin, checkpoint, end, song, songMs: SONG_MS, following }
  return { ...steady, exchange, exchanges, syncMs, syncSteps, longest, ...heap }
}

function longestPlaylist(version: number): Uint8Array {
  const items = Array.from({ length: MAX_PLAYLIST_ITEMS }, (_, i) => ({
    song: i + 1,
    lengthMs: SONG_MS,
    flags: 0,
  }))
  return packPlaylist(items, version)
}
