// What the rules know of a board: its rows, who carries it, and its health as far as it can be read.

import type { SyncHealth } from "../../../src/wire.js"
import type { BoardRows, ContactFact } from "../../store/board-facts.js"
import type { Enrolment } from "../../store/subjects.js"

export interface BoardFacts extends BoardRows {
  device: string
  /** Who carries it, or carried it last; null = nobody ever did. */
  subject: number | null
  /** Beginning of the open enrolment; null where it has none. */
  enrolledAt: number | null
}

/** Health of a row whose text may be anything: fields that are no finite numbers are left out. */
export function healthOf({ health }: ContactFact): Partial<SyncHealth> {
  let given: unknown
  try {
    given = JSON.parse(health)
  } catch {
    return {}
  }
  if (given === null || typeof given !== "object") return {}
  return Object.fromEntries(Object.entries(given).filter(([, value]) => Number.isFinite(value)))
}

export function boardFacts(device: string, rows: BoardRows, enrolments: readonly Enrolment[]): BoardFacts {
  const own = enrolments.filter((enrolment) => enrolment.device === device)
  const carrier = own.find(({ toAt }) => toAt === null) ?? own.at(-1)
  return {
    ...rows,
    device,
    subject: carrier?.subject ?? null,
    enrolledAt: carrier?.toAt === null ? carrier.fromAt : null,
  }
}

/** Exchanges of one sync follow each other within seconds: a request waits at most 20 s. */
const SAME_CONTACT_MS = 30_000

/** Times of the contacts, ascending: rows that belong to one sync count once. */
export function contactTimes(rows: readonly { at: number }[]): number[] {
  const times: number[] = []
  let last = Number.NEGATIVE_INFINITY
  for (const { at } of rows) {
    if (at > last + SAME_CONTACT_MS) times.push(at)
    last = Math.max(last, at)
  }
  return times
}

/** Time of the first contact of the newest unbroken run in which `holds`; undefined where the newest does not. */
export function heldSince(
  contacts: readonly ContactFact[],
  holds: (health: Partial<SyncHealth>, contact: ContactFact) => boolean,
): number | undefined {
  let since: number | undefined
  for (let i = contacts.length - 1; i >= 0; i--) {
    if (!holds(healthOf(contacts[i]), contacts[i])) return since
    since = contacts[i].at
  }
  return since
}
