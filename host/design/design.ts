// A playlist for one subject: which songs, in what order, why, and with what probability.
//
//   designPlaylist(input) → Design
//
// Five designs behind one interface: `model` (utility and information), `gower` (near the songs finished last
// wave: the benchmark), `random`, `utility` (no information), `thompson` (one particle per slot).

import type { Particles } from "../model/particles.js"
import { explainSong } from "../model/predict.js"
import { type Rng, stream } from "../model/random.js"
import type { Candidates } from "./candidates.js"
import type { Constraints, Rules } from "./constraints.js"
import { createDeterminant, type Determinant, logDetOf, measure } from "./determinant.js"
import { exchange } from "./exchange.js"
import { totalDistances } from "./gower.js"
import { informationRows, type Knowledge } from "./information.js"
import { explorationBudget, searchLambda, thesisLambda } from "./lambda.js"
import { playingOrder } from "./order.js"
import { type Propensities, randomiseSlots, simulatedPropensities, slotPropensities } from "./random.js"
import { resolveRules } from "./resolve.js"
import { byUtility, select } from "./select.js"
import { thompson } from "./thompson.js"

export type DesignKind = "model" | "gower" | "random" | "utility" | "thompson"

export interface DesignInput {
  design: DesignKind
  /** Q: songs in the playlist, 1 ≤ Q ≤ songs that the constraints allow. */
  size: number
  candidates: Candidates
  constraints?: Constraints
  seed: number | string
  /** Names the random stream, e.g. ["subject", 3, "wave", 2]. */
  stream: readonly (string | number)[]
  /** Length N, finite: what hearing the song is worth, from the averaged models. Needed by `model`, `utility` and
   *  `thompson`; the others only report it. */
  utility?: Float64Array
  /** What is known of the subject's coefficients. Needed by `model`; the others only report information. */
  knowledge?: Knowledge
  /** Needed by `thompson`; the others take the reasons from them. */
  particles?: Particles
  /** Length P: names of the coefficients, for the reasons. */
  names?: readonly string[]
  /** `gower`: song numbers finished in the last wave. */
  finished?: readonly number[]
  /** `thesis`: λ by its formula, no cap, every play counted as if it were seen to the end. */
  profile?: "default" | "thesis"
  /** k: playlists already made for the subject, and N_d: how many there are before the model starts again. */
  made?: number
  planned?: number
  /** Largest share of utility that information may cost in the first designed playlist; default .03. */
  explorationCap?: number
  /** Share of the free slots that are filled uniformly at random, 0 … 1; default .1, thesis profile 0. */
  epsilon?: number
}

/** One term of a song's expected log time, with its central interval. */
export interface ReasonTerm {
  name: string
  mean: number
  low: number
  high: number
}

export interface DesignItem {
  song: number
  /** As given; null where the input has none. */
  utility: number | null
  /** What the playlist's log determinant would lose without the song; null without `knowledge`. */
  information: number | null
  /** explore: the playlist of highest utility under the same constraints does not have it. */
  tag: "explore" | "exploit"
  /** fixed by the constraints, chosen by the design, or drawn at random. */
  slot: "fixed" | "designed" | "random"
  /** Probability that this input gives the song a slot; null where nothing was random. */
  propensity: number | null
  propensityFrom: "closed form" | "simulation" | "deterministic"
  /** By utility among the allowed songs, 1 = best; null without `utility`. */
  rank: number | null
  /** The largest terms of x'β, at most three; empty without particles. */
  terms: ReasonTerm[]
}

/** Shares of the highest utility that were given up. */
export interface Price {
  total: number
  /** For information, before random slots. */
  information: number
  /** For random slots. */
  random: number
}

/** Plain data, kept with the playlist. */
export interface DesignSummary {
  /** What was asked for, and what was made: `random` where there was nothing to go by. */
  asked: DesignKind
  design: DesignKind
  profile: "default" | "thesis"
  /** Weight of information; null where the design has none. */
  lambda: number | null
  epsilon: number
  randomSlots: number
  /** Sums over the playlist, and over the playlist of highest utility; null without `utility`. */
  utility: number | null
  highestUtility: number | null
  /** null without `utility`, or where the highest utility is not positive. */
  price: Price | null
  /** log|X'WX/σ² + R| − log|R| of the playlist and of the playlist of highest utility; null without `knowledge`. */
  information: number | null
  informationOfHighestUtility: number | null
  exchanges: number
  sweeps: number
  explored: number
  /** What had to be decided otherwise than asked. */
  notes: string[]
}

