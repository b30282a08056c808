// How well a model foretells subjects' plays: what decides who has a say in an average (average.ts).
//
//   ℓ_k = log Σ_m w_m p(y_k | θ_m)     L = log Σ_m w_m Π_k p(y_k | θ_m)
//
// Every subject's plays are scored by every other subject's particles, I²·M·n terms. x'β of a song is the same for all
// plays of it, and so is the probability of hearing it to its end: a scorer computes both once per song and keeps
// them while it is the one in use, so score many subjects by one model before turning to the next.

import { exp, log } from "./elementary.js"
import { logNormalCdf } from "./normal-cdf.js"
import type { Observations } from "./observations.js"
import { logSumExp, type Particles } from "./particles.js"
import { plainKernel, type ScoreKernel, simdKernel } from "./score-kernel.js"

const HALF_LOG_2PI = 0.9189385332046727

/** How a model does on the target's plays. */
export interface Score {
  /** L: log mean over the particles of the joint density. */
  joint: number
  /** Length n: ℓ_k. */
  pointwise: Float64Array
}

export type Scorer = (observations: Observations) => Score

/** Scores `particles` on one target's plays. */
export function scoreModel(particles: Particles, observations: Observations): Score {
  return scorerOf(particles)(observations)
}

/** The score from log likelihoods (M × n) of any kind of model. `logWeights`: length M, unnormalised. */
export function scoreMatrix(logLik: Float64Array, logWeights: ArrayLike<number>, n: number): Score {
  const m = logWeights.length
  const total = logSumExp(logWeights)
  const joint = new Float64Array(m)
  const column = new Float64Array(m)
  const pointwise = new Float64Array(n)
  for (let i = 0; i < m; i++) joint[i] = logWeights[i] - total
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < m; i++) {
      joint[i] += logLik[i * n + k]
      column[i] = logWeights[i] - total + logLik[i * n + k]
    }
    pointwise[k] = logSumExp(column)
  }
  return { joint: logSumExp(joint), pointwise }
}

/** A scorer for several targets; the particles are copied. `kernel`: the inner loops, for tests. */
export function scorerOf(particles: Particles, kernel?: ScoreKernel): Scorer {
  const model = pack(particles)
  return (observations) => scorePacked(model, observations, kernel ?? sharedKernel())
}

/** Particles in the order of the kernel: pair after pair, one of weight 0 at the end of an odd number. */
interface PackedModel {
  m: number
  p: number
  pairs: number
  /** pairs × P × 2. */
  beta: Float64Array
  /** pairs × 2 each: 1/σ, w/(σ√2π), w; log(1/(σ√2π)) and log w, normalised. */
  precision: Float64Array
  densityWeight: Float64Array
  weight: Float64Array
  constant: Float64Array
  logWeights: Float64Array
}

function pack(particles: Particles): PackedModel {
  const { m, p, beta, sigma2 } = particles
  const pairs = (m + 1) >> 1
  const column = (): Float64Array => new Float64Array(2 * pairs)
  const total = logSumExp(particles.logWeights)
  const model: PackedModel = {
    m,
    p,
    pairs,
    beta: new Float64Array(pairs * p * 2),
    precision: column().fill(1),
    densityWeight: column(),
    weight: column(),
    constant: column(),
    logWeights: column(),
  }
  for (let i = 0; i < m; i++) {
    model.precision[i] = 1 / Math.sqrt(sigma2[i])
    model.constant[i] = -HALF_LOG_2PI - 0.5 * log(sigma2[i])
    model.logWeights[i] = particles.logWeights[i] - total
    model.densityWeight[i] = exp(model.logWeights[i] + model.constant[i])
    model.weight[i] = exp(model.logWeights[i])
    for (let q = 0; q < p; q++) model.beta[((i >> 1) * p + q) * 2 + (i & 1)] = beta[i * p + q]
  }
  return model
}

/** What of a model lies in a kernel's memory: places of its columns. */
interface Loaded {
  model: PackedModel
  beta: number
  precision: number
  densityWeight: number
  weight: number
  joint: number
  /** Features of one song: column numbers and values, P doubles each. */
  column: number
  value: number
  /** First place for columns of songs, and the first free one. */
  songs: number
  free: number
  bySong: Map<number, SongColumns>
}

interface SongColumns {
  /** Length P. */
  x: Float64Array
  /** Place of x'β. */
  mu: number
  /** By bound: place of the log survival, and its mean probability. */
  survival: Map<number, { at: number; probability: number }>
}

const loaded = new WeakMap<ScoreKernel, Loaded>()
let shared: ScoreKernel | undefined

function sharedKernel(): ScoreKernel {
  shared ??= simdKernel() ?? plainKernel()
  return shared
}

