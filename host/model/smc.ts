// Later blocks: Sequential Monte Carlo (Chung 2007, eq. 11-14), with the steps and moves that the thesis leaves out.
//
//   log w_m += Σ_k log p(y_k | θ_m) over the new plays, as many at a time as keep ESS ≥ ½M
//   ESS < ½M: systematic resampling (Kitagawa 1996)
//   then Gibbs sweeps (sweep.ts) over every particle, given all plays taken in so far (Chopin 2002)
//
// Taking in plays in steps is tempering by data: each step's target is a posterior of its own, so the moves stay
// exact with censored plays, which a power of the likelihood would not allow. The order of the new plays is
// drawn, so that no step is all one song.

import { condense } from "./condense.js"
import { effectiveSampleSize, paretoKHat } from "./diagnose.js"
import { addLogLikelihood } from "./likelihood.js"
import type { Observations } from "./observations.js"
import { cloneParticles, logSumExp, normalisedWeights, type Particles, takeParticles } from "./particles.js"
import { concludeTally, createTally, type Posterior, tallySweep } from "./posterior.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { createWorkspace, sweep } from "./sweep.js"

/** A step ends before the effective sample size falls below this share of M. */
const STEP_ESS = 0.5
/** Plays tried at once while a step grows; halved when they are too many. */
const STRIDE = 16
/** Sweeps after the last step; the posterior means are gathered over them. */
const FINAL_SWEEPS = 3

export interface Absorbed {
  particles: Particles
  posterior: Posterior
  /** Smallest effective sample size and largest k-hat of the steps' weights. */
  ess: number
  khat: number | null
  /** Distinct particles at the start that still have descendants. */
  ancestors: number
  steps: number
  /** log p(new plays | plays before), estimated by the steps' mean weights. */
  logScore: number
}

/** Indices of the particles that systematic resampling picks, in increasing order: point (m + u)/M of the
 *  cumulated weights each. `weights`: length M, sum 1; `u`: in [0, 1). */
export function systematic(weights: Float64Array, u: number): Int32Array {
  const m = weights.length
  const indices = new Int32Array(m)
  let i = 0
  let cumulated = weights[0]
  for (let point = 0; point < m; point++) {
    const target = (point + u) / m
    while (cumulated < target && i < m - 1) cumulated += weights[++i]
    indices[point] = i
  }
  return indices
}

/** Takes in rows `firstNew` … n − 1; `particles` represent the posterior given the rows before. */
export function absorb(
  particles: Particles,
  observations: Observations,
  firstNew: number,
  hyper: Hyper,
  rng: Rng,
  onProgress?: (share: number) => void,
): Absorbed {
  const { n } = observations
  const { m, p } = particles
  const rows = Int32Array.from({ length: n }, (_, row) => row)
  const fresh = rows.subarray(firstNew)
  rng.shuffle(fresh)
  const ws = createWorkspace(hyper)
  let current = cloneParticles(particles)
  let ancestors = Int32Array.from({ length: m }, (_, i) => i)
  const result = { ess: m, khat: null as number | null, steps: 0, logScore: 0 }
  let posterior: Posterior | undefined
  for (let taken = firstNew; taken < n; ) {
    normalise(current.logWeights)
    taken = extend(current, observations, rows, taken)
    result.steps++
    result.logScore += logSumExp(current.logWeights)
    const ess = effectiveSampleSize(current.logWeights)
    result.ess = Math.min(result.ess, ess)
    const khat = paretoKHat(current.logWeights)
    if (khat !== null && (result.khat === null || khat > result.khat)) result.khat = khat
    if (taken < n || ess < STEP_ESS * m) {
      const indices = systematic(normalisedWeights(current.logWeights), rng.uniform())
      current = takeParticles(current, indices)
      ancestors = Int32Array.from(indices, (i) => ancestors[i])
    }
    const data = condense(observations, hyper.constantMean, rows, taken)
    if (taken < n) {
      for (let i = 0; i < m; i++) sweep(ws, data, current, i, rng)
    } else {
      const tally = createTally(p, m)
      const weights = normalisedWeights(current.logWeights)
      for (let i = 0; i < m; i++) {
        const batch = Math.floor((i * tally.batches) / m)
        for (let s = 0; s < FINAL_SWEEPS; s++) {
          sweep(ws, data, current, i, rng)
          tallySweep(tally, batch, weights[i] / FINAL_SWEEPS, ws, current, i)
        }
      }
      posterior = concludeTally(tally)
    }
    onProgress?.((taken - firstNew) / (n - firstNew))
  }
  if (posterior === undefined) {
    throw new RangeError(`observations: row ${firstNew} should be the first new one, but there are ${n} rows`)
  }
  return { ...result, particles: current, posterior, ancestors: new Set(ancestors).size }
}

function normalise(logWeights: Float64Array): void {
  const total = logSumExp(logWeights)
  for (let i = 0; i < logWeights.length; i++) logWeights[i] -= total
}

/** Weighs the particles by the longest run of rows from `from` that keeps the effective sample size, one row at
 *  least; returns the first row not taken. */
function extend(particles: Particles, observations: Observations, rows: Int32Array, from: number): number {
  const { m, logWeights } = particles
  const trial = new Float64Array(m)
  let taken = from
  let stride = STRIDE
  while (taken < observations.n) {
    const to = Math.min(taken + stride, observations.n)
    trial.set(logWeights)
    addLogLikelihood(particles, observations, taken, to, trial, rows)
    const accepted = effectiveSampleSize(trial) >= STEP_ESS * m
    if (!accepted && to - taken > 1) {
      stride = Math.floor((to - taken) / 2)
      continue
    }
    if (!accepted && taken > from) break
    logWeights.set(trial)
    taken = to
    if (!accepted) break
  }
  return taken
}

/** Below this share of M the thesis resamples (p. 35). */
const THESIS_ESS = 0.1

/** The thesis's update: reweight by the whole block, resample when few particles carry it, move nothing. */
export function reweigh(
  particles: Particles,
  observations: Observations,
  firstNew: number,
  rng: Rng,
): Omit<Absorbed, "posterior"> {
  const { m } = particles
  let current = cloneParticles(particles)
  normalise(current.logWeights)
  addLogLikelihood(current, observations, firstNew, observations.n, current.logWeights)
  const logScore = logSumExp(current.logWeights)
  const ess = effectiveSampleSize(current.logWeights)
  const khat = paretoKHat(current.logWeights)
  let ancestors = m
  if (ess < THESIS_ESS * m) {
    const indices = systematic(normalisedWeights(current.logWeights), rng.uniform())
    current = takeParticles(current, indices)
    ancestors = new Set(indices).size
  }
  return { particles: current, ess, khat, ancestors, steps: 1, logScore }
}
