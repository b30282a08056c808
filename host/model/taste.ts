// A subject's taste: the model of one listener, from the first block through every later one.
//
//   fitFirstBlock(observations, hyper, options) → TasteModel        Gibbs with variable selection
//   updateTaste(model, observations, firstNew, options) → TasteModel  Sequential Monte Carlo
//   summarise(model) → TasteSummary
//
// Pure functions: a model is never changed, an update gives a new one. State and its bytes: taste-bytes.ts.

import type { Particles } from "./particles.js"
import type { Posterior } from "./posterior.js"
import type { Hyper } from "./prior.js"

/** `default`: the corrected procedure; `thesis`: the literal one, for replication. */
export type Profile = "default" | "thesis"

export interface TasteOptions {
  profile?: Profile
  seed: number | string
  /** Names the random stream, e.g. ["subject", 3]; the block number is added. */
  stream: readonly (string | number)[]
  /** Number of particles, default 500. */
  draws?: number
  /** Independent chains for the first block, default 1; above 1 the diagnostics have R-hat. */
  chains?: number
  /** Share of the work done so far, 0 … 1. */
  onProgress?: (share: number) => void
}

export interface TasteDiagnostics {
  /** First block: smallest effective number of independent draws behind a mean of `posterior`. Later
   *  blocks: smallest (Σw)²/Σw² of the steps. */
  ess: number
  /** Pareto k-hat of the worst step's weights; null for a first block. */
  khat: number | null
  /** Distinct particles of the block before that still have descendants; null for a first block. */
  ancestors: number | null
  /** Steps in which the block was taken in; 0 for a first block. */
  steps: number
  /** log p(new block | all before), the score of what the model foretold; null for a first block. */
  logScore: number | null
  /** Largest split R-hat over the coefficients and σ; null with one chain. */
  rhat: number | null
  /** The block was fitted from scratch because the weights could not be trusted. */
  refitted: boolean
}

export interface TasteModel {
  profile: Profile
  hyper: Hyper
  /** Blocks taken in so far. */
  blocks: number
  /** Rows of the observations taken in so far, and how many of them were censored. */
  plays: number
  censored: number
  particles: Particles
  posterior: Posterior
  diagnostics: TasteDiagnostics
  warnings: string[]
}
