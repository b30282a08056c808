// What a study decides once and then keeps: the weighting of its averages, by the prequential score of its first wave.
//
//   weightingOf(study)                       what holds now, and who said so
//   foretold(…)                              the record of one subject: what its blocks scored
//   decide(study, wave, now)                 settles the policy when enough subjects have been foretold
//
// Both are models in the store: `prequential`, one per subject with a version per block, and `policy` of EVERYBODY.
// A policy that exists is never replaced.

import type { Weighting } from "../model/borrow.js"
import { type BlockScore, type Candidate, type Choice, choose, type Foretold } from "../model/prequential.js"
import { EVERYBODY } from "../store/models.js"
import type { Study } from "../study/study.js"

export interface WeightingChoice {
  weighting: Weighting
  /** `rule`: nothing is decided yet. `wave`: decided by the score of a wave. */
  from: "plan" | "profile" | "rule" | "wave"
  /** The scores that decided, and the wave in whose pass they did. */
  choice?: Choice & { wave: number }
}

/** Before anything is decided: marginal weights while plays are few, then stacking. */
const UNDECIDED: Candidate = "switch"

/** Subjects with a score before the policy is decided: at least this many, and this share of those with a playlist. */
const DECIDING_SUBJECTS = 2
const DECIDING_SHARE = 0.5

export async function weightingOf({ plan, store }: Study): Promise<WeightingChoice> {
  if (plan.weights !== "auto") return { weighting: plan.weights, from: "plan" }
  if (plan.profile === "thesis") return { weighting: "density", from: "profile" }
  const policy = await store.models.latest(EVERYBODY, "policy")
  if (policy === undefined) return { weighting: UNDECIDED, from: "rule" }
  const choice = policy.summary as unknown as Choice & { wave: number }
  return { weighting: choice.weighting, from: "wave", choice }
}

/** A subject's plays as they were foretold so far. */
export interface PrequentialRecord extends Foretold {
  /** Version of the taste model that has taken in these rows. */
  taste: number
  blocks: (BlockScore & { wave: number })[]
}

export async function readRecord({ store }: Study, subject: number): Promise<PrequentialRecord> {
  const model = await store.models.latest(subject, "prequential")
  if (model === undefined) return { rows: 0, evidence: 0, taste: 0, blocks: [] }
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

/** Decides by all scores so far, once there are enough of them. */
export async function decide(
  study: Study,
  records: readonly PrequentialRecord[],
  wave: number,
  now: number,
): Promise<WeightingChoice> {
  const present = await weightingOf(study)
  if (present.from !== "rule") return present
  const scored = records.filter((record) => record.blocks.some((block) => block.plays > 0))
  const asked = new Set((await study.store.playlists.all()).map((list) => list.subject)).size
  if (scored.length < DECIDING_SUBJECTS || scored.length < DECIDING_SHARE * asked) return present
  const choice = choose(scored.map((record) => sumBlocks(record.blocks)))
  if (choice === undefined) return present
  await study.store.models.save({
    subject: EVERYBODY,
    kind: "policy",
    at: now,
    particles: new Uint8Array(0),
    summary: { ...choice, wave },
    diagnostics: {},
  })
  return weightingOf(study)
}

function sumBlocks(blocks: readonly BlockScore[]): BlockScore {
  const total: BlockScore = { plays: 0, scores: { switch: 0, stacking: 0, marginal: 0, own: 0 } }
  for (const { plays, scores } of blocks) {
    total.plays += plays
    for (const candidate of Object.keys(total.scores) as Candidate[]) {
      total.scores[candidate] += scores[candidate]
    }
  }
  return total
}
