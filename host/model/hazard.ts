// The hazard curve: how likely a listener is to skip in the next moment, of those who have listened so far (Chung
// 2007, figure 1).
//
//   h(t) = f(t)/S(t) = φ(r) / [σ t Φ(−r)],  r = (log t − x'β)/σ
//
//   hazardCurve(particles, x, times, probabilities) → one curve per probability, quantiles over the posterior
//
// Per unit of the time in which the plays are; σ near .5 rises and then falls, σ near 2 peaks so early that it falls
// practically from the start. φ/Φ is taken in logs in the middle, where f and S may be too small to be held, and
// from the continued fraction of Mills' ratio far out, where their logs would cancel (Abramowitz & Stegun 26.2.14).

import { exp, log } from "./elementary.js"
import { logNormalCdf } from "./normal-cdf.js"
import { normalisedWeights, type Particles } from "./particles.js"
import { weightedQuantile } from "./predict.js"

const HALF_LOG_2PI = 0.9189385332046727
/** From here on 60 terms of the continued fraction give all digits. */
const FAR = 5
const TERMS = 60

/** log of φ(r)/Φ(−r), the standard normal hazard. */
function logNormalHazard(r: number): number {
  if (r < FAR) return -HALF_LOG_2PI - 0.5 * r * r - logNormalCdf(-r)
  // Φ(−r)/φ(r) = 1/(r + 1/(r + 2/(r + 3/(r + …))))
  let fraction = r
  for (let k = TERMS; k > 0; k--) fraction = r + k / fraction
  return log(fraction)
}

/** log of the hazard of log time at `y`, per unit of log time: mean `mu`, standard deviation `sigma` (> 0). */
export function logHazard(y: number, mu: number, sigma: number): number {
  return logNormalHazard((y - mu) / sigma) - log(sigma)
}

/**
 * Quantiles of the hazard over the particles, by weight.
 *
 * @param x length P: the song's columns
 * @param times > 0 and finite, in the unit of the plays
 * @param probabilities between 0 and 1
 * @returns one array per probability, as long as `times`, per unit of time
 * @throws RangeError where a time or a probability is out of range, or x is not of length P
 */
export function hazardCurve(
  particles: Particles,
  x: ArrayLike<number>,
  times: readonly number[],
  probabilities: readonly number[],
): Float64Array[] {
  const { m, p, beta, sigma2, logWeights } = particles
  if (x.length !== p) throw new RangeError(`hazardCurve: x has ${x.length} columns, the particles ${p}`)
  const strange = times.find((t) => !(t > 0 && t < Number.POSITIVE_INFINITY))
  if (strange !== undefined)
    throw new RangeError(`hazardCurve: times must be above 0 and finite, got ${strange}`)
  const outside = probabilities.find((q) => !(q > 0 && q < 1))
  if (outside !== undefined) {
    throw new RangeError(`hazardCurve: probabilities must lie between 0 and 1, got ${outside}`)
  }
  const weights = normalisedWeights(logWeights)
  const mu = new Float64Array(m)
  for (let i = 0; i < m; i++) for (let q = 0; q < p; q++) mu[i] += x[q] * beta[i * p + q]
  const curves = probabilities.map(() => new Float64Array(times.length))
  const values = new Float64Array(m)
  times.forEach((t, k) => {
    const y = log(t)
    for (let i = 0; i < m; i++) values[i] = logHazard(y, mu[i], Math.sqrt(sigma2[i])) - y
    probabilities.forEach((probability, c) => {
      curves[c][k] = exp(weightedQuantile(values, weights, probability))
    })
  })
  return curves
}
