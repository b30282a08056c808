// Answers of listeners to the questions of the plan. Rows are only ever added: a later answer replaces an earlier one and
// both are kept; the database itself refuses to change one. A withdrawal deletes them (withdrawals.ts).

import type { Kysely } from "kysely"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"
import { refuseWithdrawn } from "./withdrawn.js"

/** What a question was when it was answered: a plan may be amended later. */
interface AskedQuestion {
  text: string
  kind: "likert" | "amount" | "number" | "choice" | "text"
  points?: number
  ends?: readonly string[]
  currency?: string
  minimum?: number
  maximum?: number
  options?: readonly string[]
}

export type SurveySource = "file" | "command" | "page"

export interface NewSurveyAnswer {
  subject: number
  /** Id of the question. */
  question: string
  asked: AskedQuestion
  /** A number of likert, amount and number; the words of choice and text. */
  answer: number | string
  source: SurveySource
}

interface SurveyAnswer extends NewSurveyAnswer {
  /** Ascending in the order of writing. */
  id: number
  /** When it was recorded, Unix milliseconds. */
  at: number
}

export interface SurveyCounts {
  /** First answers of a subject to a question. */
  added: number
  /** Answers that replace another one. */
  replaced: number
  /** Answers that were there already. */
  same: number
}

export interface SurveyStore {
  /**
   * Adds what is new, and an event that counts it, in one transaction.
   *
   * An answer that says what the newest one says is not added again. Of a file it is also not added where it says what
   * the newest answer from a file says: so a file that is read again does not undo a correction that was made since.
   * @throws WithdrawnError where one of the subjects has withdrawn: nothing is added then.
   */
  record(answers: readonly NewSurveyAnswer[], at: number): Promise<SurveyCounts>
  /** Every answer in order of writing, replaced ones included; of one subject where given. */
  history(subject?: number): Promise<SurveyAnswer[]>
  /** The newest answer to each question, by subject and question. */
  current(): Promise<SurveyAnswer[]>
}

export function surveyStore(db: Kysely<Tables>): SurveyStore {
  const history = async (from: Kysely<Tables>, subject?: number): Promise<SurveyAnswer[]> => {
    const query = from.selectFrom("survey").selectAll()
    const rows = await (subject === undefined ? query : query.where("subject", "=", subject))
      .orderBy("id")
      .execute()
    return rows.map((row) => ({
      ...row,
      source: row.source as SurveySource,
      asked: JSON.parse(row.asked),
      answer: JSON.parse(row.answer),
    }))
  }
  return {
    async record(answers, at) {
      const counts = { added: 0, replaced: 0, same: 0 }
      if (answers.length === 0) return counts
      return await db.transaction().execute(async (tx) => {
        for (const subject of new Set(answers.map((one) => one.subject))) {
          await refuseWithdrawn(tx, subject)
          const known = await history(tx, subject)
          for (const given of answers.filter((one) => one.subject === subject)) {
            const before = known.filter(({ question }) => question === given.question)
            const newest = before.at(-1)
            const told = before.findLast(({ source }) => source === "file")
            if (
              newest?.answer === given.answer ||
              (given.source === "file" && told?.answer === given.answer)
            ) {
              counts.same++
              continue
            }
            const { question, asked, answer, source } = given
            const row = {
              ...{ subject, question, source, at },
              asked: JSON.stringify(asked),
              answer: JSON.stringify(answer),
            }
            const { id } = await tx.insertInto("survey").values(row).returning("id").executeTakeFirstOrThrow()
            known.push({ ...given, id, at })
            if (newest === undefined) counts.added++
            else counts.replaced++
          }
        }
        const { added, replaced } = counts
        if (added + replaced > 0) {
          const detail = { source: answers[0].source, added, replaced }
          const subjects = new Set(answers.map((one) => one.subject))
          const subject = subjects.size === 1 ? answers[0].subject : null
          await appendEvent(tx, { at, kind: "answered", subject, device: null, detail })
        }
        return counts
      })
    },
    history: (subject) => history(db, subject),
    async current() {
      const newest = new Map<string, SurveyAnswer>()
      for (const answer of await history(db)) newest.set(`${answer.subject} ${answer.question}`, answer)
      return [...newest.values()].sort(
        (a, b) => a.subject - b.subject || (a.question < b.question ? -1 : a.question > b.question ? 1 : 0),
      )
    },
  }
}
