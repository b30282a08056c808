// From the researcher's constraints to the rows that a design may choose from.

import type { Candidates } from "./candidates.js"
import { type Constraints, count, countKinds, fits, type Rules } from "./constraints.js"
import { fill } from "./select.js"

/** @throws RangeError naming the rule that can't be kept */
export function resolveRules(
  candidates: Candidates,
  constraints: Constraints,
  size: number,
): { rules: Rules; notes: string[] } {
  const { ids, genre, artist } = candidates
  const n = ids.length
  const { excluded = [], resting = [], fixed = [], maxShareGenre = 1, maxShareArtist = 1 } = constraints
  if (!Number.isInteger(size) || size < 1 || size > n) {
    throw new RangeError(`size: a playlist has 1 to ${n} songs (the catalogue), got ${size}`)
  }
  const rowOf = new Map(Array.from(ids, (id, row) => [id, row]))
  const allowed = new Uint8Array(n).fill(1)
  for (const id of excluded) {
    const row = rowOf.get(id)
    if (row !== undefined) allowed[row] = 0
  }
  const fixedRows = new Set<number>()
  for (const id of fixed) {
    const row = rowOf.get(id)
    if (row === undefined) throw new RangeError(`fixed: song ${id} is not in the catalogue`)
    if (allowed[row] === 0) throw new RangeError(`fixed: song ${id} is excluded as well`)
    fixedRows.add(row)
  }
  if (fixedRows.size > size) {
    throw new RangeError(`fixed: ${fixedRows.size} songs do not fit into a playlist of ${size}`)
  }
  const most = {
    genreCap: capOf("maxShareGenre", maxShareGenre, size),
    artistCap: capOf("maxShareArtist", maxShareArtist, size),
  }
  const rulesWith = (allowed: Uint8Array): Rules => ({
    size,
    allowed,
    rows: Int32Array.from(allowed.keys()).filter((row) => allowed[row] === 1),
    fixed: Int32Array.from(fixedRows).sort(),
    genre,
    artist,
    ...most,
  })
  const rules = rulesWith(allowed)
  if (rules.rows.length < size) {
    throw new RangeError(`size: ${size} songs are asked for, ${rules.rows.length} of ${n} are not excluded`)
  }
  checkFixed(rules, ids)
  // Waves come to rest one by one, newest first, as long as a playlist can still be made.
  const rested = new Set<number>()
  let last = rules
  for (const [wave, songs] of resting.entries()) {
    for (const id of songs) {
      const row = rowOf.get(id)
      if (row !== undefined && !fixedRows.has(row)) rested.add(row)
    }
    const next = rulesWith(allowed.map((value, row) => (rested.has(row) ? 0 : value)))
    if (fill(next, next.fixed, next.rows).length < size) {
      const again = resting.length - wave
      const waves =
        again === 1
          ? "songs of the oldest resting playlist"
          : `songs of the ${again} oldest resting playlists`
      return { rules: last, notes: [`too few songs have rested for ${size} slots: ${waves} may return`] }
    }
    last = next
  }
  return { rules: last, notes: [] }
}

function checkFixed(rules: Rules, ids: Int32Array): void {
  const counts = countKinds(rules, [])
  for (const row of rules.fixed) {
    if (!fits(rules, counts, row, -1)) {
      throw new RangeError(
        `fixed: song ${ids[row]} is one too many of its kind, ${rules.genreCap} per genre and ` +
          `${rules.artistCap} per artist are allowed`,
      )
    }
    count(rules, counts, row, 1)
  }
}

function capOf(name: string, share: number, size: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`${name}: must be above 0 and at most 1, got ${share}`)
  // .3 × 10 must be 3 although .3 is a little less in binary.
  return Math.max(1, Math.floor(share * size + 1e-9))
}
