// A subject's taste: the model of one listener, from the first block through every later one.
//
//   fitFirstBlock(observations, hyper, options) → TasteModel         Gibbs with variable selection
//   updateTaste(model, observations, firstNew, options) → TasteModel  Sequential Monte Carlo
//   summarise(model) → TasteSummary                                  what tables and files show of it
//
// Pure functions: a model is never changed, an update gives a new one. The bytes of a model: taste-bytes.ts.

import { condense } from "./condense.js"
import { KHAT_LIMIT } from "./diagnose.js"
import { DRIFT_LIMIT, type Drift } from "./drift.js"
import { newestWave, powersOf } from "./forget.js"
import { MIN_HEARD_S, type Observations } from "./observations.js"
import type { Particles } from "./particles.js"
import { type Posterior, summariseParticles } from "./posterior.js"
import type { Hyper } from "./prior.js"
import { stream } from "./random.js"
import type { Resampling } from "./resample.js"
import { DEFAULT_DRAWS, sampleFirstBlock } from "./select.js"
import { absorb, reweigh } from "./smc.js"
import { sampleThesis } from "./thesis.js"

/** `default`: the corrected procedure; `thesis`: the literal one, for replication. */
export type Profile = "default" | "thesis"

export interface TasteOptions {
  /** First block only; an update keeps the model's profile. */
  profile?: Profile
  seed: number | string
  /** Names the random stream, e.g. ["subject", 3]; the block number is added. */
  stream: readonly (string | number)[]
  /** First block only: number of particles, default 500. */
  draws?: number
  /** First block only: independent chains, default 1; above 1 the diagnostics have R-hat. */
  chains?: number
  /** δ: power that a play loses with every wave, 0 < δ ≤ 1; default 1, and for an update the model's own. */
  forgetting?: number
  /** Later blocks only: default systematic. */
  resampling?: Resampling
  /** Share of the work done so far, 0 … 1. */
  onProgress?: (share: number) => void
}

interface TasteDiagnostics {
  /** Smallest effective number of independent draws behind a mean of `posterior`; after an update without moves
   *  (thesis) (Σw)²/Σw² of the weights. */
  ess: number
  /** Smallest (Σw)²/Σw² of the steps' weights, as a share of the particles; 1 for a first block. */
  stepEss: number
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
  /** What the model expected of the new block, and what came; null for a first block and in profile thesis. */
  drift: Drift | null
}

