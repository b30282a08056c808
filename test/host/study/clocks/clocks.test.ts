// Clocks against known truth: what is said of a time must hold, and must say something.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { stream } from "../../../../host/model/random.js"
import {
  type BootClock,
  boundBoots,
  driftOf,
  meet,
  newBoot,
  placeIn,
  stateOf,
} from "../../../../host/study/clocks/boots.js"
import { timesOfWeek } from "../../../../host/study/clocks/time-of-week.js"
import {
  type ContactTime,
  MAX_DELAY_MS,
  MAX_DRIFT,
  narrow,
  openWindow,
  placeBetween,
  placeContact,
  rangeAt,
} from "../../../../host/study/clocks/window.js"

const HOUR = 3_600_000
const START = Date.UTC(2026, 2, 2, 8)
const empty = (boot: number): BootClock => newBoot(boot)

/** A contact of a boot that began at `origin` with a clock that is `drift` slow, `delay` on its way. */
function contact(origin: number, drift: number, up: number, delay: number): ContactTime {
  return { up, at: Math.round(origin + up * (1 + drift) + delay) }
}

describe("the clock of one boot", () => {
  test("is known to the delay of its contact, and less well further away", () => {
    const window = openWindow({ up: HOUR, at: START + HOUR })
    const near = rangeAt([window], HOUR)
    assert.ok(Math.abs(near.latest - (START + HOUR)) <= 3)
    assert.ok(Math.abs(near.latest - near.earliest - MAX_DELAY_MS) <= 6)
    const far = rangeAt([window], 101 * HOUR)
    const grown = far.latest - far.earliest - (near.latest - near.earliest)
    assert.ok(Math.abs(grown - 2 * MAX_DRIFT * 100 * HOUR) < 10, `${grown}`)
    const { at, uncertaintyMs } = placeContact(near)
    assert.ok(Math.abs(at - (START + HOUR)) < 5, "a request is rarely long on its way")
    assert.ok(uncertaintyMs <= MAX_DELAY_MS + 6)
  })

  test("shows its drift when contacts are days apart", () => {
    const drift = 180e-6
    let clock = empty(1)
    for (const up of [HOUR, 30 * HOUR, 200 * HOUR]) clock = meet(clock, contact(START, drift, up, 20))
    const found = driftOf(clock)!
    assert.ok(Math.abs(found.ppm - 180) <= found.uncertainty && found.uncertainty < 45, JSON.stringify(found))
    assert.equal(stateOf(clock), "placed")
  })

  test("always contains the truth, whatever drift, delays and order there are", () => {
    const delays = fc.double({ min: 0, max: MAX_DELAY_MS - 2, noNaN: true })
    const ups = fc.integer({ min: 0, max: 45 * 24 * HOUR })
    fc.assert(
      fc.property(
        fc.double({ min: -MAX_DRIFT, max: MAX_DRIFT, noNaN: true }),
        fc.array(fc.tuple(ups, delays), { minLength: 1, maxLength: 40 }),
        ups,
        (drift, contacts, asked) => {
          let clock = empty(1)
          for (const [up, delay] of contacts) clock = meet(clock, contact(START, drift, up, delay))
          assert.equal(stateOf(clock), "placed")
          const truth = START + asked * (1 + drift)
          const { earliest, latest } = rangeAt(clock.windows, asked)
          assert.ok(earliest <= truth && truth <= latest)
          const { at, uncertaintyMs } = placeContact({ earliest, latest })
          assert.ok(Math.abs(at - truth) <= uncertaintyMs)
        },
      ),
      { seed: 1, numRuns: 2000 },
    )
  })

  test("never widens when another contact fits", () => {
    const rng = stream(1, "narrow")
    let window = openWindow(contact(START, 1e-4, 0, 100))
    for (let i = 1; i < 300; i++) {
      const next = narrow(window, contact(START, 1e-4, i * HOUR, 50 + 200 * rng.exponential()))!
      for (const up of [0, 10 * HOUR, 300 * HOUR]) {
        const [before, after] = [rangeAt([window], up), rangeAt([next], up)]
        assert.ok(after.earliest >= before.earliest - 1e-3 && after.latest <= before.latest + 1e-3)
      }
      window = next
    }
    assert.ok(window.length < 40, `${window.length} corners`)
  })
})

describe("a host whose clock is moved", () => {
  const before = [1, 2, 3].map((hour) => contact(START, 0, hour * HOUR, 30))
  const after = [5, 6].map((hour) => contact(START + HOUR, 0, hour * HOUR, 30))

  test("is found, and both times stay possible", () => {
    let clock = empty(1)
    for (const each of [...before, ...after]) clock = meet(clock, each)
    assert.equal(stateOf(clock), "host clock moved")
    const { at, uncertaintyMs } = placeBetween(rangeAt(clock.windows, 4 * HOUR))
    for (const truth of [START + 4 * HOUR, START + 5 * HOUR]) assert.ok(Math.abs(at - truth) <= uncertaintyMs)
    assert.ok(uncertaintyMs > HOUR / 2)
  })

  test("and moved back leaves two times, not three", () => {
    let clock = empty(1)
    for (const each of [...before, ...after, contact(START, 0, 7 * HOUR, 30)]) clock = meet(clock, each)
    assert.equal(clock.windows.length, 2)
    assert.equal(clock.contacts, 6)
  })
})

