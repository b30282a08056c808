import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Correlation, pearson, spearman } from "../../../../host/study/statistics/correlation.js"

const RATINGS = [1, 2, 3, 4, 5, 3, 2, 5, 4, 1, 2, 4]
const SHARES = [0.31, 0.42, 0.55, 0.61, 0.72, 0.48, 0.39, 0.81, 0.52, 0.35, 0.44, 0.7]
const TIED = RATINGS.map((rating, i) => [rating, SHARES[i]] as const)
const FIVE = [
  [2.1, 1.5],
  [3.4, 2.2],
  [1.2, 3.1],
  [5.6, 4.8],
  [4.4, 3.9],
] as const

function close(got: unknown, expected: Partial<Correlation>): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = (got as Record<string, number>)[name]
    assert.ok(
      Math.abs(found - value) <= 1e-12 * Math.max(1, Math.abs(value)),
      `${name}: ${found}, not ${value}`,
    )
  }
}

describe("correlation", () => {
  // R 4.2.2: cor.test(x, y) with estimate, p.value and conf.int printed to 16 digits.
  test("Pearson's is what R's cor.test gives", () => {
    close(pearson(TIED), {
      n: 12,
      r: 0.9464894868882521,
      p: 3.157289882024178e-6,
      low: 0.8156331436680682,
      high: 0.9852249458458456,
    })
    close(pearson(FIVE), {
      n: 5,
      r: 0.7170753648827152,
      p: 0.1727790988331001,
      low: -0.4496848889902192,
      high: 0.9795977719957283,
    })
  })

  // R 4.2.2: cor.test(x, y, method = "spearman", exact = FALSE); with ties that is what it does by itself.
  test("Spearman's estimate and p are what R's cor.test gives, ties included", () => {
    close(spearman(TIED), { n: 12, r: 0.9627519361329034, p: 5.304142270032921e-7 })
  })

  // R 4.2.2: cor.test(x, y, method = "spearman", exact = TRUE).
  test("Spearman's p is exact below ten listeners", () => {
    close(spearman(FIVE), { n: 5, r: 0.7, p: 0.2333333333333333 })
    const nine = [5, 1, 9, 3, 7, 2, 8, 4, 6]
    const others = [4, 2, 9, 1, 5, 3, 8, 7, 6]
    close(spearman(nine.map((x, i) => [x, others[i]])), { n: 9, r: 5 / 6, p: 0.008267195767195767 })
    // With ties, by hand: x 1 1 2 2 has 6 different orders against y 1 2 3 4, two of them as strong as this one.
    close(
      spearman([
        [1, 1],
        [1, 2],
        [2, 3],
        [2, 4],
      ]),
      { n: 4, p: 1 / 3 },
    )
  })

  test("Spearman's interval is Bonett and Wright's", () => {
    const { r, low, high } = spearman(TIED) as Correlation
    const reach = 1.959963984540054 * Math.sqrt((1 + r ** 2 / 2) / 9)
    close({ low, high }, { low: Math.tanh(Math.atanh(r) - reach), high: Math.tanh(Math.atanh(r) + reach) })
  })

  test("ranks alone count: what keeps the order keeps Spearman's", () => {
    const bent = TIED.map(([x, y]) => [x ** 3, Math.exp(9 * y)] as const)
    assert.deepEqual(spearman(bent), spearman(TIED))
  })

  test("there is no answer where there can't be one, and it says why", () => {
    const reason = (pairs: (readonly [number, number])[]) => (pearson(pairs) as { reason: string }).reason
    assert.equal(reason([]), "fewer than 4 subjects have both: 0")
    assert.equal(reason(TIED.slice(0, 3)), "fewer than 4 subjects have both: 3")
    assert.equal(reason(TIED.map(([, y]) => [0.1, y])), "all 12 answers are the same")
    assert.equal(reason(TIED.map(([x]) => [x, 0.7])), "all 12 listened the same")
    assert.match(reason(TIED.map(([x]) => [x, 7 - 0.1 * x])), /lie on one line \(r = -1\)/)
    assert.throws(() => pearson([[Number.NaN, 1]]), /correlation: NaN is not a finite number/)
  })
})