export interface TasteModel {
  profile: Profile
  hyper: Hyper
  /** δ, and the newest wave taken in, which counts in full. */
  forgetting: number
  wave: number
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

/** A model without its particles, arrays in the order of `names`. */
export interface TasteSummary {
  names: string[]
  mean: number[]
  sd: number[]
  inclusion: number[]
  sigma: number
  plays: number
  censored: number
  particles: number
  ess: number
  khat: number | null
  warnings: string[]
}

export function summarise(model: TasteModel): TasteSummary {
  const { posterior, diagnostics } = model
  return {
    names: model.hyper.names,
    mean: posterior.mean,
    sd: posterior.sd,
    inclusion: posterior.inclusion,
    sigma: posterior.sigma,
    plays: model.plays,
    censored: model.censored,
    particles: model.particles.m,
    ess: diagnostics.ess,
    khat: diagnostics.khat,
    warnings: model.warnings,
  }
}

/** Fewer independent draws than this behind a mean: its second digit is not to be trusted. */
const FEW_DRAWS = 100
/** Largest R-hat at which chains count as one (Vehtari et al. 2021 ask for less than 1.01 in long runs). */
const RHAT_LIMIT = 1.05

/** The subject's first model. With no row at all it is the prior, and says so. */
export function fitFirstBlock(observations: Observations, hyper: Hyper, options: TasteOptions): TasteModel {
  const { profile = "default", draws = DEFAULT_DRAWS, chains = 1, seed, onProgress } = options
  const forgetting = deltaOf(options.forgetting ?? 1, profile)
  const wave = newestWave(observations, observations.n)
  requireColumns(observations, hyper)
  if (!Number.isInteger(draws) || draws < 1)
    throw new RangeError(`draws: ${draws} is not a number of particles`)
  if (!Number.isInteger(chains) || chains < 1 || chains > draws) {
    throw new RangeError(`chains: ${chains} is not between 1 and the ${draws} draws they share`)
  }
  const warnings = remarks(observations, hyper, profile)
  const diagnostics: TasteDiagnostics = {
    ess: draws,
    stepEss: 1,
    khat: null,
    ancestors: null,
    steps: 0,
    logScore: null,
    rhat: null,
    refitted: false,
    drift: null,
  }
  const counted = counts(observations)
  const common = { profile, hyper, forgetting, wave, blocks: 1, ...counted, diagnostics, warnings }
  if (profile === "thesis") {
    const rng = stream(seed, ...options.stream, "block", 1)
    const particles = sampleThesis(observations, condense(observations, 0), hyper, draws, rng, onProgress)
    return { ...common, particles, posterior: summariseParticles(particles) }
  }
  const rngs = Array.from({ length: chains }, (_, c) =>
    stream(seed, ...options.stream, "block", 1, "chain", c),
  )
  const powers = powersOf(observations, forgetting, wave)
  const data = condense(observations, hyper.constantMean, undefined, observations.n, powers)
  const sample = sampleFirstBlock(data, hyper, { rngs, draws, onProgress })
  diagnostics.ess = sample.ess
  diagnostics.rhat = sample.rhat
  if (sample.rhat !== null && !(sample.rhat <= RHAT_LIMIT)) {
    warnings.push(`R-hat is ${sample.rhat.toFixed(3)}: the chains have not met; ask for more draws`)
  }
  if (draws >= FEW_DRAWS && sample.ess < FEW_DRAWS) {
    warnings.push(`the draws are worth only ${Math.floor(sample.ess)} independent ones; ask for more`)
  }
  return { ...common, particles: sample.particles, posterior: sample.posterior }
}

/**
 * The model after rows `firstNew` … n − 1 of `observations`, which are all of the subject's rows in the order of
 * arrival; the rows before are those the model has. Without new rows the model itself.
 */
export function updateTaste(
  model: TasteModel,
  observations: Observations,
  firstNew: number,
  options: Omit<TasteOptions, "profile" | "draws" | "chains">,
): TasteModel {
  const { hyper, profile } = model
  requireColumns(observations, hyper)
  if (firstNew !== model.plays) {
    throw new RangeError(`firstNew: ${firstNew}, but the model has taken in ${model.plays} plays`)
  }
  if (firstNew >= observations.n) return model
  const blocks = model.blocks + 1
  const rng = stream(options.seed, ...options.stream, "block", blocks)
  const warnings = remarks(observations, hyper, profile)
  const forgetting = deltaOf(options.forgetting ?? model.forgetting, profile)
  const wave = newestWave(observations, observations.n)
  const common = { profile, hyper, forgetting, wave, blocks, ...counts(observations), warnings }
  if (profile === "thesis") {
    const { particles, ...found } = reweigh(model.particles, observations, firstNew, rng, options.resampling)
    if (found.khat !== null && found.khat > KHAT_LIMIT) {
      warnings.push(
        `k-hat is ${found.khat.toFixed(2)}, above ${KHAT_LIMIT}: few particles carry the estimate`,
      )
    }
    const diagnostics = { ...found, rhat: null, refitted: false }
    return { ...common, diagnostics, particles, posterior: summariseParticles(particles) }
  }
  const { particles, posterior, ...found } = absorb(model.particles, observations, firstNew, hyper, rng, {
    before: powersOf(observations, model.forgetting, model.wave),
    after: powersOf(observations, forgetting, wave),
    resampling: options.resampling,
    drift: true,
    onProgress: options.onProgress,
  })
  if (found.drift !== null && found.drift.p <= DRIFT_LIMIT) {
    warnings.push(
      "drift: the newest plays are foretold worse than any of 99 blocks drawn from the model; " +
        "the taste may have changed, or somebody else has listened",
    )
  }
  const diagnostics = { ...found, rhat: null, refitted: false }
  if (found.khat === null || found.khat <= KHAT_LIMIT) return { ...common, diagnostics, particles, posterior }
  warnings.push(`k-hat was ${found.khat.toFixed(2)}, above ${KHAT_LIMIT}: fitted again from all plays`)
  const powers = powersOf(observations, forgetting, wave)
  const data = condense(observations, hyper.constantMean, undefined, observations.n, powers)
  const fresh = sampleFirstBlock(data, hyper, {
    rngs: [stream(options.seed, ...options.stream, "refit", blocks)],
    draws: model.particles.m,
    onProgress: options.onProgress,
  })
  return {
    ...common,
    diagnostics: { ...diagnostics, ess: fresh.ess, refitted: true },
    particles: fresh.particles,
    posterior: fresh.posterior,
  }
}

/**
 * log p(new block | all before) under each of `deltas`, rows `firstNew` … n − 1 being new: what decides how much to
 * forget. The model must be of the default profile.
 */
export function foretell(
  model: TasteModel,
  observations: Observations,
  firstNew: number,
  deltas: readonly number[],
  options: Pick<TasteOptions, "seed" | "stream">,
): number[] {
  requireColumns(observations, model.hyper)
  const wave = newestWave(observations, observations.n)
  return deltas.map((delta) => {
    const rng = stream(options.seed, ...options.stream, "foretell", model.blocks + 1, delta)
    const before = powersOf(observations, model.forgetting, model.wave)
    const after = powersOf(observations, deltaOf(delta, model.profile), wave)
    return absorb(model.particles, observations, firstNew, model.hyper, rng, { before, after }).logScore
  })
}

function deltaOf(delta: number, profile: Profile): number {
  if (!(delta > 0 && delta <= 1))
    throw new RangeError(`forgetting: must be above 0 and at most 1, got ${delta}`)
  if (delta !== 1 && profile === "thesis") {
    throw new RangeError(`forgetting: the thesis profile never forgets (1), got ${delta}`)
  }
  return delta
}

function requireColumns(observations: Observations, hyper: Hyper): void {
  if (observations.p !== hyper.names.length) {
    throw new RangeError(`observations: ${observations.p} columns, but the prior names ${hyper.names.length}`)
  }
}

function counts(observations: Observations): { plays: number; censored: number } {
  let censored = 0
  for (let row = 0; row < observations.n; row++) censored += observations.censored[row]
  return { plays: observations.n, censored }
}

/** What a reader of the estimate must know of the data and of the prior. */
function remarks(observations: Observations, hyper: Hyper, profile: Profile): string[] {
  const { n, p, tooShort, unknownSong } = observations
  const { censored } = counts(observations)
  const found = [...hyper.notes]
  if (profile === "thesis") {
    found.push("the thesis profile pins the constant at 0: log times should centre near 0")
  }
  if (n === 0) found.push("no plays: the estimate is the prior")
  else if (n < p) found.push(`${n} plays for ${p} coefficients: much of the estimate is the prior`)
  if (n > 0 && censored === n) {
    found.push(`all ${n} plays are censored: only the prior bounds the listening times from above`)
  }
  if (tooShort > 0) found.push(`${tooShort} plays under ${MIN_HEARD_S} s left out`)
  if (unknownSong > 0) found.push(`${unknownSong} plays of songs that are not in the catalogue left out`)
  return found
}
