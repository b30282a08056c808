// A host whose clock is moved, and boards that did not see it: what is said of their times must hold all the same.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Rng, stream } from "../../../../host/model/random.js"
import { boundBoots, metBoots, newBoot, placeIn, stateOf } from "../../../../host/study/clocks/boots.js"
import { clockSteps, doubtsOf, type HostContact } from "../../../../host/study/clocks/host-steps.js"
import { MAX_DELAY_MS } from "../../../../host/study/clocks/window.js"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 2, 2, 8)

/** A contact of boot `boot` of a board, at a true time of so many hours; `host`: how fast the host's clock is, ms. */
function contact(
  device: string,
  boot: number,
  bornHour: number,
  hour: number,
  host: number,
  rtc?: number,
): HostContact {
  return {
    device,
    boot: `${device} 1 ${boot}`,
    bootNumber: boot,
    up: (hour - bornHour) * HOUR,
    at: START + hour * HOUR + host,
    rtc: rtc ?? null,
  }
}

function startOf(contacts: HostContact[], boot: string) {
  const clock = metBoots(contacts, doubtsOf(clockSteps(contacts), contacts.length)).get(boot)!
  return { ...placeIn(clock, 0)!, state: stateOf(clock) }
}

describe("a host's clock that is moved", () => {
  // From the third hour to the sixth it is an hour behind. Board a lasts, board b starts and ends within.
  const a = [1, 2, 3, 5, 6, 7, 8].map((hour) => contact("a", 1, 0, hour, hour > 2 && hour < 7 ? -HOUR : 0))
  const b = contact("b", 1, 3.2, 4, -HOUR)
  const afternoon = [...a.slice(0, 3), b, ...a.slice(3)]

  test("is found by the boards that last", () => {
    const host = clockSteps(afternoon)
    assert.deepEqual(
      host.map(({ before, after, low, high }) => [before, after, Math.round((low + high) / 2 / HOUR)]),
      [
        [1, 2, -1],
        [5, 6, 1],
      ],
    )
  })

  test("makes doubtful what boards say that could not see it", () => {
    const alone = startOf([b], b.boot)
    assert.equal(alone.state, "placed", "alone it looks sound")
    const { at, uncertaintyMs, state } = startOf(afternoon, b.boot)
    assert.equal(state, "host clock moved")
    for (const truth of [START + 2.2 * HOUR, START + 3.2 * HOUR]) {
      assert.ok(Math.abs(at - truth) <= uncertaintyMs)
    }
    assert.ok(uncertaintyMs < HOUR / 2 + 3 * MAX_DELAY_MS, `${uncertaintyMs}`)
  })

  test("is placed between the contacts that another board rules out", () => {
    // c sees nothing from hour 1.5 to 2.9: so the step that a sees between hours 1 and 4 is before or after.
    const contacts = [
      contact("a", 1, 0, 1, 0),
      contact("c", 1, 0, 1.5, 0),
      contact("d", 1, 0, 2, 0),
      contact("c", 1, 0, 2.9, 0),
      contact("a", 1, 0, 4, -HOUR),
      contact("d", 1, 0, 5, -HOUR),
    ]
    const [step] = clockSteps(contacts)
    assert.deepEqual([step.before, step.after, [...step.witnesses].sort()], [3, 4, ["a", "d"]])
  })

  test("shows in the order of the contacts where it is set far back", () => {
    const contacts = [contact("a", 1, 0, 1, 0), contact("b", 1, 2, 3, -900 * DAY), contact("b", 2, 4, 5, 0)]
    const [step] = clockSteps(contacts)
    assert.deepEqual([step.before, step.after, step.witnesses], [0, 1, []])
    assert.ok(step.low <= -900 * DAY && step.high >= -900 * DAY)
    for (const { boot } of contacts) assert.equal(startOf(contacts, boot).state, "host clock moved")
  })

  test("shows in a board's clock chip, over the boots", () => {
    const shows = (hour: number): number => Math.floor((START + hour * HOUR) / 1000) * 1000
    const contacts = [
      contact("a", 1, 0, 1, 0),
      contact("a", 2, 2, 3, 0, shows(3) + 1000),
      contact("a", 3, 4, 5, -HOUR, shows(5)),
      // The reply at hour 5 was lost: the chip still has the time of hour 3.
      contact("a", 4, 6, 7, -HOUR, shows(7)),
      contact("a", 5, 8, 9, -HOUR, shows(9) - HOUR),
    ]
    const host = clockSteps(contacts)
    assert.deepEqual(
      host.map(({ before, after }) => [before, after]),
      [[1, 2]],
    )
    assert.ok(Math.abs(host[0].low + host[0].high + 2 * HOUR) < 10_000)
  })

  test("makes little doubtful where one board's clock alone says so and others deny it", () => {
    const contacts: HostContact[] = []
    for (let hour = 1; hour < 9; hour++) {
      const stands = hour > 4 ? 2 * HOUR : 0
      const own = contact("a", 1, 0, hour, 0)
      contacts.push({ ...own, up: own.up - Math.min(own.up, stands) }, contact("b", 1, 0, hour + 0.2, 0))
    }
    const [step, back] = clockSteps(contacts)
    assert.deepEqual([step.witnesses, step.seen], [["a"], true])
    assert.deepEqual([back.witnesses, back.seen], [[], false])
    assert.equal(startOf(contacts, "b 1 1").state, "placed")
    assert.equal(startOf(contacts, "a 1 1").state, "host clock moved")
  })

  test("that is never moved makes nothing doubtful", () => {
    const contacts = Array.from({ length: 50 }, (_, i) => contact(`b${i % 7}`, 1, 0, 1 + i / 3, 20))
    assert.deepEqual(clockSteps(contacts), [])
    assert.ok(doubtsOf([], 50).every(({ early, late }) => early === 0 && late === 0))
  })
})

