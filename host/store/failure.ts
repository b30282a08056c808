// The database can't be read or written just now, through nobody's fault in the data: what is wrong and what to do.
// Nothing of the statement that failed is kept, so whoever sent it may send it again.

type Reason = "full" | "read-only" | "busy" | "failing"

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const REASONS: Record<string, Reason> = {
  SQLITE_FULL: "full",
  SQLITE_READONLY: "read-only",
  SQLITE_CANTOPEN: "read-only",
  SQLITE_PERM: "read-only",
  SQLITE_BUSY: "busy",
  SQLITE_LOCKED: "busy",
  SQLITE_IOERR: "failing",
}

const ADVICE: Record<Reason, string> = {
  full: "the disk is full; nothing was stored and nothing that was stored is lost: make room on it, and it goes on by itself",
  "read-only":
    "the database can't be written: its disk, folder or file is read-only, belongs to somebody else or is not there; nothing that was stored is lost",
  busy: "another process has kept the database for too long; end it, or try again",
  failing:
    "the disk does not take what is written, or is full; nothing was stored: look at its free space and its health",
}

export class StoreUnavailableError extends Error {
  override name = "StoreUnavailableError"
  constructor(
    readonly reason: Reason,
    path: string,
    cause: Error & { code?: string },
  ) {
    super(`${path}: ${ADVICE[reason]} (${cause.code}: ${cause.message})`, { cause })
  }
}

/** The error as one of these; undefined where it is of another kind. */
export function unavailable(error: unknown, path: string): StoreUnavailableError | undefined {
  if (error instanceof StoreUnavailableError) return error
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== "string") return undefined
  const primary = Object.keys(REASONS).find((known) => code === known || code.startsWith(`${known}_`))
  if (primary === undefined) return undefined
  return new StoreUnavailableError(REASONS[primary], path, error as Error & { code: string })
}
