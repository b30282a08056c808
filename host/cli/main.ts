#!/usr/bin/env node
// The command line. Commands read arguments, environment, clock and seed; nothing below them does.

import { createRequire } from "node:module"
import { Command } from "commander"
import { archiveCommand } from "./archive.js"
import { boardCommand } from "./board.js"
import { calibrateCommand } from "./calibrate.js"
import { cardCommand } from "./card.js"
import { catalogueCommand } from "./catalogue.js"
import { checkCommand } from "./check.js"
import { clocksCommand } from "./clocks.js"
import { demoCommand } from "./demo.js"
import { enrolCommand } from "./enrol.js"
import { reportFailure } from "./exit.js"
import { exportCommand } from "./export.js"
import { fitCommand } from "./fit.js"
import { flashCommand } from "./flash.js"
import { importCommand } from "./import.js"
import { initCommand } from "./init.js"
import { planCommand } from "./plan.js"
import { rehearseCommand } from "./rehearse.js"
import { replicateCommand } from "./replicate.js"
import { reportCommand } from "./report.js"
import { roundCommand } from "./round.js"
import { serveCommand } from "./serve.js"
import { statusCommand } from "./status.js"
import { surveyCommand } from "./survey.js"
import { syncCommand } from "./sync.js"
import { unblindCommand } from "./unblind.js"
import { waveCommand } from "./wave.js"
import { withdrawCommand } from "./withdraw.js"

const { version, description } = createRequire(import.meta.url)("../../../package.json") as {
  version: string
  description: string
}

const program = new Command("fieldtune")
  .description(description)
  .version(version)
  // Options after the name of a command are that command's, also where a command has subcommands.
  .enablePositionalOptions()
  .addCommand(initCommand())
  .addCommand(planCommand())
  .addCommand(catalogueCommand())
  .addCommand(flashCommand())
  .addCommand(enrolCommand())
  .addCommand(boardCommand())
  .addCommand(withdrawCommand())
  .addCommand(unblindCommand())
  .addCommand(cardCommand())
  .addCommand(serveCommand())
  .addCommand(syncCommand())
  .addCommand(waveCommand())
  .addCommand(roundCommand())
  .addCommand(statusCommand())
  .addCommand(checkCommand())
  .addCommand(clocksCommand())
  .addCommand(reportCommand())
  .addCommand(archiveCommand())
  .addCommand(importCommand())
  .addCommand(surveyCommand())
  .addCommand(exportCommand())
  .addCommand(fitCommand())
  .addCommand(replicateCommand())
  .addCommand(calibrateCommand())
  .addCommand(rehearseCommand())
  .addCommand(demoCommand())

function throwInsteadOfExit(command: Command): void {
  command.exitOverride()
  for (const inner of command.commands) throwInsteadOfExit(inner)
}
throwInsteadOfExit(program)

// A reader that closes its end early (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
})

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = reportFailure(error)
}
