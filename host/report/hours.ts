// What the parts that show hours of the week have in common: whether they may, and which plays tell of one.

import type { ReportData, ReportPlay } from "./study-data.js"

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const

/** A play whose beginning is not known to half an hour tells of no hour (as in exports to other programs). */
const MOST_UNCERTAIN_MS = 30 * 60_000

export function tellsHour(play: ReportPlay): play is ReportPlay & { startedAt: number } {
  return play.startedAt !== null && (play.uncertaintyMs ?? 0) <= MOST_UNCERTAIN_MS
}

/** Why the plan keeps hours out of the report; null where it does not. */
export function hoursKeptBack({ plan: { privacy } }: Pick<ReportData, "plan">): string | null {
  const { exportTimes } = privacy
  if (exportTimes !== "none" && exportTimes !== "date") return null
  return `the plan exports no hours (privacy.exportTimes: ${exportTimes})`
}
