// A playlist for one subject: which songs, in what order, why, and with what probability.
//
//   designPlaylist(input) → Design
//
// Five designs behind one interface: `model` (utility and information), `gower` (near the songs finished last
// wave: the benchmark), `random`, `utility` (no information), `thompson` (one particle per slot).

import type { Particles } from "../model/particles.js"
import type { Candidates } from "./candidates.js"
import { checkInput } from "./check.js"
import { choose, mostUseful, total } from "./choose.js"
import type { Constraints, Rules } from "./constraints.js"
import { describe } from "./describe.js"
import { createDeterminant } from "./determinant.js"
import { informationRows, type Knowledge } from "./information.js"
import { zeroOf } from "./price.js"
import { resolveRules } from "./resolve.js"

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

/** Shares of the highest utility that were given up (its zero: price.ts). */
export interface Price {
  total: number
  /** For what the design seeks besides (information, nearness), before random slots. */
  design: number
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
  /** null without `utility`, or where every song is worth the same. */
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
  /** What there was to choose from, by candidate: 1 = the constraints allow it, and the probability of a slot (null
   *  where nothing was random). */
  considered: { allowed: Uint8Array; propensity: Float64Array | null }
}

const DEFAULT_EPSILON = 0.1
const DEFAULT_CAP = 0.03
/** Designs before the model starts again from all plays (thesis p. 38). */
const DEFAULT_PLANNED = 10
/** @throws RangeError naming the argument, its rule and the value */
export function designPlaylist(input: DesignInput): Design {
  const { candidates, size, profile = "default", made = 0, planned = DEFAULT_PLANNED } = input
  const { explorationCap = DEFAULT_CAP, epsilon = profile === "thesis" ? 0 : DEFAULT_EPSILON } = input
  checkInput(input, epsilon, explorationCap, made, planned)
  const { rules, notes } = resolveRules(candidates, input.constraints ?? {}, size)
  const determinant =
    input.knowledge &&
    createDeterminant(informationRows(candidates, input.knowledge, profile), input.knowledge.precision)
  const best = input.utility && mostUseful(rules, input.utility)
  const { utilityFloor = 0 } = input.constraints ?? {}
  const floor =
    best === undefined || input.utility === undefined || utilityFloor === 0
      ? Number.NEGATIVE_INFINITY
      : floorOf(rules, input.utility, best, utilityFloor)
  const plan = {
    ...{ input, rules, notes, determinant, best, profile },
    ...{ epsilon, floor, explorationCap, made, planned },
  }
  return describe(plan, choose(plan))
}

function floorOf(rules: Rules, utility: Float64Array, best: Int32Array, share: number): number {
  const nothing = rules.size * zeroOf(rules, utility)
  return nothing + share * (total(utility, best) - nothing)
}
