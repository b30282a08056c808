// The plan of a study, study.json: what the researcher decides, with a default for everything.

import { createHash } from "node:crypto"
import Value from "typebox/value"
import { CONTROL_LIKE, CONTROL_PREVIOUS, CONTROL_VOLUME, type DevicePlan } from "../../src/wire.js"
import { type Plan, PlanSchema } from "./plan-schema.js"
import { brokenQuestions, questionsOf } from "./survey-questions.js"
import { syncInterval } from "./sync-hours.js"

export type { Plan } from "./plan-schema.js"

/** A plan that breaks a rule. The message lists place, rule and value of each. */
export class PlanError extends Error {
  override name = "PlanError"
}

/** The plan that the text of the file `place` is; throws PlanError. */
export function parsePlan(text: string, place: string): Plan {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (cause) {
    throw new PlanError(`${place}: not JSON: ${(cause as Error).message}`, { cause })
  }
  return checkPlan(given, place)
}

/** Fills in the defaults and checks every rule; `place` names the file in the error. */
export function checkPlan(given: unknown, place: string): Plan {
  const plan: unknown = Value.Default(PlanSchema, Value.Clone(given))
  const errors = [...Value.Errors(PlanSchema, plan)]
  if (errors.length > 0) {
    const leaves = errors.filter((e) => e.keyword !== "boolean" && e.keyword !== "anyOf")
    throw new PlanError(
      `${place}: ${joinRules(leaves.length > 0 ? leaves : errors, (path) => valueAt(plan, path)).join("; ")}`,
    )
  }
  const checked = plan as Plan
  for (const rule of brokenRules(checked)) throw new PlanError(`${place}: ${rule}`)
  return checked
}

/** Rules between fields, which a schema can't say. */
function* brokenRules(plan: Plan): Generator<string> {
  const { arms, allocation, cohorts, outcomes, syncHours, timeZone, waves } = plan
  yield* twice("arms", "name", arms)
  yield* twice(
    "arms",
    "code",
    arms.flatMap(({ code }) => (code === undefined ? [] : [{ name: code }])),
  )
  yield* twice("cohorts", "name", cohorts)
  yield* twice("outcomes", "name", outcomes)
  yield* twice("allocation.strata", "name", allocation.strata)
  if (arms.some(({ code }) => code !== undefined) && arms.some(({ code }) => code === undefined)) {
    yield "arms: either every arm has a code or none has"
  }
  if (plan.songsPerListener > 0 && plan.songsPerListener < plan.playlistSize) {
    yield `songsPerListener: must be 0 or at least playlistSize, ${plan.playlistSize}, got ${plan.songsPerListener}`
  }
  if (plan.profile === "thesis" && plan.forgetting !== "auto" && plan.forgetting !== 1) {
    yield `forgetting: the thesis profile never forgets, got ${plan.forgetting}`
  }
  if (allocation.method === "blocked" && arms.some(({ share }) => !Number.isInteger(share))) {
    yield `allocation.method: blocked needs whole numbers as shares of the arms, got ${arms.map((a) => a.share).join(", ")}`
  }
  if (!isTimeZone(timeZone)) {
    yield `timeZone: must be an IANA name such as Europe/Berlin, got ${JSON.stringify(timeZone)}`
  }
  for (const [place, date] of [
    ["waves.start", waves.start],
    ...cohorts.map((cohort, i) => [`cohorts.${i}.start`, cohort.start]),
  ]) {
    if (date !== undefined && !isDate(date)) yield `${place}: must be a date YYYY-MM-DD, got ${date}`
  }
  for (const [i, { from, to }] of syncHours.entries()) {
    if (to <= from) yield `syncHours.${i}: to must be after from, got ${from} to ${to}`
    if (i > 0 && from < syncHours[i - 1].to)
      yield `syncHours.${i}: must begin after the one before, got ${from}`
  }
  for (const [i, outcome] of outcomes.entries()) {
    const beyond = outcome.waves.find((wave) => wave > waves.count)
    if (beyond !== undefined) {
      yield `outcomes.${i}.waves: must be 1 to ${waves.count}, which is waves.count, got ${beyond}`
    }
  }
  yield* brokenQuestions(questionsOf(plan))
}

function* twice(place: string, what: string, given: readonly { name: string }[]): Generator<string> {
  const names = given.map(({ name }) => name)
  const found = names.find((name, i) => names.indexOf(name) !== i)
  if (found === undefined) return
  const one = place.replace(/^.*\./, "").replace(/s$/, "")
  yield `${place}: every ${one === "strata" ? "stratum" : one} has its own ${what}, found twice: ${JSON.stringify(found)}`
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name })
    return true
  } catch {
    return false
  }
}

function isDate(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

/** The plan as JSON with sorted keys: two plans that say the same are the same text. */
export function canonicalPlan(plan: Plan): string {
  return JSON.stringify(plan, (_key, value) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/** SHA-256 of the canonical plan, hexadecimal: what playlists, contacts and exports are stamped with. */
export function planHash(plan: Plan): string {
  return createHash("sha256").update(canonicalPlan(plan)).digest("hex")
}

const CONTROLS = { previous: CONTROL_PREVIOUS, like: CONTROL_LIKE, volume: CONTROL_VOLUME }

/** The part of the plan that boards follow. `now`, Unix milliseconds, decides how long they wait for the next of the
 *  hours in which they sync; left out, every hour is. */
export function devicePlan(plan: Plan, now?: number): DevicePlan {
  const ctl = plan.controls.reduce((sum, control) => sum + CONTROLS[control], 0)
  return {
    sync: now === undefined ? plan.syncMinutes : syncInterval(plan, now),
    vol: plan.maxVolume,
    ctl,
    sleep: plan.sleepMinutes,
  }
}

interface Finding {
  keyword: string
  instancePath: string
  params: object
  message: string
}

/** One line per place; the alternatives of a union become one rule. */
function joinRules(errors: Finding[], value: (path: string) => unknown): string[] {
  const byPlace = new Map<string, Finding[]>()
  for (const error of errors) {
    byPlace.set(error.instancePath, [...(byPlace.get(error.instancePath) ?? []), error])
  }
  return [...byPlace].map(([path, found]) => {
    const place = path === "" ? "plan" : path.slice(1).replaceAll("/", ".")
    const first = found[0]
    if (first.keyword === "additionalProperties") {
      const unknown = (first.params as { additionalProperties: string[] }).additionalProperties
      return `${place}: unknown field ${unknown.join(", ")}`
    }
    const allowed = found
      .filter((e) => e.keyword === "const")
      .map((e) => JSON.stringify((e.params as { allowedValue: unknown }).allowedValue))
    // A literal also says that it must be a string, which its value says better.
    const others = found
      .filter((e) => e.keyword !== "const" && e.message !== "must be string")
      .map((e) => e.message.replace(/^must be /, ""))
    const rule =
      allowed.length > 0 ? `must be ${[...allowed, ...new Set(others)].join(" or ")}` : first.message
    const got = first.keyword === "required" ? "" : `, got ${JSON.stringify(value(path))}`
    return `${place}: ${rule}${got}`
  })
}

function valueAt(root: unknown, path: string): unknown {
  let value = root
  for (const key of path.split("/").slice(1)) value = (value as Record<string, unknown> | undefined)?.[key]
  return value
}
