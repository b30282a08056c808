// Options of the commands that learn weekly patterns.

import { type Command, InvalidArgumentError, Option } from "commander"
import { DEFAULT_FIT } from "../patterns/fit.js"
import { wholeNumber } from "./command.js"

export const MAX_ATOMS = 256
export const MAX_STARTS = 100
export const MAX_ITERATIONS = 10_000

/** What decides how patterns are learnt. */
export function patternOptions(made: Command): Command {
  return made
    .option(
      "--atoms <number>",
      "patterns (default: a quarter of the listeners, at most 32)",
      wholeNumber(1, MAX_ATOMS),
    )
    .option("--lambda <number>", "weight of the sum of codes", positive, DEFAULT_FIT.lambda)
    .option(
      "--starts <number>",
      "starts, of which the best is kept",
      wholeNumber(1, MAX_STARTS),
      DEFAULT_FIT.starts,
    )
    .option(
      "--iterations <number>",
      "most turns of a start",
      wholeNumber(1, MAX_ITERATIONS),
      DEFAULT_FIT.iterations,
    )
    .option(
      "--seed <number>",
      "seed of the starts",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      DEFAULT_FIT.seed,
    )
    .addOption(
      new Option("--source <which>", "plays of the study's boards, of imported logs, or both")
        .choices(["study", "imported", "both"])
        .default(DEFAULT_FIT.source),
    )
    .addOption(
      new Option("--smoothing <how>", "sums of three hours within the week, or from Sunday on to Monday")
        .choices(["valid", "circular"])
        .default(DEFAULT_FIT.smoothing),
    )
    .addOption(
      new Option(
        "--ratios <how>",
        "shares of an hour's plays as they are, or drawn to the listener's mean (default: drawn in studies under 12 weeks)",
      ).choices(["raw", "shrunk"]),
    )
}

export function positive(text: string): number {
  const value = Number(text)
  if (text.trim() === "" || !(value >= 0 && value <= 1e12)) {
    throw new InvalidArgumentError("must be a number from 0 to 1e12.")
  }
  return value
}
