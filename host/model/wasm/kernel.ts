// The inner loops over columns in AssemblyScript, two particles at a time. Every operation is the one that the plain
// version (kernel.ts) does, in the same order, so both give the same bits; kernel.test.ts holds them together.
// Columns are pairs × 2 doubles in linear memory; places are byte offsets, multiples of 16.

import {
  EXP_1,
  EXP_2,
  EXP_3,
  EXP_4,
  EXP_5,
  INV_LN2,
  LN2_HIGH,
  LN2_LOW,
} from "./constants"

/** log Φ(z) beyond the table. */
@external("host", "farLogNormalCdf")
declare function farLogNormalCdf(z: f64): f64

@inline
function splat(x: f64): v128 {
  return f64x2.splat(x)
}

/** exp of two numbers below 709: elementary.ts. */
@inline
function exp(given: v128): v128 {
  const x = f64x2.max(given, splat(-746))
  const k = f64x2.floor(f64x2.add(f64x2.mul(x, splat(INV_LN2)), splat(0.5)))
  const high = f64x2.sub(x, f64x2.mul(k, splat(LN2_HIGH)))
  const low = f64x2.mul(k, splat(LN2_LOW))
  const r = f64x2.sub(high, low)
  const t = f64x2.mul(r, r)
  let c = f64x2.add(splat(EXP_4), f64x2.mul(t, splat(EXP_5)))
  c = f64x2.add(splat(EXP_3), f64x2.mul(t, c))
  c = f64x2.add(splat(EXP_2), f64x2.mul(t, c))
  c = f64x2.add(splat(EXP_1), f64x2.mul(t, c))
  c = f64x2.sub(r, f64x2.mul(t, c))
  const reduced = f64x2.sub(high, f64x2.sub(low, f64x2.div(f64x2.mul(r, c), f64x2.sub(splat(2), c))))
  const y = f64x2.add(splat(1), reduced)
  // 2^k in two factors, so that subnormal results are rounded once.
  const whole = i32x4.trunc_sat_f64x2_s_zero(k)
  const half = i32x4.shr_s(whole, 1)
  const rest = i32x4.sub(whole, half)
  return f64x2.mul(f64x2.mul(y, power(half)), power(rest))
}

@inline
function power(k: v128): v128 {
  return i64x2.shl(i64x2.add(i64x2.extend_low_i32x4_s(k), i64x2.splat(1023)), 52)
}

/** log Φ of two numbers within the table at `table`: normal-cdf.ts. */
@inline
function tabledLogNormalCdf(table: usize, z: v128): v128 {
  const interval = f64x2.floor(f64x2.mul(f64x2.add(z, splat(40)), splat(8)))
  const t = f64x2.sub(z, f64x2.sub(f64x2.mul(f64x2.add(interval, splat(0.5)), splat(0.125)), splat(40)))
  const whole = i32x4.trunc_sat_f64x2_s_zero(interval)
  const a = table + ((<usize>i32x4.extract_lane(whole, 0)) << 6)
  const b = table + ((<usize>i32x4.extract_lane(whole, 1)) << 6)
  let value = v128.load_lane<f64>(b, v128.load64_zero(a, 56), 1, 56)
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 48), 1, 48), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 40), 1, 40), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 32), 1, 32), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 24), 1, 24), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 16), 1, 16), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 8), 1, 8), f64x2.mul(t, value))
  value = f64x2.add(v128.load_lane<f64>(b, v128.load64_zero(a, 0), 1, 0), f64x2.mul(t, value))
  const left = f64x2.sub(value, f64x2.mul(f64x2.mul(splat(0.5), z), z))
  const right = f64x2.ge(z, splat(1))
  if (!v128.any_true(right)) return left
  const tail = f64x2.mul(f64x2.neg(value), exp(f64x2.mul(f64x2.mul(splat(-0.5), z), z)))
  return v128.bitselect(tail, left, right)
}

