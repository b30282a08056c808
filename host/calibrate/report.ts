// What many simulations say: are the ranks uniform, do central intervals hold the truth as often as they claim?
//
// A check of this many quantities finds a small p-value somewhere even when all is well, so the verdict is on
// p-values corrected for their number (Holm), and on shares outside a range corrected the same way: a correct
// sampler fails either check in FALSE_ALARM of all seeds.

import type { Scenario } from "./scenario.js"
import { type Outcome, type PathOutcome, quantityNames, RANKED_DRAWS, SIGMA, SONG } from "./simulation.js"
import { binomialRange, holm, uniformity } from "./uniformity.js"

const LEVELS = ["50", "80", "95"] as const
type Level = (typeof LEVELS)[number]
type Coverage = Record<Level, number>

/** How often a correct sampler fails the check of ranks, and how often that of coverage. */
export const FALSE_ALARM = 0.01
/** Shared between the two paths. */
export const PATH_LEVEL = FALSE_ALARM / 2
/** Numbers of bins that divide the ranks evenly, and how many simulations a bin should expect. */
const BIN_CHOICES = [20, 10, 8, 5, 4]
const EXPECTED_PER_BIN = 10
/** Fewest simulations: an expectation of 5 in each of 4 bins. */
export const MIN_SIMS = 20

interface RankCheck {
  chi2: number
  p: number
  /** p corrected for the number of quantities of this path. */
  holm: number
  /** Mean rank as a share of the largest: below a half, the draws are too high; and its distance from a half in
   *  standard errors. */
  mean: number
  meanZ: number
  /** Share of ranks in the outer quarters: above a half, the draws are too close together; in standard errors. */
  outerZ: number
}

interface PathReport {
  ranks: Record<string, RankCheck>
  /** Mean over σ and the songs' x'β of the share of central intervals that hold the truth. */
  coverage: Coverage
  coverageOf: Record<typeof SIGMA | typeof SONG, Coverage>
  passed: boolean
}

export interface CalibrationReport extends PathReport {
  sims: number
  seed: number
  bins: number
  /** Particles per subject, and how many of them a rank is among. */
  draws: number
  ranked: number
  /** Plays per block. */
  plays: number[]
  /** Share of plays that are censored. */
  censored: number
  /** Where a share of one quantity lies if all is well. */
  expected: Record<Level, [number, number]>
  /** Independent draws behind the least certain mean of a first block: smallest and median over simulations. */
  ess: { smallest: number; median: number }
  smc: PathReport & {
    /** Simulations in which the last block was fitted from scratch. */
    refitted: number
    /** Distinct particles that had descendants in the last block, median over simulations. */
    ancestors: number | null
  }
}

export function reportCalibration(
  scenario: Scenario,
  outcomes: readonly Outcome[],
  { sims, seed, draws }: { sims: number; seed: number; draws: number },
): CalibrationReport {
  const bins = BIN_CHOICES.find((choice) => sims / choice >= EXPECTED_PER_BIN) ?? Math.min(...BIN_CHOICES)
  const expected = perLevel((level) => expectedRange(level, sims))
  const first = outcomes.map((outcome) => outcome.firstBlock)
  const later = outcomes.map((outcome) => outcome.later)
  const names = quantityNames(scenario.hyper)
  const ancestors = later.flatMap((path) => path.ancestors ?? [])
  let censored = 0
  for (const outcome of outcomes) censored += outcome.censored / sims
  const { ranks, coverage, ...verdict } = reportPath(names, first, bins, expected)
  return {
    sims,
    ranks,
    coverage,
    smc: {
      ...reportPath(names, later, bins, expected),
      refitted: later.filter((path) => path.refitted).length,
      ancestors: ancestors.length > 0 ? median(ancestors) : null,
    },
    ...verdict,
    seed,
    bins,
    draws,
    ranked: RANKED_DRAWS,
    plays: scenario.blocks,
    censored,
    expected,
    ess: {
      smallest: first.reduce((smallest, path) => Math.min(smallest, path.ess), Number.POSITIVE_INFINITY),
      median: median(first.map((path) => path.ess)),
    },
  }
}

function perLevel<T>(of: (level: Level) => T): Record<Level, T> {
  return Object.fromEntries(LEVELS.map((level) => [level, of(level)])) as Record<Level, T>
}

/** Three levels of two quantities on two paths: FALSE_ALARM is shared among twelve. */
function expectedRange(level: Level, sims: number): [number, number] {
  return binomialRange(sims, Number(level) / 100, FALSE_ALARM / 12)
}

function reportPath(
  names: readonly string[],
  paths: readonly PathOutcome[],
  bins: number,
  expected: Record<Level, [number, number]>,
): PathReport {
  const columns = names.map((_, f) => paths.map((path) => path.ranks[f]))
  const tests = columns.map((ranks) => uniformity(ranks, RANKED_DRAWS + 1, bins))
  const corrected = holm(tests.map(({ p }) => p))
  const ranks = Object.fromEntries(
    names.map((name, f) => [name, { ...tests[f], holm: corrected[f], ...shape(columns[f]) }]),
  )
  const songs = columns.filter((_, f) => names[f].startsWith(SONG))
  const sigma = columns[names.indexOf(SIGMA)]
  const coverageOf = {
    [SIGMA]: perLevel((level) => covered([sigma], level)),
    [SONG]: perLevel((level) => covered(songs, level)),
  } as PathReport["coverageOf"]
  const inRange = [SIGMA, SONG].every((name) =>
    LEVELS.every((level) => {
      const share = coverageOf[name as typeof SIGMA][level]
      return share >= expected[level][0] && share <= expected[level][1]
    }),
  )
  return {
    ranks,
    coverage: perLevel((level) => covered([sigma, ...songs], level)),
    coverageOf,
    passed: inRange && corrected.every((p) => p >= PATH_LEVEL),
  }
}

/** Share of ranks in the central `level` per cent of all ranks: as often does the interval between two of the
 *  ordered draws hold the truth. */
function covered(columns: readonly (readonly number[])[], level: Level): number {
  const tail = Math.round(((RANKED_DRAWS + 1) * (1 - Number(level) / 100)) / 2)
  let inside = 0
  let all = 0
  for (const ranks of columns) {
    for (const rank of ranks) if (rank >= tail && rank <= RANKED_DRAWS - tail) inside++
    all += ranks.length
  }
  return inside / all
}

/** Where the mean rank is, and how far the two ways of being wrong have gone, in standard errors. */
function shape(ranks: readonly number[]): { mean: number; meanZ: number; outerZ: number } {
  const n = ranks.length
  const quarter = (RANKED_DRAWS + 1) / 4
  let sum = 0
  let outer = 0
  for (const rank of ranks) {
    sum += rank / RANKED_DRAWS
    if (rank < quarter || rank > RANKED_DRAWS - quarter) outer++
  }
  const mean = sum / n
  return {
    mean,
    // A uniform share has variance 1/12, and half of the ranks are in the outer quarters.
    meanZ: (mean - 0.5) * Math.sqrt(12 * n),
    outerZ: (outer / n - 0.5) * Math.sqrt(4 * n),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
