// fieldtune patterns: the weekly listening patterns of a study (PACE), and of anybody's matrix.

import { readFileSync, statSync } from "node:fs"
import type { Command } from "commander"
import { encode, learnDictionary, objectiveOf } from "../patterns/dictionary.js"
import {
  DEFAULT_FIT,
  type FitOptions,
  fitPatterns,
  type GivenDictionary,
  LEAST_PLAYS,
  LEAST_WEEKS,
  type PatternFit,
} from "../patterns/fit.js"
import type { Matrix } from "../patterns/matrix.js"
import { MAX_MATRIX_BYTES, MatrixError, type MatrixFile, readMatrixFile } from "../patterns/matrix-file.js"
import { storedDictionary, storedPattern, strongestOf } from "../patterns/stored.js"
import { CHANNELS, HOURS } from "../patterns/week.js"
import type { Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { MAX_ATOMS, MAX_ITERATIONS, MAX_STARTS, patternOptions, positive } from "./pattern-options.js"
import { evaluateCommand } from "./patterns-evaluate.js"
import { sweepCommand } from "./patterns-sweep.js"
import { table } from "./table.js"
import { withinStudy } from "./within-study.js"

/** Subjects of a table on the terminal. */
const LISTED = 30
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
/** From nothing to the fullest hour. */
const SHADES = " ·:-=+*#%@"

type FitCommandOptions = CommonOptions & Partial<FitOptions>

interface MatrixOptions {
  matrix: string
  lambda?: number
  atoms?: number
  starts: number
  iterations: number
  seed: number
  json?: boolean
}

export function patternsCommand(): Command {
  return command(
    "patterns",
    "weekly listening patterns (PACE): when and how people listen, as a mixture of a few learnt weeks",
    "fieldtune patterns fit",
  )
    .addCommand(fit())
    .addCommand(
      command("show", "a listener's week, and what it is made of", "fieldtune patterns show 7")
        .argument("<subject>", "number of the listener", wholeNumber(1, 2 ** 31))
        .action((subject: number, options: CommonOptions) =>
          withinStudy(options, (study) => show(study, subject, options)),
        ),
    )
    .addCommand(evaluateCommand())
    .addCommand(sweepCommand())
    .addCommand(
      onMatrix(
        "code",
        "codes of the rows of X with the atoms D0 of a file, which stay as they are",
        "fieldtune patterns code --matrix matrix.json --lambda 2 --json",
      ).action((options: MatrixOptions) => code(options)),
    )
    .addCommand(
      onMatrix(
        "learn",
        "atoms and codes for the rows X of a file, from its atoms D0 on; without D0, from --atoms rows",
        "fieldtune patterns learn --matrix matrix.json --lambda 2 --json",
      )
        .option("--atoms <number>", "atoms, where the file has no D0", wholeNumber(1, MAX_ATOMS))
        .option(
          "--starts <number>",
          "starts, where the file has no D0",
          wholeNumber(1, MAX_STARTS),
          DEFAULT_FIT.starts,
        )
        .option("--iterations <number>", "most turns of a start", wholeNumber(1, MAX_ITERATIONS), 500)
        .option(
          "--seed <number>",
          "seed of the starts",
          wholeNumber(0, Number.MAX_SAFE_INTEGER),
          DEFAULT_FIT.seed,
        )
        .action((options: MatrixOptions) => learn(options)),
    )
}

function fit(): Command {
  return patternOptions(
    command(
      "fit",
      "learn the study's weekly patterns and place every listener among them",
      "fieldtune patterns fit --seed 1",
    ),
  )
    .option("--from <dir>", "place everybody among the patterns of the study in this folder, and learn none")
    .action(({ from, ...options }: FitCommandOptions & { from?: string }) =>
      withinStudy(options, async (study) => {
        const dictionary = from === undefined ? undefined : await dictionaryOf(from)
        const fitted = await fitPatterns(study, { ...DEFAULT_FIT, ...options, dictionary }, Date.now())
        answer(options, fitted, describeFit(fitted))
      }),
    )
}

function dictionaryOf(dir: string): Promise<GivenDictionary> {
  return withinStudy({ study: dir }, async (other) => {
    const held = await storedDictionary(other)
    if (held === undefined) {
      throw new CommandError(
        `--from: ${dir}: no weekly patterns have been learnt there: fieldtune patterns fit`,
      )
    }
    return { ...held.summary, atoms: held.atoms }
  })
}

function onMatrix(name: string, description: string, example: string): Command {
  return command(name, description, example, { standalone: true })
    .requiredOption("--matrix <file.json>", "X (rows are listeners), D0 (rows are atoms), lambda")
    .option("--lambda <number>", "weight of the sum of codes (default: the file's)", positive)
}

function describeFit(fit: PatternFit): string[] {
  const named = ({ subject, listener }: { subject: number | null; listener: string }): string =>
    subject === null ? listener : `subject ${subject}`
  const rows = fit.people
    .slice(0, LISTED)
    .map((person) => [
      named(person),
      person.plays,
      person.weeks.toFixed(1),
      person.standing,
      strongest(person.codes),
      person.untimed,
      person.tooShort,
      person.outside,
      person.flat.join(", ") || "-",
    ])
  const header = ["listener", "plays", "weeks", "is", "patterns", "no time", "< 30 s", "outside", "flat"]
  return [
    fit.noAnswer === null
      ? `${fit.atoms} patterns, ${fit.objective === null ? "learnt elsewhere" : `learnt from ${fit.fitted} listeners`}: version ${fit.version}, ${fit.id}.`
      : `No patterns, because ${fit.noAnswer}. What follows are the weeks alone.`,
    ...(fit.noAnswer === null
      ? [
          `They explain ${percent(fit.explained)} of the variance with ${percent(fit.used)} of the codes${fit.objective === null ? "" : `; objective ${fit.objective.toFixed(3)} after ${fit.objectives.length} turns`}.`,
        ]
      : []),
    `Channels: ${fit.channels.join(", ") || "none"}${fit.dropped.length > 0 ? `; left out, because no play tells of them: ${fit.dropped.join(", ")}` : ""}. Ratios of hours are ${fit.ratios === "raw" ? "as they are" : "drawn to the listener's mean"}.`,
    "",
    ...table(header, rows),
    ...(fit.people.length > LISTED ? [`… and ${fit.people.length - LISTED} more (--json has all)`] : []),
    "",
    `fitted: the patterns were learnt from it too; projected: fewer than ${LEAST_PLAYS} plays or ${LEAST_WEEKS} weeks, so only placed among them.`,
    "Next: fieldtune patterns show SUBJECT",
  ]
}

function strongest(codes: readonly number[] | null): string {
  if (codes === null) return "-"
  return (
    strongestOf(codes)
      .map(({ pattern, code }) => `${pattern} (${code.toFixed(1)})`)
      .join(" ") || "none"
  )
}

const percent = (share: number | null): string => (share === null ? "–" : `${(100 * share).toFixed(1)} %`)

async function show(study: Study, subject: number, options: CommonOptions): Promise<void> {
  const stored = await storedPattern(study, subject)
  if (stored === undefined) {
    throw new CommandError(`subject ${subject}: no week is stored: fieldtune patterns fit computes it`)
  }
  const { hours, ...rest } = stored
  const channels = Object.fromEntries(
    CHANNELS.map((channel, i) => [channel, [...hours.subarray(i * HOURS, (i + 1) * HOURS)]]),
  )
  const most = Math.max(...stored.counts)
  const week = DAYS.map((day, i) => {
    const cells = stored.counts.slice(24 * i, 24 * i + 24)
    return `${day}  ${cells.map((n) => SHADES[n === 0 ? 0 : Math.max(1, Math.round((9 * n) / most))]).join("")}|`
  })
  answer(options, { ...rest, channels }, [
    `Subject ${subject}: ${stored.plays} plays in ${stored.weeks.toFixed(1)} weeks (${stored.standing}), as of ${new Date(stored.at).toISOString()}.`,
    "",
    "     0     6     12    18    24",
    ...week,
    "",
    stored.codes === null
      ? "No patterns, because there is no dictionary for it."
      : `Patterns (of ${stored.codes.length}), strongest first: ${strongest(stored.codes)}; dictionary ${stored.dictionary}.`,
    `Left out: ${stored.tooShort} plays under 30 s, ${stored.untimed} without a known time, ${stored.outside} outside of what was observed.`,
    "Next: fieldtune serve shows it as a picture; --json has the four channels",
  ])
}

function load(options: MatrixOptions): MatrixFile & { lambda: number } {
  const { matrix: path } = options
  let text: string
  try {
    if (statSync(path).size > MAX_MATRIX_BYTES) {
      throw new MatrixError(`must have at most ${MAX_MATRIX_BYTES} bytes, got ${statSync(path).size}`)
    }
    text = readFileSync(path, "utf8")
  } catch (error) {
    throw new CommandError(`--matrix: ${path}: ${(error as Error).message}`)
  }
  try {
    const file = readMatrixFile(text)
    const lambda = options.lambda ?? file.lambda
    if (lambda === null) throw new MatrixError("lambda: must be in the file or given as --lambda")
    return { ...file, lambda }
  } catch (error) {
    if (error instanceof MatrixError) throw new CommandError(`${path}: ${error.message}`)
    throw error
  }
}

const listOf = ({ rows, columns, values }: Matrix): number[][] =>
  Array.from({ length: rows }, (_, i) => [...values.subarray(i * columns, (i + 1) * columns)])

function code(options: MatrixOptions): void {
  const { x, start, lambda } = load(options)
  if (start === null) throw new CommandError(`${options.matrix}: D0: must be in the file: it holds the atoms`)
  const codes = encode(x, start, lambda)
  const objective = objectiveOf(x, start, codes, lambda)
  answer(options, { objective, codes: listOf(codes), atoms: listOf(start) }, [
    `${x.rows} rows of ${x.columns} numbers, ${start.rows} atoms, lambda ${lambda}: objective ${objective}.`,
    "Next: --json prints the codes",
  ])
}

function learn(options: MatrixOptions): void {
  const { x, start, lambda } = load(options)
  const { starts, iterations, seed } = options
  if (start === null && options.atoms === undefined) {
    throw new CommandError(
      `${options.matrix}: D0: must be in the file, or --atoms says how many there are to be`,
    )
  }
  const atoms = start?.rows ?? options.atoms ?? 0
  const learnt = learnDictionary(x, {
    atoms,
    lambda,
    starts,
    iterations,
    seed,
    ...(start === null ? {} : { start }),
  })
  const { objective, codes, objectives } = learnt
  answer(options, { objective, codes: listOf(codes), atoms: listOf(learnt.atoms) }, [
    `${x.rows} rows of ${x.columns} numbers, ${atoms} atoms, lambda ${lambda}: objective ${objective} after ${objectives.length} turns.`,
    "Next: --json prints codes and atoms",
  ])
}
