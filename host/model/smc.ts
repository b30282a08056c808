// Later blocks: Sequential Monte Carlo (Chung 2007, eq. 11-14), with the steps, the moves and the forgetting that the
// thesis leaves out.
//
//   fade     log w_m += t·Σ_k (ω'_k − ω_k) log p(y_k | θ_m) over the old plays, whose powers fall from ω to ω'
//   take in  log w_m += Σ_k ω'_k log p(y_k | θ_m) over the new plays, as many at a time
//            as keep ESS ≥ ½M, and t in steps that do
//   after every step: resampling, and Gibbs sweeps (sweep.ts) given all plays as they count by then (Chopin 2002)
//
// Taking in plays in steps is tempering by data: each step's target is a posterior of its own. The order of the new
// plays is drawn, so that no step is all one song. Moves are waste-free (Dau & Chopin 2022): few ancestors, and all
// states of their chains are kept. Where there are several steps, those before the last run with a quarter of the
// particles, one sweep each; the last one's chains bring their number back.

import { pack } from "./columns.js"
import { condense } from "./condense.js"
import { effectiveSampleSize, paretoKHat } from "./diagnose.js"
import { type Drift, driftOf } from "./drift.js"
import type { Observations } from "./observations.js"
import {
  cloneParticles,
  copyParticle,
  createParticles,
  logSumExp,
  normalisedWeights,
  type Particles,
  takeParticles,
} from "./particles.js"
import { concludeTally, createTally, effectiveDraws, type Posterior, tallySweep } from "./posterior.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { type Resampling, resample } from "./resample.js"
import { createWorkspace, type SweepWorkspace, sweep } from "./sweep.js"
import { gather, weigh } from "./weigh.js"

/** A step ends before the effective sample size falls below this share of the particles. */
const STEP_ESS = 0.5
/** Plays tried at once while a step grows; halved when they are too many. */
const STRIDE = 16
/** Length of a waste-free chain, in particles, and sweeps from one of its particles to the next. */
const CHAIN = 4
const SWEEPS_PER_PARTICLE = 1
/** Shares of a fading step below this are not told apart. */
const LEAST_FADE = 1e-3

export interface AbsorbOptions {
  /** Powers of all rows: ω of those before `firstNew` as the particles have them, and ω' of all rows from now
   *  on. Left out: every play counts in full. */
  before?: Float64Array
  after?: Float64Array
  resampling?: Resampling
  /** Judge the new plays as a whole (drift.ts) before they are taken in. */
  drift?: boolean
  /** Share of the particles that carry the steps before the last one, 0 < share ≤ 1. */
  thin?: number
  onProgress?: (share: number) => void
}

export interface Absorbed {
  particles: Particles
  posterior: Posterior
  /** Smallest effective number of independent draws behind a mean of `posterior`. */
  ess: number
  /** Smallest effective sample size of the steps' weights, as a share of the particles. */
  stepEss: number
  /** Largest k-hat of the steps' weights. */
  khat: number | null
  /** Distinct particles at the start that still have descendants. */
  ancestors: number
  steps: number
  /** log p(new plays | old plays as they count after fading), estimated by the steps' mean weights. */
  logScore: number
  /** null where it was not asked for. */
  drift: Drift | null
}

/** What the steps have in common. */
interface Filter {
  observations: Observations
  hyper: Hyper
  rng: Rng
  resampling: Resampling
  ws: SweepWorkspace
  /** Particles asked for, and carried between steps. */
  m: number
  few: number
  current: Particles
  /** Per particle: which one of the start it comes from. */
  origin: Int32Array
  found: { stepEss: number; khat: number | null; steps: number; logScore: number }
}

/** Takes in rows `firstNew` … n − 1; `particles` represent the posterior given the rows before. */
export function absorb(
  particles: Particles,
  observations: Observations,
  firstNew: number,
  hyper: Hyper,
  rng: Rng,
  options: AbsorbOptions = {},
): Absorbed {
  const { n } = observations
  const { m } = particles
  const { before, after, resampling = "systematic", thin = 0.2, onProgress } = options
  if (firstNew >= n) {
    throw new RangeError(`firstNew: ${firstNew} should be the first new row, but there are ${n} rows`)
  }
  const rows = Int32Array.from({ length: n }, (_, row) => row)
  rng.shuffle(rows.subarray(firstNew))
  const filter: Filter = {
    observations,
    hyper,
    rng,
    resampling,
    ws: createWorkspace(hyper),
    m,
    few: Math.max(1, Math.round(m * thin)),
    current: cloneParticles(particles),
    origin: Int32Array.from({ length: m }, (_, i) => i),
    found: { stepEss: 1, khat: null, steps: 0, logScore: 0 },
  }
  fade(filter, rows, firstNew, before, after)
  const drift = options.drift === true ? driftOf(filter.current, observations, firstNew, rng) : null
  for (let taken = firstNew; ; ) {
    normalise(filter.current.logWeights)
    taken = extend(filter.current, observations, rows, taken, after)
    filter.found.logScore += logSumExp(filter.current.logWeights)
    diagnose(filter)
    onProgress?.((taken - firstNew) / (n - firstNew))
    if (taken === n) break
    hop(filter, rows, taken, after)
  }
  const { posterior, particles: moved } = land(filter, after)
  return {
    ...filter.found,
    particles: moved,
    posterior,
    ess: effectiveDraws(posterior, m),
    ancestors: new Set(filter.origin).size,
    drift,
  }
}

function normalise(logWeights: Float64Array): void {
  const total = logSumExp(logWeights)
  for (let i = 0; i < logWeights.length; i++) logWeights[i] -= total
}

