import assert from "node:assert/strict"
import { test } from "node:test"
import type { Candidates } from "../../../host/design/candidates.js"
import { createDeterminant, logDetOf } from "../../../host/design/determinant.js"
import { exchange } from "../../../host/design/exchange.js"
import { informationRows } from "../../../host/design/information.js"
import { resolveRules } from "../../../host/design/resolve.js"
import { byUtility, select } from "../../../host/design/select.js"
import { stream } from "../../../host/model/random.js"
import { near } from "../model/reference.js"
import { candidates, freely, knownOf, names, readDesign, type Subject } from "./reference.js"

const reference = readDesign("exchange.json")
const { size } = reference.meta

function total(values: ArrayLike<number>, members: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < members.length; i++) sum += values[members[i]]
  return sum
}

const songsOf = (members: Int32Array): number[] => Array.from(members, (row) => row + 1).sort((a, b) => a - b)

test("the greedy start and the exchange give the designs of two other programs, song by song", () => {
  const keys = Object.keys(reference.designs)
  assert.equal(keys.length, 68)
  for (const key of keys) {
    const expected = reference.designs[key]
    const [, subject, which, precision] = /^(s\d)\/(\w+)\/R=(\w+)\//.exec(key)!
    const given: Subject = reference.subjects[subject]
    const known = knownOf(given, which, precision)
    const utility = Float64Array.from(given.utility)
    const determinant = createDeterminant(informationRows(candidates, known, "thesis"), known.precision)
    const rules = freely(size)
    const greedy = select(rules, [], byUtility(rules, utility))
    const value = (members: Int32Array): number =>
      total(utility, members) + expected.weight * logDetOf(determinant, members)
    // The posterior precisions of the reference are rounded to 8 decimals.
    near(value(greedy), expected.greedy, 1e-7, `${key}: greedy`)
    const found = exchange(rules, utility, expected.weight, determinant, greedy)
    assert.deepEqual(songsOf(found.members), expected.design, key)
    near(value(found.members), expected.final, 1e-7, `${key}: objective`)
    near(logDetOf(determinant, found.members), expected.logDet, 1e-8, `${key}: log det`)
    assert.equal(found.exchanges, expected.exchanges, `${key}: exchanges`)
    assert.equal(found.sweeps, expected.sweeps, `${key}: sweeps`)
    if (expected.rObjective !== undefined) {
      near(value(found.members), expected.rObjective, 1e-9, `${key}: objective of R`)
    }
  }
})

test("twenty random starts end where twenty other ones ended", () => {
  const keys = Object.keys(reference.designs).filter((key) => reference.designs[key].bestOf20 !== undefined)
  assert.equal(keys.length, 4)
  for (const key of keys) {
    const { weight, bestOf20, worstOf20 } = reference.designs[key]
    const [, subject, which, precision] = /^(s\d)\/(\w+)\/R=(\w+)\//.exec(key)!
    const given: Subject = reference.subjects[subject]
    const known = knownOf(given, which, precision)
    const utility = Float64Array.from(given.utility)
    const determinant = createDeterminant(informationRows(candidates, known, "thesis"), known.precision)
    const rules = freely(size)
    const ends = randomStarts(20, size).map((start) => {
      const { members } = exchange(rules, utility, weight, determinant, start)
      return total(utility, members) + weight * logDetOf(determinant, members)
    })
    near(Math.max(...ends), bestOf20, 1e-7, `${key}: best`)
    // The starts are others, so the worst local optimum is another, but no worse by more than the spread.
    assert.ok(Math.min(...ends) > 2 * worstOf20 - bestOf20 - 1e-7, `${key}: worst ${Math.min(...ends)}`)
  }
})

function randomStarts(count: number, q: number): Int32Array[] {
  return Array.from({ length: count }, (_, i) => {
    const order = Int32Array.from(candidates.ids.keys())
    stream(31, "start", i).shuffle(order)
    return order.slice(0, q)
  })
}

