// fieldtune rehearse power-cuts: does anything get lost, or counted twice, when the power goes?

import type { Command } from "commander"
import { loadFirmware } from "../firmware/build.js"
import { type PowerCutReport, rehearsePowerCuts } from "../rehearsal/power-cuts.js"
import { answer, command, simulation, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options {
  cuts: number
  flashCuts?: number
  seed: number
  workers: number
  json?: boolean
}

const DEFAULT_CUTS = 500
const MAX_CUTS = 10_000_000
/** Cuts on boards with flash alone, per cut on one with FRAM. */
const FLASH_SHARE = 0.05

export function powerCutsCommand(): Command {
  return simulation(
    command(
      "power-cuts",
      "cut the power of simulated boards at random moments and within their writes, and compare what sounded with what is stored",
      "fieldtune rehearse power-cuts --cuts 500 --seed 1",
      { standalone: true },
    )
      .option("--cuts <number>", "power cuts on boards with FRAM", wholeNumber(1, MAX_CUTS), DEFAULT_CUTS)
      .option(
        "--flash-cuts <number>",
        "power cuts on boards with settings flash alone, whose losses are counted apart (default: one per 20 of --cuts)",
        wholeNumber(0, MAX_CUTS),
      ),
  ).action(run)
}

async function run(options: Options): Promise<void> {
  const { cuts, seed, workers, flashCuts = Math.ceil(cuts * FLASH_SHARE) } = options
  const bytecode = loadFirmware()
  const report = await withProgress("power cuts", cuts + flashCuts, (onProgress) =>
    rehearsePowerCuts({ seed, cuts, flashCuts, bytecode }, { workers, onProgress }),
  )
  answer(options, report, describe(report))
  if (report.violations > 0) process.exitCode = 1
}

function describe(report: PowerCutReport): string[] {
  const { cuts, torn, kinds, flashOnlyCuts } = report
  const counts = (of: Record<string, number>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ")
  return [
    `${cuts} power cuts on boards with FRAM, ${flashOnlyCuts} on boards with settings flash alone (seed ${report.seed}):`,
    `  while: ${counts(kinds)}`,
    `  within a write of: ${counts(torn)}`,
    `${report.listens} listens, ${report.lost} lost, ${report.duplicated} stored without having sounded, ${report.violations} violations in all.`,
    `Worst loss of a listen that was going on, with FRAM: ${(report.worstOpenLossMs / 1000).toFixed(1)} s (at most 5 s are allowed).`,
    `With flash alone ${report.flashOnlyLosses} listens that had not been synced were lost, and ${report.flashOnlyErased} boards had to be flashed again.`,
    ...report.details.map((detail) => `  violation: ${detail}`),
    report.violations > 0
      ? "Next: report the violations with the seed; they repeat with the same numbers"
      : "Next: fieldtune rehearse network-faults does the same for the network",
  ]
}
