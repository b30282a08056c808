// Exit codes, and what stderr says: 2 = the caller can put it right (one line), 1 = unexpected (with causes).

import { CommanderError } from "commander"
import { CardError } from "../card/card-error.js"
import { CatalogueError } from "../catalogue/columns.js"
import { ImportError } from "../import/imported.js"
import { RoundError } from "../round/error.js"
import { StoreUnavailableError } from "../store/failure.js"
import { NewerDatabaseError } from "../store/migrations.js"
import { WithdrawnError } from "../store/withdrawn.js"
import { WaveError } from "../study/cohorts.js"
import { EnrolmentError } from "../study/enrol.js"
import { PlanError } from "../study/plan.js"
import { StudyFolderError } from "../study/study.js"
import { SurveyError } from "../study/survey.js"
import { CommandError } from "./command.js"

const CORRECTABLE = [
  CommandError,
  CardError,
  CatalogueError,
  EnrolmentError,
  ImportError,
  NewerDatabaseError,
  PlanError,
  RoundError,
  StoreUnavailableError,
  StudyFolderError,
  SurveyError,
  WithdrawnError,
  WaveError,
]
/** A port in use or not allowed, a file that is not there or not readable. */
const CORRECTABLE_CODES = ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ENOENT", "EISDIR"]

/** Reports what ended a command and returns the exit code. */
export function reportFailure(error: unknown): number {
  // commander has printed its own line, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (isCorrectable(error)) {
    process.stderr.write(`fieldtune: ${(error as Error).message}\n`)
    // What broke a round may be a fault of this program. A design that can't be made says why in a RangeError.
    if (error instanceof RoundError && !isCorrectable(error.cause) && !(error.cause instanceof RangeError)) {
      process.stderr.write(`  caused by: ${stackOf(error.cause)}\n`)
    }
    return 2
  }
  process.stderr.write(`fieldtune: unexpected: ${stackOf(error)}\n`)
  for (let cause = (error as Error)?.cause; cause !== undefined; cause = (cause as Error)?.cause) {
    process.stderr.write(`  caused by: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  }
  return 1
}

function isCorrectable(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException)?.code ?? ""
  return CORRECTABLE.some((kind) => error instanceof kind) || CORRECTABLE_CODES.includes(code)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
