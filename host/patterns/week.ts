// A listener's week: four values for each of its 168 hours, Monday 0 h first, from plays with their time of day
// (PACE, arXiv 2405.01417). A cell is one hour of one date; cells in which nobody could have listened unseen, because
// they lie within what was observed, count with zero plays.
//
//   volume       mean number of plays in a cell
//   repetition   share of the plays whose track was played more than 3 times in all that was observed
//   organicity   share of the plays that the listener chose (not the playlist)
//   liked        share of the plays of songs that the listener has marked
//
// Shares are means over the cells with plays; 0 for an hour that never had one. In a short study a cell has few plays,
// and its share is drawn towards the listener's own mean, as if 4 more plays had that mean.

import { localTime } from "../study/time-zone.js"

export const CHANNELS = ["volume", "repetition", "organicity", "liked"] as const
export type Channel = (typeof CHANNELS)[number]

export const HOURS = 168

export interface TimedPlay {
  /** When it began, Unix milliseconds; null where no clock tells. */
  at: number | null
  /** The same text for the same track. */
  track: string
  /** null where the log does not say: a log that keeps only what was listened to. */
  heardMs: number | null
  /** null where nothing tells. */
  organic: boolean | null
  liked: boolean | null
}

/** Time in which a play would have been seen, Unix milliseconds. */
export interface Observed {
  from: number
  to: number
}

export type Ratios = "raw" | "shrunk"

export interface Week {
  /** CHANNELS × HOURS. */
  channels: Float64Array
  /** Plays by hour of the week. */
  counts: Float64Array
  /** Plays that count, and those that don't: by reason. */
  plays: number
  tooShort: number
  untimed: number
  outside: number
  /** Observed cells over 168. */
  weeks: number
  /** Channels of which nothing is known of any play. */
  unknown: Channel[]
}

/** Listens shorter than this tell nothing of a taste for the hour (PACE). */
const LEAST_MS = 30_000
/** Played more often than this, a track is repeated (PACE). */
const REPEATED = 3
/** Plays as which a listener's own mean counts where ratios are shrunk. */
const PRIOR_PLAYS = 4
const HOUR_MS = 3_600_000
const QUARTER_MS = 900_000
const DAY_MS = 86_400_000

/** Hours of local weeks; times are asked for again and again, and shifts happen at whole quarters of an hour. */
export class WeekClock {
  private readonly known = new Map<number, number>()

  constructor(private readonly timeZone: string) {}

  /** The cell in which `at` lies: hours since Monday 5 January 1970 in local time. */
  cellOf(at: number): number {
    const quarter = Math.floor(at / QUARTER_MS)
    let cell = this.known.get(quarter)
    if (cell === undefined) {
      const { date, minute } = localTime(quarter * QUARTER_MS, this.timeZone)
      // 1 January 1970 was a Thursday.
      cell = (Date.parse(`${date}T00:00:00Z`) / DAY_MS - 4) * 24 + Math.floor(minute / 60)
      this.known.set(quarter, cell)
    }
    return cell
  }
}

const hourOfWeek = (cell: number): number => ((cell % HOURS) + HOURS) % HOURS

/** @param ratios `shrunk`: shares are drawn towards the listener's mean. */
export function weekOf(
  plays: readonly TimedPlay[],
  observed: readonly Observed[],
  clock: WeekClock,
  ratios: Ratios,
): Week {
  const cells = observedCells(observed, clock)
  const dates = new Float64Array(HOURS)
  for (const cell of cells) dates[hourOfWeek(cell)]++
  const sorted = { tooShort: 0, untimed: 0, outside: 0 }
  const counted: { cell: number; play: TimedPlay }[] = []
  for (const play of plays) {
    if (play.heardMs !== null && play.heardMs < LEAST_MS) sorted.tooShort++
    else if (play.at === null) sorted.untimed++
    else {
      const cell = clock.cellOf(play.at)
      if (cells.has(cell)) counted.push({ cell, play })
      else sorted.outside++
    }
  }
  const counts = new Float64Array(HOURS)
  for (const { cell } of counted) counts[hourOfWeek(cell)]++
  const channels = new Float64Array(CHANNELS.length * HOURS)
  for (let hour = 0; hour < HOURS; hour++) if (dates[hour] > 0) channels[hour] = counts[hour] / dates[hour]
  const times = new Map<string, number>()
  for (const { play } of counted) times.set(play.track, (times.get(play.track) ?? 0) + 1)
  const flags: [Channel, (play: TimedPlay) => boolean | null][] = [
    ["repetition", (play) => (times.get(play.track) ?? 0) > REPEATED],
    ["organicity", (play) => play.organic],
    ["liked", (play) => play.liked],
  ]
  const unknown: Channel[] = []
  for (const [channel, flag] of flags) {
    const flagged = counted.flatMap(({ cell, play }) => {
      const value = flag(play)
      return value === null ? [] : [{ cell, value }]
    })
    if (flagged.length === 0) unknown.push(channel)
    const at = CHANNELS.indexOf(channel) * HOURS
    shares(flagged, ratios, channels.subarray(at, at + HOURS))
  }
  return { channels, counts, plays: counted.length, ...sorted, weeks: cells.size / HOURS, unknown }
}

function observedCells(observed: readonly Observed[], clock: WeekClock): Set<number> {
  const cells = new Set<number>()
  for (const { from, to } of observed) {
    // Hours of UTC may begin within local ones; each local hour holds the beginning of one of them.
    for (let at = Math.floor(from / HOUR_MS) * HOUR_MS; at <= to; at += HOUR_MS) cells.add(clock.cellOf(at))
    cells.add(clock.cellOf(from))
    cells.add(clock.cellOf(to))
  }
  return cells
}

/** Share of the flagged plays by hour of the week. */
function shares(plays: readonly { cell: number; value: boolean }[], ratios: Ratios, out: Float64Array): void {
  const played = new Map<number, { plays: number; flagged: number }>()
  let all = 0
  for (const { cell, value } of plays) {
    const held = played.get(cell) ?? { plays: 0, flagged: 0 }
    held.plays++
    if (value) held.flagged++
    if (value) all++
    played.set(cell, held)
  }
  const mean = plays.length === 0 ? 0 : all / plays.length
  const sum = new Float64Array(HOURS)
  const weight = new Float64Array(HOURS)
  for (const [cell, { plays: n, flagged }] of played) {
    const hour = hourOfWeek(cell)
    sum[hour] += ratios === "raw" ? flagged / n : flagged
    weight[hour] += ratios === "raw" ? 1 : n
  }
  for (let hour = 0; hour < HOURS; hour++) {
    if (weight[hour] === 0) continue
    out[hour] =
      ratios === "raw"
        ? sum[hour] / weight[hour]
        : (sum[hour] + PRIOR_PLAYS * mean) / (weight[hour] + PRIOR_PLAYS)
  }
}
