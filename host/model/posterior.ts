// Posterior means and their Monte Carlo errors, gathered sweep by sweep.
//
// Means and inclusion probabilities are averages of the sweep's conditional expectations (Rao-Blackwell); the
// standard deviations come from the draws. Errors are by batch means: `batch` numbers consecutive sweeps of a
// chain, or neighbouring particles of a filter (systematic resampling keeps descendants of one ancestor together),
// so that correlation falls within a batch.

import { effectiveSampleSize } from "./diagnose.js"
import { normalisedWeights, type Particles } from "./particles.js"
import type { SweepWorkspace } from "./sweep.js"

/** Means over more draws than there are particles; the numbers to report. */
export interface Posterior {
  /** Length P each: mean and standard deviation of β (0 where not in the model), inclusion probability. */
  mean: number[]
  sd: number[]
  inclusion: number[]
  /** Monte Carlo standard errors of `mean` and `inclusion`, length P. */
  meanError: number[]
  inclusionError: number[]
  /** Mean and standard deviation of σ, and the Monte Carlo error of the mean. */
  sigma: number
  sigmaSd: number
  sigmaError: number
}

export interface Tally {
  readonly p: number
  readonly batches: number
  /** Length B: sum of weights. */
  readonly weight: Float64Array
  /** B × P each: weighted sums of E(β | rest) and of P(γ = 1 | rest). */
  readonly mean: Float64Array
  readonly inclusion: Float64Array
  /** Length B: weighted sums of σ. */
  readonly sigma: Float64Array
  /** Length P and scalar: weighted sums of β, β² and σ². */
  readonly beta: Float64Array
  readonly square: Float64Array
  variance: number
}

/** With 20 batches or more the error of the error is under a fifth. */
const BATCHES = 25

/** A tally for about `draws` entries; fewer entries than batches would leave some of them empty. */
export function createTally(p: number, draws: number): Tally {
  const batches = Math.max(1, Math.min(BATCHES, Math.floor(draws / 2)))
  return {
    p,
    batches,
    weight: new Float64Array(batches),
    mean: new Float64Array(batches * p),
    inclusion: new Float64Array(batches * p),
    sigma: new Float64Array(batches),
    beta: new Float64Array(p),
    square: new Float64Array(p),
    variance: 0,
  }
}

/** Adds what the last sweep over particle `i` found, with `weight` ≥ 0. */
export function tallySweep(
  tally: Tally,
  batch: number,
  weight: number,
  ws: SweepWorkspace,
  particles: Particles,
  i: number,
): void {
  const { p } = tally
  tally.weight[batch] += weight
  const sigma2 = particles.sigma2[i]
  tally.sigma[batch] += weight * Math.sqrt(sigma2)
  tally.variance += weight * sigma2
  for (let q = 0; q < p; q++) {
    tally.mean[batch * p + q] += weight * ws.mean[q]
    tally.inclusion[batch * p + q] += weight * ws.inclusion[q]
    const beta = particles.beta[i * p + q]
    tally.beta[q] += weight * beta
    tally.square[q] += weight * beta * beta
  }
}

export function concludeTally(tally: Tally): Posterior {
  const { p } = tally
  let total = 0
  for (const weight of tally.weight) total += weight
  const posterior: Posterior = {
    mean: [],
    sd: [],
    inclusion: [],
    meanError: [],
    inclusionError: [],
    sigma: 0,
    sigmaSd: 0,
    sigmaError: 0,
  }
  for (let q = 0; q < p; q++) {
    const mean = batchMean(tally, tally.mean, p, q, total)
    const inclusion = batchMean(tally, tally.inclusion, p, q, total)
    const drawn = tally.beta[q] / total
    posterior.mean.push(mean.value)
    posterior.meanError.push(mean.error)
    posterior.inclusion.push(inclusion.value)
    posterior.inclusionError.push(inclusion.error)
    posterior.sd.push(Math.sqrt(Math.max(0, tally.square[q] / total - drawn * drawn)))
  }
  const sigma = batchMean(tally, tally.sigma, 1, 0, total)
  posterior.sigma = sigma.value
  posterior.sigmaError = sigma.error
  posterior.sigmaSd = Math.sqrt(Math.max(0, tally.variance / total - sigma.value * sigma.value))
  return posterior
}

/** Mean of a column of batch sums, and its standard error: 0 error where there is one batch only. */
function batchMean(
  tally: Tally,
  sums: Float64Array,
  stride: number,
  q: number,
  total: number,
): { value: number; error: number } {
  const { batches, weight } = tally
  let sum = 0
  for (let b = 0; b < batches; b++) sum += sums[b * stride + q]
  const value = sum / total
  // Ratio estimator: residuals of the batch sums about value × batch weight.
  let squares = 0
  for (let b = 0; b < batches; b++) {
    const residual = sums[b * stride + q] - value * weight[b]
    squares += residual * residual
  }
  const error = batches > 1 ? Math.sqrt((squares * batches) / (batches - 1)) / total : 0
  return { value, error }
}

/** Smallest (sd / Monte Carlo error)² over the coefficients and σ, at most `draws`. */
export function effectiveDraws(posterior: Posterior, draws: number): number {
  let smallest = draws
  const consider = (sd: number, error: number): void => {
    if (error > 0) smallest = Math.min(smallest, (sd / error) * (sd / error))
  }
  for (let q = 0; q < posterior.mean.length; q++) consider(posterior.sd[q], posterior.meanError[q])
  consider(posterior.sigmaSd, posterior.sigmaError)
  return smallest
}

/** Weighted moments of the particles themselves, errors as if they were independent: for particles that no sweep
 *  has moved. */
export function summariseParticles(particles: Particles): Posterior {
  const { m, p, beta, gamma, sigma2 } = particles
  const weights = normalisedWeights(particles.logWeights)
  const ess = effectiveSampleSize(particles.logWeights)
  const moments = (of: (i: number) => number): { mean: number; sd: number; error: number } => {
    let mean = 0
    for (let i = 0; i < m; i++) mean += weights[i] * of(i)
    let variance = 0
    for (let i = 0; i < m; i++) variance += weights[i] * (of(i) - mean) * (of(i) - mean)
    const sd = Math.sqrt(variance)
    return { mean, sd, error: sd / Math.sqrt(ess) }
  }
  const sigma = moments((i) => Math.sqrt(sigma2[i]))
  const betas = Array.from({ length: p }, (_, q) => moments((i) => beta[i * p + q]))
  const gammas = Array.from({ length: p }, (_, q) => moments((i) => gamma[i * p + q]))
  return {
    mean: betas.map((b) => b.mean),
    sd: betas.map((b) => b.sd),
    inclusion: gammas.map((g) => g.mean),
    meanError: betas.map((b) => b.error),
    inclusionError: gammas.map((g) => g.error),
    sigma: sigma.mean,
    sigmaSd: sigma.sd,
    sigmaError: sigma.error,
  }
}
