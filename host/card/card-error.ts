/** A card, or what is to go onto it, that breaks a rule; the message names place, rule and value. */
export class CardError extends Error {
  override name = "CardError"
}

/** Findings that are listed before "and n more". */
const LISTED = 5

/** The first few of many, in one line. */
export function listed(findings: readonly string[]): string {
  const more = findings.length - LISTED
  return findings.slice(0, LISTED).join("; ") + (more > 0 ? `; and ${more} more` : "")
}

/** Error codes that mean that there is no such file or folder. */
export function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")
}
