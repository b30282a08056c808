// The survey of a study: who has answered what, and answers taken in from the page, a command or a file.
//
//   recordSheet     what one listener answered, all of it or nothing
//   importAnswers   a CSV file; what breaks a rule is left out and named, the rest goes through
//   surveyState     questions, answers that count, who has not answered

import type { NewSurveyAnswer, SurveyCounts, SurveySource } from "../store/surveys.js"
import { armShown } from "./blind.js"
import { planNow, type Study } from "./study.js"
import { type CellAnswer, type CellError, readSurveyCsv } from "./survey-csv.js"
import { answersAllowed, questionsOf, readAnswer, type SurveyQuestion } from "./survey-questions.js"

/** Answers that break a rule; the message names subject, question, rule and value of each. */
export class SurveyError extends Error {
  override name = "SurveyError"
}

interface SurveyRow {
  subject: number
  /** The arm, or its code while the study is blind. */
  arm: string
  /** Newest answer by question of the plan. */
  answers: Record<string, number | string>
}

export interface SurveyState {
  questions: readonly SurveyQuestion[]
  /** Everybody who has not withdrawn, answers or none. */
  subjects: SurveyRow[]
  /** Answers that later ones have replaced. */
  replaced: number
  /** Newest answers to questions that the plan does not name any more. */
  unasked: number
}

/** Questions of the plan in force, and what everybody's newest answers are. */
export async function surveyState(study: Study): Promise<SurveyState> {
  const questions = questionsOf(await planNow(study))
  const shown = await armShown(study)
  const current = await study.store.surveys.current()
  const people = (await study.store.subjects.all()).filter(({ withdrawnAt }) => withdrawnAt === null)
  const subjects = people.map(({ id, arm }) => {
    const own = new Map(current.filter((row) => row.subject === id).map((row) => [row.question, row.answer]))
    const answers = questions.flatMap(({ id: question }) =>
      own.has(question) ? [[question, own.get(question)!] as const] : [],
    )
    return { subject: id, arm: shown(arm), answers: Object.fromEntries(answers) }
  })
  const asked = new Set(questions.map(({ id }) => id))
  return {
    questions,
    subjects,
    replaced: (await study.store.surveys.history()).length - current.length,
    unasked: current.filter(({ question }) => !asked.has(question)).length,
  }
}

/**
 * Records what one listener answered: `given` is `{ subject: number, answers: { question: answer, … } }` and not trusted.
 * Times in Unix milliseconds.
 * @throws SurveyError where anything in it breaks a rule; nothing is recorded then.
 * @throws WithdrawnError where the listener has withdrawn.
 */
export async function recordSheet(
  study: Study,
  given: unknown,
  source: Exclude<SurveySource, "file">,
  at: number,
): Promise<SurveyCounts> {
  const questions = questionsOf(await planNow(study))
  const { subject, answers } = (given ?? {}) as { subject?: unknown; answers?: unknown }
  if (answers === null || typeof answers !== "object" || Array.isArray(answers)) {
    throw new SurveyError("answers: must be an object with an answer by question")
  }
  const entries = Object.entries(answers)
  if (entries.length === 0) throw new SurveyError("answers: must hold an answer, found none")
  const known = typeof subject === "number" && (await study.store.subjects.get(subject)) !== undefined
  if (!known) throw new SurveyError(`subject: must be a subject of the study, got ${shown(subject)}`)
  const broken: string[] = []
  const good: NewSurveyAnswer[] = []
  for (const [id, value] of entries) {
    const question = questions.find((one) => one.id === id)
    const answer = question === undefined ? undefined : readAnswer(question, value)
    if (question === undefined) {
      const ids = questions.map((one) => one.id).join(", ")
      broken.push(`question: must be one of the plan (${ids || "it has none"}), got ${shown(id)}`)
    } else if (answer === undefined) {
      broken.push(`subject ${subject}, ${id}: must be ${answersAllowed(question)}, got ${shown(value)}`)
    } else good.push(answerTo(question, subject as number, answer, source))
  }
  if (broken.length > 0) throw new SurveyError(broken.slice(0, MOST_SAID).join("; "))
  return await study.store.surveys.record(good, at)
}

export interface SurveyImport extends SurveyCounts {
  /** Cells that were left out. */
  errors: CellError[]
  /** Cells without an answer. */
  empty: number
  /** Columns that are no question of the plan. */
  ignored: string[]
}

/**
 * Takes in a CSV file. `text` is its content; rows and columns: survey-csv.ts. The same file again adds nothing.
 * @throws ImportError where the file as a whole can't be read.
 */
export async function importAnswers(study: Study, text: string, at: number): Promise<SurveyImport> {
  const questions = questionsOf(await planNow(study))
  const people = await study.store.subjects.all()
  const { answers, errors, empty, ignored } = readSurveyCsv(text, questions)
  const good: CellAnswer[] = []
  for (const cell of answers) {
    const person = people.find(({ id }) => id === cell.subject)
    const rule =
      person === undefined
        ? "must be a subject of the study"
        : person.withdrawnAt === null
          ? null
          : "has withdrawn: no answer is kept"
    if (rule === null) good.push(cell)
    else errors.push({ row: cell.row, column: "subject", value: String(cell.subject), rule })
  }
  errors.sort((a, b) => a.row - b.row)
  const rows = good.map(({ question, subject, answer }) => answerTo(question, subject, answer, "file"))
  return { ...(await study.store.surveys.record(rows, at)), errors, empty, ignored }
}

/** Broken rules that one message lists. */
const MOST_SAID = 10

function answerTo(
  { id, ...asked }: SurveyQuestion,
  subject: number,
  answer: number | string,
  source: SurveySource,
): NewSurveyAnswer {
  return { subject, question: id, asked, answer, source }
}

function shown(value: unknown): string {
  if (value !== null && typeof value === "object") return "a list or object"
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
