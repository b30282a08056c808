// What people say they do while they listen: from a CSV file with a row a listener, or from the study's own survey.
//
// A column whose answers are all 1 or 0, or yes or no, is an activity; what is named as a covariate (age, gender and sex
// where nothing is named) is known beside: numbers as they are, words as a column for every word but the first.

import Papa from "papaparse"
import { type Matrix, zeros } from "../matrix.js"

export class LabelError extends Error {
  override name = "LabelError"
}

export interface Labels {
  /** By subject. */
  people: Map<number, Map<string, string>>
  activities: string[]
  covariates: string[]
  /** Columns that are neither, and why. */
  ignored: { column: string; because: string }[]
}

export const MAX_LABEL_BYTES = 16 << 20
const MAX_ROWS = 100_000
const MAX_COLUMNS = 200
const MOST_WORDS = 20
const SHOWN = 40
const KNOWN_COVARIATES = ["age", "gender", "sex"]
const YES = ["1", "yes", "true"]
const NO = ["0", "no", "false"]

/** @param covariates left out: age, gender and sex, as far as there are such columns. @throws LabelError */
export function readLabelsCsv(text: string, covariates?: readonly string[]): Labels {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\uFEFF/, ""), { skipEmptyLines: "greedy" })
  const broken = errors.find(({ type }) => type === "Quotes")
  if (broken !== undefined) throw new LabelError(`row ${(broken.row ?? 0) + 1}: ${broken.message}`)
  const header = (data[0] ?? []).map((name) => name.trim())
  const subjectAt = header.indexOf("subject")
  if (subjectAt < 0) {
    throw new LabelError(
      `row 1: needs a column subject, got ${JSON.stringify(header.join(", ").slice(0, 200))}`,
    )
  }
  const twice = header.find((name, i) => header.indexOf(name) !== i)
  if (twice !== undefined)
    throw new LabelError(`row 1: every column has its own name, found twice: ${JSON.stringify(twice)}`)
  if (header.length > MAX_COLUMNS)
    throw new LabelError(`row 1: must have at most ${MAX_COLUMNS} columns, got ${header.length}`)
  if (data.length - 1 > MAX_ROWS)
    throw new LabelError(`must have at most ${MAX_ROWS} rows, got ${data.length - 1}`)
  const people = new Map<number, Map<string, string>>()
  for (const [i, cells] of data.slice(1).entries()) {
    const row = i + 2
    if (cells.length !== header.length) {
      throw new LabelError(
        `row ${row}: must have ${header.length} cells like the header, got ${cells.length}`,
      )
    }
    const given = cells[subjectAt].trim()
    if (!/^[1-9]\d{0,8}$/.test(given)) {
      throw new LabelError(
        `row ${row}, subject: must be a number of a listener, got ${JSON.stringify(given.slice(0, SHOWN))}`,
      )
    }
    if (people.has(Number(given))) throw new LabelError(`row ${row}, subject: ${given} has a row already`)
    const answers = header.flatMap((name, column): [string, string][] => {
      const value = cells[column].trim()
      return column === subjectAt || value === "" || value === "NA" ? [] : [[name, value]]
    })
    people.set(Number(given), new Map(answers))
  }
  return sortColumns(
    people,
    header.filter((name) => name !== "subject"),
    covariates,
  )
}

/** @param answers of everybody, by subject and question. */
export function labelsOfAnswers(
  answers: readonly { subject: number; question: string; answer: number | string }[],
  covariates?: readonly string[],
): Labels {
  const people = new Map<number, Map<string, string>>()
  const columns = new Set<string>()
  for (const { subject, question, answer } of answers) {
    const own = people.get(subject) ?? new Map<string, string>()
    own.set(question, String(answer).trim())
    people.set(subject, own)
    columns.add(question)
  }
  return sortColumns(people, [...columns], covariates)
}

function sortColumns(
  people: Map<number, Map<string, string>>,
  columns: readonly string[],
  given: readonly string[] | undefined,
): Labels {
  const missing = given?.find((name) => !columns.includes(name))
  if (missing !== undefined)
    throw new LabelError(`--covariates: there is no column ${JSON.stringify(missing)}`)
  const covariates = columns.filter((name) =>
    (given ?? KNOWN_COVARIATES).includes(given ? name : name.toLowerCase()),
  )
  const activities: string[] = []
  const ignored: Labels["ignored"] = []
  for (const column of columns) {
    if (covariates.includes(column)) continue
    const strange = [...people.values()]
      .map((own) => own.get(column))
      .find((value) => value !== undefined && label(value) === null)
    if (strange === undefined) activities.push(column)
    else
      ignored.push({
        column,
        because: `an activity is 1 or 0, yes or no; got ${JSON.stringify(strange.slice(0, SHOWN))}`,
      })
  }
  return { people, activities, covariates, ignored }
}

function label(value: string): 0 | 1 | null {
  const word = value.toLowerCase()
  return YES.includes(word) ? 1 : NO.includes(word) ? 0 : null
}

/** Those of `subjects` who have answered for every activity, as places in it. */
export function labelled({ people, activities }: Labels, subjects: readonly (number | null)[]): number[] {
  return subjects.flatMap((subject, i) => {
    const own = subject === null ? undefined : people.get(subject)
    return own !== undefined && activities.every((name) => own.has(name)) ? [i] : []
  })
}

export function activityLabels(
  { people, activities }: Labels,
  subjects: readonly number[],
): Map<string, Uint8Array> {
  return new Map(
    activities.map((name) => [
      name,
      Uint8Array.from(subjects, (subject) => label(people.get(subject)?.get(name) ?? "") ?? 0),
    ]),
  )
}

/** People × columns; who has no answer gets the mean of a number and none of the words. null without covariates. */
export function covariateMatrix({ people, covariates }: Labels, subjects: readonly number[]): Matrix | null {
  const columns = covariates.flatMap((name) => {
    const values = subjects.map((subject) => people.get(subject)?.get(name))
    const told = values.flatMap((value) => value ?? [])
    if (told.every((value) => Number.isFinite(Number(value)))) {
      const mean = told.reduce((sum, value) => sum + Number(value), 0) / Math.max(1, told.length)
      return [values.map((value) => (value === undefined ? mean : Number(value)))]
    }
    const words = [...new Set(told)].sort()
    if (words.length > MOST_WORDS) {
      throw new LabelError(
        `${name}: a covariate has at most ${MOST_WORDS} different words, got ${words.length}`,
      )
    }
    return words.slice(1).map((word) => values.map((value) => (value === word ? 1 : 0)))
  })
  if (columns.length === 0) return null
  const made = zeros(subjects.length, columns.length)
  for (const [j, values] of columns.entries()) {
    for (const [i, value] of values.entries()) made.values[i * columns.length + j] = value
  }
  return made
}
