// exp, log and their companions near 0, from + − × ÷ and the bits of a double alone: the standard leaves Math.exp and
// its kin to the engine, and results must be the same bits on every machine.
//
// Reduction and minimax coefficients of fdlibm (Sun Microsystems 1993: e_exp, e_log); error below 1 ulp.
//
//   exp x   = 2^k · exp r,  x = k ln 2 + r, |r| ≤ ½ ln 2,  exp r = 1 + 2r/(R(r²) − r)
//   log x   = k ln 2 + log(1 + f),  √½ ≤ 1 + f < √2,  s = f/(2 + f),  log(1 + f) = 2s + s·R(s²)

import { EXP_1, EXP_2, EXP_3, EXP_4, EXP_5, INV_LN2, LN2_HIGH, LN2_LOW } from "./wasm/constants.js"

const LARGEST_EXP = 709.782712893384
const SMALLEST_EXP = -745.1332191019411

const SMALLEST_NORMAL = 2.2250738585072014e-308
const LARGEST_POWER = 8.98846567431158e307

const FLOAT = new Float64Array(1)
const WORDS = new Int32Array(FLOAT.buffer)
FLOAT[0] = 1
/** Which word holds sign and exponent. */
const HIGH = WORDS[1] === 0 ? 0 : 1

/** 2^(k − 1022), k = 0 … 2045: the normal powers of two. */
const POWERS = new Float64Array(2046)
for (let k = 0, value = SMALLEST_NORMAL; k < 2046; k++, value *= 2) POWERS[k] = value

/** exp r − 1 for r = high − low, |r| ≤ ½ ln 2. */
function reduced(high: number, low: number): number {
  const r = high - low
  const t = r * r
  const c = r - t * (EXP_1 + t * (EXP_2 + t * (EXP_3 + t * (EXP_4 + t * EXP_5))))
  return high - (low - (r * c) / (2 - c))
}

/** e^x. */
export function exp(x: number): number {
  if (!(x <= LARGEST_EXP)) return x > LARGEST_EXP ? Number.POSITIVE_INFINITY : x
  if (x < SMALLEST_EXP) return 0
  const k = Math.floor(x * INV_LN2 + 0.5)
  const y = 1 + reduced(x - k * LN2_HIGH, k * LN2_LOW)
  // Exponents at the rim are reached in two steps, the first one exact.
  if (k < -1021) return y * POWERS[k + 1122] * POWERS[922]
  if (k > 1022) return 2 * y * POWERS[k + 1021]
  return y * POWERS[k + 1022]
}

/** Natural logarithm; NaN below 0. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN
  if (x === Number.POSITIVE_INFINITY) return x
  let shift = 0
  if (x < SMALLEST_NORMAL) {
    x *= 18014398509481984
    shift = -54
  } else if (x >= LARGEST_POWER) {
    x *= 0.5
    shift = 1
  }
  FLOAT[0] = x
  let k = (WORDS[HIGH] >> 20) - 1023
  let mantissa = x * POWERS[1022 - k]
  if (mantissa > Math.SQRT2) {
    mantissa *= 0.5
    k++
  }
  k += shift
  const f = mantissa - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const half = 0.5 * f * f
  if (k === 0) return f - (half - s * (half + even + odd))
  return k * LN2_HIGH - (half - (s * (half + even + odd) + k * LN2_LOW) - f)
}

/** log(1 + x), to the last digits of x near 0. */
export function log1p(x: number): number {
  if (!(x > -1) || x === Number.POSITIVE_INFINITY) return x === -1 ? Number.NEGATIVE_INFINITY : log(1 + x)
  const u = 1 + x
  if (u === 1) return x
  // What rounding took from 1 + x, to first order.
  return log(u) + (x - (u - 1)) / u
}

/** e^x − 1, to the last digits of x near 0. */
export function expm1(x: number): number {
  if (!(x > -36 && x < 36)) return exp(x) - 1
  const k = Math.floor(x * INV_LN2 + 0.5)
  if (k === 0) return reduced(x, 0)
  const y = reduced(x - k * LN2_HIGH, k * LN2_LOW)
  const power = POWERS[k + 1022]
  return power * y + (power - 1)
}
