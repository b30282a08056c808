// A study is a folder: study.json (the plan), catalogue/, fieldtune.db (everything that happened), exports/.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { openStore, type Store } from "../store/store.js"
import { checkPlan, type Plan, PlanError } from "./plan.js"

export interface Study {
  /** Absolute path of the folder. */
  readonly dir: string
  readonly plan: Plan
  readonly store: Store
  close(): Promise<void>
}

const PLAN_FILE = "study.json"
const DATABASE_FILE = "fieldtune.db"
const CATALOGUE_FOLDER = "catalogue"
const EXPORTS_FOLDER = "exports"

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
  writeFileSync(file, JSON.stringify(checked, null, 2) + "\n")
  return study(root, checked, store)
}

/** Opens the study in the folder `dir`. */
export async function openStudy(dir: string): Promise<Study> {
  const root = resolve(dir)
  const file = join(root, PLAN_FILE)
  if (!existsSync(file))
    throw new StudyFolderError(`${root}: no study in this folder (it has no ${PLAN_FILE})`)
  const plan = checkPlan(readJson(file), file)
  return study(root, plan, await openStore(join(root, DATABASE_FILE)))
}

function readJson(file: string): unknown {
  const text = readFileSync(file, "utf8")
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PlanError(`${file}: not JSON: ${(cause as Error).message}`, { cause })
  }
}

function study(dir: string, plan: Plan, store: Store): Study {
  return { dir, plan, store, close: () => store.close() }
}
