// One Gibbs sweep over (z, γ, β, S, σ²): the kernel of the first-block sampler and the move step of the
// particle filter (Chung 2007, eq. 5-9, with β integrated out of the selection step).
//
//   z_k | β, σ² ~ N(x'β, σ²) above its bound                                for censored plays
//   j_k | β, σ² ~ NB(1 − ω_k, 1 − S_k) more draws below the bound           where the play counts with power ω_k < 1
//   γ_p | γ_−p, z, σ², S: log odds = −½ log(S_p d_p) + ½ r_p²/d_p + log odds of the prior   (d, r: cholesky.ts)
//   swap: one variable of the model against one outside, Metropolis with the same marginal likelihoods
//   β_γ | γ, z, σ², S ~ N(M⁻¹b, M⁻¹), S_p | β_p, σ² | β, z: inverse gamma
//
// The last but one needs a word: a censored play contributes S^ω, S = Φ((x'β − bound)/σ), and
//   S^ω = S·(1 − (1 − S))^−(1−ω) = S·Σ_j C(j − ω, j)·(1 − S)^j,
// which is one latent play above the bound and, with negative binomial probability, j below it: exact, and conjugate.
//
// The sweep works in place on one particle and allocates nothing. What it learns on the way is more precise than
// the draw itself and stays in the workspace: the conditional inclusion probabilities and the conditional mean
// of β (Rao-Blackwell).

import { exp, log } from "../model/elementary.js"
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
import { logNormalCdf } from "./normal-cdf.js"
import type { Particles } from "./particles.js"
import { type Hyper, inverseGamma, sizePrior } from "./prior.js"
import type { Rng } from "./random.js"

export interface SweepWorkspace {
  readonly hyper: Hyper
  readonly factor: ActiveFactor
  /** Length P: prior log odds of a variable when so many others are in the model, the constant not counted. */
  readonly logOdds: Float64Array
  /** Length P: P(γ_p = 1 | the rest) when p was visited, and E(β_p | γ, z, σ², S). */
  readonly inclusion: Float64Array
  readonly mean: Float64Array
  readonly kept: ActiveFactor
  readonly matrix: Float64Array
  readonly rhs: Float64Array
  /** X'X, X'z and (length 1 each) z'z and the number of plays, latent ones below a bound included. */
  readonly xtx: Float64Array
  readonly xz: Float64Array
  readonly zz: Float64Array
  readonly n: Float64Array
  readonly visit: Int32Array
  readonly noise: Float64Array
  /** Length songs and plays of the data at least: x'β of a song, and the draw for a play. */
  mu: Float64Array
  latent: Float64Array
}

export function createWorkspace(hyper: Hyper): SweepWorkspace {
  const p = hyper.names.length
  return {
    hyper,
    factor: createFactor(p),
    logOdds: priorLogOdds(hyper),
    kept: createFactor(p),
    inclusion: new Float64Array(p),
    mean: new Float64Array(p),
    matrix: new Float64Array(p * p),
    rhs: new Float64Array(p),
    xtx: new Float64Array(p * p),
    xz: new Float64Array(p),
    zz: new Float64Array(1),
    n: new Float64Array(1),
    visit: Int32Array.from({ length: p - 1 }, (_, q) => q + 1),
    noise: new Float64Array(p),
    mu: new Float64Array(0),
    latent: new Float64Array(0),
  }
}

function priorLogOdds(hyper: Hyper): Float64Array {
  const attributes = hyper.names.length - 1
  const b = sizePrior(hyper)
  return Float64Array.from(hyper.names, (_, others) =>
    b === undefined
      ? log(hyper.pi / (1 - hyper.pi))
      : log((1 + others) / (b + Math.max(0, attributes - 1 - others))),
  )
}