/** Columns of songs are forgotten when they take more than this, bytes. */
const MOST_COLUMNS = 64 << 20

function load(kernel: ScoreKernel, model: PackedModel): Loaded {
  const found = loaded.get(kernel)
  if (found?.model === model) return found
  const size = 16 * model.pairs
  let free = kernel.start
  const take = (bytes: number): number => {
    const at = free
    free += 16 * Math.ceil(bytes / 16)
    return at
  }
  const state: Loaded = {
    model,
    beta: take(model.beta.byteLength),
    precision: take(size),
    densityWeight: take(size),
    weight: take(size),
    joint: take(size),
    column: take(8 * model.p),
    value: take(8 * model.p),
    songs: free,
    free,
    bySong: new Map(),
  }
  const memory = kernel.memory(free)
  for (const name of ["beta", "precision", "densityWeight", "weight"] as const) {
    memory.set(model[name], state[name] / 8)
  }
  loaded.set(kernel, state)
  return state
}

/** A density this small is summed again in logs. */
const UNDERFLOW = 1e-280

function scorePacked(model: PackedModel, observations: Observations, kernel: ScoreKernel): Score {
  const { m, p, pairs, constant, logWeights } = model
  const { n, y, censored } = observations
  if (observations.p !== p) {
    throw new RangeError(`observations: ${observations.p} columns, but the model has ${p}`)
  }
  const state = load(kernel, model)
  // Room for every column that the plays may need.
  if (state.free - state.songs > MOST_COLUMNS) {
    state.free = state.songs
    state.bySong.clear()
  }
  const memory = kernel.memory(state.free + 32 * pairs * n)
  const { joint, precision } = state
  memory.fill(0, joint / 8, joint / 8 + 2 * pairs)
  const pointwise = new Float64Array(n)
  let events = 0
  for (let k = 0; k < n; k++) {
    const columns = columnsOf(state, kernel, memory, observations, k)
    const { mu } = columns
    let probability: number
    if (censored[k] === 0) {
      events++
      probability = kernel.event(pairs, precision, state.densityWeight, mu, y[k], joint)
    } else {
      const survival = survivalOf(state, kernel, columns, y[k])
      kernel.add(pairs, survival.at, joint)
      probability = survival.probability
    }
    pointwise[k] =
      probability > UNDERFLOW ? log(probability) : scoreInLogs(model, memory, mu, y[k], censored[k])
  }
  const total = new Float64Array(m)
  for (let i = 0; i < m; i++) total[i] = memory[joint / 8 + i] + events * constant[i] + logWeights[i]
  return { joint: logSumExp(total), pointwise }
}

/** The columns of the song of play k. */
function columnsOf(
  state: Loaded,
  kernel: ScoreKernel,
  memory: Float64Array,
  { x, song }: Observations,
  k: number,
): SongColumns {
  const { pairs, p } = state.model
  const known = state.bySong.get(song[k])
  if (known !== undefined && sameRow(known.x, x, k * p)) return known
  const row = x.slice(k * p, (k + 1) * p)
  let features = 0
  for (let q = 0; q < p; q++) {
    if (row[q] === 0) continue
    memory[state.column / 8 + features] = q
    memory[state.value / 8 + features] = row[q]
    features++
  }
  const mu = state.free
  state.free += 16 * pairs
  kernel.means(pairs, p, state.beta, features, state.column, state.value, mu)
  const made = { x: row, mu, survival: new Map() }
  state.bySong.set(song[k], made)
  return made
}

function sameRow(row: Float64Array, x: Float64Array, at: number): boolean {
  for (let q = 0; q < row.length; q++) if (row[q] !== x[at + q]) return false
  return true
}

function survivalOf(
  state: Loaded,
  kernel: ScoreKernel,
  { mu, survival }: SongColumns,
  bound: number,
): { at: number; probability: number } {
  const known = survival.get(bound)
  if (known !== undefined) return known
  const { pairs } = state.model
  const at = state.free
  state.free += 16 * pairs
  const made = { at, probability: kernel.survivals(pairs, state.precision, state.weight, mu, bound, at) }
  survival.set(bound, made)
  return made
}

/** ℓ of a play, however small its probability is. */
function scoreInLogs(
  { m, precision, constant, logWeights }: PackedModel,
  memory: Float64Array,
  mu: number,
  y: number,
  censored: number,
): number {
  const terms = new Float64Array(m)
  for (let i = 0; i < m; i++) {
    const e = (y - memory[mu / 8 + i]) * precision[i]
    terms[i] = logWeights[i] + (censored === 1 ? logNormalCdf(-e) : constant[i] - 0.5 * e * e)
  }
  return logSumExp(terms)
}
