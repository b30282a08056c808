// A calibration in words: what was run, what passed, what did not and how it is wrong.

import { type CalibrationReport, FALSE_ALARM, PATH_LEVEL } from "../calibrate/report.js"
import { table } from "./table.js"

type Path = Pick<CalibrationReport, "ranks" | "coverage" | "coverageOf" | "passed">

const percent = (share: number): string => (100 * share).toFixed(1)

export function describeCalibration(report: CalibrationReport): string[] {
  const { sims, plays, ess, smc } = report
  const total = plays.reduce((sum, count) => sum + count, 0)
  return [
    `${sims} listeners drawn from the prior, ${total} plays each in blocks of ${plays.join(", ")}; ` +
      `${percent(report.censored)} % of the plays censored.`,
    `Each truth is ranked among ${report.ranked} of ${report.draws} draws, as far apart as they can be.`,
    `The least certain mean of a first block rests on ${Math.floor(ess.median)} independent draws ` +
      `(median; smallest ${Math.floor(ess.smallest)}).`,
    "",
    ...describePath("First block, Gibbs sampler", report, report),
    ...describePath(`Blocks 2 to ${plays.length}, Sequential Monte Carlo`, smc, report),
    ...(smc.refitted > 0
      ? [`${smc.refitted} of ${sims} listeners were fitted again from all plays.`, ""]
      : []),
    report.passed && smc.passed
      ? "Both procedures are calibrated as far as this many simulations can tell."
      : "Not calibrated: see what failed above.",
    `A correct procedure fails the ranks in ${percent(FALSE_ALARM)} % of runs and the coverage in as many; ` +
      "another --seed tells chance from fault.",
  ]
}

function describePath(title: string, path: Path, { bins, expected }: CalibrationReport): string[] {
  const names = Object.keys(path.ranks)
  const failed = names.filter((name) => path.ranks[name].holm < PATH_LEVEL)
  const smallest = Math.min(...names.map((name) => path.ranks[name].holm))
  const lines = [
    title,
    "",
    ...table(
      ["ranks of", "chi2", "p", "p corrected"],
      names.map((name) => {
        const { chi2, p, holm } = path.ranks[name]
        return [name, chi2.toFixed(1), p.toPrecision(2), holm.toPrecision(2)]
      }),
    ),
    "",
    failed.length === 0
      ? `Ranks: passed. All ${names.length} quantities are as uniform over ${bins} bins as chance allows (smallest ` +
        `corrected p ${smallest.toPrecision(2)}; fails under ${PATH_LEVEL}).`
      : `Ranks: FAILED for ${failed.length} of ${names.length} quantities:`,
    ...failed.map((name) => `  ${name}: ${fault(path.ranks[name])}`),
  ]
  const outside: string[] = []
  const rows = Object.entries(path.coverageOf).map(([name, coverage]) => [
    name,
    ...Object.entries(coverage).map(([level, share]) => {
      const [low, high] = expected[level as keyof typeof expected]
      if (share < low || share > high) {
        outside.push(
          `  ${name}: ${level} % intervals hold the truth in ${percent(share)} %, expected ${percent(low)} to ` +
            `${percent(high)}: ${share < low ? "the posterior is too narrow or in the wrong place" : "too wide"}`,
        )
      }
      return percent(share)
    }),
  ])
  const ranges = Object.values(expected).map(([low, high]) => `${percent(low)}-${percent(high)}`)
  lines.push(
    "",
    ...table(["central intervals", "50 %", "80 %", "95 %"], [...rows, ["expected", ...ranges]]),
    "",
    outside.length === 0
      ? "Coverage: passed. Every interval holds the truth as often as it says, within the range of chance."
      : `Coverage: FAILED for ${outside.length} of ${3 * rows.length} intervals:`,
    ...outside,
    "",
  )
  return lines
}

/** Beyond this many standard errors a direction is worth naming. */
const CLEAR = 3

function fault({ meanZ, outerZ }: { meanZ: number; outerZ: number }): string {
  const found: string[] = []
  if (meanZ > CLEAR) found.push("the draws are too low")
  if (meanZ < -CLEAR) found.push("the draws are too high")
  if (outerZ > CLEAR) found.push("the draws are too close together (posterior too narrow)")
  if (outerZ < -CLEAR) found.push("the draws are too far apart (posterior too wide)")
  return found.length > 0 ? found.join("; ") : "the ranks are not uniform, with no single direction"
}
