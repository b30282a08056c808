// Quality checks: every rule with a case that it finds and one just beside it that it leaves alone.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { stream } from "../../../../host/model/random.js"
import { exchange } from "../../../../host/protocol/session.js"
import type { PlayFact } from "../../../../host/store/board-facts.js"
import { enrol } from "../../../../host/study/enrol.js"
import type { Plan } from "../../../../host/study/plan.js"
import { publish } from "../../../../host/study/publish.js"
import { type AutomaticRun, automaticRuns, skipPrior } from "../../../../host/study/quality/automatic.js"
import { checkBoard, checkStudy, findingsNow } from "../../../../host/study/quality/check.js"
import { RULES } from "../../../../host/study/quality/rules.js"
import { silenceProbability } from "../../../../host/study/quality/silence.js"
import type { Study } from "../../../../host/study/study.js"
import type { SyncRequest } from "../../../../src/wire.js"
import { addSongs, DEVICE, KEY, recordOf, requestOf, START, withStudy } from "../folder.js"

const HOUR = 3_600_000
const HEALTH = { log: 2, cap: 400, full: 0, audio: 0, fails: 0, store: 1, vol: 8 }

/** Boards that sync: the counter goes up by itself, uptime is the time since START unless given. */
class Bench {
  private readonly counters = new Map<string, number>()
  constructor(readonly study: Study) {}

  async sync(at: number, fields: Partial<SyncRequest> = {}, device = DEVICE): Promise<void> {
    const n = (this.counters.get(device) ?? 0) + 1
    this.counters.set(device, n)
    const request = requestOf({ n, up: at - START + HOUR, health: HEALTH, ...fields })
    const result = await exchange(this.study, device, request, new Uint8Array(1), at)
    assert.equal(result.replay, false)
  }

  async rules(now: number): Promise<string[]> {
    return (await findingsNow(this.study, now)).map(({ rule, severity }) => `${rule} ${severity}`)
  }

  async health(at: number, health: Partial<typeof HEALTH> & Record<string, number>): Promise<string[]> {
    await this.sync(at, { list: 1, health: { ...HEALTH, ...health } })
    return this.rules(at + 1000)
  }

  async list(at: number, subject = 1, songs = [1, 2, 3]): Promise<void> {
    const items = songs.map((song) => ({
      song,
      utility: null,
      information: null,
      tag: "explore" as const,
      propensity: 1,
      rank: null,
      reason: null,
    }))
    await publish(this.study.store, { subject, wave: 1, design: "random", at, items, summary: {} })
  }
}

/** A study with five songs and a published list, whose board is healthy. */
function withBench(body: (bench: Bench) => Promise<void>, plan: Partial<Plan> = {}): Promise<void> {
  return withStudy(async ({ study }) => {
    await addSongs(study, 5)
    const bench = new Bench(study)
    await bench.list(START)
    await body(bench)
  }, plan)
}

describe("health of a board", () => {
  const cases: [string, Record<string, number>, string[]][] = [
    ["nothing wrong", {}, []],
    ["a card", { card: 1 }, []],
    ["no card", { card: 2 }, ["card problem"]],
    ["an error of the sound board", { audio: 1 }, ["audio-errors warning"]],
    ["many of them", { audio: 20 }, ["audio-errors problem"]],
    ["volume 1", { vol: 1 }, []],
    ["volume 0", { vol: 0 }, ["volume-zero warning"]],
    ["battery at 16 %", { bat: 16 }, []],
    ["battery at 15 %", { bat: 15 }, ["battery warning"]],
    ["battery at 5 %", { bat: 5 }, ["battery problem"]],
    ["a log at 79 %", { log: 319 }, []],
    ["a log at 80 %", { log: 320 }, ["log-full warning"]],
    ["a log at 95 %", { log: 380 }, ["log-full problem"]],
    ["listens that were not recorded", { full: 1 }, ["unrecorded problem"]],
    ["a program that failed", { reset: 3 }, ["failed-restart warning"]],
  ]
  for (const [name, health, expected] of cases) {
    test(name, () =>
      withBench(async (bench) => assert.deepEqual(await bench.health(START + HOUR, health), expected)),
    )
  }
})

