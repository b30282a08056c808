// How two measures of the same listeners go together.
//
//   Pearson    r = Σ(x − x̄)(y − ȳ)/√(Σ(x − x̄)² Σ(y − ȳ)²)
//   Spearman   r of the ranks; equal values share the mean of their ranks
//   p          of t = r√((n − 2)/(1 − r²)) with n − 2 degrees of freedom, two-sided; for ranks of fewer than 10 listeners,
//              where that is coarse, the share of all permutations with so large an |r|
//   interval   tanh(artanh r ± 1.96·se), se = 1/√(n − 3) (Fisher, Metron 1, 1921); for ranks
//              se = √((1 + r²/2)/(n − 3)) (Bonett & Wright, Psychometrika 65, 2000, doi:10.1007/BF02294183)
//
// exp and log are the project's own: the same bits on every machine.

import { exp, log1p } from "../../model/elementary.js"
import { type NoTest, twoSidedP } from "./welch.js"

export interface Correlation {
  n: number
  r: number
  /** Bounds of the 95 % interval. */
  low: number
  high: number
  /** Two-sided. */
  p: number
}

/** Fewer leave nothing for the standard error of Fisher's z, which has n − 3. */
const LEAST = 4
/** Of the normal distribution, for 95 %. */
const Z_95 = 1.959963984540054
/** Sums of squares below this share of what they are the difference of are rounding. */
const ROUNDING = 1e-14

/** Pearson's correlation of pairs of finite numbers, or why there is none. */
export function pearson(pairs: readonly (readonly [number, number])[]): Correlation | NoTest {
  return correlation(pairs, (_, n) => 1 / Math.sqrt(n - 3))
}

/** Spearman's rank correlation of pairs of finite numbers, or why there is none. */
export function spearman(pairs: readonly (readonly [number, number])[]): Correlation | NoTest {
  const [x, y] = [0, 1].map((i) => ranks(pairs.map((pair) => pair[i])))
  const found = correlation(
    pairs.map((_, i) => [x[i], y[i]] as const),
    (r, n) => Math.sqrt((1 + (r * r) / 2) / (n - 3)),
  )
  return "reason" in found || found.n >= EXACT_BELOW ? found : { ...found, p: permutationP(x, y) }
}

/** Fewer listeners have at most 9! = 362,880 permutations. */
const EXACT_BELOW = 10

/** Share of the orders of y in which the ranks x and y go together as strongly as they do, either way. */
function permutationP(x: readonly number[], y: readonly number[]): number {
  const n = x.length
  // Twice the ranks are whole numbers, so that sums compare exactly; n times Σxy less Σx Σy is n² the covariance.
  const [a, b] = [x, y].map((values) => values.map((rank) => 2 * rank))
  const sums = a.reduce((sum, value) => sum + value, 0) * b.reduce((sum, value) => sum + value, 0)
  const strength = (product: number): number => Math.abs(n * product - sums)
  const found = strength(a.reduce((sum, value, i) => sum + value * b[i], 0))
  let orders = 0
  let strong = 0
  const place = (at: number, product: number): void => {
    if (at === n) {
      orders++
      if (strength(product) >= found) strong++
      return
    }
    for (let i = at; i < n; i++) {
      ;[b[at], b[i]] = [b[i], b[at]]
      place(at + 1, product + a[at] * b[at])
      ;[b[at], b[i]] = [b[i], b[at]]
    }
  }
  place(0, 0)
  return strong / orders
}

function correlation(
  pairs: readonly (readonly [number, number])[],
  standardError: (r: number, n: number) => number,
): Correlation | NoTest {
  const n = pairs.length
  for (const value of pairs.flat()) {
    if (!Number.isFinite(value)) throw new RangeError(`correlation: ${value} is not a finite number`)
  }
  if (n < LEAST) return { reason: `fewer than ${LEAST} subjects have both: ${n}` }
  const sums = { xx: 0, yy: 0, xy: 0 }
  const [meanX, meanY] = [mean(pairs.map(([x]) => x)), mean(pairs.map(([, y]) => y))]
  let [sizeX, sizeY] = [0, 0]
  for (const [x, y] of pairs) {
    sums.xx += (x - meanX) ** 2
    sums.yy += (y - meanY) ** 2
    sums.xy += (x - meanX) * (y - meanY)
    sizeX += x * x
    sizeY += y * y
  }
  if (sums.xx <= ROUNDING * sizeX) return { reason: `all ${n} answers are the same` }
  if (sums.yy <= ROUNDING * sizeY) return { reason: `all ${n} listened the same` }
  const r = sums.xy / (Math.sqrt(sums.xx) * Math.sqrt(sums.yy))
  if (1 - Math.abs(r) < ROUNDING) {
    return { reason: `the ${n} values lie on one line (r = ${r > 0 ? 1 : -1}): nothing tells its error` }
  }
  // artanh r.
  const z = (log1p(r) - log1p(-r)) / 2
  const reach = Z_95 * standardError(r, n)
  const p = twoSidedP(r * Math.sqrt((n - 2) / (1 - r * r)), n - 2)
  return { n, r, low: tanh(z - reach), high: tanh(z + reach), p }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** From 1; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b])
  const result = new Array<number>(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && values[order[to]] === values[order[from]]) to++
    for (let i = from; i < to; i++) result[order[i]] = (from + 1 + to) / 2
    from = to
  }
  return result
}

function tanh(z: number): number {
  const shrunk = exp(-2 * Math.abs(z))
  return ((1 - shrunk) / (1 + shrunk)) * Math.sign(z)
}
