// What a report is made from: the study's tables as an archive holds them, with what must not be told left out already.
//
// Whatever tells of an arm in a blind study, and times that the plan does not export, are gone before anything is drawn:
// the parts of a report never see them. All of it is of one moment (host/archive/collect.ts).

import { END_FINISHED } from "../../src/record.js"
import { type Archived, type ArchivedTable, collect, rowsIn } from "../archive/collect.js"
import { conceal, concealmentOf } from "../archive/conceal.js"
import type { Row } from "../archive/field.js"
import type { FeatureSpec } from "../model/features.js"
import { type PatternsView, patternsView } from "../patterns/stored.js"
import { EVERYBODY } from "../store/models.js"
import { type OutcomeValue, outcomeValues } from "../study/outcomes.js"
import type { Plan } from "../study/plan.js"
import { planNow, type Study } from "../study/study.js"

export interface ReportPlay {
  /** Number in the order of arrival. */
  id: number
  subject: number
  /** As it may be shown. */
  arm: string
  /** null where it was played from no playlist that the host knows. */
  wave: number | null
  song: number
  heardMs: number
  /** null where the song is not in the catalogue. */
  lengthMs: number | null
  /** Index in END_REASONS. */
  reason: number
  /** Unix milliseconds as exactly as the plan exports them; null where they are not known, or not exported. */
  startedAt: number | null
  uncertaintyMs: number | null
}

export interface StoredTaste {
  model: number
  subject: number
  version: number
  /** Largest play that it has taken in. */
  toPlay: number
  /** host/model/taste-bytes.ts */
  bytes: Uint8Array
}

/** Mean over a listener's plays of a wave, by the definitions of the plan (host/study/outcomes.ts). */
export interface MeasureValue extends Pick<OutcomeValue, "subject" | "wave" | "plays"> {
  arm: string
  value: number | null
}

export interface Measure {
  measure: OutcomeValue["measure"]
  /** Plays shorter than this do not count, ms. */
  minHeardMs: number
  /** The study is judged by it. */
  primary: boolean
  /** Waves that count for the plan's outcome. */
  counted: number[]
  /** One per subject and wave with a playlist, all waves. */
  values: MeasureValue[]
}

export interface ReportData {
  plan: Omit<Plan, "arms">
  /** Of the program. */
  version: string
  blind: boolean
  /** As they may be shown; in the order of the plan, of a blind study in that of the codes. */
  arms: string[]
  /** Every arm is shown by something of its own; a blind study has no codes before its first allocation. */
  armsTold: boolean
  waves: number[]
  /** Arm by subject. */
  subjects: Map<number, string>
  /** Of subjects, in the order of arrival. */
  plays: ReportPlay[]
  /** Plays of boards that nobody was enrolled with. */
  unassigned: number
  measures: Measure[]
  /** By name, concealed. */
  tables: Map<string, ArchivedTable>
  /** Ascending model; particles have no arm in them. */
  tastes: StoredTaste[]
  /** null before the first estimate. */
  features: FeatureSpec | null
  /** Weekly patterns and what they tell. */
  patterns: PatternsView
  /** Of the newest contact of a board, as exactly as the plan exports times. */
  lastContact: number | null
  /** Largest number of a contact; 0 = none. */
  throughSync: number
}

/** What is shown of a study whose plan names no outcome of that kind. */
const SHOWN: readonly OutcomeValue["measure"][] = ["shareHeard", "shareFinished"]
/** The plan's own default (host/study/plan-schema.ts), for measures that the plan does not name. */
export const MIN_HEARD_MS = 500

export async function readStudyData(study: Study, version: string): Promise<ReportData> {
  const archived = await collect(study, { version, firmware: [] }, false)
  const plan = await planNow(study)
  const how = await concealmentOf(study)
  const kept = [...archived.tables].filter(([, { table }]) => !(how.blind && table.reveals))
  const tables = new Map(kept.map(([name, { table, rows }]) => [name, conceal(table, rows, how)]))
  const named = plan.arms.map(({ name }) => how.arm(name))
  const held = rowsIn(tables, "subjects").map(({ arm }) => arm as string)
  const arms = [...new Set([...named, ...held])]
  // The order of the plan would tell which code is which arm.
  if (how.blind) arms.sort()
  const subjects = new Map(
    rowsIn(tables, "subjects").map(({ subject, arm }) => [subject as number, arm as string]),
  )
  const lists = rowsIn(tables, "playlists")
  const syncs = rowsIn(tables, "syncs")
  const { arms: _, ...shown } = plan
  return {
    plan: shown,
    version,
    blind: how.blind,
    arms,
    armsTold: new Set(named).size === named.length,
    waves: [...new Set(lists.map(({ wave }) => wave as number))].sort((a, b) => a - b),
    subjects,
    ...playsOf(tables, subjects),
    measures: measuresOf(plan, tables, subjects),
    tables,
    tastes: tastesOf(archived),
    features: featuresOf(archived),
    patterns: await patternsView(study),
    lastContact: syncs.reduce<number | null>((latest, { at }) => latestOf(latest, at as number | null), null),
    throughSync: syncs.reduce((newest, { sync }) => Math.max(newest, sync as number), 0),
  }
}

