import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Candidates } from "../../../host/design/candidates.js"
import type { Constraints } from "../../../host/design/constraints.js"
import { resolveRules } from "../../../host/design/resolve.js"
import { byUtility, fill, select } from "../../../host/design/select.js"

/** Songs 10, 20, 30, … that are nothing but genre and artist. */
function kindsOf(genre: number[], artist: number[]): Candidates {
  const n = genre.length
  return {
    ids: Int32Array.from({ length: n }, (_, row) => 10 * (row + 1)),
    p: 1,
    x: new Float64Array(n).fill(1),
    numeric: new Int32Array(0),
    logLength: new Float64Array(n).fill(5),
    genre: Int32Array.from(genre),
    artist: Int32Array.from(artist),
  }
}

test("preference decides, ties go to the lower song number", () => {
  const { rules } = resolveRules(kindsOf([0, 0, 0, 0], [0, 1, 2, 3]), { excluded: [40] }, 2)
  const order = byUtility(rules, Float64Array.from([1, 2, 2, 9]))
  assert.deepEqual([...order], [1, 2, 0])
  assert.deepEqual([...select(rules, [], order)], [1, 2])
})

test("a dead end of first come, first served is left by exchanging", () => {
  // The favourite, genre 0 by artist 0, bars both of the others: a playlist of two must do without it.
  const { rules } = resolveRules(
    kindsOf([0, 1, 0], [0, 0, 1]),
    { maxShareGenre: 0.5, maxShareArtist: 0.5 },
    2,
  )
  const members = select(rules, [], Int32Array.from([0, 1, 2]))
  assert.deepEqual([...members].sort(), [1, 2])
})

test("a selection is as large as any that keeps the caps, and keeps what is held", () => {
  const code = fc.integer({ min: -1, max: 3 })
  const songs = fc.array(fc.tuple(code, code), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(
      songs,
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      (list, q, share) => {
        const size = Math.min(q, list.length)
        const candidates = kindsOf(
          list.map(([genre]) => genre),
          list.map(([, artist]) => artist),
        )
        const { rules } = resolveRules(
          candidates,
          { maxShareGenre: share, maxShareArtist: 1 - share / 2 },
          size,
        )
        const found = fill(rules, rules.rows.slice(0, 1), rules.rows)
        assert.equal(found[0], 0)
        assert.equal(new Set(found).size, found.length)
        assert.ok(keeps(candidates, found, rules.genreCap, rules.artistCap))
        assert.equal(found.length, largest(candidates, 1, rules.genreCap, rules.artistCap, size))
      },
    ),
    { seed: 7, numRuns: 400 },
  )
})

/** Counted anew, apart from the code under test. */
function keeps(
  candidates: Candidates,
  rows: ArrayLike<number>,
  genreCap: number,
  artistCap: number,
): boolean {
  for (const [codes, cap] of [
    [candidates.genre, genreCap],
    [candidates.artist, artistCap],
  ] as const) {
    const of = Array.from(rows, (row) => codes[row]).filter((value) => value >= 0)
    if (of.some((value) => of.filter((other) => other === value).length > cap)) return false
  }
  return true
}

/** Size of the largest subset with the rows of the bit mask `held` that keeps the caps, at most `size`: by trying all. */
function largest(
  candidates: Candidates,
  held: number,
  genreCap: number,
  artistCap: number,
  size: number,
): number {
  let most = 0
  const n = candidates.ids.length
  for (let mask = 0; mask < 1 << n; mask++) {
    if ((mask & held) !== held) continue
    const rows = Array.from({ length: n }, (_, row) => row).filter((row) => (mask >> row) & 1)
    if (rows.length <= size && rows.length > most && keeps(candidates, rows, genreCap, artistCap)) {
      most = rows.length
    }
  }
  return most
}

test("songs rest, newest wave first, as long as a playlist can be made without them", () => {
  const candidates = kindsOf([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
  const resting = [[10, 20], [30], [40, 50]]
  const allowed = (size: number, constraints: Constraints) => {
    const { rules, notes } = resolveRules(candidates, constraints, size)
    return { songs: [...rules.rows].map((row) => candidates.ids[row]), notes }
  }
  assert.deepEqual(allowed(1, { resting }), { songs: [60], notes: [] })
  const three = allowed(3, { resting })
  assert.deepEqual(three.songs, [40, 50, 60])
  assert.match(three.notes[0], /3 slots: songs of the oldest resting playlist may return/)
  const five = allowed(5, { resting })
  assert.deepEqual(five.songs, [10, 20, 30, 40, 50, 60])
  assert.match(five.notes[0], /songs of the 3 oldest resting playlists may return/)
  assert.deepEqual(allowed(1, { resting, fixed: [20], excluded: [60] }).songs, [20], "fixed songs never rest")
})

test("what can't be kept is refused with rule and value", () => {
  const candidates = kindsOf([0, 0, 0, 1], [0, 1, 2, 3])
  const refused = (size: number, constraints: Constraints): string => {
    try {
      const { rules } = resolveRules(candidates, constraints, size)
      select(rules, rules.fixed, rules.rows)
    } catch (error) {
      assert.ok(error instanceof RangeError)
      return error.message
    }
    throw new Error("nothing was refused")
  }
  assert.match(refused(0, {}), /size: .*1 to 4 songs.*got 0/)
  assert.match(refused(5, {}), /size: .*1 to 4 songs.*got 5/)
  assert.match(refused(1.5, {}), /got 1.5/)
  assert.match(refused(3, { excluded: [10, 20] }), /3 songs are asked for, 2 of 4 are not excluded/)
  assert.match(refused(2, { fixed: [99] }), /song 99 is not in the catalogue/)
  assert.match(refused(2, { fixed: [10], excluded: [10] }), /song 10 is excluded as well/)
  assert.match(refused(1, { fixed: [10, 20] }), /2 songs do not fit into a playlist of 1/)
  assert.match(refused(2, { fixed: [10, 20], maxShareGenre: 0.5 }), /song 20 is one too many.*1 per genre/)
  assert.match(refused(4, { maxShareGenre: 0.5 }), /at most 3 of 4 songs keep 2 per genre and 4 per artist/)
  assert.match(refused(2, { maxShareGenre: 0 }), /maxShareGenre: .*got 0/)
  assert.match(refused(2, { maxShareArtist: 1.1 }), /maxShareArtist: .*got 1.1/)
})

test("a share is counted in whole slots without losing one to binary fractions", () => {
  const candidates = kindsOf(Array(10).fill(0), Array(10).fill(0))
  assert.equal(resolveRules(candidates, { maxShareGenre: 0.3 }, 10).rules.genreCap, 3)
  assert.equal(resolveRules(candidates, { maxShareArtist: 0.7 }, 10).rules.artistCap, 7)
  assert.equal(resolveRules(candidates, { maxShareGenre: 0.01 }, 10).rules.genreCap, 1)
})
