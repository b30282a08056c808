// A subject's plays as they were foretold, block by block: a `prequential` model per block in the store.

import type { BlockScore, Candidate, Foretold } from "../model/prequential.js"
import type { Study } from "../study/study.js"

export interface PrequentialRecord extends Foretold {
  /** Version of the taste model that has taken in these rows. */
  taste: number
  /** Each with the wave after which it was scored. */
  blocks: (BlockScore<Candidate> & { wave: number })[]
}

export async function readRecord({ store }: Study, subject: number): Promise<PrequentialRecord> {
  const model = await store.models.latest(subject, "prequential")
  // Scores that a withdrawn model had a part in are made again from the first play on.
  if (model === undefined || model.withdrawnData) return { rows: 0, evidence: 0, taste: 0, blocks: [] }
  return model.summary as unknown as PrequentialRecord
}

export async function saveRecord(
  { store }: Study,
  subject: number,
  record: PrequentialRecord,
  now: number,
): Promise<void> {
  await store.models.save({
    subject,
    kind: "prequential",
    at: now,
    particles: new Uint8Array(0),
    summary: { ...record },
    diagnostics: {},
  })
}
