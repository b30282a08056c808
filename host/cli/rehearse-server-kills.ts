// fieldtune rehearse server-kills: is anything that the host has acknowledged lost when its process is killed?

import type { Command } from "commander"
import { rehearseServerKills, type ServerKillReport } from "../rehearsal/server-kills.js"
import { answer, command, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options {
  kills: number
  seed: number
  json?: boolean
}

const DEFAULT_KILLS = 50
const MAX_KILLS = 1_000_000

export function serverKillsCommand(): Command {
  return command(
    "server-kills",
    "kill fieldtune serve at random moments while boards sync with it, and compare what it acknowledged with what is stored",
    "fieldtune rehearse server-kills --kills 200 --seed 1",
    { standalone: true },
  )
    .option(
      "--kills <number>",
      "kills, mostly under load, some while it starts or ends",
      wholeNumber(1, MAX_KILLS),
      DEFAULT_KILLS,
    )
    .option("--seed <number>", "seed of records and moments", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { kills, seed } = options
  const report = await withProgress("kills", kills, (onProgress) =>
    rehearseServerKills({ seed, kills }, onProgress),
  )
  answer(options, report, describe(report))
  if (report.violations > 0) process.exitCode = 1
}

function describe(report: ServerKillReport): string[] {
  const { kills, seed, moments, answered, broken, acknowledged, lost, doubled, violations } = report
  return [
    `${kills} kills (seed ${seed}): ${moments.load} under load, ${moments.starting} while it started, ${moments.stopping} while it ended.`,
    `${answered} exchanges were answered, ${broken} broke off; ${acknowledged} records acknowledged, ${lost} lost, ${doubled} doubled, ${violations} violations in all.`,
    ...report.details.map((detail) => `  violation: ${detail}`),
    violations > 0
      ? "This means: do not rely on this machine's disk or this version of the host."
      : "This means: what the host has acknowledged is on the disk, whenever its process ends.",
    violations > 0
      ? "Next: try again on another disk, and report the violations"
      : "Next: fieldtune rehearse power-cuts does the same for the boards",
  ]
}
