// The real firmware in its VM, the real server code and store, and a bus between them that fails as it is told to.

import assert from "node:assert/strict"
import { test } from "node:test"
import type { CollectedBoard } from "../../../host/serial/collect.js"
import type { Study } from "../../../host/study/study.js"
import { END_FINISHED } from "../../../src/record.js"
import { addSongs, withStudy } from "../study/folder.js"
import { Bench } from "./bench.js"

const KEY = new Uint8Array(32).map((_, i) => 3 * i + 1)
const OTHER_KEY = new Uint8Array(32).map((_, i) => 5 * i + 2)
const A = "12abdd2289421234"
const B = "99abdd2289421235"
const SONGS = Array.from({ length: 30 }, (_, i) => i + 1)

function withBench(seed: number, body: (bench: Bench) => Promise<void>): Promise<void> {
  return withStudy(async ({ study }) => {
    await addSongs(study, 40)
    await body(new Bench(study, seed))
  })
}

/** A board that has its playlist, plays it, and holds `count` listens that the study has not. */
async function boardWithListens(bench: Bench, count: number): ReturnType<Bench["board"]> {
  const board = await bench.board(2, A, KEY)
  await bench.publish(2, SONGS)
  await bench.collect()
  await board.press("play")
  await bench.clock.advance(1000)
  await bench.skip(board, count)
  return board
}

