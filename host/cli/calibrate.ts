// fieldtune calibrate: does the estimation say what it knows, no more and no less? Simulation-based calibration.

import type { Command } from "commander"
import { calibrate } from "../calibrate/calibrate.js"
import { MIN_SIMS } from "../calibrate/report.js"
import { describeCalibration } from "./calibrate-text.js"
import { answer, command, simulation, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options {
  sims: number
  seed: number
  workers: number
  json?: boolean
}

const DEFAULT_SIMS = 500
const MAX_SIMS = 100_000

export function calibrateCommand(): Command {
  return simulation(
    command(
      "calibrate",
      "check the estimation on listeners whose taste is known: ranks of the truth among the draws, coverage of intervals",
      "fieldtune calibrate --sims 500 --seed 1",
      { standalone: true },
    ).option("--sims <number>", "simulated listeners", wholeNumber(MIN_SIMS, MAX_SIMS), DEFAULT_SIMS),
  ).action(run)
}

async function run(options: Options): Promise<void> {
  const { sims, seed, workers } = options
  const report = await withProgress("calibrate", sims, (onProgress) =>
    calibrate({ sims, seed, workers, onProgress }),
  )
  answer(options, report, describeCalibration(report))
}