/** Lets the old plays fade from their powers `before` to those `after`. */
function fade(
  filter: Filter,
  rows: Int32Array,
  firstNew: number,
  before: Float64Array | undefined,
  after: Float64Array | undefined,
): void {
  const { n } = filter.observations
  const change = new Float64Array(n)
  let changes = false
  for (let row = 0; row < firstNew; row++) {
    change[row] = (after?.[row] ?? 1) - (before?.[row] ?? 1)
    if (change[row] !== 0) changes = true
  }
  if (!changes) return
  const powers = new Float64Array(n).fill(1)
  for (let gone = 0; gone < 1; ) {
    const { m, logWeights } = filter.current
    const logRatio = new Float64Array(m)
    weigh(pack(filter.current), gather(filter.observations, rows, 0, firstNew, change), logRatio)
    normalise(logWeights)
    const trial = new Float64Array(m)
    let share = 1 - gone
    for (;;) {
      for (let i = 0; i < m; i++) trial[i] = logWeights[i] + share * logRatio[i]
      if (effectiveSampleSize(trial) >= STEP_ESS * m || share < LEAST_FADE) break
      share /= 2
    }
    logWeights.set(trial)
    gone = gone + share >= 1 ? 1 : gone + share
    diagnose(filter)
    for (let row = 0; row < firstNew; row++) powers[row] = (before?.[row] ?? 1) + gone * change[row]
    hop(filter, rows, firstNew, powers)
  }
}

function diagnose({ current, found }: Filter): void {
  found.steps++
  found.stepEss = Math.min(found.stepEss, effectiveSampleSize(current.logWeights) / current.m)
  const khat = paretoKHat(current.logWeights)
  if (khat !== null && (found.khat === null || khat > found.khat)) found.khat = khat
}

/** Between steps: few particles, one sweep each given the first `taken` of `rows`. */
function hop(filter: Filter, rows: Int32Array, taken: number, power: Float64Array | undefined): void {
  pick(filter, filter.few)
  const { observations, hyper, ws, current, rng } = filter
  const data = condense(observations, hyper.constantMean, rows, taken, power)
  for (let i = 0; i < current.m; i++) sweep(ws, data, current, i, rng)
}

/** Resamples `count` particles. */
function pick(filter: Filter, count: number): void {
  const { current, origin, resampling, rng } = filter
  const indices = resample(resampling, normalisedWeights(current.logWeights), count, rng)
  filter.current = takeParticles(current, indices)
  filter.origin = Int32Array.from(indices, (i) => origin[i])
}

/** The last moves, whose sweeps give the posterior means. One particle from each is enough where the weights are even and
 *  the particles many; else chains of few ancestors. */
function land(
  filter: Filter,
  power: Float64Array | undefined,
): { particles: Particles; posterior: Posterior } {
  const { observations, hyper, ws, m, rng } = filter
  const data = condense(observations, hyper.constantMean, undefined, observations.n, power)
  const whole = filter.current.m === m && effectiveSampleSize(filter.current.logWeights) >= STEP_ESS * m
  if (!whole) pick(filter, Math.max(1, Math.ceil(m / CHAIN)))
  const { current } = filter
  const particles = createParticles(m, current.p)
  const tally = createTally(current.p, m)
  const weights = normalisedWeights(current.logWeights)
  for (let i = 0; i < current.m; i++) {
    // Particles first … last − 1 come from ancestor i.
    const first = Math.floor((i * m) / current.m)
    const last = Math.floor(((i + 1) * m) / current.m)
    for (let j = first; j < last; j++) {
      const weight = weights[i] / ((last - first) * SWEEPS_PER_PARTICLE)
      for (let s = 0; s < SWEEPS_PER_PARTICLE; s++) {
        sweep(ws, data, current, i, rng)
        tallySweep(tally, Math.floor((i * tally.batches) / current.m), weight, ws, current, i)
      }
      copyParticle(current, i, particles, j)
      particles.logWeights[j] = whole ? current.logWeights[i] : 0
    }
  }
  return { particles, posterior: concludeTally(tally) }
}

/** Weighs the particles by the longest run of rows from `from` that keeps the effective sample size, one row at
 *  least; returns the first row not taken. */
function extend(
  particles: Particles,
  observations: Observations,
  rows: Int32Array,
  from: number,
  power: Float64Array | undefined,
): number {
  const { m, logWeights } = particles
  const model = pack(particles)
  const trial = new Float64Array(m)
  let taken = from
  let stride = STRIDE
  while (taken < observations.n) {
    const to = Math.min(taken + stride, observations.n)
    trial.set(logWeights)
    weigh(model, gather(observations, rows, taken, to, power), trial)
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
  resampling: Resampling = "systematic",
): Omit<Absorbed, "posterior"> {
  const { m } = particles
  const rows = Int32Array.from({ length: observations.n }, (_, row) => row)
  let current = cloneParticles(particles)
  normalise(current.logWeights)
  weigh(pack(current), gather(observations, rows, firstNew, observations.n), current.logWeights)
  const logScore = logSumExp(current.logWeights)
  const ess = effectiveSampleSize(current.logWeights)
  const khat = paretoKHat(current.logWeights)
  let ancestors = m
  if (ess < THESIS_ESS * m) {
    const indices = resample(resampling, normalisedWeights(current.logWeights), m, rng)
    current = takeParticles(current, indices)
    ancestors = new Set(indices).size
  }
  return { particles: current, ess, stepEss: ess / m, khat, ancestors, steps: 1, logScore, drift: null }
}
