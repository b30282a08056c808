// Student's t: two means compared without assuming equal variances, with p-values and intervals from the exact
// distribution.
//
//   t = (x̄ − ȳ)/s,  s² = s²ₓ/n + s²ᵧ/m
//   ν = s⁴ / (s⁴ₓ/(n²(n − 1)) + s⁴ᵧ/(m²(m − 1)))      B. L. Welch, Biometrika 34, 1947; Satterthwaite 1946
//   P(|T| > |t|) = I_x(ν/2, ½),  x = ν/(ν + t²)       Abramowitz & Stegun 26.7.1
//
// I by the continued fraction of the incomplete beta function (DLMF 8.17.22) with Lentz's algorithm, on the side
// where it converges fast. exp and log are the project's own, so a p-value has the same bits on every machine.

import { exp, log, log1p } from "../../model/elementary.js"

/** Two samples compared by their means. */
export interface WelchTest {
  /** Sizes of the first and the second sample. */
  n: [number, number]
  means: [number, number]
  /** Mean of the first less mean of the second, in the samples' unit. */
  difference: number
  /** Of the difference, same unit. */
  standardError: number
  t: number
  /** Welch's degrees of freedom, not whole. */
  df: number
  /** Two-sided. */
  p: number
  /** Bounds of the interval of the difference at `level`. */
  low: number
  high: number
  /** Between 0 and 1. */
  level: number
}

/** A spread this far below the values is rounding. */
const ROUNDING = 1e-12

/** Why there is no test. */
export interface NoTest {
  reason: string
}

/**
 * Welch's two-sided t-test of `a` against `b` (finite numbers of one unit, at least two each), with the interval of
 * the difference at `level`. Without an answer where a sample is too small, or where neither varies.
 */
export function welchTest(a: readonly number[], b: readonly number[], level = 0.95): WelchTest | NoTest {
  if (!(level > 0 && level < 1)) throw new RangeError(`welchTest: level ${level} is not between 0 and 1`)
  for (const [name, sample] of [["first", a] as const, ["second", b] as const]) {
    const bad = sample.find((value) => !Number.isFinite(value))
    if (bad !== undefined)
      throw new RangeError(`welchTest: ${bad} in the ${name} sample is not a finite number`)
    if (sample.length < 2) {
      return { reason: `the ${name} sample has ${sample.length} of the 2 values that a variance takes` }
    }
  }
  const [x, y] = [moments(a), moments(b)]
  const vx = x.variance / a.length
  const vy = y.variance / b.length
  const square = vx + vy
  // What differs in its last bits only does not vary: it would be significant beyond all measure.
  const largest = Math.max(...a.map(Math.abs), ...b.map(Math.abs))
  if (!(Math.sqrt(square) > ROUNDING * largest))
    return { reason: "neither sample varies, so the difference has no standard error" }
  const standardError = Math.sqrt(square)
  const difference = x.mean - y.mean
  // Shares, so that the squares of tiny variances do not underflow.
  const [share, other] = [vx / square, vy / square]
  const df = 1 / (share ** 2 / (a.length - 1) + other ** 2 / (b.length - 1))
  const t = difference / standardError
  const reach = tQuantile(1 - level, df) * standardError
  return {
    n: [a.length, b.length],
    means: [x.mean, y.mean],
    difference,
    standardError,
    t,
    df,
    p: twoSidedP(t, df),
    low: difference - reach,
    high: difference + reach,
    level,
  }
}

/** P(|T| > |t|) of Student's distribution with `df` > 0 degrees of freedom, not necessarily whole. */
export function twoSidedP(t: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`twoSidedP: ${df} degrees of freedom`)
  const square = t * t
  // Both as they are: 1 − x has no digits left where t is small.
  const x = df / (df + square)
  const rest = square / (df + square)
  if (rest === 0) return 1
  if (x === 0) return 0
  const a = df / 2
  const front = exp(-a * log1p(square / df) + 0.5 * log(rest) - logBetaHalf(a))
  return x < (a + 1) / (a + 2.5) ? (front * fraction(x, a, 0.5)) / a : 1 - 2 * front * fraction(rest, 0.5, a)
}

/** t with P(|T| > t) = `p`, 0 < p < 1: how many standard errors an interval of level 1 − p reaches. */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`tQuantile: ${p} is not between 0 and 1`)
  let low = 0
  let high = 1
  while (twoSidedP(high, df) > p) {
    low = high
    high *= 2
  }
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) return middle
    if (twoSidedP(middle, df) > p) low = middle
    else high = middle
  }
}

/** Mean and sample variance (n − 1) of at least two values. */
export function moments(values: readonly number[]): { mean: number; variance: number } {
  let mean = 0
  for (const value of values) mean += value
  mean /= values.length
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return { mean, variance: squares / (values.length - 1) }
}

/** Where the series of logBetaHalf has all its digits. */
const SERIES_FROM = 20

/**
 * log B(a, ½) = ½ log π − log Γ(a + ½)/Γ(a), a > 0. The ratio by its asymptotic series (DLMF 5.11.8, h = ½ and 0), to which
 * the recurrence of Γ lifts a small a: no difference of two large log Γ.
 */
function logBetaHalf(a: number): number {
  let lift = 1
  for (; a < SERIES_FROM; a++) lift *= a / (a + 0.5)
  const r = 1 / a
  const r2 = r * r
  const series = r * (-1 / 8 + r2 * (1 / 192 + r2 * (-1 / 640 + (r2 * 17) / 14336)))
  return 0.5 * log(Math.PI) - (0.5 * log(a) + series + log(lift))
}

/** Below it, a denominator of Lentz's algorithm counts as 0. */
const TINY = 1e-300
/** The fraction takes about √max(a, b) terms: enough for 10⁹ degrees of freedom. */
const MOST_TERMS = 100_000

/** The continued fraction of DLMF 8.17.22, such that I_x(a, b) = x^a (1 − x)^b/(a·B(a, b)) times it. */
function fraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m < MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-16) return value
  }
  throw new RangeError(`incomplete beta: no convergence at x = ${x}, a = ${a}, b = ${b}`)
}

function away(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}
