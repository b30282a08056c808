// Text that a spreadsheet would compute. A cell that begins with one of these characters is taken for a formula, also
// inside quotes (OWASP, "CSV Injection"); an apostrophe before it makes it text. Texts that begin with apostrophes before
// such a character get one more, so that taking one off always gives back what was written.

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/
const GUARDED = /^'(?='*[=+\-@\t\r\n＝＋－＠])/

export function withGuard(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text
}

export function withoutGuard(text: string): string {
  return text.replace(GUARDED, "")
}
