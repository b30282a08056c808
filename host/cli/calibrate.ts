// fieldtune calibrate: does the estimation say what it knows, no more and no less? Simulation-based calibration.

import { availableParallelism } from "node:os"
import type { Command } from "commander"
import { calibrate } from "../calibrate/calibrate.js"
import { MIN_SIMS } from "../calibrate/report.js"
import { describeCalibration } from "./calibrate-text.js"
import { answer, command, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options {
  sims: number
  seed: number
  workers: number
  json?: boolean
}

const DEFAULT_SIMS = 500
const MAX_SIMS = 100_000
const MAX_SEED = Number.MAX_SAFE_INTEGER
const MAX_WORKERS = 256

export function calibrateCommand(): Command {
  return command(
    "calibrate",
    "check the estimation on listeners whose taste is known: ranks of the truth among the draws, coverage of intervals",
    "fieldtune calibrate --sims 500 --seed 1",
    { standalone: true },
  )
    .option("--sims <number>", "simulated listeners", wholeNumber(MIN_SIMS, MAX_SIMS), DEFAULT_SIMS)
    .option("--seed <number>", "seed of the random numbers", wholeNumber(0, MAX_SEED), 1)
    .option(
      "--workers <number>",
      "threads; the result does not depend on them",
      wholeNumber(1, MAX_WORKERS),
      Math.min(availableParallelism(), MAX_WORKERS),
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { sims, seed, workers } = options
  const report = await withProgress("calibrate", sims, (onProgress) =>
    calibrate({ sims, seed, workers, onProgress }),
  )
  answer(options, report, describeCalibration(report))
}
