// Rehearsing a study once or many times: what it would find, and how often.
//
// Repeat r runs with seed + r − 1, so each of them can be rehearsed by itself. What many repeats tell of table 9:
//   power     share of the repeats with p < .05; with arms of the same design it is the rate of false alarms
//   coverage  share of the repeats whose 95 % interval holds the mean difference of all the others

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { moments } from "../../study/statistics/welch.js"
import { type Comparison, type Findings, findingsOf } from "./findings.js"
import { runWholeStudy, type WholeStudyOptions } from "./run.js"

export interface RehearseOptions extends Omit<WholeStudyOptions, "dir" | "progress"> {
  repeats: number
  /** Keeps the first repeat's study in this new folder. */
  keep?: string
  /** Told what is done, and the share of all the work. */
  progress?: (label: string, share: number) => void
}

/** A line of table 9 over all repeats. */
export interface RepeatedComparison extends Pick<Comparison, "measure" | "wave" | "arms"> {
  /** Repeats that had a test. */
  tests: number
  /** Of the differences: mean, and standard deviation between repeats. */
  mean: number | null
  sd: number | null
  power: number | null
  /** Standard error of the power: √(power(1 − power)/tests). */
  powerError: number | null
  coverage: number | null
}

export interface RehearsedStudy {
  first: Findings
  /** All repeats, the first one among them; empty where there is only one. */
  comparisons: RepeatedComparison[]
  /** Sums over all repeats. */
  lost: number
  duplicated: number
  panics: number
}

const SIGNIFICANT = 0.05

export async function rehearse(options: RehearseOptions): Promise<RehearsedStudy> {
  const { repeats, keep, progress, ...given } = options
  const all: Findings[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const label = (text: string): string =>
      repeats > 1 ? `repeat ${repeat + 1} of ${repeats}: ${text}` : text
    const folder =
      repeat === 0 && keep !== undefined ? undefined : mkdtempSync(join(tmpdir(), "fieldtune-rehearse-"))
    try {
      const whole = await runWholeStudy({
        ...given,
        seed: given.seed + repeat,
        dir: folder === undefined ? keep! : join(folder, "study"),
        progress: (text, share) => progress?.(label(text), (repeat + share) / repeats),
      })
      try {
        all.push(await findingsOf(whole, given.workers))
      } finally {
        await whole.study.close()
      }
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    }
  }
  const sum = (of: (findings: Findings) => number): number => all.reduce((total, one) => total + of(one), 0)
  return {
    first: all[0],
    comparisons:
      repeats > 1 ? all[0].table9.map((_, line) => repeated(all.map(({ table9 }) => table9[line]))) : [],
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    panics: sum(({ panics }) => panics),
  }
}

/** One line of table 9 from every repeat. */
function repeated(lines: readonly Comparison[]): RepeatedComparison {
  const { measure, wave, arms } = lines[0]
  const tests = lines.flatMap(({ test }) => ("t" in test ? [test] : []))
  const count = tests.length
  const nothing = { mean: null, sd: null, power: null, powerError: null, coverage: null }
  if (count < 2) return { measure, wave, arms, tests: count, ...nothing }
  const { mean, variance } = moments(tests.map(({ difference }) => difference))
  const power = tests.filter(({ p }) => p < SIGNIFICANT).length / count
  const covered = tests.filter(({ difference, low, high }) => {
    const others = (count * mean - difference) / (count - 1)
    return low <= others && others <= high
  }).length
  return {
    ...{ measure, wave, arms, tests: count },
    ...{ mean, sd: Math.sqrt(variance), power, powerError: Math.sqrt((power * (1 - power)) / count) },
    coverage: covered / count,
  }
}
