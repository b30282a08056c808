// The inner loops of score.ts, over columns: one number per particle, in memory that SIMD WebAssembly can reach.
//
// They exist twice: in wasm/score.ts, and here, plain, as what the other is tested against and as what runs where the
// engine has no SIMD. Sums add even and odd particles apart, as two lanes do: the same bits either way.

import { exp } from "./elementary.js"
import { logNormalCdf, slowLogNormalCdf, TABLE } from "./normal-cdf.js"
import { SCORE_WASM } from "./wasm/score-bytes.js"

/** Places are byte offsets into the memory, multiples of 16; `pairs`: half the length of a column. */
export interface ScoreKernel {
  /** First place that is free for columns. */
  readonly start: number
  /** The memory, grown to `bytes` at least; views taken before are void where it grew. */
  memory(bytes: number): Float64Array
  /** x'β of one song into `mu`. `beta`: pairs × P × 2; `column`, `value`: its features, as doubles. */
  means(
    pairs: number,
    p: number,
    beta: number,
    features: number,
    column: number,
    value: number,
    mu: number,
  ): void
  /** log Φ((μ − bound)/σ) into `out`; gives Σ w Φ. */
  survivals(pairs: number, precision: number, weight: number, mu: number, bound: number, out: number): number
  /** Takes ½((y − μ)/σ)² from `joint`; gives Σ w p(y), the constant of the density being in w. */
  event(pairs: number, precision: number, weight: number, mu: number, y: number, joint: number): number
  /** joint += column */
  add(pairs: number, column: number, joint: number): void
}

export function plainKernel(): ScoreKernel {
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
    means(pairs, p, beta, features, column, value, mu) {
      for (let i = 0; i < 2 * pairs; i++) {
        const base = beta / 8 + (i >> 1) * p * 2 + (i & 1)
        let sum = 0
        for (let f = 0; f < features; f++) sum += heap[value / 8 + f] * heap[base + 2 * heap[column / 8 + f]]
        heap[mu / 8 + i] = sum
      }
    },
    survivals(pairs, precision, weight, mu, bound, out) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const survival = logNormalCdf((heap[mu / 8 + i] - bound) * heap[precision / 8 + i])
        heap[out / 8 + i] = survival
        const term = heap[weight / 8 + i] * exp(survival)
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
    event(pairs, precision, weight, mu, y, joint) {
      let even = 0
      let odd = 0
      for (let i = 0; i < 2 * pairs; i++) {
        const e = (y - heap[mu / 8 + i]) * heap[precision / 8 + i]
        const half = 0.5 * e * e
        heap[joint / 8 + i] -= half
        const term = heap[weight / 8 + i] * exp(-half)
        if ((i & 1) === 0) even += term
        else odd += term
      }
      return even + odd
    },
    add(pairs, column, joint) {
      for (let i = 0; i < 2 * pairs; i++) heap[joint / 8 + i] += heap[column / 8 + i]
    },
  }
}

/** The part of the engine's interface that is used; the type library that has it is the browser's. */
interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> }
}

const PAGE = 65_536

/** Undefined where the engine has no SIMD. */
export function simdKernel(): ScoreKernel | undefined {
  const bytes = Buffer.from(SCORE_WASM, "base64")
  if (!WebAssembly.validate(bytes)) return undefined
  const imports = { host: { farLogNormalCdf: slowLogNormalCdf } }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  const { means, add, event } = exports as Pick<ScoreKernel, "means" | "add" | "event">
  const survivals = exports.survivals as (pairs: number, table: number, ...rest: number[]) => number
  const linear = exports.memory as WasmMemory
  let heap = new Float64Array(linear.buffer)
  // The kernel keeps nothing in memory itself: the table of log Φ comes first.
  const kernel: ScoreKernel = {
    start: TABLE.byteLength,
    memory(size) {
      const missing = Math.ceil(size / PAGE) - linear.buffer.byteLength / PAGE
      if (missing > 0) {
        linear.grow(missing)
        heap = new Float64Array(linear.buffer)
      }
      return heap
    },
    means,
    survivals: (pairs, ...rest) => survivals(pairs, 0, ...rest),
    event,
    add,
  }
  kernel.memory(kernel.start).set(TABLE)
  return kernel
}
