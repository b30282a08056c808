// Answers from CSV, in one of two forms:
//   long   columns subject, question, answer: a row per answer
//   wide   column subject and a column for every question, by its id: a row per listener
// Empty cells and NA are no answer. A cell that breaks a rule is left out and named; the rest of its row counts.

import { withoutGuard } from "../export/spreadsheet.js"
import { delimiterOf, recordsOf } from "../import/csv.js"
import { ImportError, type RowError } from "../import/imported.js"
import { answersAllowed, RESERVED_IDS, readAnswer, type SurveyQuestion } from "./survey-questions.js"

export interface CellAnswer {
  /** Row of the file, 1 = the header. */
  row: number
  subject: number
  question: SurveyQuestion
  answer: number | string
}

export type CellError = RowError

interface ReadSurvey {
  answers: CellAnswer[]
  errors: CellError[]
  /** Cells without an answer. */
  empty: number
  /** Columns that are no question. */
  ignored: string[]
}

export const MAX_SURVEY_BYTES = 16 << 20
const MAX_ROWS = 100_000
const MAX_COLUMNS = 1000
/** Characters of a value that a message quotes. */
const SHOWN = 60

/** @throws ImportError where the file has no such columns or too many rows. */
export function readSurveyCsv(text: string, questions: readonly SurveyQuestion[]): ReadSurvey {
  const given = text.replace(/^\uFEFF/, "").replace(/\r(?!\n)/g, "\n")
  const records = recordsOf(given, delimiterOf(given, [["subject"]]))
  const header = (records.next().value?.cells ?? []).map((name) => name.trim().toLowerCase())
  const read: ReadSurvey = { answers: [], errors: [], empty: 0, ignored: [] }
  const cellsOf = formOf(header, questions, read)
  const subjectAt = header.indexOf("subject")
  /** Row in which a listener's question was answered first. */
  const seen = new Map<string, CellAnswer>()
  let row = 1
  for (const { cells, problem } of records) {
    row++
    if (row > MAX_ROWS) throw new ImportError(`row ${row}: a survey has at most ${MAX_ROWS} rows, got more`)
    const fail = (column: string, value: string, rule: string): void => {
      read.errors.push({ row, column, value: value.slice(0, SHOWN), rule })
    }
    if (problem === null && cells.every((cell) => cell.trim() === "")) continue
    if (problem !== null || cells.length !== header.length) {
      const rule = problem ?? `must have ${header.length} cells like the header`
      fail("", problem === null ? String(cells.length) : cells.join(), rule)
      continue
    }
    const named = cells[subjectAt].trim()
    const subject = /^[1-9]\d{0,8}$/.test(named) ? Number(named) : 0
    if (subject === 0) {
      fail("subject", named, "must be the number of a subject")
      continue
    }
    for (const { column, question, value } of cellsOf(cells, fail)) {
      if (value === "" || value === "NA") {
        read.empty++
        continue
      }
      const answer = readAnswer(question, value)
      const key = `${subject} ${question.id}`
      const first = seen.get(key)
      if (answer === undefined) fail(column, value, `must be ${answersAllowed(question)}`)
      else if (first !== undefined && first.answer !== answer) {
        fail(column, value, `must say what row ${first.row} says of subject ${subject}: ${first.answer}`)
      } else if (first === undefined) {
        const one = { row, subject, question, answer }
        seen.set(key, one)
        read.answers.push(one)
      }
    }
  }
  return read
}

interface Cell {
  column: string
  question: SurveyQuestion
  value: string
}

type Fail = (column: string, value: string, rule: string) => void

/** How a row holds answers, by the header; notes the columns that hold none. */
function formOf(
  header: readonly string[],
  questions: readonly SurveyQuestion[],
  read: ReadSurvey,
): (cells: readonly string[], fail: Fail) => Cell[] {
  const twice = header.find((name, i) => name !== "" && header.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new ImportError(`row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`)
  }
  const ids = questions.map(({ id }) => id).join(", ")
  const wants = `row 1: needs a column subject, and question and answer or questions of the plan (${ids})`
  const got = JSON.stringify(header.slice(0, 20).join(", ").slice(0, 200))
  if (!header.includes("subject") || header.length > MAX_COLUMNS)
    throw new ImportError(`${wants}, got ${got}`)
  const text = (cell: string): string => withoutGuard(cell).trim()
  if (header.includes("question") && header.includes("answer")) {
    read.ignored = header.filter((name) => name !== "" && !RESERVED_IDS.includes(name))
    const [asked, answered] = [header.indexOf("question"), header.indexOf("answer")]
    return (cells, fail) => {
      const id = text(cells[asked])
      const question = questions.find((one) => one.id === id)
      if (question !== undefined) return [{ column: "answer", question, value: text(cells[answered]) }]
      fail("question", id, `must be one of the plan: ${ids}`)
      return []
    }
  }
  const columns = questions.flatMap((question) => {
    const at = header.indexOf(question.id)
    return at < 0 ? [] : [{ at, question }]
  })
  if (columns.length === 0) throw new ImportError(`${wants}, got ${got}`)
  read.ignored = header.filter(
    (name) => name !== "" && name !== "subject" && !questions.some(({ id }) => id === name),
  )
  return (cells) =>
    columns.map(({ at, question }) => ({ column: question.id, question, value: text(cells[at]) }))
}
