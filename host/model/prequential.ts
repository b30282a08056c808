// Prequential score: every block of a subject's plays is foretold before it is used, under each weighting that the
// study may choose (Dawid 1984); the sum decides which one it keeps.
//
//   foretell(before, observations, own, donors, …) → what the new rows scored, and where to go on from
//   choose(names, scores of the subjects)          → the one with the best sum, and by how much
//
// The score of play k is log p(y_k | plays before), the density of the average that the next playlist would have been
// designed from: own model and donors mixed by weights that come from the subject's plays before, over the donors
// that know the song. A later block is foretold as a whole, from the model that made its playlist. The first block
// has no model before it. It is foretold in pieces, from play FIRST_SCORED on, each as long as all before it: the own
// model starts as a particle filter from the prior and takes in piece after piece, so that its score is that of a
// listener seen growing from few plays to many. (From the first play on the score would judge averages without any
// play, which no playlist is designed from.) Donors are the models of the other subjects as they stand, fitted to
// their own plays and to none of the target's.
//
// Two limits: the prior was frozen at the first block and knows the mean and the spread of its log times, which
// favours the own model a little in the first pieces; and song constants come from all plays of the other subjects.

import { mixtureLogDensity } from "./average.js"
import { borrow, type OwnModel, resolveWeighting } from "./borrow.js"
import { type Donor, donorPrior } from "./donors.js"
import { newestWave, powersOf } from "./forget.js"
import { type Observations, takeRows } from "./observations.js"
import { createParticles, type Particles } from "./particles.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { scoreModel } from "./score.js"
import { absorb } from "./smc.js"
import { drawPrior } from "./sweep.js"
import type { TasteModel } from "./taste.js"

/** What a study can choose from; among equals the first. `switch` equals `marginal` as long as plays are few. */
export const CANDIDATES = ["switch", "stacking", "marginal", "own"] as const
export type Candidate = (typeof CANDIDATES)[number]

/** Plays of a first block that no candidate is judged by. */
const FIRST_SCORED = 5

/** How far a subject's plays have been foretold. */
export interface Foretold {
  /** Rows taken in. */
  rows: number
  /** log p(these rows | prior): the own model's score as `marginal` needs it. */
  evidence: number
}

/** What the ways to go on, named by K, scored on one subject's plays. */
export interface BlockScore<K extends string> {
  /** Plays that were scored. */
  plays: number
  /** Sum over these plays of the log score, natural log. */
  scores: Record<K, number>
}

/** The subject's own model of the rows before. */
export type Own = { model: TasteModel } | { hyper: Hyper; draws: number }

/**
 * Foretells rows before.rows … n − 1. `own`: the model of the rows before; for a first block the prior, of which `draws`
 * particles are drawn. `logLikeness`: one per donor, see donorPrior.
 */
export function foretellBlock(
  before: Foretold,
  observations: Observations,
  own: Own,
  donors: readonly Donor[],
  rng: Rng,
  logLikeness?: readonly (number | undefined)[],
): { foretold: Foretold; block: BlockScore<Candidate> } {
  const { n } = observations
  const later = "model" in own
  const { hyper } = later ? own.model : own
  let particles = later ? own.model.particles : fromPrior(hyper, own.draws, rng)
  let { rows, evidence } = before
  const ends = endsOf(rows, n, later)
  const scores = donors.map((donor) => scoreRows(donor, observations, [rows, ...ends]))
  const block = { plays: 0, scores: { switch: 0, stacking: 0, marginal: 0, own: 0 } }
  const logPrior = logLikeness && donorPrior(logLikeness)
  for (const to of ends) {
    const all = firstRows(observations, to)
    if (rows > 0) {
      const seen = { particles, observations: firstRows(observations, rows), evidence }
      addScores(block, seen, rangeOf(observations, rows, to), scores, logPrior)
    }
    const absorbed = absorb(particles, all, rows, hyper, rng, later ? powers(own.model, all) : { thin: 1 })
    particles = absorbed.particles
    evidence += absorbed.logScore
    rows = to
  }
  return { foretold: { rows, evidence }, block }
}