/** Draws particle `i` from the prior; the chain's start, and a particle filter's before any play. */
export function drawPrior(hyper: Hyper, particles: Particles, i: number, rng: Rng): void {
  const { p, beta, gamma, scale, sigma2 } = particles
  const half = hyper.v / 2
  const b = sizePrior(hyper)
  let { pi } = hyper
  if (b !== undefined) {
    const in_ = rng.gamma(1)
    pi = in_ / (in_ + rng.gamma(b))
  }
  for (let q = 0; q < p; q++) {
    const at = i * p + q
    gamma[at] = q === 0 || rng.uniform() < pi ? 1 : 0
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
  drawLatent(ws, data, particles, i, rng)
  weigh(ws, particles, i)
  select(ws, particles, base, rng)
  swap(ws, particles, base, rng)
  drawCoefficients(ws, particles, base, rng)
  drawScales(ws, particles, i, rng)
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
  drawLatent(ws, data, particles, i, rng)
  weigh(ws, particles, i)
  drawCoefficients(ws, particles, i * particles.p, rng)
  drawScales(ws, particles, i, rng)
}

/** Draws z for the censored plays: X'X, X'z, z'z and n of all plays into the workspace. */
function drawLatent(ws: SweepWorkspace, data: Condensed, particles: Particles, i: number, rng: Rng): void {
  const { xtx, xz } = ws
  const { feature, column, value, play, bound, fade } = data
  const { beta } = particles
  const base = i * particles.p
  const sigma = Math.sqrt(particles.sigma2[i])
  const precision = 1 / sigma
  xtx.set(data.xtx)
  xz.set(data.xty)
  const plays = bound.length
  if (ws.latent.length < plays) ws.latent = new Float64Array(plays)
  if (ws.mu.length < data.songs) ws.mu = new Float64Array(data.songs)
  const { latent } = ws
  for (let song = 0; song < data.songs; song++) {
    let mu = 0
    for (let f = feature[song]; f < feature[song + 1]; f++) mu += value[f] * beta[base + column[f]]
    ws.mu[song] = mu
    for (let k = play[song]; k < play[song + 1]; k++) latent[k] = (bound[k] - mu) * precision
  }
  rng.normalsAbove(latent, plays)
  let zz = data.yy
  let n = data.n
  for (let song = 0; song < data.songs; song++) {
    const first = feature[song]
    const end = feature[song + 1]
    const mu = ws.mu[song]
    let sum = 0
    let below = 0
    for (let k = play[song]; k < play[song + 1]; k++) {
      const z = mu + sigma * latent[k]
      sum += z
      zz += z * z
      if (fade === null || fade[k] === 0) continue
      const a = (bound[k] - mu) * precision
      for (let j = drawBelow(a, fade[k], rng); j > 0; j--) {
        const shorter = mu - sigma * rng.normalAbove(-a)
        sum += shorter
        zz += shorter * shorter
        below++
      }
    }
    for (let f = first; f < end; f++) xz[column[f]] += value[f] * sum
    if (below === 0) continue
    n += below
    for (let f = first; f < end; f++) {
      const row = column[f] * particles.p
      for (let g = first; g < end; g++) xtx[row + column[g]] += below * value[f] * value[g]
    }
  }
  ws.zz[0] = zz
  ws.n[0] = n
}

/** More latent plays than this below one bound: its survival is under some 10⁻⁴, which only happens on the way in from a
 *  poor start. */
const MOST_BELOW = 10_000

/** Number of latent plays below a bound `a` standard deviations from the mean: NB(fade, Φ(a)), as a Poisson number
 *  with a gamma mean. */
function drawBelow(a: number, fade: number, rng: Rng): number {
  const odds = exp(logNormalCdf(a) - logNormalCdf(-a))
  const mean = rng.gamma(fade) * odds
  let j = 0
  for (let t = rng.exponential(); t < mean && j < MOST_BELOW; t += rng.exponential()) j++
  return j
}

/** M, b and the factor of the active set, from X'X, X'z, σ² and S. */
function weigh(ws: SweepWorkspace, particles: Particles, i: number): void {
  const { p, gamma, scale } = particles
  const { matrix, rhs, xtx, xz, factor } = ws
  const base = i * p
  const precision = 1 / particles.sigma2[i]
  for (let a = 0; a < p * p; a++) matrix[a] = xtx[a] * precision
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
  return 0.5 * ((factor.r * factor.r) / factor.d - log(scale * factor.d))
}

function rowOf(factor: ActiveFactor, q: number): number {
  let row = 0
  while (factor.order[row] !== q) row++
  return row
}

function select(ws: SweepWorkspace, particles: Particles, base: number, rng: Rng): void {
  const { gamma, scale } = particles
  const { factor, matrix, rhs, visit, inclusion, logOdds } = ws
  rng.shuffle(visit)
  inclusion[0] = 1
  for (let step = 0; step < visit.length; step++) {
    const q = visit[step]
    const inside = gamma[base + q] === 1
    const row = inside ? rowOf(factor, q) : 0
    if (inside) column(factor, row)
    else pivot(factor, matrix, rhs, q)
    const others = factor.k - (inside ? 2 : 1)
    const probability = 1 / (1 + exp(-gain(factor, scale[base + q]) - logOdds[others]))
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
  if (log(rng.uniform()) < logRatio) {
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
  rng.normals(noise, k)
  for (let a = 0; a < k; a++) {
    mean[order[a]] = w[a]
    noise[a] += u[a]
  }
  solveTransposed(factor, noise)
  for (let a = 0; a < k; a++) beta[base + order[a]] = w[a]
}

function drawScales(ws: SweepWorkspace, particles: Particles, i: number, rng: Rng): void {
  const { p, beta, gamma, scale } = particles
  const { xtx, xz, hyper } = ws
  const { k, order } = ws.factor
  const half = hyper.v / 2
  const base = i * p
  let squares = ws.zz[0]
  for (let a = 0; a < k; a++) {
    const q = order[a]
    let fitted = 0
    for (let b = 0; b < k; b++) fitted += xtx[q * p + order[b]] * beta[base + order[b]]
    squares += beta[base + q] * (fitted - 2 * xz[q])
  }
  for (let q = 0; q < p; q++) {
    const b = beta[base + q]
    scale[base + q] = inverseGamma(rng, half + 0.5 * gamma[base + q], half * hyper.s2x[q] + 0.5 * b * b)
  }
  // Rounding may leave a perfect fit a little below zero.
  const residual = squares > 0 ? squares : 0
  particles.sigma2[i] = inverseGamma(rng, half + 0.5 * ws.n[0], half * hyper.s2y + 0.5 * residual)
}