export interface Design {
  /** In playing order. */
  items: DesignItem[]
  summary: DesignSummary
}

const DEFAULT_EPSILON = 0.1
const DEFAULT_CAP = 0.03
/** Designs before the model starts again from all plays (thesis p. 38). */
const DEFAULT_PLANNED = 10
const MOST_TERMS = 3

/** @throws RangeError naming the argument, its rule and the value */
export function designPlaylist(input: DesignInput): Design {
  const { candidates, size, profile = "default", made = 0, planned = DEFAULT_PLANNED } = input
  const { explorationCap = DEFAULT_CAP, epsilon = profile === "thesis" ? 0 : DEFAULT_EPSILON } = input
  checkInput(input, epsilon, explorationCap, made, planned)
  const { rules, notes } = resolveRules(candidates, input.constraints ?? {}, size)
  const determinant = determinantOf(input, profile)
  const best = input.utility && mostUseful(rules, input.utility)
  const plan: Plan = {
    input,
    rules,
    notes,
    determinant,
    best,
    profile,
    epsilon,
    explorationCap,
    made,
    planned,
  }
  const chosen = choose(plan)
  return describe(plan, chosen)
}

/** The input with its defaults, and what follows from it for every design. */
interface Plan {
  input: DesignInput
  rules: Rules
  notes: string[]
  determinant: Determinant | undefined
  /** The playlist of highest utility: rows. */
  best: Int32Array | undefined
  profile: "default" | "thesis"
  epsilon: number
  explorationCap: number
  made: number
  planned: number
}

/** What a design has decided. */
interface Chosen {
  design: DesignKind
  /** Rows before random slots, and after: those below `kept` are not drawn at random. */
  designed: Int32Array
  members: Int32Array
  kept: number
  propensities: Propensities | undefined
  lambda: number | null
  exchanges: number
  sweeps: number
  notes: string[]
}

function choose(plan: Plan): Chosen {
  const { input, rules, best } = plan
  const utility = input.utility as Float64Array
  switch (input.design) {
    case "random":
      return atRandom(plan, [])
    case "utility":
      return randomised(plan, best as Int32Array, { lambda: 0 })
    case "model":
      return modelled(plan, best as Int32Array)
    case "gower": {
      const wanted = new Set(input.finished)
      const targets = Array.from(input.candidates.ids.keys()).filter((row) =>
        wanted.has(input.candidates.ids[row]),
      )
      if (targets.length === 0)
        return atRandom(plan, ["no song was finished in the last wave: drawn at random"])
      const nearness = totalDistances(input.candidates, targets).map((total) => -total)
      return randomised(plan, mostUseful(rules, nearness), {})
    }
    case "thompson": {
      const sampler = thompson(
        rules,
        input.candidates,
        input.particles as Particles,
        byUtility(rules, utility),
      )
      const members = sampler.draw(streamOf(input, "thompson"))
      const repeat = streamOf(input, "propensity")
      const probability = simulatedPropensities(rules, () => sampler.draw(repeat))
      const propensities: Propensities = { probability, from: "simulation" }
      return { ...NOTHING, design: "thompson", designed: members, members, kept: rules.size, propensities }
    }
  }
}

const NOTHING = { lambda: null, exchanges: 0, sweeps: 0, notes: [] }

