// fieldtune survey: what listeners answer beside listening.

import { readFileSync, statSync } from "node:fs"
import type { Command } from "commander"
import { ImportError } from "../import/imported.js"
import { planNow, type Study } from "../study/study.js"
import { importAnswers, recordSheet, surveyState } from "../study/survey.js"
import { correlateSurvey, type SurveyCorrelation } from "../study/survey-correlate.js"
import { MAX_SURVEY_BYTES } from "../study/survey-csv.js"
import { answersAllowed, questionsOf } from "../study/survey-questions.js"
import { answer, type CommonOptions, command, wholeNumber } from "./command.js"
import { table } from "./table.js"
import { withinStudy } from "./within-study.js"

const LISTED = 20
/** Characters of a free text in the table. */
const TEXT_SHOWN = 30

export function surveyCommand(): Command {
  return command(
    "survey",
    "answers of listeners after the study: take them in, show them, correlate them with listening",
    "fieldtune survey import answers.csv",
  )
    .addCommand(
      command("questions", "what is asked, and what may be answered", "fieldtune survey questions").action(
        (options: CommonOptions) => withinStudy(options, (study) => questions(study, options)),
      ),
    )
    .addCommand(
      command(
        "import",
        "take in a CSV file: subject, question, answer; or subject and a column for every question",
        "fieldtune survey import answers.csv",
      )
        .argument("<file>")
        .action((file: string, options: CommonOptions) =>
          withinStudy(options, (study) => take(study, file, options)),
        ),
    )
    .addCommand(
      command(
        "set",
        "record one answer; an earlier one is replaced and kept",
        "fieldtune survey set 7 pay 4.50",
      )
        .argument("<subject>", "number of the listener", wholeNumber(1, 2 ** 31))
        .argument("<question>")
        .argument("<answer>")
        .action((subject: number, question: string, given: string, options: CommonOptions) =>
          withinStudy(options, (study) => set(study, { subject, question, given }, options)),
        ),
    )
    .addCommand(
      command("show", "everybody's newest answers", "fieldtune survey show").action(
        (options: CommonOptions) => withinStudy(options, (study) => show(study, options)),
      ),
    )
    .addCommand(
      command(
        "correlate",
        "correlate every numeric answer with listening: Pearson and Spearman with intervals",
        "fieldtune survey correlate --json",
      ).action((options: CommonOptions) => withinStudy(options, (study) => correlate(study, options))),
    )
}

async function questions(study: Study, options: CommonOptions): Promise<void> {
  const plan = await planNow(study)
  const asked = questionsOf(plan).map((question) => ({ ...question, allowed: answersAllowed(question) }))
  answer(options, { questions: asked, own: plan.survey !== undefined }, [
    ...asked.flatMap(({ id, text, allowed, ends }) => [
      `${id}: ${text}`,
      `    ${allowed}${ends === undefined ? "" : ` (1 = ${ends[0]}, the highest = ${ends[1]})`}`,
    ]),
    plan.survey === undefined
      ? "The plan names no questions: these are asked then. study.json may have its own in `survey`."
      : `${asked.length} questions of the plan.`,
    "Next: fieldtune survey import FILE.csv, or fieldtune survey set SUBJECT QUESTION ANSWER",
  ])
}

async function take(study: Study, file: string, options: CommonOptions): Promise<void> {
  const { size } = statSync(file)
  if (size > MAX_SURVEY_BYTES) {
    throw new ImportError(`${file}: a survey has at most ${MAX_SURVEY_BYTES} bytes, got ${size}`)
  }
  const { errors, ...result } = await named(file, () =>
    importAnswers(study, readFileSync(file, "utf8"), Date.now()),
  )
  answer(options, { file, ...result, refused: errors.length, errors }, [
    ...errors
      .slice(0, LISTED)
      .map(
        ({ row, column, value, rule }) =>
          `left out: row ${row}, ${column || "cells"}: ${rule}, got ${JSON.stringify(value)}`,
      ),
    ...(errors.length > LISTED ? [`and ${errors.length - LISTED} more`] : []),
    ...(result.ignored.length > 0 ? [`No question of the plan: ${result.ignored.join(", ")}.`] : []),
    `${file}: ${result.added} new answers, ${result.replaced} that replace another, ${result.same} known; ${result.empty} cells without an answer, ${errors.length} left out.`,
    "Next: fieldtune survey show",
  ])
}

async function named<T>(file: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (cause) {
    if (cause instanceof ImportError) throw new ImportError(`${file}: ${cause.message}`, { cause })
    throw cause
  }
}

interface One {
  subject: number
  question: string
  given: string
}

async function set(study: Study, { subject, question, given }: One, options: CommonOptions): Promise<void> {
  const sheet = { subject, answers: { [question]: given } }
  const counts = await recordSheet(study, sheet, "command", Date.now())
  const did =
    counts.same > 0 ? "was known" : counts.replaced > 0 ? "replaces another, which is kept" : "is new"
  answer(options, { subject, question, ...counts }, [
    `Subject ${subject}, ${question}: the answer ${did}.`,
    "Next: fieldtune survey show",
  ])
}

async function show(study: Study, options: CommonOptions): Promise<void> {
  const state = await surveyState(study)
  const ids = state.questions.map(({ id }) => id)
  const cell = (value: number | string | undefined): number | string | undefined => {
    if (typeof value !== "string") return value
    const line = value.replace(/\s+/g, " ")
    return line.length > TEXT_SHOWN ? `${line.slice(0, TEXT_SHOWN)}…` : line
  }
  const silent = state.subjects.filter(({ answers }) => Object.keys(answers).length === 0).length
  answer(options, state, [
    ...table(
      ["subject", "arm", ...ids],
      state.subjects.map(({ subject, arm, answers }) => [
        subject,
        arm,
        ...ids.map((id) => cell(answers[id])),
      ]),
    ),
    "",
    `${state.subjects.length} subjects, ${silent} of them without any answer; ${state.replaced} answers were replaced by later ones.`,
    ...(state.unasked > 0
      ? [`${state.unasked} answers are to questions that the plan does not name any more.`]
      : []),
    "Next: fieldtune survey correlate",
  ])
}

async function correlate(study: Study, options: CommonOptions): Promise<void> {
  const result = await correlateSurvey(study)
  const { correlations, otherScale, waves } = result
  const said = (part: SurveyCorrelation["pearson"]): string =>
    "reason" in part
      ? `no answer, because ${part.reason}`
      : `${part.r.toFixed(2)} (${part.low.toFixed(2)} to ${part.high.toFixed(2)}), ${pOf(part.p)}`
  answer(options, result, [
    ...table(
      ["question", "listening", "n", "Pearson (95 %)", "Spearman (95 %)"],
      correlations.map(({ question, measure, pearson, spearman }) => [
        ...[question, measure, "reason" in pearson ? undefined : pearson.n, said(pearson)],
        "reason" in spearman && "reason" in pearson ? "" : said(spearman),
      ]),
    ),
    "",
    waves === null
      ? "Nobody has a playlist yet."
      : `Listening over all waves; changes are wave ${waves[1]} less wave ${waves[0]}.`,
    `${correlations.length} correlations: where nothing is related at all, one in twenty has p < .05.`,
    ...(otherScale > 0 ? [`${otherScale} answers on another scale than the plan's were left out.`] : []),
    "Next: fieldtune survey correlate --json gives all digits",
  ])
}

function pOf(p: number): string {
  return p < 0.001 ? "p < .001" : `p = ${p.toFixed(3).replace(/^0/, "")}`
}
