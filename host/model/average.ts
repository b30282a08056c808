// Model averaging: how much of other listeners' models, and of the aggregate, goes into one subject's predictions
// (Chung 2007, eq. 16-19).
//
//   ŷ*_j = Σ_m π_m Γ_mj ŷ_mj / Σ_m π_m Γ_mj,  Γ_mj = 1 where model m knows song j, always 1 for the target's own
//
// Everything in logs. Weights by name; n plays of the target, ℓ_mk = log predictive density of play k under model m,
// L_m = log of the mean over the particles of the joint density of all n plays:
//   density    Σ_k exp ℓ_mk / Σ_k exp ℓ_0k        ratio of mean densities: profile thesis, closest to its table 8
//   geometric  exp((L_m − L_0)/n)
//   bayes      exp(L_m − L_0)                      the printed eq. 18
//   stacking   maximise Σ_k log Σ_m π_m exp ℓ_mk   Yao, Vehtari, Simpson & Gelman 2018; own ℓ_0k left-one-out
//   marginal   π_m ∝ prior_m · exp L_m, the own L_0 being log p(plays | prior), not the fit to its own data
// Which of them is used when: borrow.ts.

import { smoothWeights } from "./diagnose.js"
import { exp, log } from "./elementary.js"
import { logLikelihoodMatrix } from "./likelihood.js"
import type { Observations } from "./observations.js"
import { logSumExp, type Particles } from "./particles.js"
import type { Predictions } from "./predict.js"
import type { Score } from "./score.js"
import { stackingWeights } from "./stacking.js"

export type Averaging = "density" | "geometric" | "bayes" | "stacking" | "marginal"

/** Leave-one-out ℓ_k of a model fitted to these very plays, by Pareto smoothed importance sampling (Vehtari,
 *  Gelman & Gabry 2017), length n; `khat`: the worst of the plays, null where none could be told. */
export function leaveOneOut(
  particles: Particles,
  observations: Observations,
): { pointwise: Float64Array; khat: number | null } {
  const { m, logWeights } = particles
  const { n } = observations
  const logLik = logLikelihoodMatrix(particles, observations)
  const pointwise = new Float64Array(n)
  const ratios = new Float64Array(m)
  const terms = new Float64Array(m)
  let worst: number | null = null
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < m; i++) ratios[i] = logWeights[i] - logLik[i * n + k]
    const smooth = smoothWeights(ratios)
    if (smooth.khat !== null && (worst === null || smooth.khat > worst)) worst = smooth.khat
    for (let i = 0; i < m; i++) terms[i] = smooth.logWeights[i] + logLik[i * n + k]
    pointwise[k] = logSumExp(terms) - logSumExp(smooth.logWeights)
  }
  return { pointwise, khat: worst }
}

/**
 * Log weights π, the own model first, then the donors in their order; unnormalised (the own is 0 for the first
 * three). `own`: for `marginal` its `joint` is the log evidence (evidence.ts), for `stacking` its `pointwise` is
 * left-one-out. `logPrior`: length 1 + donors, for `marginal`; without it half for the own model and half
 * for the donors together.
 */
export function averagingWeights(
  method: Averaging,
  own: Score,
  donors: readonly Score[],
  logPrior?: ArrayLike<number>,
): Float64Array {
  const n = own.pointwise.length
  const weights = new Float64Array(1 + donors.length)
  if (donors.length === 0) return weights
  if (method === "stacking") return stackingWeights([own, ...donors].map((score) => score.pointwise))
  if (method === "marginal") {
    weights[0] = own.joint + (logPrior?.[0] ?? -Math.LN2)
    donors.forEach((score, d) => {
      weights[d + 1] = score.joint + (logPrior?.[d + 1] ?? -log(2 * donors.length))
    })
    return weights
  }
  donors.forEach((score, d) => {
    if (method === "bayes") weights[d + 1] = score.joint - own.joint
    else if (method === "geometric") weights[d + 1] = n > 0 ? (score.joint - own.joint) / n : 0
    else weights[d + 1] = n > 0 ? logSumExp(score.pointwise) - logSumExp(own.pointwise) : 0
  })
  return weights
}

/**
 * Log density of each of n plays under the average: log Σ_m π_m Γ_mk exp ℓ_mk / Σ_m π_m Γ_mk. `pointwise`: ℓ per model,
 * the own first; `logWeights`: one per model, unnormalised; `known`: per model Γ_mk, length n, where it is not 1.
 */
export function mixtureLogDensity(
  pointwise: readonly Float64Array[],
  logWeights: ArrayLike<number>,
  known: readonly (Uint8Array | undefined)[],
): Float64Array {
  const models = pointwise.length
  const n = pointwise[0].length
  const density = new Float64Array(n)
  const weights = new Float64Array(models)
  const terms = new Float64Array(models)
  for (let k = 0; k < n; k++) {
    for (let m = 0; m < models; m++) {
      weights[m] = m === 0 || known[m] === undefined || known[m]![k] === 1 ? logWeights[m] : -Infinity
      terms[m] = weights[m] + pointwise[m][k]
    }
    const total = logSumExp(weights)
    // With every weight 0 the own model speaks alone, as in averagePredictions.
    density[k] = Number.isFinite(total) ? logSumExp(terms) - total : pointwise[0][k]
  }
  return density
}

/** One model's part in an average. */
export interface Contribution {
  predictions: Predictions
  /** Length n: Γ, 1 where the model may speak of the song; left out: of all of them. */
  known?: Uint8Array
}

/**
 * Averages predictions for n songs. `logWeights`: one per contribution, unnormalised. The first one is the
 * target's own, which knows every song, so that every song has an answer.
 */
export function averagePredictions(
  parts: readonly Contribution[],
  logWeights: ArrayLike<number>,
): Predictions {
  const n = parts[0].predictions.logTime.length
  const result: Predictions = {
    logTime: new Float64Array(n),
    seconds: new Float64Array(n),
    share: new Float64Array(n),
  }
  const terms = new Float64Array(parts.length)
  for (let j = 0; j < n; j++) {
    for (let m = 0; m < parts.length; m++) {
      const { known } = parts[m]
      terms[m] = m === 0 || known === undefined || known[j] === 1 ? logWeights[m] : Number.NEGATIVE_INFINITY
    }
    const total = logSumExp(terms)
    for (let m = 0; m < parts.length; m++) {
      // With every weight 0 (all logs −∞) the own model speaks alone.
      const weight = Number.isFinite(total) ? exp(terms[m] - total) : m === 0 ? 1 : 0
      if (weight === 0) continue
      result.logTime[j] += weight * parts[m].predictions.logTime[j]
      result.seconds[j] += weight * parts[m].predictions.seconds[j]
      result.share[j] += weight * parts[m].predictions.share[j]
    }
  }
  return result
}
