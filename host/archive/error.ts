// Something in an archive that breaks a rule.

export class ArchiveError extends Error {
  override name = "ArchiveError"

  constructor(
    readonly place: string,
    readonly rule: string,
    readonly got: string,
  ) {
    super(`${place}: ${rule}, got ${got.length > MOST_SHOWN ? `${got.slice(0, MOST_SHOWN)}…` : got}`)
  }
}

/** Characters of a value that a message shows. */
const MOST_SHOWN = 200
