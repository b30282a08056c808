// What every command has: the study folder, --json, an example in its help, and one way to answer.

import { availableParallelism } from "node:os"
import { Command, InvalidArgumentError } from "commander"

export interface CommonOptions {
  study: string
  json?: boolean
}

/** A mistake of the caller: one line, exit code 2. */
export class CommandError extends Error {
  override name = "CommandError"
}

/** A command with --study (unless `standalone`), --json and its example. */
export function command(
  name: string,
  description: string,
  example: string,
  { standalone = false }: { standalone?: boolean } = {},
): Command {
  // Options after the name of a subcommand are the subcommand's.
  const made = new Command(name).description(description).enablePositionalOptions()
  if (!standalone) made.option("--study <dir>", "folder of the study", ".")
  return made
    .option("--json", "print one JSON object instead of text")
    .addHelpText("after", `\nExample:\n  $ ${example}`)
    .configureHelp({ showGlobalOptions: true })
}

const MAX_WORKERS = 256

/** Adds --seed and --workers, for simulations that run in threads. */
export function simulation(made: Command): Command {
  return made
    .option("--seed <number>", "seed of the random numbers", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option(
      "--workers <number>",
      "threads; the result does not depend on them",
      wholeNumber(1, MAX_WORKERS),
      Math.min(availableParallelism(), MAX_WORKERS),
    )
}

/** Prints the object as JSON, or the lines as text. */
export function answer(options: { json?: boolean }, object: unknown, lines: readonly string[]): void {
  const text = options.json ? JSON.stringify(object) : lines.join("\n")
  process.stdout.write(`${text}\n`)
}

/** A parser for options that are whole numbers within limits. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`must be a whole number from ${low} to ${high}.`)
    }
    return value
  }
}

/** Names separated by commas; may be given more than once. */
export function nameList(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").map((name) => name.trim())].filter((name) => name !== "")
}
