// Whose weeks there are: listeners of the study with the plays of their boards, and listeners of imported logs.

import { FLAG_LIKED, FLAG_ORGANIC } from "../../src/record.js"
import { planNow, type Study } from "../study/study.js"
import { type Observed, type Ratios, type TimedPlay, type Week, WeekClock, weekOf } from "./week.js"

/** Which plays: those of the study's boards, those of imported logs, or both together. */
export type Source = "study" | "imported" | "both"

export interface Person {
  /** The study's number; null for a listener of an imported log who is none of the study's. */
  subject: number | null
  /** Name of the log's listener where there is no subject. */
  listener: string
  week: Week
}

interface Listener {
  subject: number | null
  listener: string
  plays: TimedPlay[]
  observed: Observed[]
}

/** What everybody has heard; weeks of it as often as they are asked for. */
export interface Heard {
  listeners: Listener[]
  clock: WeekClock
}

/** Everybody who has plays or a board, subjects first, ascending; those who have withdrawn are not there. */
export async function readHeard(study: Study, source: Source): Promise<Heard> {
  const people = new Map<string, Listener>()
  const of = (subject: number | null, listener: string): Listener => {
    const key = subject === null ? `log ${listener}` : `subject ${subject}`
    const held = people.get(key) ?? { subject, listener, plays: [], observed: [] }
    people.set(key, held)
    return held
  }
  const present = new Set<number>()
  for (const { id, withdrawnAt } of await study.store.subjects.all())
    if (withdrawnAt === null) present.add(id)
  for (const id of present) of(id, "")
  if (source !== "imported") await addBoards(study, present, of)
  if (source !== "study") await addImports(study, of)
  const listeners = [...people.values()].sort(
    (a, b) =>
      (a.subject ?? Number.MAX_SAFE_INTEGER) - (b.subject ?? Number.MAX_SAFE_INTEGER) ||
      (a.listener < b.listener ? -1 : 1),
  )
  return { listeners, clock: new WeekClock((await planNow(study)).timeZone) }
}

export function peopleOf({ listeners, clock }: Heard, ratios: Ratios): Person[] {
  return listeners.map(({ subject, listener, plays, observed }) => ({
    ...{ subject, listener },
    week: weekOf(plays, observed, clock, ratios),
  }))
}

type Finder = (subject: number | null, listener: string) => Listener

async function addBoards({ store }: Study, present: ReadonlySet<number>, of: Finder): Promise<void> {
  for (const { subject, from, to } of await store.activity.observed()) {
    if (present.has(subject)) of(subject, "").observed.push({ from, to })
  }
  for (const id of present) {
    for (const play of await store.plays.of(id)) {
      of(id, "").plays.push({
        at: play.startedAt,
        track: `song ${play.song}`,
        heardMs: play.heardMs,
        organic: (play.flags & FLAG_ORGANIC) !== 0,
        liked: (play.flags & FLAG_LIKED) !== 0,
      })
    }
  }
}

/** A log says nothing of when its player was carried: it is observed from its first play to its last. */
async function addImports({ store }: Study, of: Finder): Promise<void> {
  const spans = new Map<Listener, Observed>()
  for (const play of await store.imports.all()) {
    const heard = of(play.subject, play.listener)
    const track = play.song === null ? JSON.stringify([play.artist, play.title]) : `song ${play.song}`
    heard.plays.push({ at: play.startedAt, track, heardMs: play.heardMs, organic: null, liked: null })
    if (play.startedAt === null) continue
    const span = spans.get(heard)
    if (span === undefined) spans.set(heard, { from: play.startedAt, to: play.startedAt })
    else {
      span.from = Math.min(span.from, play.startedAt)
      span.to = Math.max(span.to, play.startedAt)
    }
  }
  for (const [heard, span] of spans) heard.observed.push(span)
}
