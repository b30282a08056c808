// The two products in which dictionary learning spends its time, on numbers in memory that SIMD WebAssembly can reach.
//
// They exist twice: in wasm/kernel.ts, and here, plain, as what the other is tested against and as what runs where the
// engine has no SIMD. Sums add even and odd places apart, as two lanes do: the same bits either way.

import { simdModule } from "../model/simd.js"
import { KERNEL_WASM } from "./wasm/kernel-bytes.js"

/** Memory for so many doubles, and the products over it. Places count doubles. */
export interface Products {
  readonly heap: Float64Array
  /** out[i·others + k] = Σ a[i][j]·b[k][j] */
  products(rows: number, others: number, columns: number, a: number, b: number, out: number): void
  /** sums[k] += Σ codes[i·atoms + k]·x[i], over the rows in order. */
  accumulate(rows: number, atoms: number, columns: number, codes: number, x: number, sums: number): void
}

export function plainProducts(doubles: number): Products {
  const heap = new Float64Array(doubles)
  const dot = (a: number, b: number, columns: number): number => {
    const pairs = columns & ~1
    let even = 0
    let odd = 0
    for (let j = 0; j < pairs; j += 2) {
      even += heap[a + j] * heap[b + j]
      odd += heap[a + j + 1] * heap[b + j + 1]
    }
    const sum = even + odd
    return pairs < columns ? sum + heap[a + pairs] * heap[b + pairs] : sum
  }
  return {
    heap,
    products(rows, others, columns, a, b, out) {
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < others; k++)
          heap[out + i * others + k] = dot(a + i * columns, b + k * columns, columns)
      }
    },
    accumulate(rows, atoms, columns, codes, x, sums) {
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < atoms; k++) {
          const code = heap[codes + i * atoms + k]
          if (code === 0) continue
          for (let j = 0; j < columns; j++) heap[sums + k * columns + j] += code * heap[x + i * columns + j]
        }
      }
    },
  }
}

/** Undefined where the engine has no SIMD. */
export function simdProducts(doubles: number): Products | undefined {
  const module = simdModule(KERNEL_WASM)
  if (module === undefined) return undefined
  const { products, accumulate } = module.exports as Pick<Products, "products" | "accumulate">
  return {
    heap: module.memory(8 * doubles),
    products: (rows, others, columns, a, b, out) => products(rows, others, columns, 8 * a, 8 * b, 8 * out),
    accumulate: (rows, atoms, columns, codes, x, sums) =>
      accumulate(rows, atoms, columns, 8 * codes, 8 * x, 8 * sums),
  }
}

export function makeProducts(doubles: number): Products {
  return simdProducts(doubles) ?? plainProducts(doubles)
}