describe("boots without contacts", () => {
  const placed = (boot: number, origin: number, lasted: number): BootClock => ({
    ...meet(empty(boot), contact(origin, 0, lasted, 10)),
    lasted,
  })
  const silent = (boot: number, lasted: number): BootClock => ({ ...empty(boot), lasted })

  test("lie between those around them, less what each of them lasted", () => {
    const boots = [
      placed(1, START, HOUR),
      silent(2, 2 * HOUR),
      silent(3, HOUR),
      placed(4, START + 10 * HOUR, HOUR),
    ]
    const [, second, third] = boundBoots(boots, null)
    const near = (value: number, hours: number): void =>
      assert.ok(
        Math.abs(value - (START + hours * HOUR)) < MAX_DELAY_MS + 10_000,
        `${(value - START) / HOUR} ${hours}`,
      )
    near(second.between!.earliest, 1)
    near(second.between!.latest, 7)
    near(third.between!.earliest, 3)
    near(third.between!.latest, 9)
    assert.equal(stateOf(second), "bounded")
    const { at, uncertaintyMs } = placeIn(second, HOUR)!
    near(at, 5)
    assert.ok(Math.abs(uncertaintyMs - 3 * HOUR) < 2 * MAX_DELAY_MS)
  })

  test("before the first contact have no time, unless the epoch before says when they can have begun", () => {
    const boots = [silent(1, HOUR), placed(2, START, HOUR)]
    assert.equal(stateOf(boundBoots(boots, null)[0]), "unplaced")
    const [first] = boundBoots(boots, START - 5 * HOUR)
    assert.equal(first.between!.earliest, START - 5 * HOUR)
  })

  test("have no time where the bounds contradict each other", () => {
    const boots = [placed(1, START, HOUR), silent(2, 20 * HOUR), placed(3, START + 3 * HOUR, HOUR)]
    assert.equal(stateOf(boundBoots(boots, null)[1]), "unplaced")
  })
})

describe("a field of boards with bad clocks", () => {
  test("has the true time of every play within what is said, and most of them to a minute", () => {
    const uncertainties: number[] = []
    let bounded = 0
    let moved = 0
    for (let board = 0; board < 300; board++) {
      const rng = stream(4, "field", board)
      const drift = (rng.uniform() - 0.5) * 400e-6
      let time = START + Math.floor(rng.uniform() * HOUR)
      let boots: BootClock[] = []
      const truths: { boot: number; up: number; at: number }[] = []
      for (let boot = 1; boot <= 12; boot++) {
        const origin = time
        let clock = empty(boot)
        const length = Math.floor(20 * HOUR * rng.exponential()) + 60_000
        const silent = rng.uniform() < 0.3 && boot < 12
        for (let up = 30_000; up < length; up += Math.floor(3 * HOUR * rng.exponential()) + 60_000) {
          // Most requests take milliseconds, some seconds: heavy tails, up to what the server still takes.
          const delay = Math.min(MAX_DELAY_MS - 5, 20 / rng.uniform() ** 0.7)
          if (!silent) clock = meet(clock, contact(origin, drift, up, delay))
          truths.push({ boot, up, at: origin + up * (1 + drift) })
        }
        const last = truths.at(-1)
        boots.push({ ...clock, lasted: Math.max(clock.lasted, last?.boot === boot ? last.up : 0) })
        time = origin + length * (1 + drift) + Math.floor(6 * HOUR * rng.exponential())
      }
      boots = boundBoots(boots, null)
      for (const { boot, up, at } of truths) {
        const clock = boots[boot - 1]
        if (clock.windows.length > 1) moved++
        const placed = placeIn(clock, up)
        if (placed === null) {
          assert.ok(
            boots.slice(0, boot).every(({ contacts }) => contacts === 0),
            "unplaced only before any contact",
          )
          continue
        }
        assert.ok(Math.abs(placed.at - at) <= placed.uncertaintyMs, `board ${board} boot ${boot} at ${up}`)
        if (clock.contacts > 0) uncertainties.push(placed.uncertaintyMs)
        else bounded++
      }
    }
    assert.equal(moved, 0)
    uncertainties.sort((a, b) => a - b)
    assert.ok(bounded > 1000 && uncertainties.length > 5000, `${bounded} ${uncertainties.length}`)
    assert.ok(
      uncertainties[uncertainties.length >> 1] < 60_000,
      `${uncertainties[uncertainties.length >> 1]}`,
    )
  })
})

describe("hours of the week", () => {
  const hour = (at: string, timeZone: string) =>
    timesOfWeek([{ startedAt: Date.parse(at), uncertaintyMs: 0 }], timeZone).hours[0]

  test("are those of the study's time zone, on both sides of summer time", () => {
    assert.equal(hour("2026-03-02T00:10:00Z", "UTC"), 0)
    assert.equal(hour("2026-03-01T23:59:00Z", "UTC"), 167)
    // Sunday 30 March 2025: the clocks of Berlin go from 2 to 3; on 26 October from 3 back to 2.
    assert.equal(hour("2025-03-30T00:59:00Z", "Europe/Berlin"), 6 * 24 + 1)
    assert.equal(hour("2025-03-30T01:00:00Z", "Europe/Berlin"), 6 * 24 + 3)
    assert.equal(hour("2025-10-26T00:30:00Z", "Europe/Berlin"), 6 * 24 + 2)
    assert.equal(hour("2025-10-26T01:30:00Z", "Europe/Berlin"), 6 * 24 + 2)
    assert.equal(hour("2025-04-05T15:30:00Z", "Australia/Sydney"), 6 * 24 + 2)
    assert.equal(hour("2025-04-05T16:30:00Z", "Australia/Sydney"), 6 * 24 + 2)
  })

  test("are left out above half an hour of uncertainty, and counted", () => {
    const plays = [
      { startedAt: START, uncertaintyMs: 1_800_000 },
      { startedAt: START, uncertaintyMs: 1_800_001 },
      { startedAt: null, uncertaintyMs: null },
    ]
    assert.deepEqual(timesOfWeek(plays, "UTC"), { hours: [8, null, null], unplaced: 1, uncertain: 1 })
  })
})
