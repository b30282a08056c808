#!/usr/bin/env node
// The command line. Commands read arguments, environment, clock and seed; nothing below them does.

import { createRequire } from "node:module"
import { Command } from "commander"
import { reportFailure } from "./exit.js"

const { version, description } = createRequire(import.meta.url)("../../../package.json") as {
  version: string
  description: string
}

/** In the order of the help. What one command needs is not loaded for another. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  init: async () => (await import("./init.js")).initCommand(),
  plan: async () => (await import("./plan.js")).planCommand(),
  catalogue: async () => (await import("./catalogue.js")).catalogueCommand(),
  flash: async () => (await import("./flash.js")).flashCommand(),
  enrol: async () => (await import("./enrol.js")).enrolCommand(),
  board: async () => (await import("./board.js")).boardCommand(),
  withdraw: async () => (await import("./withdraw.js")).withdrawCommand(),
  unblind: async () => (await import("./unblind.js")).unblindCommand(),
  card: async () => (await import("./card.js")).cardCommand(),
  serve: async () => (await import("./serve.js")).serveCommand(),
  sync: async () => (await import("./sync.js")).syncCommand(),
  wave: async () => (await import("./wave.js")).waveCommand(),
  round: async () => (await import("./round.js")).roundCommand(),
  status: async () => (await import("./status.js")).statusCommand(),
  check: async () => (await import("./check.js")).checkCommand(),
  clocks: async () => (await import("./clocks.js")).clocksCommand(),
  report: async () => (await import("./report.js")).reportCommand(),
  archive: async () => (await import("./archive.js")).archiveCommand(),
  import: async () => (await import("./import.js")).importCommand(),
  survey: async () => (await import("./survey.js")).surveyCommand(),
  patterns: async () => (await import("./patterns.js")).patternsCommand(),
  export: async () => (await import("./export.js")).exportCommand(),
  fit: async () => (await import("./fit.js")).fitCommand(),
  replicate: async () => (await import("./replicate.js")).replicateCommand(),
  calibrate: async () => (await import("./calibrate.js")).calibrateCommand(),
  rehearse: async () => (await import("./rehearse.js")).rehearseCommand(),
  demo: async () => (await import("./demo.js")).demoCommand(),
}

const program = new Command("fieldtune")
  .description(description)
  .version(version)
  // Options after the name of a command are that command's, also where a command has subcommands.
  .enablePositionalOptions()

const [, , named] = process.argv
// Help, and the advice on a name that is mistyped, take all of them.
const needed = Object.hasOwn(COMMANDS, named ?? "") ? [named] : Object.keys(COMMANDS)
for (const name of needed) program.addCommand(await COMMANDS[name]())

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
