// Hyperparameters of the prior (Chung 2007, eq. 7), frozen at a subject's first block.
//
//   γ_p ~ Bernoulli(π), or the number of γ_p = 1 Beta-binomial(1, (J − s)/s) over J attributes, of mean s
//                               β_p | γ_p = 1, S_p ~ N(m_p, S_p), m_p = 0 except for the constant
//   S_p ~ IG(v/2, v·s²_p/2)     so that β_p ~ t_v(m_p, s_p) marginally
//   σ²  ~ IG(v/2, v·s²_y/2)
//
// s²_p: sample variance of column p over the catalogue; s²_y: sample variance of y in the first block. The
// constant is always in; its rule would give it scale var(1) = 0, so it has the mean and the spread of y instead.

import type { FeatureSpec } from "./features.js"
import type { Observations } from "./observations.js"
import type { Rng } from "./random.js"

/** Where no estimate can be given, why. */
export interface NoAnswer {
  reason: string
}

export interface Hyper {
  /** Length P, coefficient names. */
  names: string[]
  /** Degrees of freedom of the coefficients' and the variance's priors. */
  v: number
  /** Prior probability that an attribute is in the model, 0 < π ≤ 1; 1 = all are in. */
  pi: number
  /** s, 0 < s < J: expected number of attributes in the model, with π drawn from Beta(1, (J − s)/s) (Ley & Steel
   *  2009), so that the data decide how sparse a taste is. Left out: π as given. */
  expectedSize?: number
  /** Length P: s²_p, and the variance scale of the constant at 0. */
  s2x: number[]
  s2y: number
  /** Prior mean of the constant: on the scale of y. */
  constantMean: number
  /** What had to be decided without data. */
  notes: string[]
}

/** Degrees of freedom of the thesis's priors (p. 29). */
export const PRIOR_DF = 5
/** Prior inclusion probability of the thesis (p. 29). */
const PRIOR_INCLUSION = 0.5
/** Variance of log time assumed where one play, or equal plays, give none: a factor e either way. */
const UNKNOWN_VARIANCE = 1

export interface PriorOptions {
  /** 0 < π ≤ 1, default ½. */
  pi?: number
  /** 0 < s < number of attributes; takes the place of `pi`. */
  expectedSize?: number
}

/**
 * The prior that a subject keeps from its first block on; a reason where there is not one play.
 * @throws RangeError where an option breaks its rule
 */
export function freezePrior(
  observations: Observations,
  spec: FeatureSpec,
  options: PriorOptions = {},
): Hyper | NoAnswer {
  const { n, y } = observations
  const { pi = PRIOR_INCLUSION, expectedSize } = options
  if (!(pi > 0 && pi <= 1)) throw new RangeError(`pi: must be above 0 and at most 1, got ${pi}`)
  const attributes = spec.names.length - 1
  if (expectedSize !== undefined && !(expectedSize > 0 && expectedSize < attributes)) {
    throw new RangeError(
      `expectedSize: must lie between 0 and the ${attributes} attributes, got ${expectedSize}`,
    )
  }
  if (n === 0) return { reason: "no plays: the scale of the listening times is unknown" }
  let mean = 0
  for (let k = 0; k < n; k++) mean += y[k]
  mean /= n
  let squares = 0
  for (let k = 0; k < n; k++) squares += (y[k] - mean) * (y[k] - mean)
  const variance = n > 1 ? squares / (n - 1) : 0
  const notes: string[] = []
  let s2y = variance
  if (!(variance > 1e-12 * Math.max(1, mean * mean))) {
    s2y = UNKNOWN_VARIANCE
    notes.push(
      n === 1
        ? `one play gives no variance of log time: ${UNKNOWN_VARIANCE} is assumed`
        : `all ${n} plays have the same length: a variance of log time of ${UNKNOWN_VARIANCE} is assumed`,
    )
  }
  return {
    names: [...spec.names],
    v: PRIOR_DF,
    pi,
    ...(expectedSize === undefined ? {} : { expectedSize }),
    s2x: [s2y, ...spec.variances.slice(1)],
    s2y,
    constantMean: mean,
    notes,
  }
}

/** b of the Beta(1, b) that π follows; undefined where π is fixed. */
export function sizePrior({ names, expectedSize }: Hyper): number | undefined {
  return expectedSize === undefined ? undefined : (names.length - 1 - expectedSize) / expectedSize
}

/** A draw from IG(shape, rate): density ∝ t^(−shape−1)·exp(−rate/t). */
export function inverseGamma(rng: Rng, shape: number, rate: number): number {
  return rate / rng.gamma(shape)
}
