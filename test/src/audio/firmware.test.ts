// The whole firmware over each chip's model: hundreds of listens with skips, pauses and faults at random moments, and
// every record that reaches the host against what really sounded.

import assert from "node:assert/strict"
import { test } from "node:test"
import { compile } from "../../../host/firmware/bundle.js"
import { firmwareManifest } from "../../../host/firmware/manifest.js"
import { stream } from "../../../host/model/random.js"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { matchListens, soundedMs } from "../../../host/rehearsal/ledger.js"
import { Listener } from "../../../host/rehearsal/listener.js"
import type { Sounded } from "../../../host/rehearsal/sound-board.js"
import type { Play } from "../../../host/store/plays.js"
import { END_ERROR, END_FINISHED, END_SKIPPED } from "../../../src/record.js"
import { Board } from "../bench/board.js"
import { TestHost } from "../bench/host.js"
import { RIGS, type Rig } from "./rigs.js"

const LISTENS = 230
const ERROR_MS = 150
/** Songs of the playlist; the last one is not on the card. */
const SONGS = 12
const MISSING = SONGS

const FAULTS = ["card", "power", "hang", "deaf"] as const
type Fault = (typeof FAULTS)[number]

interface Item {
  song: number
  lengthMs: number
  flags: number
}

/** A board that has its first playlist and waits for the play button. */
async function boardOf(rig: Rig, items: Item[], lengthMs: (file: number) => number | undefined) {
  const clock = new VirtualClock()
  const chips = rig.chips!(clock, lengthMs, 7)
  const host = new TestHost("12abdd2289421234")
  host.playlist = { version: 1, bytes: packPlaylist(items, 1) }
  const bootAt = [clock.now()]
  const board = await Board.start({
    entry: rig.firmware,
    clock,
    server: host.serve,
    settings: { ...host.settings, ftstore: Buffer.from("flash") },
    chips: chips.chips,
    sound: chips.sound,
  })
  assert.ok(await clock.advance(20_000, () => host.requests.at(-1)?.list === 1))
  return { clock, chips, host, board, bootAt }
}

/** Of the boards on a good line, one for each firmware. */
const rigs = RIGS.filter(
  ({ shortMs, chips, firmware }, i) =>
    chips !== undefined && shortMs === ERROR_MS && RIGS.findIndex((rig) => rig.firmware === firmware) === i,
)

