// People who listen while they do something: plays over weeks from planted activities, each with its hours of the week
// and its ways of listening, to see what weekly patterns can tell of them.
//
// The population is the one on which the method was first measured (six activities; prevalences that depend a little on
// age and gender; who does not have an activity still listens then now and then; everybody's hours are shifted by about
// one; sports fall on other days for everybody; and there is listening at any time). The code is the project's own.

import { exp, log } from "../model/elementary.js"
import { type Rng, stream } from "../model/random.js"
import type { Observed, TimedPlay } from "../patterns/week.js"

export const ACTIVITIES = ["wake", "transport", "work", "sports", "friends", "asleep"] as const

export interface SimulatedPerson {
  plays: TimedPlay[]
  observed: Observed[]
  /** Place of the age group, 0 … 5, and gender, 0 or 1. */
  age: number
  gender: number
  /** By ACTIVITIES: 1 or 0. */
  labels: number[]
}

const HOURS = 168
const HOUR_MS = 3_600_000
/** Monday 6 January 2025, UTC. */
const START = Date.UTC(2025, 0, 6)
const WEEKDAYS = [0, 1, 2, 3, 4]
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
const HEARD_MS = 180_000
/** Plays a week of an activity that one has, of one that one has not as a share of it, and of no activity. */
const PER_WEEK = 4
const WITHOUT = 0.25
const OTHERWISE = 16
const SHIFT_H = 1
/** Spread of how much people listen, log scale. */
const SPREAD = 0.7
const FAVOURITES = 40

interface Activity {
  /** [days, hour, width in hours, size] */
  bumps: [number[], number, number, number][]
  prevalence: number
  /** On the log odds: by age group from the middle, and by gender from the middle. */
  byAge: number
  byGender: number
  /** Shares of plays of favourites, chosen by the listener, liked. */
  repeated: number
  organic: number
  liked: number
}

const SIMULATED: Record<(typeof ACTIVITIES)[number], Activity> = {
  wake: {
    bumps: [
      [WEEKDAYS, 7, 0.8, 1],
      [[5, 6], 9, 1, 0.6],
    ],
    ...{ prevalence: 0.45, byAge: 0.1, byGender: 0, repeated: 0.7, organic: 0.6, liked: 0.7 },
  },
  transport: {
    bumps: [
      [WEEKDAYS, 8, 0.7, 1],
      [WEEKDAYS, 18, 0.8, 1],
    ],
    ...{ prevalence: 0.7, byAge: -0.25, byGender: 0.1, repeated: 0.6, organic: 0.7, liked: 0.55 },
  },
  work: {
    bumps: [
      [WEEKDAYS, 10, 1.3, 1],
      [WEEKDAYS, 15, 1.6, 1],
    ],
    ...{ prevalence: 0.5, byAge: -0.3, byGender: -0.1, repeated: 0.35, organic: 0.25, liked: 0.3 },
  },
  sports: {
    bumps: [
      [[1, 3], 19, 1, 1],
      [[6], 11, 1, 1],
    ],
    ...{ prevalence: 0.45, byAge: -0.2, byGender: -0.5, repeated: 0.75, organic: 0.5, liked: 0.7 },
  },
  friends: {
    bumps: [
      [[4, 5], 21.5, 1.6, 1],
      [[4, 5], 24, 1.5, 0.4],
    ],
    ...{ prevalence: 0.35, byAge: -0.35, byGender: 0.1, repeated: 0.4, organic: 0.9, liked: 0.35 },
  },
  asleep: {
    bumps: [[EVERY_DAY, 23, 0.9, 1]],
    ...{ prevalence: 0.3, byAge: 0.05, byGender: 0.2, repeated: 0.8, organic: 0.4, liked: 0.75 },
  },
}

const NO_ACTIVITY = { repeated: 0.5, organic: 0.55, liked: 0.45 }

