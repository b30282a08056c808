// Clocks in the store: plays get their time with the sync that brings them, a better one later, and the same ones
// when everything is placed anew.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { exchange } from "../../../host/protocol/session.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Study } from "../../../host/study/study.js"
import { addSongs, DEVICE, KEY, recordOf, requestOf, START, withStudy } from "../study/folder.js"

const HOUR = 3_600_000

/** A board whose clock is off by `drift`, seen by a host whose clock is `host` ms ahead at true time `at`. */
class SlowBoard {
  private boot = 0
  private origin = 0
  private n = 0
  private sequence = 0
  private pending: Uint8Array[] = []
  /** True start of every listen, by sequence. */
  readonly truth = new Map<number, number>()

  constructor(
    private readonly study: Study,
    private readonly drift: number,
    private readonly host: (at: number) => number = () => 0,
    readonly device = DEVICE,
  ) {}

  start(at: number): void {
    this.boot++
    this.origin = at
    this.n = 0
  }

  private up(at: number): number {
    return Math.round((at - this.origin) / (1 + this.drift))
  }

  listen(at: number): void {
    const sequence = ++this.sequence
    this.truth.set(sequence, at)
    this.pending.push(recordOf({ sequence, boot: this.boot, startMs: this.up(at), heardMs: 60_000 }))
  }

  async sync(at: number, delay = 40): Promise<void> {
    const request = requestOf({ boot: this.boot, n: ++this.n, up: this.up(at), plays: this.pending })
    this.pending = []
    const now = Math.round(at + delay + this.host(at))
    const result = await exchange(this.study, this.device, request, new Uint8Array(1), now)
    assert.equal(result.replay, false)
  }
}

async function errors(study: Study, board: SlowBoard): Promise<(number | null)[]> {
  const plays = await study.store.plays.all()
  return plays
    .filter(({ device }) => device === board.device)
    .map(({ sequence, startedAt, uncertaintyMs }) => {
      if (startedAt === null || uncertaintyMs === null) return null
      const error = Math.abs(startedAt - board.truth.get(sequence)!)
      assert.ok(error <= uncertaintyMs, `play ${sequence}: off by ${error}, said ${uncertaintyMs}`)
      return uncertaintyMs
    })
}

test("plays have their time with the sync that brings them, and a better one when more is known", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 3)
    const board = new SlowBoard(study, 200e-6)
    board.start(START)
    for (let hour = 1; hour < 200; hour += 20) board.listen(START + hour * HOUR)
    await board.sync(START + 200 * HOUR)
    const first = await errors(study, board)
    assert.ok(first[0]! > 150_000 && first.at(-1)! < 60_000, `${first}`)
    await board.sync(START + 250 * HOUR)
    await board.sync(START + 500 * HOUR)
    const later = await errors(study, board)
    assert.ok(later[0]! < first[0]! / 1.5, `${later}`)
  }))

test("boots that never synced lie between those that did; the first ones have no time", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 3)
    const board = new SlowBoard(study, -120e-6)
    board.start(START)
    board.listen(START + HOUR)
    board.start(START + 10 * HOUR)
    board.listen(START + 11 * HOUR)
    await board.sync(START + 12 * HOUR)
    assert.deepEqual(
      (await errors(study, board)).map((u) => u === null),
      [true, false],
    )
    for (const hour of [20, 24, 28]) {
      board.start(START + hour * HOUR)
      board.listen(START + (hour + 1) * HOUR)
    }
    board.start(START + 40 * HOUR)
    await board.sync(START + 41 * HOUR)
    const found = await errors(study, board)
    assert.deepEqual(
      found.map((u) => u === null),
      [true, false, false, false, false],
    )
    assert.ok(
      found.slice(2).every((u) => u! > 10 * HOUR && u! < 16 * HOUR),
      `${found}`,
    )
    const states = (await study.store.clocks.all()).map(({ boot, contacts, between }) => [
      boot,
      contacts,
      between !== null,
    ])
    assert.deepEqual(states, [
      [1, 0, false],
      [2, 1, false],
      [3, 0, true],
      [4, 0, true],
      [5, 0, true],
      [6, 1, false],
    ])
  }))

