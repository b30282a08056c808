// One simulation of simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018).
//
//   θ ~ prior,  plays ~ p(plays | θ),  θ_1 … θ_L ~ posterior given the plays
//   rank of f(θ) among f(θ_1) … f(θ_L) is uniform on 0 … L, if and only if the posterior is sampled as it should
//
// Where θ and some draws are equal (a coefficient that is exactly zero on both sides, a model size) the place among
// equals is drawn. The log likelihood is among the f because it sees errors that no single coefficient shows
// (Modrák et al. 2023). Every simulation has streams of its own: the order in which they are run changes nothing.

import { featureMatrix } from "../model/features.js"
import { addLogLikelihood } from "../model/likelihood.js"
import { type Observations, takeRows } from "../model/observations.js"
import { normalisedWeights, type Particles, takeParticles } from "../model/particles.js"
import type { Hyper } from "../model/prior.js"
import { type Rng, stream } from "../model/random.js"
import { fitFirstBlock, type TasteModel, updateTaste } from "../model/taste.js"
import { drawListener, type Scenario, simulatePlays } from "./scenario.js"

/** L. With 199 draws there are 200 ranks, and central 50, 80 and 95 % of them are whole numbers of ranks. */
export const RANKED_DRAWS = 199
/** Songs whose x'β is ranked in each simulation. */
const RANKED_SONGS = 4

export const SIGMA = "sigma"
export const SONG = "x'beta"
const SIZE = "model size"
const LIKELIHOOD = "log likelihood"

/** Names of what is ranked, in the order of the ranks; further songs have names of their own. */
export function quantityNames(hyper: Hyper): string[] {
  const songs = Array.from({ length: RANKED_SONGS }, (_, s) => (s === 0 ? SONG : `${SONG} ${s + 1}`))
  return [...hyper.names, SIGMA, SIZE, LIKELIHOOD, ...songs]
}

export interface PathOutcome {
  /** Ranks 0 … RANKED_DRAWS in the order of `quantityNames`. */
  ranks: number[]
  /** What the model says of its own draws (taste.ts). */
  ess: number
  refitted: boolean
  ancestors: number | null
}

export interface Outcome {
  firstBlock: PathOutcome
  later: PathOutcome
  censored: number
}

export interface SimulationOptions {
  seed: number | string
  /** Particles per subject. */
  draws: number
  /** The procedure under test, from the plays of the first block and after each further one. */
  estimate?: Estimate
}

/** `heard`: the plays after each block, all before included; gives the model after each. */
export type Estimate = (
  heard: readonly Observations[],
  hyper: Hyper,
  options: { seed: number | string; stream: (string | number)[]; draws: number },
) => TasteModel[]

/** The procedure as subjects meet it: the first block by Gibbs sampling, every further one by particles. */
export const estimateTaste: Estimate = (heard, hyper, options) => {
  const models = [fitFirstBlock(heard[0], hyper, options)]
  for (const plays of heard.slice(1)) {
    const before = models[models.length - 1]
    models.push(updateTaste(before, plays, before.plays, options))
  }
  return models
}

export function simulate(scenario: Scenario, sim: number, options: SimulationOptions): Outcome {
  const { seed, draws, estimate = estimateTaste } = options
  const rng = stream(seed, "calibrate", "simulation", sim)
  const listener = drawListener(scenario, rng)
  const plays = simulatePlays(scenario, listener, rng)
  const heard: Observations[] = []
  let count = 0
  for (const block of scenario.blocks) {
    count += block
    heard.push(
      takeRows(
        plays,
        Int32Array.from({ length: count }, (_, row) => row),
      ),
    )
  }
  const models = estimate(heard, scenario.hyper, { seed, stream: ["calibrate", sim], draws })
  const songs = Array.from({ length: RANKED_SONGS }, () => scenario.songs[rng.int(scenario.songs.length)])
  const x = featureMatrix(scenario.spec, songs)
  const last = models.length - 1
  return {
    firstBlock: rankPath(listener, models[0], heard[0], x, rng),
    later: rankPath(listener, models[last], heard[last], x, rng),
    censored: plays.censored.reduce((sum, flag) => sum + flag, 0) / plays.n,
  }
}

function rankPath(
  listener: Particles,
  model: TasteModel,
  plays: Observations,
  x: Float64Array,
  rng: Rng,
): PathOutcome {
  const draws = spreadDraws(model.particles, RANKED_DRAWS, rng)
  const drawn = quantities(draws, plays, x)
  const truth = quantities(listener, plays, x)
  return {
    ranks: truth.map((values, f) => rankOf(values[0], drawn[f], rng)),
    ess: model.diagnostics.ess,
    refitted: model.diagnostics.refitted,
    ancestors: model.diagnostics.ancestors,
  }
}

/** `count` particles, one from each of `count` equal shares of the total weight: as far apart in the chain, or in
 *  the list of the filter's particles, as they can be. */
export function spreadDraws(particles: Particles, count: number, rng: Rng): Particles {
  const weights = normalisedWeights(particles.logWeights)
  const indices = new Int32Array(count)
  let i = 0
  let cumulated = weights[0]
  for (let j = 0; j < count; j++) {
    const target = (j + rng.uniform()) / count
    while (cumulated < target && i < particles.m - 1) cumulated += weights[++i]
    indices[j] = i
  }
  return takeParticles(particles, indices)
}

/** What is ranked, one array of M values each, in the order of `quantityNames`. `x`: RANKED_SONGS × P. */
function quantities(particles: Particles, plays: Observations, x: Float64Array): Float64Array[] {
  const { m, p, beta, gamma, sigma2 } = particles
  const coefficients = Array.from({ length: p }, (_, q) =>
    Float64Array.from({ length: m }, (_, i) => beta[i * p + q]),
  )
  const size = Float64Array.from({ length: m }, (_, i) => {
    let count = 0
    for (let q = 0; q < p; q++) count += gamma[i * p + q]
    return count
  })
  const likelihood = new Float64Array(m)
  addLogLikelihood(particles, plays, 0, plays.n, likelihood)
  const songs = Array.from({ length: RANKED_SONGS }, (_, s) =>
    Float64Array.from({ length: m }, (_, i) => {
      let mu = 0
      for (let q = 0; q < p; q++) mu += x[s * p + q] * beta[i * p + q]
      return mu
    }),
  )
  return [...coefficients, sigma2.map(Math.sqrt), size, likelihood, ...songs]
}

/** How many draws are below `truth`; the place among equals is drawn. */
export function rankOf(truth: number, draws: Float64Array, rng: Rng): number {
  let below = 0
  let equal = 0
  for (const value of draws) {
    if (value < truth) below++
    else if (value === truth) equal++
  }
  return equal === 0 ? below : below + rng.int(equal + 1)
}