for (const rig of rigs) {
  test(`${rig.name}: the records of ${LISTENS} listens hold what sounded, with skips, pauses and faults`, async () => {
    const rng = stream(rig.name, "firmware")
    const items = Array.from({ length: SONGS }, (_, i) => ({
      song: i + 1,
      lengthMs: 4000 + rng.int(9000),
      flags: 0,
    }))
    // Files end a little before the playlist says so, as catalogues have it.
    const early = items.map(() => rng.int(600))
    const lengthMs = (file: number): number | undefined =>
      file === MISSING ? undefined : items[file - 1].lengthMs - early[file - 1]
    const { clock, chips, host, board, bootAt } = await boardOf(rig, items, lengthMs)
    const { sound } = chips
    const faults = new Map<Sounded, Fault>()
    const inject = (fault: Fault): void => {
      const later = (from: number, to: number, run: () => void) =>
        clock.setTimeout(run, from + (to - from) * rng.uniform())
      if (fault === "card") {
        chips.pullCard()
        later(1000, 5000, () => chips.insertCard())
      } else if (fault === "power") {
        chips.power(false)
        later(50, 3000, () => chips.power(true))
      } else if (fault === "hang") {
        board.i2c!.hangs = true
        later(100, 4000, () => {
          board.i2c!.hangs = false
        })
      } else {
        chips.deaf(true)
        later(50, 250, () => chips.deaf(false))
      }
    }
    sound.onStart = (sounded) => {
      const length = lengthMs(sounded.file)!
      const at = (ms: number, run: () => void) =>
        clock.setTimeout(() => {
          if (sound.playing === sounded) run()
        }, ms)
      const moment = 50 + (length - 1500) * rng.uniform()
      const draw = rng.uniform()
      if (draw < 0.35) at(moment, () => board.tap("skip"))
      else if (draw < 0.65) {
        const paused = 400 + rng.int(4000)
        at(moment, () => board.tap("play"))
        at(moment + paused, () => board.tap(draw < 0.4 ? "skip" : "play"))
        if (draw > 0.55) at(moment + paused + 600, () => board.tap("skip"))
      } else if (draw < 0.75) {
        at(moment, () => {
          const fault = FAULTS[rng.int(FAULTS.length)]
          faults.set(sounded, fault)
          inject(fault)
        })
      }
    }

    await board.press("play")
    assert.ok(
      await clock.advance(3 * 3_600_000, () => sound.sounded.length >= LISTENS),
      `${sound.sounded.length} listens, ${host.requests.length} exchanges: ${board.lines.slice(-5).join(" | ")}`,
    )
    await board.press("stop")
    await clock.advance(10_000)
    await board.press("play", 2000)
    await clock.advance(60_000)

    const plays = [...host.plays.values()] as unknown as Play[]
    const { pairs, lost, duplicated } = matchListens(sound.sounded, plays, bootAt)
    assert.deepEqual(lost, [], "sounded and not recorded")
    for (const play of duplicated) {
      assert.ok(
        play.heardMs === 0,
        `sequence ${play.sequence}, file ${play.song}: ${play.heardMs} ms, never sounded`,
      )
      assert.ok(play.reason !== END_FINISHED)
    }
    const errors: number[] = []
    for (const { sounded, play } of pairs) {
      const fault = faults.get(sounded)
      const error = play.heardMs - soundedMs(sounded, clock.now())
      const place = `sequence ${play.sequence}, file ${play.song}, reason ${play.reason}, fault ${fault}: ${error} ms`
      assert.ok(error <= ERROR_MS, place)
      // The music plays on behind a bus that hangs, and nobody can know.
      if (fault !== "hang") assert.ok(error >= -ERROR_MS, place)
      if (fault === undefined) errors.push(Math.abs(error))
    }
    const of = (reason: number): number => plays.filter((play) => play.reason === reason).length
    assert.ok(of(END_FINISHED) > 40 && of(END_SKIPPED) > 60 && of(END_ERROR) > 10)
    assert.deepEqual(new Set(faults.values()), new Set(FAULTS))
    assert.ok(plays.some((play) => play.pauses > 0))
    // Every round of the list tries the file that is not there, and goes on.
    assert.ok(plays.filter((play) => play.song === MISSING).every((play) => play.reason === END_ERROR))
    // All records have one volume; a board may lose it with its power.
    const cuts = [...faults.values()].filter((fault) => fault === "power").length
    const level = Math.round((plays[0].volume * rig.loudest) / 15)
    assert.deepEqual([...new Set(chips.volumes)], [level])
    assert.ok(chips.volumes.length <= 1 + cuts, `${chips.volumes.length} volumes`)
    assert.deepEqual(board.panics, [])
    assert.deepEqual(host.gone, [])
    errors.sort((a, b) => a - b)
    console.log(
      `${rig.name}: ${plays.length} records, ${faults.size} faults; error median ${errors[errors.length >> 1]} ms,` +
        ` largest ${errors.at(-1)} ms`,
    )
    board.powerOff()
  })
}

for (const rig of rigs) {
  test(`${rig.name}: a virtual listener hears it as any other board`, async () => {
    const items = Array.from({ length: 5 }, (_, i) => ({ song: i + 1, lengthMs: 20_000, flags: 0 }))
    const { clock, host, board, bootAt } = await boardOf(rig, items, () => 20_000)
    const listener = new Listener({
      board,
      taste: { beta: Float64Array.of(2.3), sigma: 0.5 },
      rng: stream(1, "listener"),
      features: () => Float64Array.of(1),
      lengthMs: () => 20_000,
    })
    const { sounded } = board.sound
    listener.begin()
    await clock.advance(3_600_000, () => sounded.length > 20)
    listener.leave()
    assert.ok(await clock.advance(60_000, () => listener.stopped))
    await clock.advance(120_000)
    const { pairs, lost, duplicated } = matchListens(
      sounded,
      [...host.plays.values()] as unknown as Play[],
      bootAt,
    )
    assert.deepEqual([pairs.length, lost, duplicated], [sounded.length, [], []])
    for (const { sounded: one, play } of pairs) {
      assert.ok(Math.abs(play.heardMs - soundedMs(one, clock.now())) <= ERROR_MS)
    }
    assert.ok(pairs.some(({ play }) => play.reason === END_SKIPPED))
    board.powerOff()
  })
}

test("the firmware of every sound board fits its limit", async () => {
  const { root, bytecodeBytes } = firmwareManifest()
  for (const entry of new Set(RIGS.map(({ firmware }) => firmware))) {
    const { bytecode } = await compile(entry, { root, name: "test", version: "0.0.0" })
    assert.ok(bytecode.length <= bytecodeBytes, `${entry}: ${bytecode.length} of ${bytecodeBytes} bytes`)
    console.log(`${entry}: ${bytecode.length} bytes`)
  }
})
