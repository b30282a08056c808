// What a rule of `fieldtune check` is, and what it finds.

import type { FoundRow, Severity } from "../../store/findings.js"
import type { Plan } from "../plan.js"
import type { SkipPrior } from "./automatic.js"
import type { BoardFacts } from "./board-facts.js"
import type { StudyFacts } from "./study-facts.js"

/** A finding with the rule that made it. */
export interface Finding extends FoundRow {
  /** The rule in words. */
  says: string
  todo: string
}

export interface RuleText {
  /** Stable: findings are kept under it. */
  id: string
  /** The rule in words, with its thresholds. */
  says: string
  /** What to do about it. */
  todo: string
}

/** What a rule found of one board. */
interface Observation {
  severity: Severity
  /** Unix milliseconds; null where nothing tells. */
  since: number | null
  found: string
}

export interface BoardContext {
  /** Unix milliseconds. */
  now: number
  plan: Plan
  /** How often the other listeners let a song end. */
  skips: SkipPrior
}

/** A rule that needs to know one board only: applied to a board after its sync. */
export interface BoardRule extends RuleText {
  /** Whether it speaks of what a board has told, whoever carries it now; else only boards in use are judged. */
  ofRecords?: boolean
  find(board: BoardFacts, context: BoardContext): Observation | undefined
}

/** A rule about time that passes, or about several boards. */
export interface StudyRule extends RuleText {
  find(study: StudyFacts): Omit<FoundRow, "rule">[]
}

const HOUR_MS = 3_600_000

/** A length of time as people say it. */
export function spanText(ms: number): string {
  const hours = ms / HOUR_MS
  if (hours < 2) return `${Math.round(ms / 60_000)} min`
  if (hours < 100) return `${Math.round(hours)} h`
  return `${Math.round(hours / 24)} days`
}

/** "1 record", "2 records". */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`
}

/** A probability to be compared with 1 in a thousand. */
export function chanceText(probability: number): string {
  return probability < 1e-6 ? "less than 1 in a million" : `${Number(probability.toPrecision(2))}`
}
