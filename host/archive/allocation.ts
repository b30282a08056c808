// The allocation in an archive: the commitment that bound its key from the first enrolment on and, once it may be known,
// the key itself, under which every arm is drawn again.

import type { Allocation } from "../store/allocations.js"
import { type AllocationCheck, verifyAllocation } from "../study/allocate.js"
import type { Archived } from "./collect.js"
import { rowsIn } from "./collect.js"
import { ArchiveError } from "./error.js"
import { ALLOCATION_KEY } from "./resources.js"

export interface CheckedAllocation {
  /** null where the archive does not open the allocation. */
  result: Pick<AllocationCheck, "checked" | "byHand"> | null
  problems: ArchiveError[]
}

const PLACE = "data/allocations.csv"

/** Draws every arm of the archive again, where it holds the key. The plans are those of `archived`. */
export function checkAllocation({ tables, plans }: Archived): CheckedAllocation {
  const [bound] = rowsIn(tables, ALLOCATION_KEY.name)
  if (bound === undefined || !tables.has("allocations")) return { result: null, problems: [] }
  const problems: ArchiveError[] = []
  const commitment = bound.commitment as string
  const event = rowsIn(tables, "events").find(({ kind }) => kind === "allocation-key")
  const told = (event?.detail as { commitment?: unknown } | null)?.commitment
  if (told !== commitment) {
    const rule = "must be the commitment of the event allocation-key in data/events.csv"
    problems.push(new ArchiveError("data/allocation_key.csv, commitment", rule, commitment))
  }
  if (bound.key === null) return { result: null, problems }
  const key = new Uint8Array(Buffer.from(bound.key as string, "hex"))
  const rows = rowsIn(tables, "allocations").map(
    (row): Allocation => ({
      subject: row.subject as number,
      at: (row.at as number | null) ?? 0,
      arm: row.arm as string,
      method: row.method as Allocation["method"],
      scheme: row.scheme as string | null,
      stratum: row.stratum as string,
      ordinal: row.ordinal as number | null,
      reason: (row.reason as string | null) ?? "",
    }),
  )
  const arms = new Map(rowsIn(tables, "subjects").map(({ subject, arm }) => [subject, arm]))
  for (const { subject, arm } of rows) {
    if (arms.get(subject) === arm) continue
    const rule = `must be the arm of subject ${subject} in data/subjects.csv, ${arms.get(subject)}`
    problems.push(new ArchiveError(PLACE, rule, arm))
  }
  const { checked, byHand, faults } = verifyAllocation(key, commitment, [...plans.values()], rows)
  const rule = "must be what the opened key draws"
  problems.push(...faults.map((fault) => new ArchiveError(PLACE, rule, fault)))
  return { result: { checked, byHand }, problems }
}
