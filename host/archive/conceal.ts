// What an archive leaves out or says otherwise: the arms of a blind study, the times that the plan does not export, and,
// in a pseudonymised archive, the numbers of listeners, the ids of boards, the dates and what people wrote.
//
// Numbers, ids and dates are replaced by a permutation under a key that stays in the study's folder, so the same study
// gives the same archive again. Dates move by whole weeks: the day of the week and the hour (of UTC) stay.

import { createHmac } from "node:crypto"
import { FLAG_EXPLORE, FLAG_REORDERED } from "../../src/record.js"
import { armShown, isBlind } from "../study/blind.js"
import type { Plan } from "../study/plan.js"
import { planNow, type Study } from "../study/study.js"
import { localTime, momentOf } from "../study/time-zone.js"
import type { Field, Role, Row, Table, Value } from "./field.js"

export interface Concealment {
  times: Plan["privacy"]["exportTimes"]
  timeZone: string
  /** The study is blind. */
  blind: boolean
  arm(name: string): string
  /** Where the archive is pseudonymised. */
  pseudonyms?: Pseudonyms
}

export interface Pseudonyms {
  subject(id: number): number
  device(id: string): string
  /** Milliseconds by which every time moves. */
  shiftMs: number
}

export const PSEUDONYM_KEY_BYTES = 32
const WEEK_MS = 7 * 86_400_000
/** Weeks that dates move into the past: from one year to eleven. */
const LEAST_WEEKS = 53
const SPAN_WEEKS = 520

/** @throws RangeError where two boards would get one id, which chance does once in 2³² studies of 65,000 boards. */
export function drawPseudonyms(
  key: Uint8Array,
  subjects: readonly number[],
  devices: readonly string[],
): Pseudonyms {
  const drawn = (name: string): Buffer => createHmac("sha256", key).update(name).digest()
  const ranked = subjects.map((id) => ({ id, rank: drawn(`subject ${id}`).toString("hex") }))
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const subjectOf = new Map(ranked.map(({ id }, i) => [id, i + 1]))
  const deviceOf = new Map(devices.map((id) => [id, drawn(`device ${id}`).toString("hex").slice(0, 16)]))
  if (new Set(deviceOf.values()).size < devices.length) {
    throw new RangeError("pseudonyms: two boards would get one id: delete the key, and another one is drawn")
  }
  return {
    // 0 is everybody.
    subject: (id) => subjectOf.get(id) ?? 0,
    device: (id) => deviceOf.get(id) ?? "",
    shiftMs: -WEEK_MS * (LEAST_WEEKS + (drawn("weeks").readUInt32BE(0) % SPAN_WEEKS)),
  }
}

/** What an export of the study has to conceal; no pseudonyms. */
export async function concealmentOf(study: Study): Promise<Concealment> {
  const plan = await planNow(study)
  const { exportTimes: times } = plan.privacy
  return { times, timeZone: plan.timeZone, blind: await isBlind(study), arm: await armShown(study) }
}

/** A table as it may be seen. */
export interface SeenTable {
  table: Table
  rows: Row[]
}

/** The columns that stay, and the rows as they may be seen. */
export function conceal<T extends Table>(
  table: T,
  rows: readonly Row[],
  how: Concealment,
): { table: T; rows: Row[] } {
  const fields = table.fields.filter(({ role }) => !leftOut(role, how))
  const seen = rows.map((row) =>
    Object.fromEntries(fields.map((field) => [field.name, concealed(field, row[field.name] ?? null, how)])),
  )
  return { table: { ...table, fields }, rows: inOrder(table, seen) }
}

function leftOut(role: Role | undefined, { blind, times, pseudonyms }: Concealment): boolean {
  if (role === "reveals") return blind
  if (role === "moment") return times !== "exact"
  if (role === "clock") return times !== "exact" || pseudonyms !== undefined
  if (role === "recordBytes") return blind || times !== "exact"
  return false
}

function concealed(field: Field, value: Value, how: Concealment): Value {
  if (value === null) return null
  const { pseudonyms: fresh } = how
  if (field.type === "datetime") return timeSeen(value as number, how)
  switch (field.role) {
    case "arm":
      return how.arm(value as string)
    case "flags":
      return how.blind ? (value as number) & ~(FLAG_EXPLORE | FLAG_REORDERED) : value
    default:
      return fresh === undefined ? value : pseudonymous(field, value, fresh)
  }
}

function pseudonymous({ role }: Field, value: Value, { subject, device }: Pseudonyms): Value {
  switch (role) {
    case "subject":
      return subject(value as number)
    case "subjects":
      return (value as number[]).map(subject)
    case "tastes":
      return (value as [number, number][]).map(([id, version]) => [subject(id), version])
    case "boards":
      return (value as { subject: number; device: string }[]).map((board) => ({
        ...board,
        subject: subject(board.subject),
        device: device(board.device),
      }))
    case "device":
      return device(value as string)
    case "freeText":
      return withoutText(value)
    default:
      return renamed(value, device)
  }
}

/** Of answers, the numbers and what is true or false. */
function withoutText(value: Value): Value {
  if (typeof value !== "object" || value === null) return null
  return Object.fromEntries(
    Object.entries(value).filter(([, answer]) => typeof answer === "number" || typeof answer === "boolean"),
  )
}

/** Ids of boards that a text or a JSON value names. */
function renamed(value: Value, device: (id: string) => string): Value {
  if (typeof value === "string") return value.replace(/\b[0-9a-f]{16}\b/g, (id) => device(id) || id)
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, device))
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, renamed(inner, device)]))
}

function timeSeen(at: number, { times, timeZone, pseudonyms }: Concealment): number | null {
  const shift = pseudonyms?.shiftMs ?? 0
  if (times === "none") return null
  if (times === "exact") return at + shift
  const { date, minute } = localTime(at, timeZone)
  return momentOf(date, times === "date" ? 0 : 60 * Math.floor(minute / 60), timeZone) + shift
}

/** By primary key: fresh numbers come in another order than the old ones. */
function inOrder({ primaryKey }: Table, rows: Row[]): Row[] {
  return rows.sort((a, b) => {
    for (const name of primaryKey) {
      const [x, y] = [a[name] as number | string, b[name] as number | string]
      if (x !== y) return x < y ? -1 : 1
    }
    return 0
  })
}

/** The plan without what undoes the rest: codes of arms while the study is blind, dates where the times are moved. */
export function concealedPlan(plan: Plan, { blind, pseudonyms }: Concealment): Plan {
  const uncoded = blind ? { ...plan, arms: plan.arms.map(({ code: _, ...arm }) => arm) } : plan
  return pseudonyms === undefined ? uncoded : undatedPlan(uncoded)
}

/** Without dates, which would tell how far the times were moved. */
function undatedPlan(plan: Plan): Plan {
  const { start: _, ...waves } = plan.waves
  return { ...plan, waves, cohorts: plan.cohorts.map(({ start: __, ...cohort }) => cohort) }
}
