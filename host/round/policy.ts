// What a study decides once and then keeps: the weighting of its averages, by what foretold its first wave best, and
// its forgetting factor, by what foretold the second one best (the first that has older plays to forget).
//
//   weightingOf(study), forgettingOf(study)   what holds now, and who said so
//   decideWeighting(…), decideForgetting(…)   settle it when enough subjects have been foretold
//
// A decision is a model of EVERYBODY in the store, kind `weighting` or `forgetting`; one that exists is never
// replaced. What each subject's blocks scored stands in its own models: `prequential` and the summary of `taste`.

import type { Weighting } from "../model/borrow.js"
import { type BlockScore, CANDIDATES, type Candidate, type Choice, choose } from "../model/prequential.js"
import { EVERYBODY } from "../store/models.js"
import type { Study } from "../study/study.js"

/** Who said so. `rule`: nothing is decided yet; `wave`: the scores of a wave. */
type From = "plan" | "profile" | "rule" | "wave"

/** The scores that decided, and the wave whose plays they are. */
type Decision<K extends string> = Choice<K> & { wave: number }

export interface WeightingPolicy {
  weighting: Weighting
  from: From
  decision?: Decision<Candidate>
}

/** Forgetting factors that a study chooses from; among equals the first. */
export const DELTAS = ["1", "0.85", "0.7"] as const
export type Delta = (typeof DELTAS)[number]

export interface ForgettingPolicy {
  forgetting: number
  from: From
  decision?: Decision<Delta>
}

/** Before anything is decided: marginal weights while plays are few, then stacking; and nothing is forgotten. */
const UNDECIDED = { weighting: "switch", forgetting: 1 } as const

/** Subjects with a score before anything is decided: at least this many, and this share of those with a playlist. */
const DECIDING_SUBJECTS = 2
const DECIDING_SHARE = 0.5

export async function weightingOf(study: Study): Promise<WeightingPolicy> {
  const { plan } = study
  if (plan.weights !== "auto") return { weighting: plan.weights, from: "plan" }
  if (plan.profile === "thesis") return { weighting: "density", from: "profile" }
  const decision = await decisionOf<Candidate>(study, "weighting")
  if (decision === undefined) return { weighting: UNDECIDED.weighting, from: "rule" }
  return { weighting: decision.best, from: "wave", decision }
}

export async function forgettingOf(study: Study): Promise<ForgettingPolicy> {
  const { plan } = study
  if (plan.forgetting !== "auto") return { forgetting: plan.forgetting, from: "plan" }
  if (plan.profile === "thesis") return { forgetting: 1, from: "profile" }
  const decision = await decisionOf<Delta>(study, "forgetting")
  if (decision === undefined) return { forgetting: UNDECIDED.forgetting, from: "rule" }
  return { forgetting: Number(decision.best), from: "wave", decision }
}

/** `blocks`: one per subject with a score, the sum of what it scored so far. */
export async function decideWeighting(
  study: Study,
  blocks: readonly BlockScore<Candidate>[],
  wave: number,
  now: number,
): Promise<WeightingPolicy> {
  const present = await weightingOf(study)
  if (present.from !== "rule" || !(await decide(study, "weighting", CANDIDATES, blocks, wave, now)))
    return present
  return weightingOf(study)
}

/** The same for the forgetting factor. */
export async function decideForgetting(
  study: Study,
  blocks: readonly BlockScore<Delta>[],
  wave: number,
  now: number,
): Promise<ForgettingPolicy> {
  const present = await forgettingOf(study)
  if (present.from !== "rule" || !(await decide(study, "forgetting", DELTAS, blocks, wave, now)))
    return present
  return forgettingOf(study)
}

async function decisionOf<K extends string>(study: Study, kind: string): Promise<Decision<K> | undefined> {
  const model = await study.store.models.latest(EVERYBODY, kind)
  return model && (model.summary as unknown as Decision<K>)
}

/** True where there were enough scores to decide by. */
async function decide<K extends string>(
  { store }: Study,
  kind: string,
  names: readonly K[],
  blocks: readonly BlockScore<K>[],
  wave: number,
  now: number,
): Promise<boolean> {
  const choice = choose(names, blocks)
  const asked = new Set((await store.playlists.all()).map((list) => list.subject)).size
  if (choice === undefined) return false
  if (choice.subjects < DECIDING_SUBJECTS || choice.subjects < DECIDING_SHARE * asked) return false
  await store.models.save({
    subject: EVERYBODY,
    kind,
    at: now,
    particles: new Uint8Array(0),
    summary: { ...choice, wave },
    diagnostics: {},
  })
  return true
}

/** What one subject's blocks scored together. */
export function sumBlocks<K extends string>(
  names: readonly K[],
  blocks: readonly BlockScore<K>[],
): BlockScore<K> {
  const scores = {} as Record<K, number>
  for (const name of names) scores[name] = blocks.reduce<number>((sum, block) => sum + block.scores[name], 0)
  return { plays: blocks.reduce((sum, block) => sum + block.plays, 0), scores }
}
