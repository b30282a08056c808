// fieldtune patterns sweep: what the settings of weekly patterns change.

import { type Command, InvalidArgumentError } from "commander"
import { PUBLISHED } from "../patterns/evaluation/evaluate.js"
import { type Sweep, sweep } from "../patterns/evaluation/sweep.js"
import { answer, command } from "./command.js"
import {
  type EvaluateOptions,
  judgedBy,
  judgedOptions,
  learningOptions,
  noAnswer,
} from "./patterns-evaluate.js"
import { withSteps } from "./progress.js"
import { table } from "./table.js"

interface SweepCommandOptions extends EvaluateOptions {
  atomCounts: number[]
  lambdas: number[]
}

const MOST_VALUES = 10

export function sweepCommand(): Command {
  return judgedOptions(
    command(
      "sweep",
      "other numbers of patterns and weights, each channel left out, a classifier without patterns, and listeners put aside",
      "fieldtune patterns sweep --labels activities.csv",
    ),
  )
    .option("--atom-counts <list>", "numbers of patterns that are tried", numbers(1, 256, true), [16, 32, 64])
    .option(
      "--lambdas <list>",
      "weights of the sum of codes that are tried",
      numbers(0, 1e12, false),
      [0.5, 2, 5],
    )
    .action(async (options: SweepCommandOptions) => {
      const found = await judgedBy(options)
      if ("noAnswer" in found) return noAnswer(options, found)
      const { starts, iterations, seed } = learningOptions(options, found.judged.weeks.rows)
      const swept = await withSteps(async (progress) =>
        sweep(found.judged, found.channels, {
          ...{ atoms: options.atomCounts, lambdas: options.lambdas, starts, iterations, seed },
          folds: options.folds,
          progress: (done, of) => progress("judging", done / of),
        }),
      )
      answer(
        options,
        { ...swept, channels: found.channels, left: found.left, published: PUBLISHED },
        describe(swept),
      )
    })
}

function numbers(low: number, high: number, whole: boolean): (text: string) => number[] {
  return (text) => {
    const values = text.split(",").map(Number)
    const wrong = values.find(
      (value) => !(value >= low && value <= high) || (whole && !Number.isInteger(value)),
    )
    if (wrong !== undefined || values.length > MOST_VALUES) {
      throw new InvalidArgumentError(
        `must be at most ${MOST_VALUES} ${whole ? "whole " : ""}numbers from ${low} to ${high}, separated by commas.`,
      )
    }
    return values
  }
}

const area = ({
  area: mean,
  low,
  high,
}: {
  area: number | null
  low: number | null
  high: number | null
}): string =>
  mean === null ? "–" : `${mean.toFixed(3)} (${low?.toFixed(3) ?? "–"}-${high?.toFixed(3) ?? "–"})`
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function describe({ people, heldOut, settings, best, without, attention, onHeldOut }: Sweep): string[] {
  const rows = settings.map((setting) => [
    setting.atoms,
    setting.lambda,
    area(setting),
    percent(setting.explained),
    percent(setting.used),
  ])
  return [
    `${people} listeners; ${heldOut} more were put aside. Mean area under the ROC curve over activities, with 95 % intervals over listeners:`,
    ...table(["patterns", "lambda", "area", "explained", "codes used"], rows),
    "",
    `With ${best.atoms} patterns and lambda ${best.lambda}, which have the highest area here:`,
    ...table(
      ["left out", "area"],
      without.map((row) => [row.channel, area(row)]),
    ),
    "",
    `Self-attention over the raw week, without patterns: ${area(attention)}.`,
    `The best setting on the listeners put aside, of whom nothing was known when it was chosen: ${area(onHeldOut)}.`,
    "explained and codes used are of listeners that the patterns were not learnt from.",
    "Next: fieldtune patterns fit --atoms NUMBER --lambda NUMBER takes a setting for the study",
  ]
}