describe("records of a board", () => {
  test("a hole is noted, and a problem once the board was asked for it twice", () =>
    withBench(async (bench) => {
      const at = (minutes: number): number => START + HOUR + minutes * 60_000
      await bench.sync(at(0), {
        list: 1,
        plays: [recordOf({ sequence: 1 }), recordOf({ sequence: 3, startMs: 80_000 })],
      })
      assert.deepEqual(await bench.rules(at(1)), ["missing note"])
      await bench.sync(at(15), { list: 1 })
      await bench.sync(at(30), { list: 1 })
      assert.deepEqual(await bench.rules(at(31)), ["missing problem"])
      await bench.sync(at(45), { list: 1, plays: [recordOf({ sequence: 2, startMs: 40_000 })] })
      assert.deepEqual(await bench.rules(at(46)), [])
    }))

  test("records that are gone, unreadable or in quarantine", () =>
    withBench(async (bench) => {
      const spoiled = recordOf({ sequence: 4 })
      spoiled[14] ^= 1
      await bench.sync(START + HOUR, {
        list: 1,
        plays: [recordOf({ sequence: 1, song: 99 }), spoiled],
        gone: [[1, 2, 3, 2]],
      })
      assert.deepEqual(await bench.rules(START + HOUR), [
        "gone warning",
        "quarantine warning",
        "unreadable warning",
      ])
      // A week later the broken checksum is no news; what is lost stays lost.
      assert.ok(!(await bench.rules(START + 8 * 24 * HOUR)).includes("unreadable warning"))
    }))

  test("plays that overlap in a boot are impossible, plays that follow are not", () =>
    withBench(async (bench) => {
      const play = (sequence: number, startMs: number) => recordOf({ sequence, startMs, heardMs: 30_000 })
      await bench.sync(START + HOUR, { list: 1, plays: [play(1, 1000), play(2, 30_500)] })
      assert.deepEqual(await bench.rules(START + HOUR), [])
      await bench.sync(START + 2 * HOUR, { list: 1, plays: [play(3, 59_000)] })
      assert.deepEqual(await bench.rules(START + 2 * HOUR), ["impossible problem"])
    }))

  test("ten plays at volume 0 were heard by nobody", () =>
    withBench(async (bench) => {
      const silent = (sequence: number) => {
        const bytes = recordOf({ sequence, startMs: sequence * 40_000, volume: 0 } as never)
        return bytes
      }
      const plays = Array.from({ length: 10 }, (_, i) => silent(i + 1))
      await bench.sync(START + HOUR, { list: 1, plays })
      assert.deepEqual(await bench.rules(START + HOUR), ["volume-zero problem"])
    }))

  test("a clock that jumps by more than a request can be on its way, not one that drifts", () =>
    withBench(async (bench) => {
      await bench.sync(START + HOUR, { list: 1, up: HOUR })
      await bench.sync(START + 2 * HOUR, { list: 1, up: 2 * HOUR - 29_000 })
      assert.deepEqual(await bench.rules(START + 2 * HOUR), [])
      await bench.sync(START + 3 * HOUR, { list: 1, up: 3 * HOUR - 120_000 })
      assert.deepEqual(await bench.rules(START + 3 * HOUR), ["clock-jump warning"])
      const [{ since, found }] = await findingsNow(bench.study, START + 3 * HOUR)
      assert.equal(since, START + 3 * HOUR)
      assert.match(found, /^1 clock jump, the largest 2 min forth on the host's clock$/)
    }))

  test("a clock that was moved and put right is found no more", () =>
    withBench(async (bench) => {
      const { clocks } = bench.study.store
      await bench.sync(START + HOUR, { list: 1, up: HOUR })
      await bench.sync(START, { list: 1, up: 2 * HOUR })
      await bench.sync(START + HOUR, { list: 1, up: 3 * HOUR })
      assert.deepEqual(await bench.rules(START + HOUR), ["clock-jump warning"])
      const [{ since, found }] = await findingsNow(bench.study, START + HOUR)
      assert.deepEqual([since, found], [START, "1 clock jump, the largest 2 h back on the host's clock"])
      await clocks.correct({ from: 2, to: 3, offsetMs: 2 * HOUR, reason: "summer time", at: START })
      assert.deepEqual(await bench.rules(START + 3 * HOUR), [])
    }))

  test("a host's clock that goes back between two boots, until it is put right", () =>
    withBench(async (bench) => {
      await bench.sync(START + 5 * HOUR, { list: 1, up: HOUR })
      await bench.sync(START + 2 * HOUR, { list: 1, boot: 2, up: 60_000 })
      assert.deepEqual(await bench.rules(START + 2 * HOUR), ["clock-jump warning"])
      const correction = { from: 2, to: 2, offsetMs: 4 * HOUR, reason: "empty cell", at: START }
      await bench.study.store.clocks.correct(correction)
      assert.deepEqual(await bench.rules(START + 6 * HOUR), [])
    }))

  test("a boot that others put in doubt is noted", () =>
    withBench(async (bench) => {
      const other = "0000000000000002"
      await enrol(bench.study.store, { subject: 2, device: other, arm: "model", key: KEY, at: START })
      await bench.list(START, 2)
      await bench.sync(START + HOUR, { list: 1, up: HOUR })
      await bench.sync(START + 2 * HOUR, { list: 1, up: HOUR }, other)
      await bench.sync(START + HOUR, { list: 1, up: 3 * HOUR })
      await bench.study.store.clocks.settle(START + 3 * HOUR)
      const found = await findingsNow(bench.study, START + 3 * HOUR)
      assert.deepEqual(
        found.map(({ rule, severity, device }) => [rule, severity, device]),
        [
          ["clock-jump", "warning", DEVICE],
          ["clock-jump", "note", other],
        ],
      )
      assert.match(found[1].found, /^1 boot in doubt by up to 2 h, because the host's clock was moved$/)
    }))

  test("a memory that was erased: a warning without FRAM, a problem with it", () =>
    withBench(async (bench) => {
      await bench.sync(START + HOUR, { list: 1 })
      const flash = { ...HEALTH, store: 0 }
      await bench.sync(START + 2 * HOUR, { list: 1, epoch: 77, health: flash, n: 1 })
      assert.deepEqual(await bench.rules(START + 2 * HOUR), ["epoch warning"])
      await bench.sync(START + 3 * HOUR, { list: 1, epoch: 77, n: 2 })
      assert.deepEqual(await bench.rules(START + 3 * HOUR), ["epoch problem"])
    }))
})

describe("playlists", () => {
  test("none, refused, not confirmed, changed within a wave", () =>
    withStudy(async ({ study }) => {
      await addSongs(study, 5)
      const bench = new Bench(study)
      await bench.sync(START + HOUR)
      assert.ok((await bench.rules(START + HOUR)).some((rule) => rule.startsWith("no-playlist")))
      await bench.list(START + HOUR)
      await bench.sync(START + 2 * HOUR, { refused: [1, 4] })
      assert.ok((await bench.rules(START + 2 * HOUR)).some((rule) => rule.startsWith("refused")))
      await bench.list(START + 3 * HOUR)
      for (const hour of [4, 5, 6]) await bench.sync(START + hour * HOUR)
      assert.deepEqual(await bench.rules(START + 6 * HOUR), ["unconfirmed warning"])
      await bench.sync(START + 7 * HOUR, { list: 2 })
      assert.deepEqual(await bench.rules(START + 7 * HOUR), [])
      await bench.list(START + 8 * HOUR)
      await bench.sync(START + 9 * HOUR, { list: 3 })
      assert.deepEqual(await bench.rules(START + 9 * HOUR), ["changed-mid-wave warning"])
    }))
})

describe("silence", () => {
  test("is judged by the board's own rhythm: a board that syncs every evening may be silent for a day", () =>
    withBench(
      async (bench) => {
        const evening = (day: number): number => START + day * 24 * HOUR
        for (let day = 1; day <= 14; day++) await bench.sync(evening(day), { list: 1 })
        const found = async (hours: number) =>
          (await bench.rules(evening(14) + hours * HOUR)).filter((rule) => /^(silent|no-plays)/.test(rule))
        assert.deepEqual(
          (await found(30)).filter((rule) => rule.startsWith("silent")),
          [],
        )
        assert.deepEqual(
          (await found(24 * 12)).filter((rule) => rule.startsWith("silent")),
          ["silent problem"],
        )
      },
      { waves: { count: 9, days: 60, gapDays: 2, first: "random" } },
    ))

  test("has the probability of the Lomax distribution", () => {
    const study = { silences: 10, excessMs: 100 * HOUR }
    const none = { silences: 0, excessMs: 0 }
    assert.equal(silenceProbability(HOUR, HOUR, none, study), 1)
    // Prior: 8 silences of 10 h; (80 / (80 + 20))^8.
    assert.ok(Math.abs(silenceProbability(21 * HOUR, HOUR, none, study) - 0.8 ** 8) < 1e-12)
    // With 2 own silences of 5 h: (90 / 110)^10.
    const own = { silences: 2, excessMs: 10 * HOUR }
    assert.ok(Math.abs(silenceProbability(21 * HOUR, HOUR, own, study) - (90 / 110) ** 10) < 1e-12)
  })

  test("of a board that was never heard is a note, and a problem in the second day", () =>
    withBench(async (bench) => {
      assert.deepEqual(await bench.rules(START + HOUR), ["never-synced note"])
      assert.deepEqual(await bench.rules(START + 40 * HOUR), ["never-synced problem"])
    }))
})

describe("several boards", () => {
  const OTHER = "00112233aabbccee"

  test("one subject with two of them, one that belongs to nobody, and firmware that differs", () =>
    withBench(async (bench) => {
      const { store } = bench.study
      await enrol(store, { subject: 2, device: OTHER, arm: "model", key: KEY, at: START })
      await bench.list(START, 2)
      const play = recordOf({ sequence: 1, startMs: 60_000, heardMs: 120_000 })
      await bench.sync(START + HOUR, { list: 1, plays: [play] })
      await bench.sync(START + HOUR, { list: 1, fw: "0.0.9", plays: [play] }, OTHER)
      assert.deepEqual(await bench.rules(START + HOUR), ["firmware warning"])
      await store.subjects.registerDevice("00112233aabbccff", KEY, START)
      await bench.sync(START + HOUR, { fw: "0.1.0" }, "00112233aabbccff")
      assert.ok((await bench.rules(START + HOUR)).includes("unassigned warning"))
    }))
})

describe("plays that look automatic", () => {
  const fact = (sequence: number, startMs: number, heardMs: number, reason: number): PlayFact => ({
    subject: 1,
    epoch: 1,
    boot: 1,
    sequence,
    song: 1,
    lengthMs: 180_000,
    startMs,
    heardMs,
    reason,
    flags: 0,
    pauses: 0,
    volume: 8,
    sync: 1,
    syncBoot: 1,
    syncUp: 1,
    syncAt: 1,
  })
  /** Plays of a listener who lets a song end with that probability; then nobody touches anything for `tail` songs. */
  const plays = (name: number, count: number, finishes: number, tail: number): PlayFact[] => {
    const rng = stream(1, "automatic", name)
    const made: PlayFact[] = []
    let at = 0
    for (let i = 1; i <= count + tail; i++) {
      const finished = i > count || rng.uniform() < finishes
      const heard = finished ? 180_000 : Math.floor(170_000 * rng.uniform())
      made.push(fact(i, at, heard, finished ? 0 : 1))
      at += heard + 500
    }
    return made
  }
  const uniform = skipPrior([], 1)

  test("are found after hours without a touch, with the plays and the time they took", () => {
    const runs: AutomaticRun[] = automaticRuns(plays(1, 200, 0.4, 60), uniform)
    assert.equal(runs.length, 1)
    assert.ok(runs[0].plays >= 60 && runs[0].plays < 66 && runs[0].expected < 1e-6)
    assert.ok(runs[0].heardMs >= 3 * HOUR)
  })

  test("are not those of a listener who lets nearly all songs end", () => {
    assert.deepEqual(automaticRuns(plays(2, 300, 0.97, 45), uniform), [])
  })

  test("are hardly ever found where somebody listens", () => {
    let false_ = 0
    for (let listener = 0; listener < 400; listener++) {
      const finishes = stream(2, "share", listener).uniform() ** 0.5 * 0.95
      false_ += automaticRuns(plays(1000 + listener, 400, finishes, 0), uniform).length
    }
    assert.ok(false_ <= 4, `${false_} of 400`)
  })
})

describe("findings", () => {
  test("stay open while they hold, are closed when they are gone, and stay as history", () =>
    withBench(async (bench) => {
      const { study } = bench
      await bench.sync(START + HOUR, { list: 1, health: { ...HEALTH, bat: 12 } })
      await checkBoard(study, DEVICE, START + HOUR)
      assert.deepEqual(
        (await study.store.findings.open()).map(({ rule, openedAt }) => [rule, openedAt]),
        [["battery", START + HOUR]],
      )
      await bench.sync(START + 2 * HOUR, { list: 1, health: { ...HEALTH, bat: 11 } })
      await checkBoard(study, DEVICE, START + 2 * HOUR)
      const [open] = await study.store.findings.open()
      assert.deepEqual([open.openedAt, open.found], [START + HOUR, "battery at 11 %"])
      await bench.sync(START + 3 * HOUR, { list: 1, health: { ...HEALTH, bat: 90 } })
      const { findings, closed } = await checkStudy(study, START + 3 * HOUR)
      assert.deepEqual([findings, closed], [[], 1])
      const [gone] = await study.store.findings.closed(5)
      assert.deepEqual([gone.rule, gone.closedAt], ["battery", START + 3 * HOUR])
    }))

  test("name their rule in words and what to do; every rule has its own id", () => {
    assert.equal(new Set(RULES.map(({ id }) => id)).size, RULES.length)
    for (const { id, says, todo } of RULES) assert.ok(says.length > 15 && todo.length > 8, id)
  })

  test("are found, or not, whatever a board says of its health", () =>
    withBench(async (bench) => {
      const numbers = fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constantFrom(0, 1, 255))
      const healths = fc.record({ log: numbers, cap: numbers, full: numbers, audio: numbers, fails: numbers })
      let at = START + HOUR
      await fc.assert(
        fc.asyncProperty(healths, fc.integer({ min: -HOUR, max: HOUR }), async (health, jump) => {
          at += HOUR + 1
          await bench.sync(at, {
            list: 1,
            up: Math.max(0, at - START + jump),
            health: { ...HEALTH, ...health },
          })
          for (const { found } of await findingsNow(bench.study, at))
            assert.doesNotMatch(found, /NaN|undefined/)
        }),
        { seed: 1, numRuns: 30 },
      )
    }))
})