/** Where the pieces end in which rows from `rows` on are foretold. */
function endsOf(rows: number, n: number, later: boolean): number[] {
  const ends: number[] = []
  for (let to = rows; to < n; ends.push(to)) to = later ? n : Math.min(n, Math.max(FIRST_SCORED, 2 * to))
  return ends
}

/** How a donor does on the target's rows. */
interface RowScores {
  /** Length n: ℓ of each row. */
  pointwise: Float64Array
  /** L of the first so many rows, for the numbers of rows that pieces begin at. */
  joint: Map<number, number>
  known: Uint8Array
}

/** All that is asked of a donor, at once: its columns are computed for one target and then given up. */
function scoreRows(donor: Donor, observations: Observations, starts: readonly number[]): RowScores {
  const { pointwise } = donor.score(observations)
  const joint = new Map<number, number>()
  for (const rows of starts) {
    if (rows > 0 && rows < observations.n) joint.set(rows, donor.score(firstRows(observations, rows)).joint)
  }
  return { pointwise, joint, known: donor.knows(observations.song) }
}

/** What the plays count for when the model goes on to `observations`. */
function powers({ forgetting, wave }: TasteModel, observations: Observations) {
  return {
    before: powersOf(observations, forgetting, wave),
    after: powersOf(observations, forgetting, newestWave(observations, observations.n)),
  }
}

function addScores(
  block: BlockScore<Candidate>,
  seen: OwnModel,
  fresh: Observations,
  donors: readonly RowScores[],
  logPrior?: Float64Array,
): void {
  const rows = seen.observations.n
  const to = rows + fresh.n
  const past = donors.map(({ pointwise, joint }) => ({
    joint: joint.get(rows)!,
    pointwise: pointwise.subarray(0, rows),
  }))
  const pointwise = [
    scoreModel(seen.particles, fresh).pointwise,
    ...donors.map((donor) => donor.pointwise.subarray(rows, to)),
  ]
  const known = [undefined, ...donors.map((donor) => donor.known.subarray(rows, to))]
  block.plays += fresh.n
  // `switch` is one of the others.
  const densities = new Map<string, Float64Array>()
  for (const candidate of CANDIDATES) {
    const method = resolveWeighting(candidate, rows)
    let density = densities.get(method)
    if (density === undefined) {
      const { logWeights } = borrow(method, seen, past, logPrior)
      density = mixtureLogDensity(pointwise, logWeights, known)
      densities.set(method, density)
    }
    for (const value of density) block.scores[candidate] += value
  }
}

export interface Choice<K extends string> {
  best: K
  /** Subjects and plays behind it. */
  subjects: number
  plays: number
  /** Sums over the subjects. */
  scores: Record<K, number>
  /** Standard error over the subjects of the difference between each sum and the best one. */
  errors: Record<K, number>
}

/** The best of `names` for all subjects together, of equal ones the first; undefined where no play was scored. */
export function choose<K extends string>(
  names: readonly K[],
  blocks: readonly BlockScore<K>[],
): Choice<K> | undefined {
  const used = blocks.filter((block) => block.plays > 0)
  const subjects = used.length
  if (subjects === 0) return undefined
  const scores = {} as Record<K, number>
  const errors = {} as Record<K, number>
  let best = names[0]
  for (const name of names) {
    scores[name] = used.reduce<number>((sum, block) => sum + block.scores[name], 0)
    if (scores[name] > scores[best]) best = name
  }
  for (const name of names) {
    const mean = (scores[name] - scores[best]) / subjects
    const squares = used.reduce((sum, block) => {
      const off = block.scores[name] - block.scores[best] - mean
      return sum + off * off
    }, 0)
    errors[name] = Math.sqrt((subjects * squares) / Math.max(1, subjects - 1))
  }
  return { best, subjects, plays: used.reduce((sum, block) => sum + block.plays, 0), scores, errors }
}

function fromPrior(hyper: Hyper, draws: number, rng: Rng): Particles {
  const particles = createParticles(draws, hyper.names.length)
  for (let i = 0; i < draws; i++) drawPrior(hyper, particles, i, rng)
  return particles
}

const firstRows = (observations: Observations, count: number): Observations => rangeOf(observations, 0, count)

function rangeOf(observations: Observations, from: number, to: number): Observations {
  return takeRows(
    observations,
    Array.from({ length: to - from }, (_, k) => from + k),
  )
}