test("a wrong host clock is found, widens what is said, and can be put right afterwards", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 3)
    // From the third hour to the sixth the laptop is an hour behind.
    const wrong = (at: number): number => (at > START + 2.5 * HOUR && at < START + 6.5 * HOUR ? -HOUR : 0)
    const board = new SlowBoard(study, 50e-6, wrong)
    board.start(START)
    for (const hour of [1, 2, 3, 4, 5, 6, 7, 8]) {
      board.listen(START + (hour - 0.5) * HOUR)
      await board.sync(START + hour * HOUR)
    }
    assert.ok((await errors(study, board)).every((u) => u! > HOUR / 2))
    const [clock] = await study.store.clocks.all()
    assert.equal(clock.windows.length, 2)
    const steps = await study.store.clocks.settle(START)
    assert.deepEqual(
      steps.map(({ before, after, movedMs }) => [before, after, Math.round(movedMs / HOUR)]),
      [
        [2, 3, -1],
        [6, 7, 1],
      ],
    )
    const correction = { from: 3, to: 6, offsetMs: HOUR, reason: "the laptop was on winter time", at: START }
    assert.equal(await study.store.clocks.correct(correction), 8)
    assert.ok((await errors(study, board)).every((u) => u! < 60_000))
    assert.deepEqual(await study.store.clocks.settle(START), [])
    const [event] = await study.store.events.latest(1)
    assert.equal(event.kind, "host clock corrected")
    assert.equal((await study.store.clocks.corrections()).length, 1)
  }))

test("placing everything anew gives what the syncs gave, to the bit", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 3)
    const rng = stream(3, "clocks")
    const board = new SlowBoard(study, 170e-6)
    let at = START
    for (let boot = 0; boot < 12; boot++) {
      board.start(at)
      for (let i = rng.int(6); i >= 0; i--) {
        at += HOUR * rng.exponential()
        board.listen(Math.round(at))
        if (rng.uniform() < 0.6) continue
        at += 120_000
        await board.sync(Math.round(at), 3000 * rng.uniform() ** 4)
      }
      at += HOUR * (0.2 + rng.exponential())
    }
    board.start(at)
    await board.sync(at + HOUR)
    await errors(study, board)
    const clocks = await study.store.clocks.all()
    const never = { from: 1, to: 1, offsetMs: 0, reason: "it was right after all", at: START }
    await study.store.clocks.correct(never)
    assert.deepEqual(
      (await study.store.clocks.all()).map(({ boot, windows, contacts, lasted, between }) => ({
        boot,
        windows,
        contacts,
        lasted,
        between,
      })),
      clocks.map(({ boot, windows, contacts, lasted, between }) => ({
        boot,
        windows,
        contacts,
        lasted,
        between,
      })),
    )
    await errors(study, board)
  }))

test("a board that met the host only while its clock was wrong is not believed once another has seen it", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 3)
    const wrong = (at: number): number => (at > START + 2.5 * HOUR && at < START + 6.5 * HOUR ? -HOUR : 0)
    const lasting = new SlowBoard(study, 50e-6, wrong)
    const other = "00112233aabbccee"
    await enrol(study.store, { subject: 2, device: other, arm: "model", key: KEY, at: START })
    const brief = new SlowBoard(study, 0, wrong, other)
    lasting.start(START)
    for (const hour of [1, 2, 3, 4, 5]) {
      lasting.listen(START + (hour - 0.5) * HOUR)
      await lasting.sync(START + hour * HOUR)
      if (hour !== 4) continue
      brief.start(START + 4.1 * HOUR)
      brief.listen(START + 4.2 * HOUR)
      await brief.sync(START + 4.4 * HOUR)
    }
    assert.equal(await study.store.clocks.unsettled(), true)
    const [step] = await study.store.clocks.settle(START)
    assert.equal(step.sure, true)
    assert.equal(await study.store.clocks.unsettled(), false)
    const off = async (board: SlowBoard): Promise<number[]> =>
      (await errors(study, board)).map((uncertaintyMs) => Math.round((uncertaintyMs ?? -1) / 60_000))
    assert.deepEqual(await off(brief), [31])
    // A boot that is met from now on is doubtful at once; the clock is still wrong.
    brief.start(START + 6 * HOUR)
    brief.listen(START + 6.1 * HOUR)
    await brief.sync(START + 6.2 * HOUR)
    assert.deepEqual(await off(brief), [31, 31])
    await lasting.sync(START + 7 * HOUR)
    assert.equal((await study.store.clocks.settle(START)).length, 2)
    const correction = { from: 3, to: 7, offsetMs: HOUR, reason: "the laptop was on winter time", at: START }
    await study.store.clocks.correct(correction)
    assert.deepEqual(await study.store.clocks.settle(START), [])
    assert.deepEqual(await off(brief), [1, 1])
    const kinds = (await study.store.events.latest(10)).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === "host clock moved").length, 2)
  }))
