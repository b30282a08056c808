// The life of a plan: edited freely before the study starts, put in force by the first enrolment, amended with a
// reason afterwards. Nothing is ever edited: every plan that was in force stays, with its hash.

import { canonicalPlan, checkPlan, type Plan, PlanError, planHash } from "./plan.js"
import { readPlanFile, refuseEdited, type Study, writePlanFile } from "./study.js"

export interface PlanChange {
  /** Place in the plan, such as arms.0.share. */
  place: string
  /** Undefined where the place is new. */
  before: unknown
  /** Undefined where the place is gone. */
  after: unknown
}

interface Amendment {
  version: number
  hash: string
  changes: PlanChange[]
}

/** What every number of the study hangs on: it can't be another study's. */
const FIXED = ["schema", "seed", "profile"] as const
const MAX_REASON = 2000

/** Puts the plan in force, where none is yet: from here on a change is an amendment. */
export async function startPlan(study: Study, at: number): Promise<void> {
  refuseEdited(study)
  if ((await study.store.plans.newest()) !== undefined) return
  const plan = { version: 1, hash: planHash(study.plan), at, reason: "", document: canonicalPlan(study.plan) }
  if (!(await study.store.plans.add(plan))) return
  const detail = { version: 1, hash: plan.hash }
  await study.store.events.append({ at, kind: "plan", subject: null, device: null, detail })
}

/** Puts study.json, which was changed after the start, in force. */
export async function amendPlan(study: Study, reason: string, at: number): Promise<Amendment> {
  const { store, dir } = study
  if (reason.trim() === "" || reason.length > MAX_REASON) {
    throw new PlanError(`amendment: needs a reason of at most ${MAX_REASON} characters, got ${reason.length}`)
  }
  const stored = await store.plans.newest()
  if (stored === undefined) {
    throw new PlanError(`${dir}: the study has not started: study.json may simply be edited`)
  }
  const before = checkPlan(JSON.parse(stored.document), `plan ${stored.version}`)
  const after = readPlanFile(dir)
  const changes = planChanges(before, after)
  if (changes.length === 0) throw new PlanError(`${dir}: study.json is the plan in force: nothing to amend`)
  await refuseImpossible(study, before, after)
  const version = stored.version + 1
  const hash = planHash(after)
  if (!(await store.plans.add({ version, hash, at, reason, document: canonicalPlan(after) }))) {
    throw new PlanError(`plan ${version}: another amendment came first; look at fieldtune plan history`)
  }
  const detail = { version, hash, reason, changes }
  await store.events.append({ at, kind: "amended", subject: null, device: null, detail })
  return { version, hash, changes }
}

/** Writes the plan in force back into study.json. */
export async function restorePlan(study: Study): Promise<void> {
  if ((await study.store.plans.newest()) === undefined) {
    throw new PlanError(`${study.dir}: the study has not started: no plan is in force yet`)
  }
  writePlanFile(study.dir, study.plan)
}

/** Every place in which two plans differ, in the order of the first. */
export function planChanges(before: unknown, after: unknown, place = ""): PlanChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const inner = (value: unknown): value is Record<string, unknown> =>
    value !== null && typeof value === "object"
  if (!inner(before) || !inner(after)) return [{ place, before, after }]
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) =>
    planChanges(before[key], after[key], place === "" ? key : `${place}.${key}`),
  )
}

async function refuseImpossible({ store }: Study, before: Plan, after: Plan): Promise<void> {
  for (const field of FIXED) {
    if (before[field] !== after[field]) {
      throw new PlanError(
        `${field}: can't be amended, every number of the study hangs on it: is ${before[field]}, got ${after[field]}`,
      )
    }
  }
  const arms = new Set((await store.subjects.all()).map(({ arm }) => arm))
  const gone = [...arms].find((arm) => !after.arms.some(({ name }) => name === arm))
  if (gone !== undefined) {
    throw new PlanError(`arms: ${JSON.stringify(gone)} has subjects and has to stay`)
  }
}
