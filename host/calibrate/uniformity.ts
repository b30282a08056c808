// Are ranks uniform, and are shares what they should be? The tests behind a calibration, with their p-values.
//
//   chiSquareTail(x, df)              P(χ²_df > x)
//   uniformity(ranks, values, bins)   Pearson's χ² of ranks in equal bins against the uniform distribution
//   holm(ps)                          p-values corrected for their number (Holm 1979)
//   binomialRange(n, p, alpha)        where a binomial share falls with probability ≥ 1 − alpha

import { exp, log, log1p } from "../model/elementary.js"
import { logNormalCdf } from "../model/normal-cdf.js"

/**
 * Upper tail of χ² with `df` ≥ 1 degrees of freedom (an integer) at x ≥ 0, from
 * Q(a + 1, t) = Q(a, t) + tᵃe⁻ᵗ/Γ(a + 1), Q(½, t) = erfc √t, Q(1, t) = e⁻ᵗ with t = x/2 (Abramowitz & Stegun
 * 6.5.21, 6.5.17): every term is positive, so nothing cancels.
 */
export function chiSquareTail(x: number, df: number): number {
  if (!Number.isInteger(df) || df < 1 || !(x >= 0)) {
    throw new RangeError(`chiSquareTail: needs x ≥ 0 and a whole df ≥ 1, got x = ${x}, df = ${df}`)
  }
  if (x === 0) return 1
  const t = x / 2
  const odd = df % 2 === 1
  let tail = odd ? 2 * exp(logNormalCdf(-Math.sqrt(x))) : exp(-t)
  // log of tᵃe⁻ᵗ/Γ(a + 1) at a = ½ or 1: Γ(3/2) = √π/2.
  let logTerm = odd ? 0.5 * log(t) - t - log(Math.sqrt(Math.PI) / 2) : log(t) - t
  for (let a = odd ? 0.5 : 1; a < df / 2; a++) {
    tail += exp(logTerm)
    logTerm += log(t / (a + 1))
  }
  return Math.min(1, tail)
}

/** `ranks`: integers 0 … values − 1; `bins` divides `values`. */
export function uniformity(
  ranks: readonly number[],
  values: number,
  bins: number,
): { chi2: number; p: number } {
  if (values % bins !== 0)
    throw new RangeError(`uniformity: ${bins} bins do not divide ${values} ranks evenly`)
  const counts = new Float64Array(bins)
  for (const rank of ranks) counts[Math.floor((rank * bins) / values)]++
  const expected = ranks.length / bins
  let chi2 = 0
  for (const count of counts) chi2 += (count - expected) ** 2 / expected
  return { chi2, p: chiSquareTail(chi2, bins - 1) }
}

/** Corrected p-values in the order given: below α for none of them, with probability ≥ 1 − α, where all hold. */
export function holm(ps: readonly number[]): number[] {
  const order = Array.from(ps.keys()).sort((a, b) => ps[a] - ps[b] || a - b)
  const corrected = new Array<number>(ps.length)
  let largest = 0
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[index]))
    corrected[index] = largest
  })
  return corrected
}

/** Smallest and largest share of `n` trials of probability p (0 < p < 1) that leave at most alpha/2 beyond each. */
export function binomialRange(n: number, p: number, alpha: number): [number, number] {
  return [lowestCount(n, p, alpha / 2) / n, 1 - lowestCount(n, 1 - p, alpha / 2) / n]
}

/** The largest count k with P(X < k) ≤ alpha. */
function lowestCount(n: number, p: number, alpha: number): number {
  const logOdds = log(p / (1 - p))
  let logMass = n * log1p(-p)
  let below = exp(logMass)
  let k = 0
  while (below <= alpha && k < n) {
    logMass += log((n - k) / (k + 1)) + logOdds
    k++
    below += exp(logMass)
  }
  return k
}