/** @param weeks observed of everybody */
export function simulatePeople(count: number, weeks: number, seed: number): SimulatedPerson[] {
  const profiles = ACTIVITIES.map((name) => profileOf(SIMULATED[name]))
  return Array.from({ length: count }, (_, i) =>
    simulatePerson(stream(seed, "weekly activities", i), weeks, profiles),
  )
}

/** Share of the activity's plays by hour of the week. */
function profileOf({ bumps }: Activity): Float64Array {
  const hours = new Float64Array(HOURS)
  for (const [days, hour, width, size] of bumps) {
    for (const day of days) {
      for (const week of [-HOURS, 0, HOURS]) {
        for (let h = 0; h < HOURS; h++) {
          const away = (h - (day * 24 + hour) + week) / width
          hours[h] += size * exp(-0.5 * away * away)
        }
      }
    }
  }
  return scaled(hours)
}

function scaled(hours: Float64Array): Float64Array {
  const sum = hours.reduce((all, value) => all + value, 0)
  return hours.map((value) => value / sum)
}

function simulatePerson(rng: Rng, weeks: number, profiles: readonly Float64Array[]): SimulatedPerson {
  const age = rng.int(6)
  const gender = rng.int(2)
  const labels = ACTIVITIES.map((name) => {
    const { prevalence, byAge, byGender } = SIMULATED[name]
    const odds = log(prevalence / (1 - prevalence)) + byAge * (age - 2.5) + byGender * (gender - 0.5)
    return rng.uniform() < 1 / (1 + exp(-odds)) ? 1 : 0
  })
  const much = exp(SPREAD * rng.normal())
  const plays: TimedPlay[] = []
  let fresh = FAVOURITES
  const listen = (rates: Float64Array, ways: Pick<Activity, "repeated" | "organic" | "liked">): void => {
    for (let week = 0; week < weeks; week++) {
      for (let hour = 0; hour < HOURS; hour++) {
        for (let n = poisson(rng, rates[hour]); n > 0; n--) {
          const favourite = rng.uniform() < ways.repeated
          plays.push({
            at: START + (week * HOURS + hour) * HOUR_MS + Math.floor(rng.uniform() * HOUR_MS),
            track: `track ${favourite ? rng.int(FAVOURITES) : fresh++}`,
            heardMs: HEARD_MS,
            organic: rng.uniform() < ways.organic,
            liked: rng.uniform() < ways.liked,
          })
        }
      }
    }
  }
  for (const [a, name] of ACTIVITIES.entries()) {
    const rate = rng.gamma(2) * (PER_WEEK / 2) * much * (labels[a] === 1 ? 1 : WITHOUT)
    let shift = Math.round(SHIFT_H * rng.normal())
    if (name === "sports") shift += 24 * rng.int(7)
    const rates = Float64Array.from(
      profiles[a],
      (_, h) => rate * profiles[a][(((h - shift) % HOURS) + HOURS) % HOURS],
    )
    listen(rates, SIMULATED[name])
  }
  const rate = rng.gamma(2) * (OTHERWISE / 2) * much
  const at = scaled(Float64Array.from({ length: HOURS }, (_, hour) => otherwise(hour)))
  listen(
    at.map((share) => rate * share),
    NO_ACTIVITY,
  )
  return { plays, observed: [{ from: START, to: START + weeks * HOURS * HOUR_MS - 1 }], age, gender, labels }
}

/** Listening at any time: most in the afternoon, least at night, a little more at weekends. */
function otherwise(hour: number): number {
  const wave = Math.sin((((hour % 24) - 9) / 24) * 2 * Math.PI)
  return Math.max(0.05, 0.3 + Math.max(-0.2, wave) + (hour >= 120 ? 0.3 : 0))
}

/** Knuth's product of uniforms: rates are small. */
function poisson(rng: Rng, rate: number): number {
  const end = exp(-rate)
  let n = 0
  for (let product = rng.uniform(); product > end; product *= rng.uniform()) n++
  return n
}
