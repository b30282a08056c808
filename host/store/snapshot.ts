// A copy of a database as it stands, while others go on writing to it.

import { sql } from "kysely"
import { openEmbedded } from "./embedded.js"

/** Writes a copy of the database file `from` to `to`, which must not exist. It holds the keys of the boards, too. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const db = openEmbedded(from)
  try {
    await sql`vacuum into ${to}`.execute(db)
  } finally {
    await db.destroy()
  }
}
