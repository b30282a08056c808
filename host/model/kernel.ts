// Inner loops over columns: one number per particle, in memory that SIMD WebAssembly can reach (columns.ts).
//
// They exist twice: in wasm/kernel.ts, and here, plain, as what the other is tested against and as what runs where the
// engine has no SIMD. Sums add even and odd particles apart, as two lanes do: the same bits either way.

import { exp } from "./elementary.js"
import { logNormalCdf, slowLogNormalCdf, TABLE } from "./normal-cdf.js"
import { simdModule } from "./simd.js"
import { KERNEL_WASM } from "./wasm/kernel-bytes.js"

/** Places are byte offsets into the memory, multiples of 16; `pairs`: half the length of a column. */
export interface Kernel {
  /** First place that is free for columns. */
  readonly start: number
  /** The memory, grown to `bytes` at least; views taken before are void where it grew. */
  memory(bytes: number): Float64Array
  /** log Φ((μ − bound)/σ) into `out`. */
  survivals(pairs: number, precision: number, mu: number, bound: number, out: number): void
  /** Σ w exp(column) */
  mean(pairs: number, weight: number, column: number): number
  /** Takes factor·½((y − μ)/σ)² from `joint`. */
  squares(pairs: number, precision: number, mu: number, y: number, factor: number, joint: number): void
  /** Σ w p(y), the constant of the density being in w. */
  density(pairs: number, precision: number, weight: number, mu: number, y: number): number
  /** out += factor·column */
  add(pairs: number, column: number, factor: number, out: number): void
  /** Σ w column */
  dot(pairs: number, weight: number, column: number): number
  /** Σ w E[min(T, length)]/length */
  share(
    pairs: number,
    sigma: number,
    precision: number,
    weight: number,
    mu: number,
    logLength: number,
  ): number
}

export function plainKernel(): Kernel {
  let heap = new Float64Array(0)
  return {
    start: 0,
    memory(bytes) {
      if (8 * heap.length < bytes) {
        const grown = new Float64Array(bytes / 8)
        grown.set(heap)
        heap = grown
      }
      return heap
    },
    survivals(pairs, precision, mu, bound, out) {
      for (let i = 0; i < 2 * pairs; i++) {
        heap[out / 8 + i] = logNormalCdf((heap[mu / 8 + i] - bound) * heap[precision / 8 + i])
      }
    },
    mean(pairs, weight, column) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const term = heap[weight / 8 + i] * exp(heap[column / 8 + i])
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
    squares(pairs, precision, mu, y, factor, joint) {
      for (let i = 0; i < 2 * pairs; i++) {
        const e = (y - heap[mu / 8 + i]) * heap[precision / 8 + i]
        heap[joint / 8 + i] -= factor * (0.5 * e * e)
      }
    },
    density(pairs, precision, weight, mu, y) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const e = (y - heap[mu / 8 + i]) * heap[precision / 8 + i]
        const term = heap[weight / 8 + i] * exp(-(0.5 * e * e))
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
    add(pairs, column, factor, out) {
      for (let i = 0; i < 2 * pairs; i++) heap[out / 8 + i] += factor * heap[column / 8 + i]
    },
    dot(pairs, weight, column) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const term = heap[weight / 8 + i] * heap[column / 8 + i]
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
    share(pairs, sigma, precision, weight, mu, logLength) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const m = heap[mu / 8 + i]
        const s = heap[sigma / 8 + i]
        const ahead = (logLength - m) * heap[precision / 8 + i]
        const inside = m - logLength + 0.5 * s * s + logNormalCdf(ahead - s)
        const heard = Math.min(1, exp(inside) + exp(logNormalCdf(-ahead)))
        const term = heap[weight / 8 + i] * heard
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
  }
}

/** Undefined where the engine has no SIMD. */
export function simdKernel(): Kernel | undefined {
  const module = simdModule(KERNEL_WASM, { host: { farLogNormalCdf: slowLogNormalCdf } })
  if (module === undefined) return undefined
  const { exports, memory } = module
  const { mean, squares, density, add, dot } = exports as Pick<
    Kernel,
    "mean" | "squares" | "density" | "add" | "dot"
  >
  const share = exports.share as (pairs: number, table: number, ...rest: number[]) => number
  const survivals = exports.survivals as (pairs: number, table: number, ...rest: number[]) => void
  // The kernel keeps nothing in memory itself: the table of log Φ comes first.
  const kernel: Kernel = {
    start: TABLE.byteLength,
    memory,
    mean,
    survivals: (pairs, ...rest) => survivals(pairs, 0, ...rest),
    squares,
    density,
    add,
    dot,
    share: (pairs, ...rest) => share(pairs, 0, ...rest),
  }
  kernel.memory(kernel.start).set(TABLE)
  return kernel
}
