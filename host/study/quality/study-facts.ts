// What the rules know of the study: its boards, waves, and how regularly boards are heard.

import type { Enrolment } from "../../store/subjects.js"
import type { Plan } from "../plan.js"
import { type BoardFacts, contactTimes } from "./board-facts.js"
import { addRhythms, type Rhythm, reachOf, rhythmOf } from "./silence.js"

/** Where the study stands: before the first playlist, in a wave, between two, after the last. */
type Phase = "before" | "open" | "between" | "over"

export interface BoardRhythm {
  board: BoardFacts
  /** Contacts while its present listener carried it, Unix ms, ascending. */
  heard: number[]
  /** Those that brought plays. */
  listened: number[]
}

export interface StudyFacts {
  /** Unix ms. */
  now: number
  plan: Plan
  /** Why study.json is not the plan in force; null where it is. */
  edited: string | null
  songs: number
  enrolments: readonly Enrolment[]
  /** Every board that the study knows. */
  boards: readonly BoardFacts[]
  /** Boards that are lost or retired, since when, and when they synced last, Unix ms. */
  gone: readonly { device: string; state: string; at: number; lastSync: number | null }[]
  phase: Phase
  /** Beginning of the newest wave; null before the first. */
  waveFrom: number | null
  /** Boards that are in use. */
  inUse: readonly BoardRhythm[]
  /** Silences and pauses in listening of everybody. */
  silences: Rhythm
  listening: Rhythm
}

/** Pauses in listening up to this are a night or a working day. */
export const LISTENING_REACH_MS = 16 * 3_600_000
const DAY_MS = 86_400_000

export function studyFacts(
  given: Pick<StudyFacts, "now" | "plan" | "edited" | "songs" | "enrolments" | "boards" | "gone">,
  waves: readonly { number: number; startedAt: number }[],
): StudyFacts {
  const inUse: BoardRhythm[] = []
  for (const board of given.boards) {
    const { enrolledAt, contacts } = board
    if (enrolledAt === null) continue
    const own = contacts.filter(({ at }) => at >= enrolledAt)
    inUse.push({
      board,
      heard: contactTimes(own),
      listened: contactTimes(own.filter(({ stored }) => stored > 0)),
    })
  }
  const reach = reachOf(given.plan)
  return {
    ...given,
    phase: phaseOf(waves, given.plan, given.now),
    waveFrom: waves.at(-1)?.startedAt ?? null,
    inUse,
    silences: addRhythms(inUse.map(({ heard }) => rhythmOf(heard, reach))),
    listening: addRhythms(inUse.map(({ listened }) => rhythmOf(listened, LISTENING_REACH_MS))),
  }
}

function phaseOf(waves: readonly { number: number; startedAt: number }[], plan: Plan, now: number): Phase {
  const newest = waves.at(-1)
  if (newest === undefined) return "before"
  const end = newest.startedAt + plan.waves.days * DAY_MS
  if (now < end) return "open"
  // Boards are expected once more after the last wave, with what it brought.
  return newest.number < plan.waves.count || now < end + plan.waves.gapDays * DAY_MS ? "between" : "over"
}
