// How well a model foretells subjects' plays: what decides who has a say in an average (average.ts).
//
//   ℓ_k = log Σ_m w_m p(y_k | θ_m)     L = log Σ_m w_m Π_k p(y_k | θ_m)
//
// Every subject's plays are scored by every other subject's particles, I²·M·n terms. x'β of a song is the same for all
// plays of it, and so is the probability of hearing it to its end: a scorer computes both once per song and keeps
// them while it is the one in use, so score many subjects by one model before turning to the next.

import {
  clearJoint,
  columnsOf,
  type OpenModel,
  openModel,
  type PackedModel,
  pack,
  survivalOf,
} from "./columns.js"
import { log } from "./elementary.js"
import type { Kernel } from "./kernel.js"
import { logNormalCdf } from "./normal-cdf.js"
import type { Observations } from "./observations.js"
import { logSumExp, type Particles } from "./particles.js"

/** How a model does on the target's plays. */
export interface Score {
  /** L: log mean over the particles of the joint density; computed when it is first asked for. */
  readonly joint: number
  /** Length n: ℓ_k; computed when it is first asked for. */
  readonly pointwise: Float64Array
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
export function scorerOf(particles: Particles, kernel?: Kernel): Scorer {
  const model = pack(particles)
  return (observations) => {
    if (observations.p !== model.p) {
      throw new RangeError(`observations: ${observations.p} columns, but the model has ${model.p}`)
    }
    let joint: number | undefined
    let pointwise: Float64Array | undefined
    return {
      get joint() {
        joint ??= jointScore(model, observations, kernel)
        return joint
      },
      get pointwise() {
        pointwise ??= pointwiseScore(model, observations, kernel)
        return pointwise
      },
    }
  }
}

function jointScore(model: PackedModel, observations: Observations, kernel?: Kernel): number {
  const { m, pairs, constant, logWeights } = model
  const { n, y, censored } = observations
  const state = openModel(model, n, kernel)
  const { joint, precision } = state
  clearJoint(state)
  let events = 0
  for (let k = 0; k < n; k++) {
    const columns = columnsOf(state, observations, k)
    if (censored[k] === 0) {
      events++
      state.kernel.squares(pairs, precision, columns.mu, y[k], 1, joint)
    } else state.kernel.add(pairs, survivalOf(state, columns, y[k]), 1, joint)
  }
  const total = new Float64Array(m)
  for (let i = 0; i < m; i++) total[i] = state.memory[joint / 8 + i] + events * constant[i] + logWeights[i]
  return logSumExp(total)
}

/** A density this small is summed again in logs. */
const UNDERFLOW = 1e-280

function pointwiseScore(model: PackedModel, observations: Observations, kernel?: Kernel): Float64Array {
  const { n, y, censored } = observations
  const state = openModel(model, n, kernel)
  const { precision, densityWeight } = state
  return Float64Array.from({ length: n }, (_, k) => {
    const columns = columnsOf(state, observations, k)
    const probability =
      censored[k] === 0
        ? state.kernel.density(model.pairs, precision, densityWeight, columns.mu, y[k])
        : state.kernel.mean(model.pairs, state.weight, survivalOf(state, columns, y[k]))
    return probability > UNDERFLOW ? log(probability) : scoreInLogs(state, columns.mu, y[k], censored[k])
  })
}

/** ℓ of a play, however small its probability is. */
function scoreInLogs({ model, memory }: OpenModel, mu: number, y: number, censored: number): number {
  const { m, precision, constant, logWeights } = model
  const terms = new Float64Array(m)
  for (let i = 0; i < m; i++) {
    const e = (y - memory[mu / 8 + i]) * precision[i]
    terms[i] = logWeights[i] + (censored === 1 ? logNormalCdf(-e) : constant[i] - 0.5 * e * e)
  }
  return logSumExp(terms)
}
