// One Gibbs sweep over (z, γ, β, S, σ²): the kernel of the first-block sampler and the move step of the
// particle filter (Chung 2007, eq. 5-9, with β integrated out of the selection step).
//
//   z_k | β, σ² ~ N(x'β, σ²) above its bound                                for censored plays
//   γ_p | γ_−p, z, σ², S: log odds = −½ log(S_p d_p) + ½ r_p²/d_p + log odds of the prior   (d, r: cholesky.ts)
//   swap: one variable of the model against one outside, Metropolis with the same marginal likelihoods
//   β_γ | γ, z, σ², S ~ N(M⁻¹b, M⁻¹), S_p | β_p, σ² | β, z: inverse gamma
//
// The sweep works in place on one particle and allocates nothing. What it learns on the way is more precise than
// the draw itself and stays in the workspace: the conditional inclusion probabilities and the conditional mean
// of β (Rao-Blackwell).

import {
  type ActiveFactor,
  append,
  column,
  copyFactor,
  createFactor,
  pivot,
  remove,
  solveTransposed,
} from "./cholesky.js"
import type { Condensed } from "./condense.js"
import type { Particles } from "./particles.js"
import { type Hyper, inverseGamma } from "./prior.js"
import type { Rng } from "./random.js"

export interface SweepWorkspace {
  readonly hyper: Hyper
  readonly factor: ActiveFactor
  /** Length P: P(γ_p = 1 | the rest) when p was visited, and E(β_p | γ, z, σ², S). */
  readonly inclusion: Float64Array
  readonly mean: Float64Array
  readonly kept: ActiveFactor
  readonly matrix: Float64Array
  readonly rhs: Float64Array
  readonly xz: Float64Array
  readonly visit: Int32Array
  readonly active: Int32Array
  readonly noise: Float64Array
}

export function createWorkspace(hyper: Hyper): SweepWorkspace {
  const p = hyper.names.length
  return {
    hyper,
    factor: createFactor(p),
    kept: createFactor(p),
    inclusion: new Float64Array(p),
    mean: new Float64Array(p),
    matrix: new Float64Array(p * p),
    rhs: new Float64Array(p),
    xz: new Float64Array(p),
    visit: Int32Array.from({ length: p - 1 }, (_, q) => q + 1),
    active: new Int32Array(p),
    noise: new Float64Array(p),
  }
}

/** Draws particle `i` from the prior; the chain's start, and a particle filter's before any play. */
export function drawPrior(hyper: Hyper, particles: Particles, i: number, rng: Rng): void {
  const { p, beta, gamma, scale, sigma2 } = particles
  const half = hyper.v / 2
  for (let q = 0; q < p; q++) {
    const at = i * p + q
    gamma[at] = q === 0 || rng.uniform() < hyper.pi ? 1 : 0
    scale[at] = inverseGamma(rng, half, half * hyper.s2x[q])
    beta[at] = gamma[at] === 1 ? Math.sqrt(scale[at]) * rng.normal() : 0
  }
  beta[i * p] += hyper.constantMean
  sigma2[i] = inverseGamma(rng, half, half * hyper.s2y)
}

/** One sweep over particle `i`, whose target is the posterior given `data`. `data.origin` is the prior mean. */
export function sweep(ws: SweepWorkspace, data: Condensed, particles: Particles, i: number, rng: Rng): void {
  const base = i * particles.p
  // The constant's deviation from its prior mean stands in for the constant while the sweep runs.
  particles.beta[base] -= data.origin
  const zz = drawLatent(ws, data, particles, i, rng)
  weigh(ws, data, particles, i)
  select(ws, particles, base, rng)
  swap(ws, particles, base, rng)
  drawCoefficients(ws, particles, base, rng)
  drawScales(ws, data, particles, i, zz, rng)
  particles.beta[base] += data.origin
  ws.mean[0] += data.origin
}

/** The sweep without its selection steps: (z, β, S, σ²) given γ, with every prior mean at 0 (origin 0). */
export function sweepGivenModel(
  ws: SweepWorkspace,
  data: Condensed,
  particles: Particles,
  i: number,
  rng: Rng,
): void {
  const zz = drawLatent(ws, data, particles, i, rng)
  weigh(ws, data, particles, i)
  drawCoefficients(ws, particles, i * particles.p, rng)
  drawScales(ws, data, particles, i, zz, rng)
}

/** Draws z for the censored plays into X'z (ws.xz); returns z'z. */
function drawLatent(ws: SweepWorkspace, data: Condensed, particles: Particles, i: number, rng: Rng): number {
  const { p, beta, gamma } = particles
  const { xz, active } = ws
  const { c, x, bound } = data
  const base = i * p
  const sigma = Math.sqrt(particles.sigma2[i])
  let k = 0
  for (let q = 0; q < p; q++) {
    xz[q] = data.xty[q]
    if (gamma[base + q] === 1) active[k++] = q
  }
  let zz = data.yy
  for (let row = 0; row < c; row++) {
    const at = row * p
    let mu = 0
    for (let a = 0; a < k; a++) mu += x[at + active[a]] * beta[base + active[a]]
    const z = mu + sigma * rng.normalAbove((bound[row] - mu) / sigma)
    zz += z * z
    for (let q = 0; q < p; q++) xz[q] += x[at + q] * z
  }
  return zz
}

