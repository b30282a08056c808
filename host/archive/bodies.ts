// The sealed bodies of contacts, once an archive is there and verified: they say nothing that the archive does not.

import { join } from "node:path"
import { openEmbedded, rowsOf } from "../store/embedded.js"
import { DATABASE_FILE, type Study } from "../study/study.js"
import type { WrittenArchive } from "./write.js"
import { UnarchivableError } from "./write.js"

/** Why the bodies have to stay; undefined where an archive such as this one stands for them. */
export function bodiesStay(study: Study, { about }: Pick<WrittenArchive, "about">): string | undefined {
  if (study.plan.privacy.bodies !== "until-archived") return "the plan keeps them for good (privacy.bodies)"
  if (about.pseudonymised) return "a pseudonymised archive is no substitute for them"
  if (about.blind) return "the archive of a blind study has no bytes of records"
  if (about.times !== "exact") return "the archive has no bytes of records (privacy.exportTimes)"
  return undefined
}

/** Deletes the bodies of the contacts that the archive has, for good, and records it. Gives how many there were. */
export async function forgetBodies(
  study: Study,
  archive: WrittenArchive,
  { sha256, at }: { sha256: string; at: number },
): Promise<number> {
  const why = bodiesStay(study, archive)
  if (why !== undefined) throw new UnarchivableError(`archive: bodies stay: ${why}`)
  const db = openEmbedded(join(study.dir, DATABASE_FILE))
  try {
    await rowsOf(db, "pragma secure_delete = on", [])
    const bodies = await db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable("sync")
        .set({ body: new Uint8Array(0) })
        .where("id", "<=", archive.throughSync)
        .where((e) => e(e.fn<number>("length", ["body"]), ">", 0))
        .executeTakeFirstOrThrow()
      const detail = JSON.stringify({ bodies: Number(numUpdatedRows), through: archive.throughSync, sha256 })
      await tx
        .insertInto("event")
        .values({ at, kind: "bodies-forgotten", subject: null, device: null, detail })
        .execute()
      return Number(numUpdatedRows)
    })
    await study.store.withdrawals.forget()
    return bodies
  } finally {
    await db.destroy()
  }
}
