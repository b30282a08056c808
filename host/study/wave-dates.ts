// When a wave is planned: wave k of a cohort begins (k − 1)(days + gapDays) days after the cohort's first day, at
// local midnight in the study's time zone, and lasts `days` days.

import type { Plan } from "./plan.js"
import { localTime, momentOf } from "./time-zone.js"

export interface PlannedDays {
  /** First and last day, YYYY-MM-DD. */
  first: string
  last: string
  /** Local midnight at the beginning of the first day and at the end of the last one, Unix milliseconds. */
  from: number
  to: number
}

const DAY_MS = 86_400_000

/** Undefined where the plan gives no date. */
export function plannedDays(plan: Plan, cohort: string, wave: number): PlannedDays | undefined {
  const start = plan.cohorts.find(({ name }) => name === cohort)?.start ?? plan.waves.start
  if (start === undefined) return undefined
  return daysFrom(plan, addDays(start, (wave - 1) * (plan.waves.days + plan.waves.gapDays)))
}

/** The days of a wave as planned, or where the plan has no date, counted from the day on which it was opened. */
export function daysOf(plan: Plan, cohort: string, wave: number, openedAt: number): PlannedDays {
  return plannedDays(plan, cohort, wave) ?? daysFrom(plan, localTime(openedAt, plan.timeZone).date)
}

/** Days from `date` (YYYY-MM-DD) to the local date of `at`; negative where `at` is before. */
export function daysAfter(date: string, at: number, timeZone: string): number {
  return (Date.parse(localTime(at, timeZone).date) - Date.parse(date)) / DAY_MS
}

function daysFrom({ waves, timeZone }: Plan, first: string): PlannedDays {
  const after = addDays(first, waves.days)
  return {
    first,
    last: addDays(after, -1),
    from: momentOf(first, 0, timeZone),
    to: momentOf(after, 0, timeZone),
  }
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}
