// When a board syncs next. Boards know no time of day: they wait as many minutes as the host says. So the hours of
// the plan are kept by the host, which tells a board to wait until the next of them begins.

import type { Plan } from "./plan-schema.js"
import { localTime, momentOf } from "./time-zone.js"

const MINUTE_MS = 60_000
/** Two days ahead there is an hour of the plan, whatever summer time does in between. */
const DAYS_AHEAD = 3
const DAY_MS = 86_400_000

/** Minutes from `now`, Unix milliseconds, until a board's next sync by itself; 0 = on demand only. */
export function syncInterval({ syncMinutes, syncHours, timeZone }: Plan, now: number): number {
  if (syncMinutes === 0 || syncHours.length === 0) return syncMinutes
  const due = now + syncMinutes * MINUTE_MS
  for (let day = 0; day < DAYS_AHEAD; day++) {
    const { date } = localTime(due + day * DAY_MS, timeZone)
    for (const { from, to } of syncHours) {
      const begin = momentOf(date, minuteOf(from), timeZone)
      const end = momentOf(date, minuteOf(to), timeZone)
      if (due >= end) continue
      return due >= begin ? syncMinutes : Math.ceil((begin - now) / MINUTE_MS)
    }
  }
  return syncMinutes
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number)
  return 60 * hours + minutes
}
