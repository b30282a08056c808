// The database can't be read or written just now, through nobody's fault in the data: what is wrong and what to do.
// Nothing of the statement that failed is kept, so whoever sent it may send it again.

type Reason = "full" | "read-only" | "busy" | "failing"

/** Primary result codes of SQLite (https://sqlite.org/rescode.html); the low byte of an extended code is its primary one. */
const REASONS: Record<number, Reason> = {
  3: "read-only", // SQLITE_PERM
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  8: "read-only", // SQLITE_READONLY
  10: "failing", // SQLITE_IOERR; also a quota or a limit of file sizes
  13: "full", // SQLITE_FULL
  14: "read-only", // SQLITE_CANTOPEN
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
    cause: Error & { rawCode: number },
  ) {
    super(`${path}: ${ADVICE[reason]} (SQLite ${cause.rawCode}: ${cause.message})`, { cause })
  }
}

/** The error as one of these; undefined where it is of another kind. */
export function unavailable(error: unknown, path: string): StoreUnavailableError | undefined {
  if (error instanceof StoreUnavailableError) return error
  const code = (error as { rawCode?: unknown } | null)?.rawCode
  const reason = typeof code === "number" ? REASONS[code & 0xff] : undefined
  return reason && new StoreUnavailableError(reason, path, error as Error & { rawCode: number })
}