/** M, b and the factor of the active set, from X'X, X'z, σ² and S. */
function weigh(ws: SweepWorkspace, data: Condensed, particles: Particles, i: number): void {
  const { p, gamma, scale } = particles
  const { matrix, rhs, xz, factor } = ws
  const base = i * p
  const precision = 1 / particles.sigma2[i]
  for (let a = 0; a < p * p; a++) matrix[a] = data.xtx[a] * precision
  for (let q = 0; q < p; q++) {
    matrix[q * p + q] += 1 / scale[base + q]
    rhs[q] = xz[q] * precision
  }
  factor.k = 0
  for (let q = 0; q < p; q++) {
    if (gamma[base + q] === 0) continue
    pivot(factor, matrix, rhs, q)
    append(factor, q)
  }
}

/** log of the factor by which a variable with prior variance `scale` raises the marginal likelihood. */
function gain(factor: ActiveFactor, scale: number): number {
  return 0.5 * ((factor.r * factor.r) / factor.d - Math.log(scale * factor.d))
}

function rowOf(factor: ActiveFactor, q: number): number {
  let row = 0
  while (factor.order[row] !== q) row++
  return row
}

function select(ws: SweepWorkspace, particles: Particles, base: number, rng: Rng): void {
  const { gamma, scale } = particles
  const { factor, matrix, rhs, visit, inclusion } = ws
  const prior = Math.log(ws.hyper.pi / (1 - ws.hyper.pi))
  rng.shuffle(visit)
  inclusion[0] = 1
  for (let step = 0; step < visit.length; step++) {
    const q = visit[step]
    const inside = gamma[base + q] === 1
    const row = inside ? rowOf(factor, q) : 0
    if (inside) column(factor, row)
    else pivot(factor, matrix, rhs, q)
    const probability = 1 / (1 + Math.exp(-gain(factor, scale[base + q]) - prior))
    inclusion[q] = probability
    const include = rng.uniform() < probability
    if (include === inside) continue
    if (include) append(factor, q)
    else remove(factor, row)
    gamma[base + q] = include ? 1 : 0
  }
}

/** Exchanges one variable of the model for one outside: what flips cannot do for genres that stand in for each
 *  other, because the way leads through a model without either. */
function swap(ws: SweepWorkspace, particles: Particles, base: number, rng: Rng): void {
  const { p, gamma, scale } = particles
  const { factor, kept, matrix, rhs } = ws
  const inside = factor.k - 1
  const outside = p - factor.k
  if (inside === 0 || outside === 0) return
  // Row 0 is the constant: it is the first to be added and is never removed.
  const row = 1 + rng.int(inside)
  const out = factor.order[row]
  let into = 0
  for (let rank = rng.int(outside); rank >= 0; rank--) {
    into++
    while (gamma[base + into] === 1) into++
  }
  copyFactor(factor, kept)
  column(factor, row)
  let logRatio = -gain(factor, scale[base + out])
  remove(factor, row)
  pivot(factor, matrix, rhs, into)
  logRatio += gain(factor, scale[base + into])
  if (Math.log(rng.uniform()) < logRatio) {
    append(factor, into)
    gamma[base + out] = 0
    gamma[base + into] = 1
  } else {
    copyFactor(kept, factor)
  }
}

function drawCoefficients(ws: SweepWorkspace, particles: Particles, base: number, rng: Rng): void {
  const { p, beta } = particles
  const { factor, mean, noise } = ws
  const { k, order, u, w } = factor
  for (let q = 0; q < p; q++) {
    mean[q] = 0
    beta[base + q] = 0
  }
  solveTransposed(factor, u)
  for (let a = 0; a < k; a++) {
    mean[order[a]] = w[a]
    noise[a] = u[a] + rng.normal()
  }
  solveTransposed(factor, noise)
  for (let a = 0; a < k; a++) beta[base + order[a]] = w[a]
}

function drawScales(
  ws: SweepWorkspace,
  data: Condensed,
  particles: Particles,
  i: number,
  zz: number,
  rng: Rng,
): void {
  const { p, beta, gamma, scale } = particles
  const { xz, hyper } = ws
  const { k, order } = ws.factor
  const half = hyper.v / 2
  const base = i * p
  let squares = zz
  for (let a = 0; a < k; a++) {
    const q = order[a]
    let fitted = 0
    for (let b = 0; b < k; b++) fitted += data.xtx[q * p + order[b]] * beta[base + order[b]]
    squares += beta[base + q] * (fitted - 2 * xz[q])
  }
  for (let q = 0; q < p; q++) {
    const b = beta[base + q]
    scale[base + q] = inverseGamma(rng, half + 0.5 * gamma[base + q], half * hyper.s2x[q] + 0.5 * b * b)
  }
  // Rounding may leave a perfect fit a little below zero.
  const residual = squares > 0 ? squares : 0
  particles.sigma2[i] = inverseGamma(rng, half + 0.5 * data.n, half * hyper.s2y + 0.5 * residual)
}
