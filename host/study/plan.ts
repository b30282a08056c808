// The plan of a study, study.json: what the researcher decides, with a default for everything.

import Type from "typebox"
import Value from "typebox/value"
import { MAX_VOLUME } from "../../src/record.js"
import {
  CONTROL_LIKE,
  CONTROL_PREVIOUS,
  CONTROL_VOLUME,
  type DevicePlan,
  MAX_PLAYLIST_ITEMS,
  MAX_SLEEP_MINUTES,
} from "../../src/wire.js"

const Design = Type.Union([
  Type.Literal("model"),
  Type.Literal("gower"),
  Type.Literal("random"),
  Type.Literal("utility"),
  Type.Literal("thompson"),
])

const Arm = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    design: Design,
    /** Relative share of the subjects. */
    share: Type.Number({ exclusiveMinimum: 0, default: 1 }),
  },
  { additionalProperties: false },
)

const PlanSchema = Type.Object(
  {
    schema: Type.Literal(1, { default: 1 }),
    name: Type.String({ minLength: 1, maxLength: 120, default: "study" }),
    /** Every random choice of the study follows from it. */
    seed: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 1 }),
    /** Songs per playlist. */
    playlistSize: Type.Integer({ minimum: 1, maximum: MAX_PLAYLIST_ITEMS, default: 40 }),
    arms: Type.Array(Arm, { minItems: 1, default: [{ name: "model", design: "model", share: 1 }] }),
    /** Designed playlists of a subject before the model starts again from all plays. */
    designsBeforeRefit: Type.Integer({ minimum: 1, maximum: 1000, default: 10 }),
    /** Particles per subject. */
    draws: Type.Integer({ minimum: 50, maximum: 100000, default: 500 }),
    /** Share of slots filled uniformly at random, so that propensities are known. */
    epsilon: Type.Number({ minimum: 0, maximum: 1, default: 0.1 }),
    /** Largest share of utility that a playlist may give up to learn. */
    explorationCap: Type.Number({ minimum: 0, maximum: 1, default: 0.03 }),
    /** Waves in which a song that was on a playlist does not return. */
    coolDownWaves: Type.Integer({ minimum: 0, maximum: 1000, default: 1 }),
    /** Largest share of one genre in a playlist. */
    maxShareGenre: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 1 }),
    /** Largest share of one artist in a playlist. */
    maxShareArtist: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 1 }),
    /** Share of the highest utility that a playlist must keep in expectation, random slots included; 0 = no floor. */
    utilityFloor: Type.Number({ minimum: 0, maximum: 1, default: 0 }),
    /** What a song is worth: the expected share of it that is heard, expected seconds heard, or expected log time
     *  (thesis). auto: the share, in profile thesis the log time. */
    utility: Type.Union(
      [Type.Literal("auto"), Type.Literal("share"), Type.Literal("seconds"), Type.Literal("logTime")],
      { default: "auto" },
    ),
    /** Expected number of attributes in a taste, which the plays then correct; left out: each is in with
     *  probability 1/2. */
    expectedModelSize: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Minutes between syncs that a board starts by itself; 0 = on demand only. */
    syncMinutes: Type.Integer({ minimum: 0, maximum: 10080, default: 15 }),
    maxVolume: Type.Integer({ minimum: 0, maximum: MAX_VOLUME, default: 12 }),
    /** What a listener may do beside playing, skipping and stopping. */
    controls: Type.Array(
      Type.Union([Type.Literal("previous"), Type.Literal("like"), Type.Literal("volume")]),
      { uniqueItems: true, default: [] },
    ),
    /** The music stops when nobody has pressed a button for so many minutes; 0 = never. */
    sleepMinutes: Type.Integer({ minimum: 0, maximum: MAX_SLEEP_MINUTES, default: 0 }),
    port: Type.Integer({ minimum: 0, maximum: 65535, default: 8137 }),
    /** Whose models speak for a subject, and how loudly (host/model/borrow.ts). auto = density in the thesis profile;
     *  otherwise what foretells the first wave best, kept for the whole study. */
    weights: Type.Union(
      [
        Type.Literal("auto"),
        Type.Literal("density"),
        Type.Literal("geometric"),
        Type.Literal("bayes"),
        Type.Literal("stacking"),
        Type.Literal("marginal"),
        Type.Literal("own"),
      ],
      { default: "auto" },
    ),
    /** Weight that a wave's plays keep from one wave to the next; 1 = nothing is forgotten. auto = 1 in the thesis
     *  profile; otherwise what foretells the second wave best, kept for the whole study. */
    forgetting: Type.Union([Type.Literal("auto"), Type.Number({ exclusiveMinimum: 0, maximum: 1 })], {
      default: "auto",
    }),
    /** Which procedure estimates: the corrected one or the literal one for replication. */
    profile: Type.Union([Type.Literal("default"), Type.Literal("thesis")], { default: "default" }),
  },
  { additionalProperties: false, default: {} },
)

export type Plan = Type.Static<typeof PlanSchema>

/** A plan that breaks a rule. The message lists place, rule and value of each. */
export class PlanError extends Error {
  override name = "PlanError"
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
  const names = checked.arms.map((arm) => arm.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new PlanError(`${place}: arms: every arm has its own name, found twice: ${JSON.stringify(twice)}`)
  }
  if (checked.profile === "thesis" && checked.forgetting !== "auto" && checked.forgetting !== 1) {
    throw new PlanError(`${place}: forgetting: the thesis profile never forgets, got ${checked.forgetting}`)
  }
  return checked
}

const CONTROLS = { previous: CONTROL_PREVIOUS, like: CONTROL_LIKE, volume: CONTROL_VOLUME }

/** The part of the plan that boards follow. */
export function devicePlan({ syncMinutes, maxVolume, controls, sleepMinutes }: Plan): DevicePlan {
  const ctl = controls.reduce((sum, control) => sum + CONTROLS[control], 0)
  return { sync: syncMinutes, vol: maxVolume, ctl, sleep: sleepMinutes }
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