interface Truth {
  boot: string
  number: number
  device: string
  /** Of each listen: uptime, ms, and true time. */
  listens: [number, number][]
}

/** Two weeks of `boards` boards, and a host whose clock is fast by host(true time). */
function field(rng: Rng, boards: number, host: (at: number) => number) {
  const met: (HostContact & { true: number })[] = []
  const truths: Truth[] = []
  for (let board = 0; board < boards; board++) {
    const device = `b${board}`
    const drift = (rng.uniform() - 0.5) * 400e-6
    let time = START + rng.uniform() * 6 * HOUR
    for (let number = 1; time < START + 14 * DAY; number++) {
      const boot = `${device} 1 ${number}`
      const length = 60_000 + 30 * HOUR * rng.exponential()
      const silent = rng.uniform() < 0.25
      const truth: Truth = { boot, number, device, listens: [] }
      for (let up = 30_000; up < length; up += 60_000 + Math.floor(2 * HOUR * rng.exponential())) {
        const at = time + up * (1 + drift)
        truth.listens.push([up, at])
        if (silent || rng.uniform() < 0.5) continue
        const delay = Math.min(MAX_DELAY_MS - 5, 20 / rng.uniform() ** 0.7)
        const shown = Math.round(at + delay + host(at + delay))
        met.push({ device, boot, bootNumber: number, up, at: shown, rtc: null, true: at + delay })
      }
      truths.push(truth)
      time += length * (1 + drift) + 60_000 + 8 * HOUR * rng.exponential()
    }
  }
  met.sort((x, y) => x.true - y.true)
  return { contacts: met as HostContact[], truths }
}

