// Whose ears a record belongs to. A board is passed on while it still holds records of the listener before, and
// they reach the host when the next one carries it: what counts is who carried it when the listen began.
//
// When that was follows from the clock of the listen's boot; a boot without contacts lies between its neighbours. Where
// two listeners fit into what is possible, the playlist says whose it was.

import type { Kysely } from "kysely"
import { rangeOf, readBoots } from "./clocks.js"
import type { Tables } from "./schema.js"
import type { Contact } from "./syncs.js"

interface Listen {
  boot: number
  startMs: number
  /** playlist.id, null where none is known. */
  playlist: number | null
}

/** The subject of each listen of a contact whose boot's clock is kept; null where the device had no enrolment. */
export async function listenersOf(
  tx: Kysely<Tables>,
  contact: Contact,
): Promise<(listen: Listen) => number | null> {
  const { device, epoch } = contact
  const enrolments = await tx
    .selectFrom("enrolment")
    .select(["subject", "fromAt"])
    .where("device", "=", device)
    .orderBy("id")
    .execute()
  if (enrolments.length < 2) return () => enrolments[0]?.subject ?? null
  const boots = await readBoots(tx, device, epoch)
  const lists = await tx
    .selectFrom("playlist")
    .select(["id", "subject"])
    .where("device", "=", device)
    .execute()
  const subjectOfList = new Map(lists.map((list) => [list.id, list.subject]))
  const carrierAt = (time: number): number =>
    (enrolments.findLast(({ fromAt }) => fromAt <= time) ?? enrolments[0]).subject
  return ({ boot, startMs, playlist }) => {
    const { earliest, latest } = rangeOf(boots, boot, startMs)
    const [first, last] = [carrierAt(earliest), carrierAt(latest)]
    if (first === last || playlist === null) return last
    return subjectOfList.get(playlist) ?? last
  }
}