/** Sequences of the plays that the study has of a subject, ascending. */
async function sequencesOf(study: Study, subject: number): Promise<number[]> {
  const plays = await study.store.plays.of(subject)
  return plays.map((play) => play.sequence).sort((a, b) => a - b)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

const synced = (device: string, fields: Partial<CollectedBoard>): CollectedBoard => ({
  ...{ device, plays: 0, exchanges: 0, list: 0, next: 0, outcome: "synced", code: null, reason: null },
  ...fields,
})

test("a board with a key alone gets its playlist and gives 400 listens over the bus", () =>
  withBench(1, async (bench) => {
    const { study, clock } = bench
    const board = await bench.board(2, A, KEY)
    await bench.publish(2, SONGS)
    assert.deepEqual(await bench.collect(), [synced(A, { exchanges: 2, list: 1 })])
    await board.press("play")
    await clock.advance(1000)
    await bench.skip(board, 400)
    await bench.publish(2, [3, 2, 1], 2)
    const [second] = await bench.collect()
    // 120, 120, 120 and 40; the playlist comes with the first of them.
    assert.deepEqual(second, synced(A, { plays: 400, exchanges: 4, list: 1, next: 2 }))
    assert.deepEqual(await sequencesOf(study, 2), upTo(400))
    await board.press("skip")
    await clock.advance(1000)
    assert.deepEqual(await bench.collect(), [synced(A, { plays: 1, exchanges: 1, list: 2 })])
    assert.deepEqual(board.panics, [])
  }))

test("the music goes on while 400 listens are collected", () =>
  withBench(2, async (bench) => {
    const board = await boardWithListens(bench, 400)
    const before = board.sound.sounded.length
    const [report] = await bench.collect()
    assert.equal(report.plays, 400)
    assert.equal(board.sound.sounded.length, before)
    // The song of 3 minutes that sounded then ends as it would have without.
    await bench.clock.advance(180_000)
    await board.press("stop")
    const [again] = await bench.collect()
    assert.equal(again.plays, 2)
    const plays = await bench.study.store.plays.of(2)
    const heard = plays.find((play) => play.sequence === 401)!
    assert.equal(heard.reason, END_FINISHED)
    assert.ok(heard.heardMs > 179_800 && heard.heardMs <= 180_000, `${heard.heardMs} ms`)
  }))

for (const [name, faults] of Object.entries({
  "one frame in five lost": { lose: 0.2 },
  "half of the frames doubled, a third late": { double: 0.5, delay: 0.33 },
  "one frame in ten garbled": { garble: 0.1 },
  "all of it": { lose: 0.1, double: 0.2, delay: 0.1, garble: 0.05 },
})) {
  test(`with ${name}, every listen is in the study once`, () =>
    withBench(3, async (bench) => {
      const board = await boardWithListens(bench, 300)
      bench.faults = faults
      const reports: CollectedBoard[] = []
      // What does not come to its end is repeated, as the command says.
      for (let i = 0; i < 5 && reports.at(-1)?.outcome !== "synced"; i++) {
        reports.push(...(await bench.collect()))
      }
      assert.equal(reports.at(-1)?.outcome, "synced", JSON.stringify(reports))
      assert.equal(
        reports.reduce((sum, { plays }) => sum + plays, 0),
        300,
      )
      assert.deepEqual(await sequencesOf(bench.study, 2), upTo(300))
      for (const kind of Object.keys(faults) as (keyof typeof bench.hit)[]) {
        assert.ok(bench.hit[kind] >= 5, `${kind}: ${bench.hit[kind]}`)
      }
      assert.deepEqual(board.panics, [])
    }))
}

test("a board that is unplugged in between is interrupted, and the next collection takes up where it was", () =>
  withBench(4, async (bench) => {
    const board = await boardWithListens(bench, 300)
    const told: number[] = []
    const [cut] = await bench.collect({
      told: ({ exchanges, plays }) => {
        if (exchanges === 2) bench.unplugged.add(board)
        told.push(plays)
      },
    })
    assert.deepEqual([cut.outcome, cut.exchanges, cut.plays], ["interrupted", 2, 240])
    assert.ok(told.includes(120))
    // Its reply was on the way: the board still holds what it told last.
    await bench.skip(board, 20)
    bench.unplugged.clear()
    const [rest] = await bench.collect()
    assert.deepEqual([rest.outcome, rest.plays], ["synced", 80])
    assert.deepEqual(await sequencesOf(bench.study, 2), upTo(320))
  }))

test("a board that loses its power in between gives the rest after its start", () =>
  withBench(5, async (bench) => {
    const board = await boardWithListens(bench, 250)
    // Two checkpoints of the song that plays.
    await bench.clock.advance(11_000)
    let cut = false
    const { collection, ended } = bench.open({
      told: ({ exchanges }) => {
        if (exchanges !== 1 || cut) return
        cut = true
        bench.clock.setTimeout(() => board.powerOff(), 20)
        bench.clock.setTimeout(() => bench.clock.hold(board.powerOn()), 3000)
      },
    })
    assert.ok(await bench.clock.advance(120_000, ended))
    const [report] = await collection.done
    // The song that was playing is a listen too.
    assert.deepEqual([report.outcome, report.plays], ["synced", 251])
    assert.deepEqual(await sequencesOf(bench.study, 2), upTo(251))
  }))

test("two boards on one bus, each with its own listens, one after the other in no order", () =>
  withBench(6, async (bench) => {
    const first = await bench.board(2, A, KEY)
    const second = await bench.board(3, B, OTHER_KEY)
    for (const subject of [2, 3]) await bench.publish(subject, SONGS)
    await bench.collect()
    for (const board of [first, second]) await board.press("play")
    await bench.clock.advance(1000)
    await bench.skip(first, 150)
    await bench.skip(second, 260)
    bench.faults = { lose: 0.05, double: 0.05, delay: 0.05 }
    const reports = await bench.collect()
    const found = reports.map(({ device, plays, outcome }) => [device, plays, outcome]).sort()
    assert.deepEqual(found, [
      [A, 150, "synced"],
      [B, 260, "synced"],
    ])
    assert.deepEqual(await sequencesOf(bench.study, 2), upTo(150))
    assert.deepEqual(await sequencesOf(bench.study, 3), upTo(260))
  }))

test("one of two boards is asked for: the other one gets no answer and is not reported", () =>
  withBench(7, async (bench) => {
    await bench.board(2, A, KEY)
    await bench.board(3, B, OTHER_KEY)
    const reports = await bench.collect({ only: B })
    assert.deepEqual(reports, [synced(B, { exchanges: 1 })])
    assert.deepEqual(await bench.study.store.syncs.of(A), [])
  }))

test("a board that the study does not know, one with another key and one without a key are told apart", () =>
  withBench(8, async (bench) => {
    const third = "77abdd2289421236"
    await bench.start(A, KEY)
    await bench.board(3, B, KEY, OTHER_KEY)
    await bench.start(third, new Uint8Array(0))
    const reports = await bench.collect()
    const found = reports.map(({ device, outcome, code, exchanges }) => [device, outcome, code, exchanges])
    assert.deepEqual(found.sort(), [
      [A, "refused", "device", 0],
      [third, "silent", null, 0],
      [B, "refused", "seal", 0],
    ])
  }))

test("nobody on the bus: the collection ends by itself", () =>
  withBench(9, async (bench) => {
    assert.deepEqual(await bench.collect(), [])
  }))

test("a store that fails ends the collection with its error", () =>
  withBench(10, async (bench) => {
    await bench.board(2, A, KEY)
    const broken = new Error("disk full")
    await assert.rejects(
      bench.collect({
        exchange: () => {
          const failed = Promise.reject(broken)
          failed.catch(() => {})
          return failed
        },
      }),
      broken,
    )
  }))

test("a collection that watches stays for a board that comes later, and for its next sync", () =>
  withBench(11, async (bench) => {
    const board = await bench.board(2, A, KEY)
    await bench.publish(2, SONGS)
    bench.unplugged.add(board)
    const outcomes: string[] = []
    const { collection, ended } = bench.open({
      watch: true,
      told: ({ outcome }) => outcome !== undefined && outcomes.push(outcome),
    })
    assert.equal(await bench.clock.advance(60_000, ended), false)
    bench.unplugged.clear()
    await bench.clock.advance(20_000)
    assert.deepEqual(outcomes, ["synced"])
    await board.press("play")
    await bench.clock.advance(5000)
    await bench.skip(board, 3)
    // The plan's interval is 15 minutes.
    await bench.clock.advance(16 * 60_000)
    collection.stop()
    const [report] = await collection.done
    assert.deepEqual([report.outcome, report.list], ["synced", 1])
    assert.ok(report.plays >= 3, `${report.plays} plays`)
  }))

test("a board that syncs on demand alone syncs when it is plugged in, and again where that fails", () =>
  withStudy(
    async ({ study }) => {
      await addSongs(study, 40)
      const bench = new Bench(study, 12)
      await bench.board(2, A, KEY)
      // It gets the plan; then the service is gone for long enough that the board sees it.
      await bench.collect()
      await bench.clock.advance(10_000)
      let requests = 0
      const { collection, ended } = bench.open({
        exchange: (device, body) => {
          requests++
          if (requests > 1) return bench.exchange(device, body)
          return Promise.resolve({ status: 400, code: "test", reason: "the first one" })
        },
      })
      assert.ok(await bench.clock.advance(120_000, ended))
      assert.deepEqual(await collection.done, [synced(A, { exchanges: 1 })])
      assert.equal(requests, 2)
    },
    { syncMinutes: 0 },
  ))
