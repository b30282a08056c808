// Choosing by order of preference under the caps: take what fits, from the best down; where that ends short,
// make room by exchanging along an augmenting path. Genre caps and artist caps are two partition matroids, and
// the shortest path in their exchange graph finds a larger selection whenever there is one (Lawler, Combinatorial
// Optimization, 1976, ch. 8), so "the constraints can't be kept" is said only when it is true.

import { type Counts, count, countKinds, fits, type Rules } from "./constraints.js"

/** Allowed rows by falling utility, ties by song number. `utility`: length N. */
export function byUtility(rules: Rules, utility: Float64Array): Int32Array {
  return rules.rows.slice().sort((a, b) => utility[b] - utility[a] || a - b)
}

/**
 * Fills `held` (rows that stay, the fixed ones first) up to Q rows in the order of `preference` (allowed rows).
 * @throws RangeError where no selection of Q songs keeps the caps
 */
export function select(rules: Rules, held: ArrayLike<number>, preference: ArrayLike<number>): Int32Array {
  const members = fill(rules, held, preference)
  if (members.length === rules.size) return members
  throw new RangeError(
    `constraints: at most ${members.length} of ${rules.size} songs keep ${rules.genreCap} per genre and ` +
      `${rules.artistCap} per artist`,
  )
}

/** The same, with as many rows as there can be where Q is too many. */
export function fill(rules: Rules, held: ArrayLike<number>, preference: ArrayLike<number>): Int32Array {
  const members = Array.from(held)
  const inside = new Uint8Array(rules.allowed.length)
  for (const row of members) inside[row] = 1
  const counts = countKinds(rules, members)
  for (let i = 0; i < preference.length && members.length < rules.size; i++) {
    const row = preference[i]
    if (inside[row] === 1 || !fits(rules, counts, row, -1)) continue
    members.push(row)
    inside[row] = 1
    count(rules, counts, row, 1)
  }
  let growing = true
  while (growing && members.length < rules.size) {
    growing = augment(rules, members, held.length, inside, counts, preference)
  }
  return Int32Array.from(members)
}

/** Makes the selection one song larger; false where that is impossible. The first `held` members stay. */
function augment(
  rules: Rules,
  members: number[],
  held: number,
  inside: Uint8Array,
  counts: Counts,
  preference: ArrayLike<number>,
): boolean {
  const { genre, artist, genreCap, artistCap } = rules
  const genreFree = (row: number): boolean => genre[row] < 0 || counts.genre[genre[row]] < genreCap
  const artistFree = (row: number): boolean => artist[row] < 0 || counts.artist[artist[row]] < artistCap
  const UNSEEN = -2
  const START = -1
  const before = new Int32Array(rules.allowed.length).fill(UNSEEN)
  const queue: number[] = []
  for (let i = 0; i < preference.length; i++) {
    const row = preference[i]
    if (inside[row] === 0 && genreFree(row)) {
      before[row] = START
      queue.push(row)
    }
  }
  for (let next = 0; next < queue.length; next++) {
    const row = queue[next]
    if (inside[row] === 0) {
      if (artistFree(row)) {
        for (let at = row; at !== START; at = before[at]) toggle(at)
        return true
      }
      for (let i = held; i < members.length; i++) {
        const other = members[i]
        if (before[other] === UNSEEN && artist[other] === artist[row]) {
          before[other] = row
          queue.push(other)
        }
      }
    } else {
      for (let i = 0; i < preference.length; i++) {
        const other = preference[i]
        if (inside[other] === 0 && before[other] === UNSEEN && genre[other] === genre[row]) {
          before[other] = row
          queue.push(other)
        }
      }
    }
  }
  return false

  function toggle(row: number): void {
    if (inside[row] === 0) members.push(row)
    else members.splice(members.indexOf(row), 1)
    count(rules, counts, row, inside[row] === 0 ? 1 : -1)
    inside[row] = 1 - inside[row]
  }
}
