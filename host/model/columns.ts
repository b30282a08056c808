// A model's columns: what x'β, and the log probability of hearing on past a bound, are under every particle, song by song.
//
// x'β of a song is the same for all plays of it, and so is the probability of hearing it to its end. Both are computed
// once per song, by the kernel (kernel.ts), and stay in its memory while the model is the one in use.

import { exp, log } from "./elementary.js"
import { type Kernel, plainKernel, simdKernel } from "./kernel.js"
import type { Observations } from "./observations.js"
import { logSumExp, type Particles } from "./particles.js"

const HALF_LOG_2PI = 0.9189385332046727

/** Particles in the order of the kernel: pair after pair, one of weight 0 at the end of an odd number. */
export interface PackedModel {
  m: number
  p: number
  pairs: number
  /** P × (pairs × 2). */
  beta: Float64Array
  /** pairs × 2 each: σ, 1/σ, w/(σ√2π), w; log(1/(σ√2π)) and log w, normalised. */
  sigma: Float64Array
  precision: Float64Array
  densityWeight: Float64Array
  weight: Float64Array
  constant: Float64Array
  logWeights: Float64Array
}

export function pack(particles: Particles): PackedModel {
  const { m, p, beta, sigma2 } = particles
  const pairs = (m + 1) >> 1
  const column = (): Float64Array => new Float64Array(2 * pairs)
  const total = logSumExp(particles.logWeights)
  const model: PackedModel = {
    m,
    p,
    pairs,
    beta: new Float64Array(pairs * p * 2),
    sigma: column().fill(1),
    precision: column().fill(1),
    densityWeight: column(),
    weight: column(),
    constant: column(),
    logWeights: column(),
  }
  for (let i = 0; i < m; i++) {
    model.sigma[i] = Math.sqrt(sigma2[i])
    model.precision[i] = 1 / model.sigma[i]
    model.constant[i] = -HALF_LOG_2PI - 0.5 * log(sigma2[i])
    model.logWeights[i] = particles.logWeights[i] - total
    model.densityWeight[i] = exp(model.logWeights[i] + model.constant[i])
    model.weight[i] = exp(model.logWeights[i])
    for (let q = 0; q < p; q++) model.beta[2 * pairs * q + i] = beta[i * p + q]
  }
  return model
}

/** A model in a kernel's memory: places of its columns. */
export interface OpenModel {
  kernel: Kernel
  model: PackedModel
  /** The kernel's memory as of the last `openModel`. */
  memory: Float64Array
  beta: number
  sigma: number
  precision: number
  densityWeight: number
  weight: number
  joint: number
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
  /** By bound: place of the log survival. */
  survival: Map<number, number>
}

const opened = new WeakMap<Kernel, OpenModel>()
let shared: Kernel | undefined

function sharedKernel(): Kernel {
  shared ??= simdKernel() ?? plainKernel()
  return shared
}

/** Columns of songs are forgotten when they take more than this, bytes. */
const MOST_COLUMNS = 64 << 20

/** Makes a model the one in use, with room for the columns of `plays` more plays. */
export function openModel(model: PackedModel, plays: number, kernel = sharedKernel()): OpenModel {
  const found = opened.get(kernel)
  const state = found?.model === model ? found : loadModel(model, kernel)
  if (state.free - state.songs > MOST_COLUMNS) {
    state.free = state.songs
    state.bySong.clear()
  }
  // Two columns for a play: its song's x'β and its survival.
  state.memory = kernel.memory(state.free + 2 * plays * columnBytes(model))
  return state
}

const columnBytes = ({ pairs }: PackedModel): number => 16 * pairs

function loadModel(model: PackedModel, kernel: Kernel): OpenModel {
  const size = columnBytes(model)
  let free = kernel.start
  const take = (bytes: number): number => {
    const at = free
    free += 16 * Math.ceil(bytes / 16)
    return at
  }
  const places = {
    beta: take(model.beta.byteLength),
    sigma: take(size),
    precision: take(size),
    densityWeight: take(size),
    weight: take(size),
    joint: take(size),
  }
  const memory = kernel.memory(free)
  for (const name of ["beta", "sigma", "precision", "densityWeight", "weight"] as const) {
    memory.set(model[name], places[name] / 8)
  }
  const state: OpenModel = { kernel, model, memory, ...places, songs: free, free, bySong: new Map() }
  opened.set(kernel, state)
  return state
}

/** Sets the joint column to 0. */
export function clearJoint({ memory, joint, model }: OpenModel): void {
  memory.fill(0, joint / 8, joint / 8 + 2 * model.pairs)
}

/** The columns of the song of play k. */
export function columnsOf(state: OpenModel, { x, song }: Observations, k: number): SongColumns {
  const { p } = state.model
  const known = state.bySong.get(song[k])
  if (known !== undefined && sameRow(known.x, x, k * p)) return known
  const row = x.slice(k * p, (k + 1) * p)
  const mu = state.free
  state.free += columnBytes(state.model)
  meansOf(state, x, k * p, mu)
  const made = { x: row, mu, survival: new Map() }
  state.bySong.set(song[k], made)
  return made
}

/** x'β of the features from place `from` of `x` on, into column `mu`. */
export function meansOf(state: OpenModel, x: Float64Array, from: number, mu: number): void {
  const { kernel, memory, beta, model } = state
  const { pairs, p } = model
  const size = columnBytes(model)
  memory.fill(0, mu / 8, mu / 8 + 2 * pairs)
  for (let q = 0; q < p; q++) if (x[from + q] !== 0) kernel.add(pairs, beta + q * size, x[from + q], mu)
}

function sameRow(row: Float64Array, x: Float64Array, at: number): boolean {
  for (let q = 0; q < row.length; q++) if (row[q] !== x[at + q]) return false
  return true
}

/** Place of the log probability of hearing on past `bound`. */
export function survivalOf(state: OpenModel, { mu, survival }: SongColumns, bound: number): number {
  const known = survival.get(bound)
  if (known !== undefined) return known
  const { kernel, model, precision } = state
  const at = state.free
  state.free += columnBytes(model)
  kernel.survivals(model.pairs, precision, mu, bound, at)
  survival.set(bound, at)
  return at
}