/** Utility and information, λ by profile. */
function modelled(plan: Plan, best: Int32Array): Chosen {
  const { input, rules, profile, made, planned, explorationCap } = plan
  const utility = input.utility as Float64Array
  const determinant = plan.determinant as Determinant
  let exchanges = 0
  let sweeps = 0
  const design = (
    lambda: number,
    from: { members: Int32Array },
  ): { members: Int32Array; utility: number } => {
    const found = exchange(rules, utility, lambda, determinant, from.members)
    exchanges += found.exchanges
    sweeps += found.sweeps
    return { members: found.members, utility: total(utility, found.members) }
  }
  const greedy = { members: best, utility: total(utility, best) }
  if (profile === "thesis") {
    const lambda = thesisLambda(made, planned, rules.size)
    const { members } = design(lambda, greedy)
    return randomised(plan, members, { lambda, exchanges, sweeps })
  }
  if (!(greedy.utility > 0)) {
    throw new RangeError(
      `utility: the cap is a share of the highest total utility, which must be positive, got ${greedy.utility}`,
    )
  }
  const budget = explorationBudget(explorationCap, made, planned)
  if (budget === 0) return randomised(plan, best, { lambda: 0 })
  const floor = greedy.utility * (1 - budget)
  const found = searchLambda(greedy, floor, greedy.utility / rules.size, design)
  return randomised(plan, found.design.members, { lambda: found.lambda, exchanges, sweeps })
}

/** The design with a share ε of its free slots drawn at random. */
function randomised(
  plan: Plan,
  designed: Int32Array,
  facts: { lambda?: number; exchanges?: number; sweeps?: number },
): Chosen {
  const { input, rules, epsilon } = plan
  const made = { ...NOTHING, ...facts, design: input.design, designed }
  if (epsilon === 0) return { ...made, members: designed, kept: rules.size, propensities: undefined }
  return {
    ...made,
    ...randomiseSlots(rules, designed, epsilon, streamOf(input, "random slots")),
    propensities: slotPropensities(rules, designed, epsilon, streamOf(input, "propensity")),
  }
}

/** Every free slot at random. */
function atRandom(plan: Plan, notes: string[]): Chosen {
  const { input, rules } = plan
  // Which songs stand in the slots before all are emptied does not matter.
  const any = select(rules, rules.fixed, rules.rows)
  return {
    ...NOTHING,
    design: "random",
    designed: any,
    ...randomiseSlots(rules, any, 1, streamOf(input, "random slots")),
    propensities: slotPropensities(rules, any, 1, streamOf(input, "propensity")),
    notes,
  }
}

/** The allowed playlist of highest total utility. With both caps a better one than the greedy may exist. */
function mostUseful(rules: Rules, utility: Float64Array): Int32Array {
  const greedy = select(rules, rules.fixed, byUtility(rules, utility))
  return exchange(rules, utility, 0, undefined, greedy).members
}

function determinantOf(input: DesignInput, profile: "default" | "thesis"): Determinant | undefined {
  const { knowledge, candidates } = input
  if (knowledge === undefined) return undefined
  return createDeterminant(informationRows(candidates, knowledge, profile), knowledge.precision)
}

function streamOf(input: DesignInput, purpose: string): Rng {
  return stream(input.seed, ...input.stream, "design", purpose)
}

function total(values: ArrayLike<number>, members: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < members.length; i++) sum += values[members[i]]
  return sum
}

function describe(plan: Plan, chosen: Chosen): Design {
  const { input, rules, best, determinant, profile, epsilon } = plan
  const { utility, candidates, particles, names } = input
  const { members, kept, propensities } = chosen
  const useful = new Set(best)
  const ranks = utility && rankOf(rules, utility)
  if (determinant !== undefined) measure(determinant, members)
  const items = Array.from(members, (row, i): DesignItem => {
    const { p, x, ids } = candidates
    const features = x.subarray(row * p, (row + 1) * p)
    return {
      song: ids[row],
      utility: utility === undefined ? null : utility[row],
      information: determinant === undefined ? null : -Math.log1p(-determinant.leverage[row]),
      tag: useful.has(row) ? "exploit" : "explore",
      slot: rules.fixed.includes(row) ? "fixed" : i < kept ? "designed" : "random",
      propensity: propensities === undefined ? null : propensities.probability[row],
      propensityFrom: propensities === undefined ? "deterministic" : propensities.from,
      rank: ranks === undefined ? null : ranks[row],
      terms:
        particles === undefined
          ? []
          : explainSong(particles, features, MOST_TERMS).map(({ column, ...term }) => ({
              name: names?.[column] ?? `column ${column}`,
              ...term,
            })),
    }
  })
  const taught = (rows: ArrayLike<number>): number | null =>
    determinant === undefined ? null : logDetOf(determinant, rows) - logDetOf(determinant, [])
  const randomSlots = chosen.design === "thompson" ? 0 : rules.size - kept
  const summary: DesignSummary = {
    asked: input.design,
    design: chosen.design,
    profile,
    lambda: chosen.lambda,
    epsilon: chosen.design === "random" ? 1 : chosen.design === "thompson" ? 0 : epsilon,
    randomSlots,
    utility: utility === undefined ? null : total(utility, members),
    highestUtility: utility === undefined || best === undefined ? null : total(utility, best),
    price: utility && best ? priceOf(utility, best, chosen) : null,
    information: taught(members),
    informationOfHighestUtility: best === undefined ? null : taught(best),
    exchanges: chosen.exchanges,
    sweeps: chosen.sweeps,
    explored: items.filter((item) => item.tag === "explore").length,
    notes: [...plan.notes, ...chosen.notes],
  }
  return { items: playingOrder(items, streamOf(input, "order")), summary }
}

