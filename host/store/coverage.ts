// Which sequences of an epoch are accounted for: stored as plays, quarantined, or named as gone.

import type { Kysely } from "kysely"
import { MAX_RANGES } from "../../src/wire.js"
import { rowsOf } from "./embedded.js"
import type { Tables } from "./schema.js"

interface Span {
  from: number
  to: number
  /** 0 where unknown. */
  boot: number
}

interface Coverage {
  /** Everything from 1 up to this sequence is accounted for; 0 = nothing yet. */
  ackedTo: number
  /** Boot of that last one, 0 where the host does not know it. */
  ackedBoot: number
  /** Highest sequence accounted for. */
  highest: number
  /** Holes below it, ascending: [boot or 0, from, to], at most MAX_RANGES. */
  missing: [number, number, number][]
}

/** What lies at or above ?3: plays, the highest of them with its boot, and how many other entries there are. */
const SUMMARY = `
  select count(*) as plays, max(sequence) as highest, boot,
    (select count(*) from quarantine where device = ?1 and epoch = ?2 and sequence >= ?3) +
    (select count(*) from gone where device = ?1 and epoch = ?2 and to_sequence >= ?3) as others
  from play where device = ?1 and epoch = ?2 and sequence >= ?3`

interface Summary {
  plays: number
  /** null, as the boot, where there are no plays. */
  highest: number
  boot: number
  others: number
}

/** Coverage of (device, epoch), given that 1 … `from` is known to be accounted for. */
export async function coverage(
  db: Kysely<Tables>,
  device: string,
  epoch: number,
  from: number,
): Promise<Coverage> {
  const lowest = Math.max(1, from)
  const [{ plays, highest, boot, others }] = await rowsOf<Summary>(db, SUMMARY, [device, epoch, lowest])
  // Plays alone and none left out, which is nearly always so: a sequence stands once among the plays of an epoch.
  if (others === 0 && plays > 0 && plays === highest - lowest + 1) {
    return { ackedTo: highest, ackedBoot: boot, highest, missing: [] }
  }
  const spans: Span[] = []
  for (const table of ["play", "quarantine"] as const) {
    const rows = await db
      .selectFrom(table)
      .select(["sequence", "boot"])
      .where("device", "=", device)
      .where("epoch", "=", epoch)
      .where("sequence", ">=", lowest)
      .execute()
    for (const row of rows) spans.push({ from: row.sequence, to: row.sequence, boot: row.boot })
  }
  const gone = await db
    .selectFrom("gone")
    .select(["fromSequence", "toSequence", "boot"])
    .where("device", "=", device)
    .where("epoch", "=", epoch)
    .where("toSequence", ">=", lowest)
    .execute()
  for (const row of gone) spans.push({ from: row.fromSequence, to: row.toSequence, boot: row.boot })
  return joinSpans(spans, from)
}

/** Walks the spans in order of sequence; the first hole ends what can be acknowledged. */
export function joinSpans(spans: readonly Span[], from: number): Coverage {
  const sorted = [...spans].sort((a, b) => a.from - b.from || b.to - a.to)
  const missing: [number, number, number][] = []
  let reached = from
  let reachedBoot = 0
  let ackedTo = from
  let ackedBoot = 0
  let whole = true
  for (const span of sorted) {
    if (span.from > reached + 1) {
      const boot = span.boot === reachedBoot ? span.boot : 0
      if (missing.length < MAX_RANGES) missing.push([boot, reached + 1, span.from - 1])
      whole = false
    }
    if (span.to >= reached) {
      reached = span.to
      reachedBoot = span.boot
    }
    if (whole) {
      ackedTo = reached
      ackedBoot = reachedBoot
    }
  }
  return { ackedTo, ackedBoot, highest: reached, missing }
}