test("in ten small cases the exchange finds the best of all 8008 designs", () => {
  for (const { songs, weight, brute, best } of reference.bruteForce) {
    const rows = Array.from({ length: 16 }, (_, i) => songs[0] - 1 + i)
    const few: Candidates = {
      ...candidates,
      ids: candidates.ids.slice(rows[0], rows[0] + 16),
      x: candidates.x.slice(rows[0] * candidates.p, (rows[0] + 16) * candidates.p),
      logLength: candidates.logLength.slice(rows[0], rows[0] + 16),
      genre: candidates.genre.slice(rows[0], rows[0] + 16),
      artist: candidates.artist.slice(rows[0], rows[0] + 16),
    }
    const given: Subject = reference.subjects.s1
    const known = knownOf(given, "selected", "prior")
    const utility = Float64Array.from(rows, (row) => given.utility[row])
    const determinant = createDeterminant(informationRows(few, known, "thesis"), known.precision)
    const rules = freely(6, few)
    const start = select(rules, [], byUtility(rules, utility))
    const { members } = exchange(rules, utility, weight, determinant, start)
    assert.deepEqual(
      songsOf(members).map((place) => few.ids[place - 1]),
      best,
    )
    near(
      total(utility, members) + weight * logDetOf(determinant, members),
      brute,
      1e-9,
      `songs from ${songs[0]}`,
    )
  }
})

test("without utility and with next to no prior it reaches the D-optimality of optFederov", () => {
  const k = names.length
  const precision = new Float64Array(k * k)
  for (let a = 0; a < k; a++) precision[a * k + a] = 1e-10
  const known = { columns: Int32Array.from(names.keys()), precision, sigma2: 1, beta: new Float64Array(k) }
  const determinant = createDeterminant(informationRows(candidates, known, "thesis"), precision)
  const zero = new Float64Array(candidates.ids.length)
  const rules = freely(size)
  // From most random starts M is all but singular; the first exchanges must repair that.
  const values = randomStarts(20, size).map((start) => {
    const { members } = exchange(rules, zero, 1, determinant, start)
    return { members, value: Math.exp(logDetOf(determinant, members) / k) / size }
  })
  const best = values.reduce((a, b) => (b.value > a.value ? b : a))
  near(best.value, reference.pureD.optFederov, 1e-10, "best of 20")
  near(best.value, reference.pureD.numpy, 1e-10, "best of 20")
  assert.deepEqual(songsOf(best.members), reference.pureD.rows)
})

test("exchanges keep fixed songs, and the songs of the reference stand in the design that λ = 0 gives", () => {
  const given: Subject = reference.subjects.s2
  const known = knownOf(given, "full18", "posterior")
  const utility = Float64Array.from(given.utility)
  const determinant = createDeterminant(informationRows(candidates, known, "thesis"), known.precision)
  const { rules } = resolveRules(candidates, { fixed: [400, 7] }, 10)
  const start = select(rules, rules.fixed, byUtility(rules, utility))
  for (const lambda of [0, 1, 1000]) {
    const { members } = exchange(rules, utility, lambda, determinant, start)
    assert.deepEqual([...members.slice(0, 2)], [6, 399])
    assert.equal(new Set(members).size, 10)
  }
})

test("in a catalogue too large to search whole, no song of all could better the design in any slot", () => {
  const n = 9000
  const k = 4
  const rng = stream(31, "large")
  const rows = Float64Array.from({ length: n * k }, () => rng.normal())
  const precision = new Float64Array(k * k)
  for (let a = 0; a < k; a++) precision[a * k + a] = 2
  const utility = Float64Array.from({ length: n }, () => rng.uniform())
  const codes = new Int32Array(n).fill(-1)
  const large: Candidates = {
    ids: Int32Array.from({ length: n }, (_, i) => i + 1),
    p: 1,
    x: new Float64Array(n).fill(1),
    numeric: new Int32Array(0),
    logLength: new Float64Array(n),
    genre: Int32Array.from({ length: n }, (_, i) => i % 7),
    artist: codes,
  }
  const { rules } = resolveRules(large, { fixed: [17], maxShareGenre: 0.25 }, 12)
  for (const lambda of [0.02, 0.3, 40]) {
    const determinant = createDeterminant(rows, precision)
    const greedy = select(rules, rules.fixed, byUtility(rules, utility))
    const { members } = exchange(rules, utility, lambda, determinant, greedy)
    const value = (some: Int32Array): number => total(utility, some) + lambda * logDetOf(determinant, some)
    const reached = value(members)
    assert.equal(members[0], 16)
    const inside = new Set(members)
    for (let slot = 1; slot < 12; slot++) {
      const other = members.slice()
      for (let c = 0; c < n; c++) {
        if (inside.has(c)) continue
        const alike = members.filter((row, at) => at !== slot && row % 7 === c % 7).length
        if (alike >= 3) continue
        other[slot] = c
        const better = value(other) - reached
        assert.ok(better <= 1e-9 * Math.max(1, lambda), `song ${c + 1} in slot ${slot} would add ${better}`)
      }
    }
  }
})
