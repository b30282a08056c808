// Text that a spreadsheet would compute. A cell that begins with one of these characters is taken for a formula, also
// inside quotes (OWASP, "CSV Injection"); an apostrophe before it makes it text. Texts that begin with apostrophes before
// such a character get one more, so that taking one off always gives back what was written.

import type { SeenTable } from "../archive/conceal.js"
import type { Row } from "../archive/field.js"

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/
const GUARDED = /^'(?='*[=+\-@\t\r\n＝＋－＠])/

export function withGuard(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text
}

export function withoutGuard(text: string): string {
  return text.replace(GUARDED, "")
}

/** The rows with an apostrophe before texts that a spreadsheet would compute; reading them back takes it off. */
export function safeForSpreadsheets({ table, rows }: SeenTable): Row[] {
  const texts = table.fields.filter(({ type }) => type === "string").map(({ name }) => name)
  return rows.map((row) => {
    const safe = { ...row }
    for (const name of texts) {
      const text = row[name] as string | null
      if (text !== null) safe[name] = withGuard(text)
    }
    return safe
  })
}