@inline
function logNormalCdf(table: usize, z: v128): v128 {
  const inside = f64x2.lt(f64x2.abs(z), splat(40))
  if (i64x2.all_true(inside)) return tabledLogNormalCdf(table, z)
  const a = f64x2.extract_lane(z, 0)
  const b = f64x2.extract_lane(z, 1)
  return f64x2.replace_lane(splat(farOrTabled(table, a)), 1, farOrTabled(table, b))
}

function farOrTabled(table: usize, z: f64): f64 {
  if (!(abs(z) < 40)) return farLogNormalCdf(z)
  return f64x2.extract_lane(tabledLogNormalCdf(table, splat(z)), 0)
}

/** log Φ((μ − bound)/σ) under every particle: column `out`, pairs × 2. */
export function survivals(
  pairs: i32,
  table: usize,
  precision: usize,
  mu: usize,
  bound: f64,
  out: usize,
): void {
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    const z = f64x2.mul(f64x2.sub(v128.load(mu + at), splat(bound)), v128.load(precision + at))
    v128.store(out + at, logNormalCdf(table, z))
  }
}

/** Σ w exp(column), pairs × 2. */
export function mean(pairs: i32, weight: usize, column: usize): f64 {
  let sum = splat(0)
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(weight + at), exp(v128.load(column + at))))
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** Takes factor·½((y − μ)/σ)² from `joint`, pairs × 2. */
export function squares(
  pairs: i32,
  precision: usize,
  mu: usize,
  y: f64,
  factor: f64,
  joint: usize,
): void {
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    const e = f64x2.mul(f64x2.sub(splat(y), v128.load(mu + at)), v128.load(precision + at))
    const half = f64x2.mul(f64x2.mul(splat(0.5), e), e)
    v128.store(joint + at, f64x2.sub(v128.load(joint + at), f64x2.mul(splat(factor), half)))
  }
}

/** Σ w p(y), pairs × 2. */
export function density(pairs: i32, precision: usize, weight: usize, mu: usize, y: f64): f64 {
  let sum = splat(0)
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    const e = f64x2.mul(f64x2.sub(splat(y), v128.load(mu + at)), v128.load(precision + at))
    const half = f64x2.mul(f64x2.mul(splat(0.5), e), e)
    sum = f64x2.add(sum, f64x2.mul(v128.load(weight + at), exp(f64x2.neg(half))))
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** out += factor·column, pairs × 2 each. */
export function add(pairs: i32, column: usize, factor: f64, out: usize): void {
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    const term = f64x2.mul(splat(factor), v128.load(column + at))
    v128.store(out + at, f64x2.add(v128.load(out + at), term))
  }
}

/** Σ w column, pairs × 2. */
export function dot(pairs: i32, weight: usize, column: usize): f64 {
  let sum = splat(0)
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(weight + at), v128.load(column + at)))
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** Σ w E[min(T, length)]/length, pairs × 2. */
export function share(
  pairs: i32,
  table: usize,
  sigma: usize,
  precision: usize,
  weight: usize,
  mu: usize,
  logLength: f64,
): f64 {
  let sum = splat(0)
  for (let at: usize = 0; at < <usize>pairs << 4; at += 16) {
    const m = v128.load(mu + at)
    const s = v128.load(sigma + at)
    const ahead = f64x2.mul(f64x2.sub(splat(logLength), m), v128.load(precision + at))
    let inside = f64x2.add(f64x2.sub(m, splat(logLength)), f64x2.mul(f64x2.mul(splat(0.5), s), s))
    inside = f64x2.add(inside, logNormalCdf(table, f64x2.sub(ahead, s)))
    const finished = exp(logNormalCdf(table, f64x2.neg(ahead)))
    const heard = f64x2.min(splat(1), f64x2.add(exp(inside), finished))
    sum = f64x2.add(sum, f64x2.mul(v128.load(weight + at), heard))
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}
