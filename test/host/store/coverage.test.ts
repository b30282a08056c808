// Acknowledgement and holes against plain counting.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { joinSpans } from "../../../host/store/coverage.js"
import { MAX_RANGES } from "../../../src/wire.js"

const span = fc
  .record({
    from: fc.integer({ min: 1, max: 40 }),
    length: fc.integer({ min: 1, max: 6 }),
    boot: fc.constantFrom(0, 1, 2),
  })
  .map(({ from, length, boot }) => ({ from, to: from + length - 1, boot }))

describe("coverage", () => {
  test("acknowledges up to the first hole and names every hole below the highest sequence", () =>
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), fc.integer({ min: 0, max: 10 }), (spans, from) => {
        const covered = new Set<number>()
        for (let i = 1; i <= from; i++) covered.add(i)
        for (const s of spans) for (let i = s.from; i <= s.to; i++) covered.add(i)
        let ackedTo = 0
        while (covered.has(ackedTo + 1)) ackedTo++
        const highest = Math.max(0, ...covered)
        const holes: number[] = []
        for (let i = 1; i <= highest; i++) if (!covered.has(i)) holes.push(i)

        const found = joinSpans(spans, from)
        assert.deepEqual([found.ackedTo, found.highest], [ackedTo, highest])
        const named = found.missing.flatMap(([, a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i))
        assert.deepEqual(named, holes)
      }),
      { numRuns: 1000, seed: 1 },
    ))

  test("a hole has a boot only where both its neighbours are of that boot", () => {
    const at = (sequence: number, boot: number) => ({ from: sequence, to: sequence, boot })
    assert.deepEqual(joinSpans([at(1, 3), at(4, 3), at(7, 4)], 0).missing, [
      [3, 2, 3],
      [0, 5, 6],
    ])
    assert.equal(joinSpans([at(1, 3), at(2, 4)], 0).ackedBoot, 4)
  })

  test("names the first holes where there are more than a reply holds", () => {
    const odd = Array.from({ length: 100 }, (_, i) => ({ from: 2 * i + 1, to: 2 * i + 1, boot: 1 }))
    const { missing, highest } = joinSpans(odd, 0)
    assert.equal(missing.length, MAX_RANGES)
    assert.deepEqual(missing[0], [1, 2, 2])
    assert.equal(highest, 199)
  })
})
