// The hour of the week in which plays began, for analyses that need it. A play whose time is not known to half an hour
// is left out and counted: it would land in an hour that it perhaps was not in.

import { localTime } from "../time-zone.js"

/** Plays above this uncertainty have no hour, ms. */
export const MAX_UNCERTAINTY_MS = 30 * 60_000

interface TimesOfWeek {
  /** Of each play: 0 = Monday from midnight to one, … 167 = the last hour of Sunday, in the study's time zone; null
   *  where it is not known. Length: that of the plays. */
  hours: (number | null)[]
  /** Plays without any time, and plays whose time is too uncertain. */
  unplaced: number
  uncertain: number
}

export function timesOfWeek(
  plays: readonly { startedAt: number | null; uncertaintyMs: number | null }[],
  timeZone: string,
): TimesOfWeek {
  const result: TimesOfWeek = { hours: [], unplaced: 0, uncertain: 0 }
  for (const { startedAt, uncertaintyMs } of plays) {
    if (startedAt === null || uncertaintyMs === null) result.unplaced++
    else if (uncertaintyMs > MAX_UNCERTAINTY_MS) result.uncertain++
    else {
      result.hours.push(hourOfWeek(startedAt, timeZone))
      continue
    }
    result.hours.push(null)
  }
  return result
}

function hourOfWeek(at: number, timeZone: string): number {
  const { date, minute } = localTime(at, timeZone)
  const sunday = new Date(`${date}T00:00:00Z`).getUTCDay()
  return 24 * ((sunday + 6) % 7) + Math.floor(minute / 60)
}