/** Every listen: off by how much, said to be how unsure; null without a time. */
function judge({ contacts, truths }: ReturnType<typeof field>) {
  const host = clockSteps(contacts)
  const met = metBoots(contacts, doubtsOf(host, contacts.length))
  const byDevice = new Map<string, Truth[]>()
  for (const truth of truths) byDevice.set(truth.device, [...(byDevice.get(truth.device) ?? []), truth])
  const found: { error: number; uncertaintyMs: number; own: boolean }[] = []
  let unplaced = 0
  for (const own of byDevice.values()) {
    const boots = own.map(({ boot, number, listens }) => {
      const clock = met.get(boot) ?? newBoot(number)
      return { ...clock, lasted: Math.max(clock.lasted, listens.at(-1)?.[0] ?? 0) }
    })
    boundBoots(boots, null).forEach((clock, i) => {
      for (const [up, at] of own[i].listens) {
        const placed = placeIn(clock, up)
        if (placed === null) unplaced++
        else {
          const { uncertaintyMs } = placed
          found.push({ error: Math.abs(placed.at - at), uncertaintyMs, own: clock.contacts > 0 })
        }
      }
    })
  }
  return { found, unplaced, steps: host.length }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]

describe("fields of boards", () => {
  test("whose host was right: every time holds, and is known to half a minute", () => {
    const all: ReturnType<typeof judge>["found"] = []
    for (let study = 0; study < 20; study++) {
      const { found, steps } = judge(field(stream(11, "right", study), 12, () => 0))
      assert.equal(steps, 0)
      all.push(...found)
    }
    const wrong = all.filter(({ error, uncertaintyMs }) => error > uncertaintyMs)
    assert.deepEqual(wrong, [])
    const met = median(all.filter(({ own }) => own).map(({ uncertaintyMs }) => uncertaintyMs))
    const silent = median(all.filter(({ own }) => !own).map(({ uncertaintyMs }) => uncertaintyMs))
    assert.ok(all.length > 20_000 && met < 30_000 && silent < 36 * HOUR, `${all.length} ${met} ${silent}`)
  })

  test("whose host was wrong for a while: 99.9 % of the times hold, all where anybody could see it", () => {
    for (const [boards, leastSeen] of [
      [12, 60],
      [3, 50],
    ]) {
      let total = 0
      let wrong = 0
      let seen = 0
      for (let study = 0; study < 60; study++) {
        const rng = stream(12, "wrong", study)
        // From three minutes to a month, ahead or behind, for hours to days.
        const size = 180_000 * (240 * 60) ** rng.uniform() * (rng.uniform() < 0.5 ? -1 : 1)
        const from = START + DAY * (1 + 10 * rng.uniform())
        const to = from + HOUR * (2 + 40 * rng.exponential())
        const { found, steps } = judge(field(rng, boards, (at) => (at >= from && at < to ? size : 0)))
        // Where all boards were off whenever it was moved there is nothing to see it by.
        if (steps === 0) continue
        seen++
        total += found.length
        wrong += found.filter(({ error, uncertaintyMs }) => error > uncertaintyMs).length
      }
      assert.ok(seen >= leastSeen, `${seen} of 60`)
      assert.ok(total > 1500 * boards, `${total}`)
      assert.ok(wrong <= 0.001 * total, `${wrong} of ${total}`)
    }
  })

  test("whose host was set once and left so: both times stay possible", () => {
    for (let study = 0; study < 20; study++) {
      const rng = stream(13, "once", study)
      const from = START + DAY * (2 + 8 * rng.uniform())
      const size = (rng.uniform() < 0.5 ? -1 : 1) * HOUR
      // Right before, or right after: nobody can tell.
      const before = study % 2 === 0
      const { found, steps } = judge(field(rng, 12, (at) => (before === at >= from ? size : 0)))
      assert.equal(steps, 1)
      assert.deepEqual(
        found.filter(({ error, uncertaintyMs }) => error > uncertaintyMs),
        [],
      )
      const met = median(found.filter(({ own }) => own).map(({ uncertaintyMs }) => uncertaintyMs))
      assert.ok(met > 0.5 * HOUR && met < 0.6 * HOUR, `${met}`)
    }
  })
})
