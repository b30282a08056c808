// Slots filled uniformly at random, and the probability with which each song got its place.
//
// The n slots that are not fixed are randomised at rate ε: e of them, e = ⌊εn⌋ or one more so that E(e) = εn, are
// chosen uniformly, emptied, and filled one after the other with songs drawn uniformly from all allowed songs that
// are not in the playlist (the emptied ones included). With A allowed songs and Q slots, given e,
//
//   P(song of the design)  = 1 − e/n + (e/n)·e/(A − Q + e)
//   P(any other song)      = e/(A − Q + e)
//
// and the propensity is the mean over the two values of e. So with ε > 0 every allowed song has a known, positive
// probability. Where a cap per genre or artist could turn a draw away, no such formula holds, and the propensity is
// the share among simulated repetitions of the draws instead. The `random` design is the case ε = 1.

import type { Rng } from "../model/random.js"
import { type Counts, count, countKinds, fits, kinds, type Rules } from "./constraints.js"
import { select } from "./select.js"

export interface RandomSlots {
  /** Length Q: rows; those below `kept` are fixed or chosen by the design, the others drawn. */
  members: Int32Array
  kept: number
}

/** Fills slots of `design` (length Q, the fixed rows first) anew. */
export function randomiseSlots(
  rules: Rules,
  design: ArrayLike<number>,
  epsilon: number,
  rng: Rng,
): RandomSlots {
  const fixed = rules.fixed.length
  const members = Int32Array.from(design)
  const expected = epsilon * (members.length - fixed)
  const whole = Math.floor(expected)
  const emptied = whole + (expected > whole && rng.uniform() < expected - whole ? 1 : 0)
  for (let s = 0; s < emptied; s++) {
    // A uniform choice of slots, moved to the end.
    const last = members.length - 1 - s
    const chosen = fixed + rng.int(last - fixed + 1)
    const row = members[chosen]
    members[chosen] = members[last]
    members[last] = row
  }
  const kept = members.length - emptied
  return { members: fillAtRandom(rules, members.subarray(0, kept), rng), kept }
}

/** Fills `held` up to Q rows: each further one uniform over the allowed songs that are not in and keep the caps. */
function fillAtRandom(rules: Rules, held: ArrayLike<number>, rng: Rng): Int32Array {
  const members = new Int32Array(rules.size)
  members.set(held)
  const inside = new Uint8Array(rules.allowed.length)
  for (let i = 0; i < held.length; i++) inside[members[i]] = 1
  const counts = countKinds(rules, held)
  for (let slot = held.length; slot < rules.size; slot++) {
    const row = drawRow(rules, inside, counts, rng)
    if (row < 0) {
      // The draws have run into the caps: complete them in a random order, making room where needed.
      const order = rules.rows.slice()
      rng.shuffle(order)
      return select(rules, held, order)
    }
    members[slot] = row
    inside[row] = 1
    count(rules, counts, row, 1)
  }
  return members
}

/** Blind tries before the rows that can be drawn are listed. */
const TRIES = 32

function drawRow(rules: Rules, inside: Uint8Array, counts: Counts, rng: Rng): number {
  const { rows } = rules
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const row = rows[rng.int(rows.length)]
    if (inside[row] === 0 && fits(rules, counts, row, -1)) return row
  }
  const open = rows.filter((row) => inside[row] === 0 && fits(rules, counts, row, -1))
  return open.length > 0 ? open[rng.int(open.length)] : -1
}

export interface Propensities {
  /** Length N: probability of a slot. */
  probability: Float64Array
  from: "closed form" | "simulation"
}

/** Propensities of `randomiseSlots` for the same arguments; `rng` is used where no formula holds. */
export function slotPropensities(
  rules: Rules,
  design: ArrayLike<number>,
  epsilon: number,
  rng: Rng,
): Propensities {
  const free = rules.size - rules.fixed.length
  if (capsMayBind(rules, design, Math.ceil(epsilon * free))) {
    return {
      probability: simulatedPropensities(rules, () => randomiseSlots(rules, design, epsilon, rng).members),
      from: "simulation",
    }
  }
  const whole = Math.floor(epsilon * free)
  const extra = epsilon * free - whole
  const probability = new Float64Array(rules.allowed.length)
  for (const [emptied, weight] of [
    [whole, 1 - extra],
    [whole + 1, extra],
  ]) {
    if (weight === 0) continue
    const drawn = emptied === 0 ? 0 : emptied / (rules.rows.length - rules.size + emptied)
    const chosen = free === 0 ? 1 : 1 - emptied / free + (emptied / free) * drawn
    const inDesign = new Set<number>(Array.from(design))
    for (const row of rules.rows) probability[row] += weight * (inDesign.has(row) ? chosen : drawn)
  }
  for (const row of rules.fixed) probability[row] = 1
  return { probability, from: "closed form" }
}

/** Whether `emptied` slots could be filled so that a cap turns a further song away. */
function capsMayBind(rules: Rules, design: ArrayLike<number>, emptied: number): boolean {
  if (emptied === 0) return false
  const counts = countKinds(rules, design)
  const mayBind = (codes: Int32Array, inDesign: Int32Array, cap: number): boolean => {
    const allowed = new Int32Array(kinds(codes))
    for (const row of rules.rows) if (codes[row] >= 0) allowed[codes[row]]++
    return allowed.some((songs, code) => songs > cap && Math.min(inDesign[code] + emptied, rules.size) > cap)
  }
  return (
    mayBind(rules.genre, counts.genre, rules.genreCap) ||
    mayBind(rules.artist, counts.artist, rules.artistCap)
  )
}

/** Repetitions behind a simulated propensity: standard error at most .012. */
const REPETITIONS = 2000

/** Length N: share of repetitions of `draw` that had the song, (hits + ½)/(repetitions + 1), which is never 0. */
export function simulatedPropensities(rules: Rules, draw: () => ArrayLike<number>): Float64Array {
  const hits = new Float64Array(rules.allowed.length)
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const members = draw()
    for (let i = 0; i < members.length; i++) hits[members[i]]++
  }
  const probability = hits.map((value) => (value + 0.5) / (REPETITIONS + 1))
  for (const row of rules.fixed) probability[row] = 1
  return probability
}
