// Weeks from plays, counted by hand; across summer time, without times, outside of what was observed.

import assert from "node:assert/strict"
import { test } from "node:test"
import { normaliseWeek } from "../../../host/patterns/preprocess.js"
import { CHANNELS, HOURS, type TimedPlay, WeekClock, weekOf } from "../../../host/patterns/week.js"

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Monday 2 June 2025, 0 h UTC. */
const MONDAY = Date.UTC(2025, 5, 2)
const play = (at: number | null, fields: Partial<TimedPlay> = {}): TimedPlay => ({
  ...{ at, track: "a", heardMs: 60_000, organic: false, liked: false },
  ...fields,
})
const channel = (channels: Float64Array, name: (typeof CHANNELS)[number]): Float64Array =>
  channels.subarray(CHANNELS.indexOf(name) * HOURS, (CHANNELS.indexOf(name) + 1) * HOURS)

test("two weeks, counted by hand", () => {
  const observed = [{ from: MONDAY, to: MONDAY + 14 * DAY - 1 }]
  const plays = [
    // Monday 8 h: three plays in the first week, one in the second.
    play(MONDAY + 8 * HOUR, { organic: true }),
    play(MONDAY + 8.2 * HOUR, { liked: true }),
    play(MONDAY + 8.9 * HOUR, { track: "b" }),
    play(MONDAY + 7 * DAY + 8 * HOUR, { organic: true }),
    // Tuesday 0 h, once; the track has its fourth play with it.
    play(MONDAY + DAY, { liked: true }),
    play(MONDAY + 3 * DAY, { heardMs: 29_999 }),
    play(null),
    play(MONDAY - 1),
    play(MONDAY + 14 * DAY),
    play(MONDAY + 6 * DAY + 23.99 * HOUR, { heardMs: null, track: "c" }),
  ]
  const week = weekOf(plays, observed, new WeekClock("UTC"), "raw")
  assert.deepEqual([week.plays, week.tooShort, week.untimed, week.outside, week.weeks], [6, 1, 1, 2, 2])
  const volume = channel(week.channels, "volume")
  assert.deepEqual([volume[8], volume[24], volume[167], volume[9]], [2, 0.5, 0.5, 0])
  // Track a was played 4 times: both cells of Monday 8 h, with 2 of 3 and 1 of 1.
  const repetition = channel(week.channels, "repetition")
  assert.ok(Math.abs(repetition[8] - (2 / 3 + 1) / 2) < 1e-15)
  assert.deepEqual([repetition[24], repetition[167], repetition[0]], [1, 0, 0])
  assert.ok(Math.abs(channel(week.channels, "organicity")[8] - (1 / 3 + 1) / 2) < 1e-15)
  assert.ok(Math.abs(channel(week.channels, "liked")[8] - (1 / 3 + 0) / 2) < 1e-15)
  assert.deepEqual([week.counts[8], week.counts.reduce((sum, n) => sum + n, 0)], [4, 6])
  // Shrunk: 2 of 4 organic at that hour, 2 of 6 in all.
  const shrunk = weekOf(plays, observed, new WeekClock("UTC"), "shrunk")
  assert.ok(Math.abs(channel(shrunk.channels, "organicity")[8] - (2 + (4 * 2) / 6) / (4 + 4)) < 1e-15)
})

test("hours are local: the hour that summer time leaves out is never observed, the one that comes twice is one cell", () => {
  const clock = new WeekClock("Europe/Berlin")
  // Clocks went from 2 h to 3 h on Sunday 30 March 2025, and from 3 h back to 2 h on Sunday 26 October.
  const spring = Date.UTC(2025, 2, 24, -1)
  const observed = [{ from: spring, to: Date.UTC(2025, 2, 30, 21, 59) }]
  const plays = [play(Date.UTC(2025, 2, 30, 0, 30)), play(Date.UTC(2025, 2, 30, 1, 30))]
  const first = weekOf(plays, observed, clock, "raw")
  assert.equal(first.weeks, 167 / 168)
  assert.deepEqual([first.counts[6 * 24 + 1], first.counts[6 * 24 + 2], first.counts[6 * 24 + 3]], [1, 0, 1])
  const autumn = [{ from: Date.UTC(2025, 9, 19, 22), to: Date.UTC(2025, 9, 26, 22, 59) }]
  const twice = [play(Date.UTC(2025, 9, 26, 0, 30)), play(Date.UTC(2025, 9, 26, 1, 30))]
  const second = weekOf(twice, autumn, clock, "raw")
  assert.equal(second.weeks, 1)
  assert.equal(channel(second.channels, "volume")[6 * 24 + 2], 2)
  // A zone half an hour off: 18:45 UTC is 0:15 on the next day.
  const india = weekOf(
    [play(MONDAY + 18.75 * HOUR)],
    [{ from: MONDAY, to: MONDAY + DAY }],
    new WeekClock("Asia/Kolkata"),
    "raw",
  )
  assert.equal(india.counts[24], 1)
})

test("what nothing tells of is unknown, and what is always the same is flat", () => {
  const plays = [
    play(MONDAY, { organic: null, liked: null }),
    play(MONDAY + HOUR, { organic: null, liked: null }),
  ]
  const week = weekOf(plays, [{ from: MONDAY, to: MONDAY + 7 * DAY - 1 }], new WeekClock("UTC"), "raw")
  assert.deepEqual(week.unknown, ["organicity", "liked"])
  const out = new Float64Array(HOURS)
  assert.equal(normaliseWeek(channel(week.channels, "liked"), "valid", out), false)
  assert.ok(out.every((value) => value === 0))
})

test("smoothing sums three hours; the result has a mean of zero and 1 as its largest size", () => {
  const hours = new Float64Array(HOURS)
  hours[0] = 3
  const valid = new Float64Array(166)
  assert.ok(normaliseWeek(hours, "valid", valid))
  // One sum of 3 among 166: 3 − 3/166 is the largest, which becomes 1.
  const rest = -3 / 166 / (3 - 3 / 166)
  assert.ok(Math.abs(valid[0] - 1) < 1e-12 && valid.slice(1).every((value) => Math.abs(value - rest) < 1e-12))
  const circular = new Float64Array(HOURS)
  assert.ok(normaliseWeek(hours, "circular", circular))
  assert.deepEqual(
    [167, 0, 1].map((i) => Math.abs(circular[i] - 1) < 1e-12),
    [true, true, true],
  )
})