function priceOf(utility: Float64Array, best: Int32Array, chosen: Chosen): Price | null {
  const highest = total(utility, best)
  if (!(highest > 0)) return null
  const designed = chosen.design === "random" ? best : chosen.designed
  const planned = (highest - total(utility, designed)) / highest
  const all = (highest - total(utility, chosen.members)) / highest
  return { total: all, information: planned, random: all - planned }
}

/** Length N: 1 for the best of the allowed rows; ties by song number. */
function rankOf(rules: Rules, utility: Float64Array): Int32Array {
  const ranks = new Int32Array(utility.length)
  byUtility(rules, utility).forEach((row, i) => {
    ranks[row] = i + 1
  })
  return ranks
}

/** Which inputs a design can't do without. */
const NEEDS: Record<DesignKind, readonly ("utility" | "knowledge" | "particles" | "finished")[]> = {
  model: ["utility", "knowledge"],
  utility: ["utility"],
  thompson: ["utility", "particles"],
  gower: ["finished"],
  random: [],
}

function checkInput(
  input: DesignInput,
  epsilon: number,
  explorationCap: number,
  made: number,
  planned: number,
): void {
  const { design, candidates, utility, knowledge, particles } = input
  const n = candidates.ids.length
  if (n === 0) throw new RangeError("candidates: the catalogue has no songs")
  for (const name of NEEDS[design]) {
    if (input[name] === undefined) throw new RangeError(`${name}: design ${design} needs it, got undefined`)
  }
  for (let row = 1; row < n; row++) {
    if (!(candidates.ids[row] > candidates.ids[row - 1])) {
      throw new RangeError(`candidates.ids: must ascend, got ${candidates.ids[row]} in row ${row}`)
    }
  }
  if (candidates.x.length !== n * candidates.p) {
    throw new RangeError(`candidates.x: must have ${n} × ${candidates.p} values, got ${candidates.x.length}`)
  }
  if (utility !== undefined) {
    if (utility.length !== n) throw new RangeError(`utility: must have ${n} values, got ${utility.length}`)
    const bad = utility.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      throw new RangeError(`utility: must be finite, song ${candidates.ids[bad]} has ${utility[bad]}`)
    }
  }
  if (knowledge !== undefined && knowledge.precision.length !== knowledge.columns.length ** 2) {
    throw new RangeError(
      `knowledge.precision: must be ${knowledge.columns.length} × ${knowledge.columns.length}, ` +
        `got ${knowledge.precision.length} values`,
    )
  }
  if (particles !== undefined && particles.p !== candidates.p) {
    throw new RangeError(`particles: must have ${candidates.p} coefficients, got ${particles.p}`)
  }
  if (!(epsilon >= 0 && epsilon <= 1)) throw new RangeError(`epsilon: must be 0 to 1, got ${epsilon}`)
  if (!(explorationCap >= 0 && explorationCap <= 1)) {
    throw new RangeError(`explorationCap: must be 0 to 1, got ${explorationCap}`)
  }
  if (!(made >= 0)) throw new RangeError(`made: must be 0 or more, got ${made}`)
  if (!(planned >= 1)) throw new RangeError(`planned: must be 1 or more, got ${planned}`)
}
