// Withdrawal: a listener wants to be forgotten. host/store/withdrawals.ts says what is deleted, what stays and what is
// marked.
//
// The board goes on playing the last list that it has until it is brought back: nothing new is published for it, and
// what it still records is acknowledged and not kept. It stays `handed-out` until `fieldtune board return`. The next
// listener's first list replaces the old one at the first sync.

import { readdirSync } from "node:fs"
import { join } from "node:path"
import { EnrolmentError } from "../store/boards.js"
import type { WithdrawalCounts } from "../store/withdrawals.js"
import { EXPORTS_FOLDER, type Study } from "./study.js"

const MAX_REASON = 2000

interface Withdrawn {
  counts: WithdrawalCounts
  /** It had withdrawn before: only the file was rewritten. */
  again: boolean
  /** Nothing deleted is left in the files of the database; false where another process kept them from being rewritten. */
  forgotten: boolean
  /** Files of the exports' folder, which were written before and may hold what was deleted. */
  exports: string[]
}

/** What a withdrawal would delete and mark; throws EnrolmentError where there is nobody to withdraw. */
export async function previewWithdrawal(study: Study, subject: number): Promise<WithdrawalCounts> {
  const person = await study.store.subjects.get(subject)
  if (person === undefined) throw new EnrolmentError(`subject ${subject}: is not in the study`)
  if (person.withdrawnAt !== null) throw new EnrolmentError(`subject ${subject}: has withdrawn already`)
  return study.store.withdrawals.preview(subject)
}

/** Deletes, records, and rewrites the file. Repeated, it rewrites the file only. */
export async function withdraw(
  study: Study,
  subject: number,
  reason: string,
  at: number,
): Promise<Withdrawn> {
  const { store, dir } = study
  if (reason.trim() === "" || reason.length > MAX_REASON) {
    throw new EnrolmentError(`reason: must have 1 to ${MAX_REASON} characters, got ${reason.length}`)
  }
  const before = (await store.withdrawals.all()).find((row) => row.subject === subject)
  if (before === undefined) await previewWithdrawal(study, subject)
  const counts = before?.counts ?? (await store.withdrawals.erase({ subject, at, reason }))
  const forgotten = await store.withdrawals.forget()
  const exports = readdirSync(join(dir, EXPORTS_FOLDER))
  return { counts, again: before !== undefined, forgotten, exports }
}
