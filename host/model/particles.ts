// Particles: weighted draws θ = (γ, β, σ², S) from a subject's posterior, in flat arrays, particle after particle.
// Weights live here and nowhere else: natural logs, unnormalised.

import { exp, log } from "../model/elementary.js"

export interface Particles {
  /** Number of particles M. */
  m: number
  /** Length P of a coefficient vector; coefficient 0 is the constant. */
  p: number
  /** M×P, row-major: coefficients on the log-time scale; exactly 0 where gamma is 0. */
  beta: Float64Array
  /** M×P: 1 where the coefficient is in the model. */
  gamma: Uint8Array
  /** Length M: residual variance of log time. */
  sigma2: Float64Array
  /** M×P: prior variance S_p of each coefficient. */
  scale: Float64Array
  /** Length M, natural log, unnormalised. */
  logWeights: Float64Array
}

/** M particles of P coefficients: all zero, equal weights. */
export function createParticles(m: number, p: number): Particles {
  return {
    m,
    p,
    beta: new Float64Array(m * p),
    gamma: new Uint8Array(m * p),
    sigma2: new Float64Array(m),
    scale: new Float64Array(m * p),
    logWeights: new Float64Array(m),
  }
}

/** Copies particle `i` of `from` over particle `j` of `to`, weight left out. */
export function copyParticle(from: Particles, i: number, to: Particles, j: number): void {
  const p = from.p
  for (let q = 0; q < p; q++) {
    to.beta[j * p + q] = from.beta[i * p + q]
    to.gamma[j * p + q] = from.gamma[i * p + q]
    to.scale[j * p + q] = from.scale[i * p + q]
  }
  to.sigma2[j] = from.sigma2[i]
}

/** The particles named by `indices` (0-based), in that order, with equal weights. */
export function takeParticles(particles: Particles, indices: ArrayLike<number>): Particles {
  const taken = createParticles(indices.length, particles.p)
  for (let j = 0; j < indices.length; j++) copyParticle(particles, indices[j], taken, j)
  return taken
}

/** A copy that shares nothing with its source. */
export function cloneParticles(particles: Particles): Particles {
  return {
    m: particles.m,
    p: particles.p,
    beta: particles.beta.slice(),
    gamma: particles.gamma.slice(),
    sigma2: particles.sigma2.slice(),
    scale: particles.scale.slice(),
    logWeights: particles.logWeights.slice(),
  }
}

/** log Σ exp(v_i) of `length` values from `offset`; −∞ for none. */
export function logSumExp(values: ArrayLike<number>, offset = 0, length = values.length - offset): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < length; i++) if (values[offset + i] > largest) largest = values[offset + i]
  if (!Number.isFinite(largest)) return largest
  let sum = 0
  for (let i = 0; i < length; i++) sum += exp(values[offset + i] - largest)
  return largest + log(sum)
}

/** Weights that sum to 1 from unnormalised logs (same length); equal ones where every log is −∞. */
export function normalisedWeights(logWeights: ArrayLike<number>): Float64Array {
  const total = logSumExp(logWeights)
  const weights = new Float64Array(logWeights.length)
  if (!Number.isFinite(total)) return weights.fill(1 / logWeights.length)
  for (let i = 0; i < weights.length; i++) weights[i] = exp(logWeights[i] - total)
  return weights
}
