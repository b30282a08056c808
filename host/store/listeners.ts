// Whose ears a record belongs to. A board is passed on while it still holds records of the listener before, and
// they reach the host when the next one carries it: what counts is who carried it when the listen began.
//
// When that was follows from the syncs of the listen's boot (host time less uptime is the boot's start). A boot
// that never synced lies between its neighbours; where two listeners fit in there, the playlist says whose it was.

import type { Kysely } from "kysely"
import { rowsOf } from "./embedded.js"
import type { Tables } from "./schema.js"
import type { Contact } from "./syncs.js"

interface Listen {
  boot: number
  startMs: number
  /** playlist.id, null where none is known. */
  playlist: number | null
}

interface BootTimes {
  /** Host time at which the boot began, Unix milliseconds. */
  start: number
  /** Host time of its last sync. */
  last: number
}

/** The subject of each listen of a contact whose sync row is stored; null where the device had no enrolment. */
export async function listenersOf(
  tx: Kysely<Tables>,
  contact: Contact,
): Promise<(listen: Listen) => number | null> {
  const { device, epoch } = contact
  const enrolments = await rowsOf<{ subject: number; fromAt: number }>(
    tx,
    "select subject, from_at from enrolment where device = ? order by id",
    [device],
  )
  if (enrolments.length < 2) return () => enrolments[0]?.subject ?? null
  const rows = await tx
    .selectFrom("sync")
    .select((e) => [
      "boot",
      e.fn.min<number>(e("at", "-", e.ref("up"))).as("start"),
      e.fn.max("at").as("last"),
    ])
    .where("device", "=", device)
    .where("epoch", "=", epoch)
    .groupBy("boot")
    .execute()
  const boots = new Map(rows.map((row) => [row.boot, { start: Number(row.start), last: Number(row.last) }]))
  const lists = await tx
    .selectFrom("playlist")
    .select(["id", "subject"])
    .where("device", "=", device)
    .execute()
  const subjectOfList = new Map(lists.map((list) => [list.id, list.subject]))
  const carrierAt = (time: number): number =>
    (enrolments.findLast(({ fromAt }) => fromAt <= time) ?? enrolments[0]).subject
  return ({ boot, startMs, playlist }) => {
    const known = boots.get(boot)
    if (known !== undefined) return carrierAt(known.start + startMs)
    const [first, last] = between(boots, boot).map(carrierAt)
    if (first === last || playlist === null) return last
    return subjectOfList.get(playlist) ?? last
  }
}

/** Earliest and latest host time that a boot without a sync may have had. */
function between(boots: ReadonlyMap<number, BootTimes>, boot: number): [number, number] {
  let earliest = Number.NEGATIVE_INFINITY
  let latest = Number.POSITIVE_INFINITY
  for (const [other, { start, last }] of boots) {
    if (other < boot) earliest = Math.max(earliest, last)
    else latest = Math.min(latest, start)
  }
  return [earliest, latest]
}
