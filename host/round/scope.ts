// Whom a round designs for, and in which wave.
//
// Where waves are opened by hand (`fieldtune wave open`), a round belongs to the open wave of its subjects' cohort: it
// makes the lists that are missing there, and designs the list of a subject anew that is asked for by number. Where
// no wave was ever opened, every round begins the next wave of its subjects; one that was interrupted is completed
// first.

import type { Subject } from "../store/subjects.js"
import { cohortOf, hasWithdrawn, WaveError, waveName } from "../study/cohorts.js"
import type { Study } from "../study/study.js"
import { interruptedRound } from "./journal.js"

export interface Scope {
  wave: number
  subjects: number[]
  /** Who gets nothing, and why. */
  left: { subject: number; note: string }[]
  /** Whether it completes a round that was interrupted. */
  completes: boolean
}

/** `asked`: what the caller said; throws where a subject is not in the study, and WaveError. */
export async function scopeOf(
  study: Study,
  asked: { subjects?: readonly number[]; wave?: number },
): Promise<Scope> {
  const { store } = study
  const all = await store.subjects.all()
  const present = all.filter((subject) => !hasWithdrawn(subject))
  for (const id of asked.subjects ?? []) {
    if (!present.some((subject) => subject.id === id)) {
      throw new Error(`round: subject ${id} is not in the study, or has withdrawn`)
    }
  }
  const chosen = asked.subjects
    ? asked.subjects.map((id) => present.find((subject) => subject.id === id)!)
    : present
  const subjects = chosen.map(({ id }) => id)
  const withdrawn = asked.subjects ? [] : all.filter(hasWithdrawn)
  const left = withdrawn.map(({ id }) => ({ subject: id, note: "has withdrawn" }))
  if (asked.wave !== undefined) return { wave: asked.wave, subjects, left, completes: false }
  if ((await store.waves.periods()).length > 0) {
    return openWaves(study, chosen, left, asked.subjects !== undefined)
  }
  const interrupted = await interruptedRound(store)
  const missing = interrupted?.subjects.filter((id) => subjects.includes(id)) ?? []
  if (
    interrupted !== undefined &&
    missing.length > 0 &&
    (asked.subjects === undefined || missing.length === subjects.length)
  ) {
    const others = subjects.filter((id) => !missing.includes(id))
    const note = `is not part of what was left of the round of wave ${interrupted.wave}`
    const rest = others.map((subject) => ({ subject, note }))
    return { wave: interrupted.wave, subjects: missing, left: [...left, ...rest], completes: true }
  }
  let last = 0
  for (const id of subjects) {
    for (const list of await store.playlists.of(id)) last = Math.max(last, list.wave)
  }
  return { wave: last + 1, subjects, left, completes: false }
}

async function openWaves(
  { store }: Study,
  chosen: readonly Subject[],
  withdrawn: Scope["left"],
  named: boolean,
): Promise<Scope> {
  const open = (await store.waves.periods()).filter(({ closedAt }) => closedAt === null)
  const left = [...withdrawn]
  const found: { subject: number; wave: number; cohort: string }[] = []
  for (const subject of chosen) {
    const { id } = subject
    const cohort = cohortOf(subject)
    const period = open.find((candidate) => candidate.cohort === cohort)
    if (period === undefined) {
      const of = cohort === "" ? "" : ` of cohort ${cohort}`
      if (named) throw new WaveError(`round: subject ${id}: no wave${of} is open: fieldtune wave open N`)
      left.push({ subject: id, note: `no wave${of} is open` })
      continue
    }
    const { wave } = period
    if (!named && (await store.playlists.of(id)).some((list) => list.wave === wave)) {
      left.push({ subject: id, note: `has its list of wave ${wave}; --subject ${id} designs it anew` })
      continue
    }
    found.push({ subject: id, wave, cohort })
  }
  if (open.length === 0) throw new WaveError("round: no wave is open: fieldtune wave open N")
  const waves = [...new Set(found.map(({ wave }) => wave))]
  if (waves.length > 1) {
    const which = found.map(({ subject, wave, cohort }) => `subject ${subject}: ${waveName(wave, cohort)}`)
    throw new WaveError(
      `round: these are in different waves, say --subject for those of one: ${which.join(", ")}`,
    )
  }
  const subjects = found.map(({ subject }) => subject)
  return { wave: waves[0] ?? open[0].wave, subjects, left, completes: false }
}
