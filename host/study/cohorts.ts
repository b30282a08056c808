// Cohorts: groups of subjects that run one after the other where there are too few boards.

import type { Subject } from "../store/subjects.js"
import type { Plan } from "./plan.js"

/** A wave that can't be opened, closed or designed for as it is asked; the message says why. */
export class WaveError extends Error {
  override name = "WaveError"
}

/** The subject's cohort; empty where it is in none. */
export function cohortOf({ cohort }: Subject): string {
  return cohort ?? ""
}

/** Who has withdrawn gets no more playlists. */
export function hasWithdrawn({ withdrawnAt }: Subject): boolean {
  return withdrawnAt !== null
}

/** Names of the plan's cohorts; one with an empty name where it has none. */
export function cohortNames({ cohorts }: Plan): string[] {
  return cohorts.length === 0 ? [""] : cohorts.map(({ name }) => name)
}

/** The cohort that is meant where `given` was asked for; throws WaveError. */
export function cohortNamed(plan: Plan, given: string | undefined): string {
  const names = cohortNames(plan)
  if (plan.cohorts.length === 0) {
    if (given === undefined) return ""
    throw new WaveError(`cohort: the plan has no cohorts, got ${JSON.stringify(given)}`)
  }
  if (given === undefined) {
    if (names.length === 1) return names[0]
    throw new WaveError(`cohort: the plan has ${names.join(", ")}: say which, got none`)
  }
  if (!names.includes(given)) {
    throw new WaveError(`cohort: must be ${names.join(" or ")} (study.json), got ${JSON.stringify(given)}`)
  }
  return given
}

/** "wave 2", "wave 2 of cohort autumn". */
export function waveName(wave: number, cohort: string): string {
  return cohort === "" ? `wave ${wave}` : `wave ${wave} of cohort ${cohort}`
}
