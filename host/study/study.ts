// A study is a folder: study.json (the plan), catalogue/, fieldtune.db (everything that happened), exports/.
//
// Until the study starts, study.json is the plan and may be edited. From the first enrolment on the plan in force is
// kept in the database: a change of the file is an amendment that needs a reason (amend.ts), and counts for nothing
// until it has one.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { openStore, type Store } from "../store/store.js"
import { canonicalPlan, checkPlan, type Plan, PlanError, parsePlan, planHash } from "./plan.js"

export interface Study {
  /** Absolute path of the folder. */
  readonly dir: string
  /** The plan in force when the study was opened. */
  readonly plan: Plan
  /** Why study.json is not the plan in force; null where it is, and before the start. */
  readonly edited: string | null
  readonly store: Store
  close(): Promise<void>
}

const PLAN_FILE = "study.json"
export const DATABASE_FILE = "fieldtune.db"
const CATALOGUE_FOLDER = "catalogue"
export const EXPORTS_FOLDER = "exports"

/** The folder holds no study, or holds one already. */
export class StudyFolderError extends Error {
  override name = "StudyFolderError"
}

/** Creates the folder with its plan (defaults filled in) and an empty database. */
export async function initStudy(dir: string, plan: Partial<Plan> = {}): Promise<Study> {
  const root = resolve(dir)
  const file = join(root, PLAN_FILE)
  if (existsSync(file)) throw new StudyFolderError(`${file}: this folder holds a study already`)
  const checked = checkPlan({ name: basename(root), ...plan }, file)
  mkdirSync(join(root, CATALOGUE_FOLDER), { recursive: true })
  mkdirSync(join(root, EXPORTS_FOLDER), { recursive: true })
  const store = await openStore(join(root, DATABASE_FILE))
  writePlanFile(root, checked)
  return study(root, checked, null, store)
}

/** Opens the study in the folder `dir`. */
export async function openStudy(dir: string): Promise<Study> {
  const root = resolve(dir)
  const file = join(root, PLAN_FILE)
  if (!existsSync(file) && !existsSync(join(root, DATABASE_FILE)))
    throw new StudyFolderError(`${root}: no study in this folder (it has no ${PLAN_FILE})`)
  const store = await openStore(join(root, DATABASE_FILE))
  try {
    const stored = await store.plans.newest()
    if (stored === undefined) return study(root, readPlanFile(root), null, store)
    const plan = checkPlan(JSON.parse(stored.document), `plan ${stored.version} in ${DATABASE_FILE}`)
    return study(root, plan, editOf(root, plan), store)
  } catch (cause) {
    await store.close()
    throw cause
  }
}

/** The plan as study.json has it; throws PlanError. */
export function readPlanFile(dir: string): Plan {
  const file = join(dir, PLAN_FILE)
  if (!existsSync(file))
    throw new StudyFolderError(`${dir}: no study in this folder (it has no ${PLAN_FILE})`)
  return parsePlan(readFileSync(file, "utf8"), file)
}

/** Replaces study.json as a whole, so that no reader finds half of it. */
export function writePlanFile(dir: string, plan: Plan): void {
  const file = join(dir, PLAN_FILE)
  writeFileSync(`${file}.new`, JSON.stringify(plan, null, 2) + "\n")
  renameSync(`${file}.new`, file)
}

/** The plan that was in force when planNow was asked last, by its hash: every sync asks, and a plan changes seldom. */
const askedLast = new WeakMap<Store, { hash: string; plan: Plan }>()

/** The plan in force now: it may have been put in force or amended since the study was opened. */
export async function planNow({ store, plan: opened }: Study): Promise<Plan> {
  const stored = await store.plans.newest()
  if (stored === undefined) return opened
  const { hash, version, document } = stored
  const last = askedLast.get(store)
  if (last?.hash === hash) return last.plan
  const known = hash === planHash(opened)
  const plan = known ? opened : checkPlan(JSON.parse(document), `plan ${version} in ${DATABASE_FILE}`)
  askedLast.set(store, { hash, plan })
  return plan
}

/** Throws where study.json says something else than the plan in force: nothing new may be begun by either of them. */
export function refuseEdited({ edited }: Study): void {
  if (edited !== null) throw new PlanError(edited)
}

function editOf(root: string, plan: Plan): string | null {
  const way = "fieldtune plan amend --reason TEXT puts it in force, fieldtune plan restore undoes it"
  try {
    if (canonicalPlan(readPlanFile(root)) === canonicalPlan(plan)) return null
    return `${join(root, PLAN_FILE)}: was changed after the study started: ${way}`
  } catch (error) {
    return `${(error as Error).message}; the study has started: fieldtune plan restore brings the plan in force back`
  }
}

function study(dir: string, plan: Plan, edited: string | null, store: Store): Study {
  return { dir, plan, edited, store, close: () => store.close() }
}