function latestOf(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b > a) ? b : a
}

function playsOf(
  tables: Archived["tables"],
  subjects: ReadonlyMap<number, string>,
): { plays: ReportPlay[]; unassigned: number } {
  const waveOf = new Map(rowsIn(tables, "playlists").map(({ playlist, wave }) => [playlist, wave as number]))
  const lengthOf = new Map(rowsIn(tables, "songs").map((row) => [row.song, row.length_ms as number]))
  const rows = rowsIn(tables, "plays")
  const owned = rows.filter(({ subject }) => subject !== null)
  const plays = owned.map((row) => ({
    id: row.play as number,
    subject: row.subject as number,
    arm: subjects.get(row.subject as number) ?? "?",
    wave: waveOf.get(row.playlist) ?? null,
    song: row.song as number,
    heardMs: row.heard_ms as number,
    lengthMs: lengthOf.get(row.song) ?? null,
    reason: row.reason as number,
    startedAt: row.started_at as number | null,
    uncertaintyMs: row.uncertainty_ms as number | null,
  }))
  return { plays, unassigned: rows.length - owned.length }
}

function measuresOf(
  plan: Plan,
  tables: Archived["tables"],
  subjects: ReadonlyMap<number, string>,
): Measure[] {
  const lists = rowsIn(tables, "playlists").map((row) => ({
    id: row.playlist as number,
    subject: row.subject as number,
    wave: row.wave as number,
  }))
  const waves = [...new Set(lists.map(({ wave }) => wave))].sort((a, b) => a - b)
  const plays = rowsIn(tables, "plays").map((row) => ({
    subject: row.subject as number | null,
    song: row.song as number,
    playlist: row.playlist as number | null,
    heardMs: row.heard_ms as number,
    reason: row.reason as number,
  }))
  const lengths = new Map(rowsIn(tables, "songs").map((row) => [row.song as number, row.length_ms as number]))
  const measures = [...new Set([...SHOWN, ...plan.outcomes.map(({ measure }) => measure)])]
  return measures.map((measure) => {
    const ofPlan = plan.outcomes.filter((outcome) => outcome.measure === measure)
    const outcome = ofPlan.find(({ primary }) => primary) ?? ofPlan[0]
    const { minHeardMs = MIN_HEARD_MS, primary = false } = outcome ?? {}
    const wanted = outcome?.waves ?? []
    const asked = { name: measure, measure, minHeardMs, primary, waves }
    const values = outcomeValues({ outcomes: [asked], plays, playlists: lists, lengths })
    return {
      measure,
      minHeardMs,
      primary,
      counted: waves.filter((wave) => (wanted.length === 0 ? wave > 1 : wanted.includes(wave))),
      values: values.map(({ subject, wave, plays: counted, value }) => ({
        subject,
        wave,
        plays: counted,
        value,
        arm: subjects.get(subject) ?? "?",
      })),
    }
  })
}

function tastesOf({ tables, particles }: Archived): StoredTaste[] {
  const toPlay = new Map(rowsIn(tables, "blocks").map(({ block, to_play }) => [block, to_play as number]))
  return rowsIn(tables, "models").flatMap(({ model, subject, kind, version, block }) => {
    const bytes = particles.get(model as number)
    const reached = toPlay.get(block)
    if (kind !== "taste" || bytes === undefined || reached === undefined) return []
    const taste = { model: model as number, subject: subject as number, version: version as number }
    return [{ ...taste, toPlay: reached, bytes }]
  })
}

/** What the columns of the models mean: of the catalogue alone, so that it tells of no arm. */
function featuresOf({ tables }: Archived): FeatureSpec | null {
  const found = rowsIn(tables, "models").findLast(
    ({ subject, kind }: Row) => subject === EVERYBODY && kind === "features",
  )
  return (found?.summary as FeatureSpec | undefined) ?? null
}

/** The newest taste model of every subject, ascending subject. */
export function newestTastes({ tastes }: Pick<ReportData, "tastes">): StoredTaste[] {
  const newest = new Map<number, StoredTaste>()
  for (const taste of tastes) {
    const known = newest.get(taste.subject)
    if (known === undefined || taste.version > known.version) newest.set(taste.subject, taste)
  }
  return [...newest.values()].sort((a, b) => a.subject - b.subject)
}

/** Whether the listener chose this end, or there was none: other ends (power lost, sleep timer, …) say nothing of what the
 *  listener wanted. */
export function endChosen(reason: number): boolean {
  return reason <= LAST_CHOSEN
}

/** finished, skipped, stopped, previous (src/record.ts). */
const LAST_CHOSEN = END_FINISHED + 3
