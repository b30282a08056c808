// fieldtune patterns evaluate: whether weekly patterns tell what people do while they listen.

import { readFileSync, statSync } from "node:fs"
import type { Command } from "commander"
import { ENOUGH_PEOPLE, type Evaluation, evaluate, PUBLISHED } from "../patterns/evaluation/evaluate.js"
import {
  type Judgeable,
  judgedOfSimulation,
  judgedOfStudy,
  type NotJudgeable,
} from "../patterns/evaluation/judged.js"
import {
  LabelError,
  type Labels,
  labelsOfAnswers,
  MAX_LABEL_BYTES,
  readLabelsCsv,
} from "../patterns/evaluation/labels.js"
import { atomsFor, DEFAULT_FIT, type FitOptions } from "../patterns/fit.js"
import { storeEvaluation } from "../patterns/stored.js"
import type { Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList, wholeNumber } from "./command.js"
import { patternOptions } from "./pattern-options.js"
import { withSteps } from "./progress.js"
import { table } from "./table.js"
import { withinStudy } from "./within-study.js"

export interface EvaluateOptions extends CommonOptions, Partial<FitOptions> {
  labels?: string
  covariates?: string[]
  simulated?: number
  weeks: number
  folds: number
  permutations: number
}

const MAX_FOLDS = 20
const MAX_PERMUTATIONS = 10_000
const MAX_SIMULATED = 100_000
const MAX_WEEKS = 520
const NEXT = "Next: fieldtune patterns sweep tries other numbers of patterns"

export function evaluateCommand(): Command {
  return judgedOptions(
    command(
      "evaluate",
      "how well weekly patterns tell self-reported activities of listeners nobody has seen, beside what is known without them",
      "fieldtune patterns evaluate --labels activities.csv",
    ),
  )
    .option(
      "--permutations <number>",
      "shuffle the labels so often, to see that nothing is found then",
      wholeNumber(0, MAX_PERMUTATIONS),
      50,
    )
    .action(async (options: EvaluateOptions) => {
      const found = await judgedBy(options)
      if ("noAnswer" in found) return noAnswer(options, found)
      const { judged, channels, left } = found
      const learning = learningOptions(options, judged.weeks.rows)
      const evaluation = await withSteps(async (progress) =>
        evaluate(judged, {
          ...learning,
          ...{ folds: options.folds, permutations: options.permutations },
          progress: (done, of) => progress("judging", done / of),
        }),
      )
      const { atoms, lambda } = learning
      const kept = options.simulated === undefined
      if (kept) {
        await withinStudy(options, (study) =>
          storeEvaluation(study, { ...evaluation, ...learning }, judged, Date.now()),
        )
      }
      answer(options, { ...evaluation, atoms, lambda, channels, left, published: PUBLISHED }, [
        `${evaluation.people} listeners, ${options.folds} folds, ${atoms} patterns, lambda ${lambda}; channels: ${channels.join(", ")}.`,
        ...left.map(({ people, because }) => `Left out: ${people} listeners, ${because}.`),
        "",
        ...describe(evaluation),
        ...(kept ? ["Kept for the page and the report.", NEXT] : [NEXT]),
      ])
    })
}

/** Whom to judge, and how patterns are learnt. */
export function judgedOptions(made: Command): Command {
  return patternOptions(made)
    .option(
      "--labels <file.csv|survey>",
      "column subject, and a column of 1 and 0 for every activity; or the study's survey",
    )
    .option("--covariates <names>", "columns that are known beside (default: age, gender, sex)", nameList)
    .option(
      "--simulated <people>",
      "simulated people with planted activities in place of a study",
      wholeNumber(20, MAX_SIMULATED),
    )
    .option("--weeks <number>", "weeks of the simulated people", wholeNumber(1, MAX_WEEKS), 26)
    .option("--folds <number>", "parts of the people, each judged once", wholeNumber(2, MAX_FOLDS), 5)
}

/** The options of the fit; atoms for the people that a fold learns from. */
export function learningOptions({ atoms, folds, ...options }: EvaluateOptions, people: number) {
  const { lambda, starts, iterations, seed } = { ...DEFAULT_FIT, ...options }
  return {
    atoms: atoms ?? Math.max(1, atomsFor(Math.floor((people * (folds - 1)) / folds))),
    lambda,
    starts,
    iterations,
    seed,
  }
}

export async function judgedBy(options: EvaluateOptions): Promise<Judgeable | NotJudgeable> {
  const fit = { ...DEFAULT_FIT, ...options }
  if (options.simulated !== undefined) {
    return judgedOfSimulation(options.simulated, options.weeks, fit.seed, fit)
  }
  const { labels } = options
  if (labels === undefined) {
    throw new CommandError(
      "--labels: is needed: FILE.csv, or survey; --simulated tries it on simulated people",
    )
  }
  return withinStudy(options, async (study) => {
    try {
      return await judgedOfStudy(study, await labelsFrom(study, labels, options.covariates), fit)
    } catch (error) {
      if (error instanceof LabelError) throw new CommandError(`${labels}: ${error.message}`)
      throw error
    }
  })
}

async function labelsFrom(study: Study, from: string, covariates: string[] | undefined): Promise<Labels> {
  if (from === "survey") return labelsOfAnswers(await study.store.surveys.current(), covariates)
  let text: string
  try {
    if (statSync(from).size > MAX_LABEL_BYTES) {
      throw new LabelError(`must have at most ${MAX_LABEL_BYTES} bytes, got ${statSync(from).size}`)
    }
    text = readFileSync(from, "utf8")
  } catch (error) {
    if (error instanceof LabelError) throw error
    throw new CommandError(`--labels: ${(error as Error).message}`)
  }
  return readLabelsCsv(text, covariates)
}

export function noAnswer(options: CommonOptions, { noAnswer: because }: NotJudgeable): void {
  answer(options, { noAnswer: because }, [
    `No answer, because ${because}.`,
    "Next: fieldtune patterns fit shows the weeks",
  ])
}

const three = (value: number | null): string => (value === null ? "–" : value.toFixed(3))

function describe({ people, activities, sets, permuted }: Evaluation): string[] {
  const answered = activities.filter(({ noAnswer }) => noAnswer === null)
  const rows = sets.map(({ features, byActivity, mean }) => [
    features,
    ...byActivity.map(({ area, low, high }) => `${three(area)} (${three(low)}-${three(high)})`),
    `${three(mean.area)} (${three(mean.low)}-${three(mean.high)})`,
  ])
  return [
    "Area under the ROC curve on listeners nobody has seen, with 95 % intervals over listeners (.5 = guessing):",
    ...table(["features", ...answered.map(({ activity }) => activity), "mean"], rows),
    "",
    ...activities.flatMap(({ activity, noAnswer }) =>
      noAnswer === null ? [] : [`${activity}: no answer, because ${noAnswer}.`],
    ),
    ...(permuted === null
      ? []
      : [
          `With shuffled labels: ${three(permuted.mean)} on the mean of ${permuted.times} times (sd ${three(permuted.sd)}); guessing is .500.`,
        ]),
    `Published for patterns (PACE 2024): ${PUBLISHED[0]} to ${PUBLISHED[1]} by activity.`,
    ...(people < ENOUGH_PEOPLE
      ? [
          `With ${people} listeners, fewer than ${ENOUGH_PEOPLE}, the intervals stand for themselves and nothing is claimed.`,
        ]
      : []),
  ]
}
