// How each design chooses its songs: rows of the candidates, the share of them that is drawn at random, and the
// probability of every song.

import type { Particles } from "../model/particles.js"
import { type Rng, stream } from "../model/random.js"
import type { Rules } from "./constraints.js"
import type { DesignInput, DesignKind } from "./design.js"
import type { Determinant } from "./determinant.js"
import { exchange } from "./exchange.js"
import { totalDistances } from "./gower.js"
import { explorationBudget, searchLambda, thesisLambda } from "./lambda.js"
import { affordableEpsilon, expectedUtility, zeroOf } from "./price.js"
import { type Propensities, randomiseSlots, simulatedPropensities, slotPropensities } from "./random.js"
import { byUtility, select } from "./select.js"
import { thompson } from "./thompson.js"

/** The input with its defaults, and what follows from it for every design. */
export interface Plan {
  input: DesignInput
  rules: Rules
  notes: string[]
  determinant: Determinant | undefined
  /** The playlist of highest utility: rows. */
  best: Int32Array | undefined
  profile: "default" | "thesis"
  epsilon: number
  /** Total utility that must be left in expectation; −∞ where there is no floor. */
  floor: number
  explorationCap: number
  made: number
  planned: number
}

/** What a design has decided. */
export interface Chosen {
  design: DesignKind
  /** Rows before random slots, and after: those below `kept` are not drawn at random. */
  designed: Int32Array
  members: Int32Array
  kept: number
  propensities: Propensities | undefined
  /** Share of random slots in the end. */
  epsilon: number
  lambda: number | null
  exchanges: number
  sweeps: number
  notes: string[]
}

export function choose(plan: Plan): Chosen {
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
      const notes = total(utility, members) < plan.floor ? [FLOOR_BROKEN] : []
      const drawn = { designed: members, members, kept: rules.size, propensities, epsilon: 0 }
      return { ...NOTHING, design: "thompson", ...drawn, notes }
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
  const highest = greedy.utility - rules.size * zeroOf(rules, utility)
  const budget = explorationBudget(explorationCap, made, planned) * highest
  // Random slots come first; what they leave above the floor may be spent on learning.
  const random = affordableEpsilon(rules, best, utility, plan.epsilon, plan.floor)
  const left = expectedUtility(rules, best, utility, random) - plan.floor
  const spend = Math.min(budget, left)
  if (explorationCap === 0 || made >= planned || !(spend > 0 || highest === 0)) {
    return randomised(plan, best, { lambda: 0 })
  }
  // Where every song is worth the same, any playlist is the most useful one.
  const found = searchLambda(greedy, greedy.utility - spend, highest > 0 ? highest / rules.size : 1, design)
  return randomised(plan, found.design.members, { lambda: found.lambda, exchanges, sweeps })
}

/** The design with a share ε of its free slots drawn at random. */
function randomised(
  plan: Plan,
  designed: Int32Array,
  facts: { lambda?: number; exchanges?: number; sweeps?: number },
): Chosen {
  const { input, rules } = plan
  const { epsilon, notes } = withinFloor(plan, designed)
  const made = { ...NOTHING, ...facts, design: input.design, designed, epsilon, notes }
  if (epsilon === 0) return { ...made, members: designed, kept: rules.size, propensities: undefined }
  return {
    ...made,
    ...randomiseSlots(rules, designed, epsilon, streamOf(input, "random slots")),
    propensities: slotPropensities(rules, designed, epsilon, streamOf(input, "propensity")),
  }
}

const FLOOR_BROKEN = "the utility floor is not kept: this design does not go by utility"

/** The share of random slots that the floor leaves room for. */
function withinFloor(
  { input, rules, epsilon, floor }: Plan,
  designed: Int32Array,
): { epsilon: number; notes: string[] } {
  const { utility } = input
  if (utility === undefined || floor === Number.NEGATIVE_INFINITY) return { epsilon, notes: [] }
  // A hair below, so that rounding does not take a slot.
  if (total(utility, designed) < floor - 1e-9 * Math.abs(floor)) return { epsilon, notes: [FLOOR_BROKEN] }
  const afforded = affordableEpsilon(rules, designed, utility, epsilon, floor)
  if (afforded === epsilon) return { epsilon, notes: [] }
  const note = `the utility floor lowers the share of random slots from ${epsilon} to ${afforded.toFixed(3)}`
  return { epsilon: afforded, notes: [note] }
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
    epsilon: 1,
    notes,
  }
}

/** The allowed playlist of highest total utility. With both caps a better one than the greedy may exist. */
export function mostUseful(rules: Rules, utility: Float64Array): Int32Array {
  const greedy = select(rules, rules.fixed, byUtility(rules, utility))
  return exchange(rules, utility, 0, undefined, greedy).members
}

export function streamOf(input: DesignInput, purpose: string): Rng {
  return stream(input.seed, ...input.stream, "design", purpose)
}

export function total(values: ArrayLike<number>, members: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < members.length; i++) sum += values[members[i]]
  return sum
}
