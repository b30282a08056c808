// First block, default profile: Gibbs sampling with variable selection (Chung 2007, eq. 5-10; the kernel is sweep.ts).
//
//   sampleFirstBlock(data, hyper, options) → { particles, posterior, ess, rhat }
//
// A draw is kept every 10 sweeps. Genre indicators that stand in for each other make neighbouring
// sweeps alike: 500 consecutive ones are worth some 100 independent draws, 500 that are 10 apart nearly 500. What
// lies between is not lost, every sweep counts in the posterior means.

import { log } from "../model/elementary.js"
import type { Condensed } from "./condense.js"
import { splitRHat } from "./diagnose.js"
import { copyParticle, createParticles, type Particles } from "./particles.js"
import { concludeTally, createTally, effectiveDraws, type Posterior, tallySweep } from "./posterior.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { createWorkspace, drawPrior, sweep } from "./sweep.js"

/** Sweeps left out at the start of a chain (thesis p. 33). */
export const BURN_IN = 2000
/** Particles kept (thesis p. 33). */
export const DEFAULT_DRAWS = 500
const SWEEPS_PER_DRAW = 10
/** From 2,000 draws on the number of sweeps stays near this, but never below 2 per draw. */
const LONG_RUN_SWEEPS = 20_000
/** Sweeps between two reports of progress. */
const REPORT_EVERY = 500

export interface SampleOptions {
  /** One stream per chain; their number is the number of chains. */
  rngs: readonly Rng[]
  /** Particles kept in all. */
  draws: number
  burnIn?: number
  sweepsPerDraw?: number
  onProgress?: (share: number) => void
}

export interface Sample {
  particles: Particles
  posterior: Posterior
  /** Independent draws that the least certain posterior mean is worth, at most the number of particles. */
  ess: number
  rhat: number | null
}

/** Chains start from draws of the prior, so several chains start far apart. */
export function sampleFirstBlock(data: Condensed, hyper: Hyper, options: SampleOptions): Sample {
  const { rngs, draws, burnIn = BURN_IN, onProgress } = options
  const longRun = Math.max(2, Math.floor(LONG_RUN_SWEEPS / draws))
  const sweepsPerDraw = options.sweepsPerDraw ?? Math.min(SWEEPS_PER_DRAW, longRun)
  const { p } = data
  const particles = createParticles(draws, p)
  const tally = createTally(p, draws * sweepsPerDraw)
  const total = draws * sweepsPerDraw
  const work = rngs.length * burnIn + total
  let done = 0
  let kept = 0
  const state = createParticles(1, p)
  rngs.forEach((rng, chain) => {
    const ws = createWorkspace(hyper)
    const last = Math.floor((draws * (chain + 1)) / rngs.length)
    drawPrior(hyper, state, 0, rng)
    for (let s = 0; s < burnIn; s++) {
      sweep(ws, data, state, 0, rng)
      if (++done % REPORT_EVERY === 0) onProgress?.(done / work)
    }
    for (; kept < last; kept++) {
      for (let s = 0; s < sweepsPerDraw; s++) {
        sweep(ws, data, state, 0, rng)
        const batch = Math.floor(((kept * sweepsPerDraw + s) * tally.batches) / total)
        tallySweep(tally, batch, 1, ws, state, 0)
        if (++done % REPORT_EVERY === 0) onProgress?.(done / work)
      }
      copyParticle(state, 0, particles, kept)
    }
  })
  const posterior = concludeTally(tally)
  return {
    particles,
    posterior,
    ess: effectiveDraws(posterior, draws),
    rhat: rngs.length > 1 ? largestRHat(particles, rngs.length) : null,
  }
}

function largestRHat(particles: Particles, chains: number): number | null {
  const { m, p, beta, sigma2 } = particles
  const length = Math.floor(m / chains)
  const read = (of: (i: number) => number): number | null =>
    splitRHat(
      Array.from({ length: chains }, (_, c) => {
        const first = Math.floor((m * c) / chains)
        return Float64Array.from({ length }, (_, i) => of(first + i))
      }),
    )
  let largest = read((i) => log(sigma2[i]))
  for (let q = 0; q < p; q++) {
    const value = read((i) => beta[i * p + q])
    if (value !== null && (largest === null || value > largest)) largest = value
  }
  return largest
}
