// The lognormal hazard's likelihood on the log-time scale (Chung 2007, eq. 4).
//
//   y = x'β + σε, ε ~ N(0, 1)
//   event:    log f = −½ log 2π − log σ − ½ ((y − x'β)/σ)²
//   censored: log S = log Φ(−(y − x'β)/σ)

import { log } from "./elementary.js"
import { logNormalCdf } from "./normal-cdf.js"
import type { Observations } from "./observations.js"
import type { Particles } from "./particles.js"

const HALF_LOG_2PI = 0.9189385332046727
/** Log density of log time `y` at mean `mu` and standard deviation `sigma` (> 0): a listen that ended by choice. */
export function logDensity(y: number, mu: number, sigma: number): number {
  const r = (y - mu) / sigma
  return -HALF_LOG_2PI - log(sigma) - 0.5 * r * r
}

/** Log probability of a log time above `y`: a censored listen. */
export function logSurvival(y: number, mu: number, sigma: number): number {
  return logNormalCdf((mu - y) / sigma)
}

/** Log likelihood of rows `from` … `to` − 1 under every particle, added to `out` (length M). */
export function addLogLikelihood(
  particles: Particles,
  observations: Observations,
  from: number,
  to: number,
  out: Float64Array,
): void {
  accumulate(particles, observations, from, to, out, 1, 0)
}

/** Log likelihood of every row under every particle: M × n, row-major. */
export function logLikelihoodMatrix(particles: Particles, observations: Observations): Float64Array {
  const out = new Float64Array(particles.m * observations.n)
  accumulate(particles, observations, 0, observations.n, out, observations.n, 1)
  return out
}

/** Adds the log likelihood of particle i and row r to out[i·perParticle + r·perRow]. */
function accumulate(
  particles: Particles,
  observations: Observations,
  from: number,
  to: number,
  out: Float64Array,
  perParticle: number,
  perRow: number,
): void {
  const { m, p, beta, gamma, sigma2 } = particles
  const { x, y, censored } = observations
  const active = new Int32Array(p)
  for (let i = 0; i < m; i++) {
    const base = i * p
    let k = 0
    for (let q = 0; q < p; q++) if (gamma[base + q] === 1) active[k++] = q
    const sigma = Math.sqrt(sigma2[i])
    const constant = -HALF_LOG_2PI - log(sigma)
    let at = i * perParticle
    for (let r = from; r < to; r++) {
      let mu = 0
      for (let a = 0; a < k; a++) mu += x[r * p + active[a]] * beta[base + active[a]]
      const e = (y[r] - mu) / sigma
      out[at] += censored[r] === 1 ? logNormalCdf(-e) : constant - 0.5 * e * e
      at += perRow
    }
  }
}
