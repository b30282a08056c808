// The two versions of the products give the same bits, and the right ones.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { plainProducts, simdProducts } from "../../../host/patterns/products.js"

test("products with SIMD have the bits of the plain ones, for odd and even shapes", () => {
  const rng = stream(1, "products")
  for (const [rows, others, columns] of [
    [1, 1, 1],
    [2, 4, 8],
    [5, 7, 9],
    [4, 8, 166],
    [3, 5, 2],
  ]) {
    const a = Array.from({ length: rows * columns }, () => rng.normal())
    const b = Array.from({ length: others * columns }, () => rng.normal())
    const codes = Array.from({ length: rows * others }, () => (rng.int(2) === 0 ? 0 : rng.exponential()))
    const places = { b: a.length, codes: a.length + b.length, out: a.length + b.length + codes.length }
    const size = places.out + rows * others + others * columns
    const results = [simdProducts(size), plainProducts(size)].map((memory) => {
      assert.ok(memory, "this engine has SIMD")
      memory.heap.set([...a, ...b, ...codes])
      memory.products(rows, others, columns, 0, places.b, places.out)
      memory.accumulate(rows, others, columns, places.codes, 0, places.out + rows * others)
      return [...memory.heap.subarray(places.out, size)]
    })
    assert.deepEqual(results[0], results[1])
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < others; k++) {
        let sum = 0
        for (let j = 0; j < columns; j++) sum += a[i * columns + j] * b[k * columns + j]
        assert.ok(Math.abs(results[0][i * others + k] - sum) < 1e-12)
      }
    }
    for (let k = 0; k < others; k++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0
        for (let i = 0; i < rows; i++) sum += codes[i * others + k] * a[i * columns + j]
        assert.ok(Math.abs(results[0][rows * others + k * columns + j] - sum) < 1e-12)
      }
    }
  }
})
