// The verification of an archive: every file and value (check.ts), then everything estimated and designed again
// (rerun.ts) and compared, the candidates of the designs included.

import { type CheckedAllocation, checkAllocation } from "./allocation.js"
import { checkFiles } from "./check.js"
import { rowsIn } from "./collect.js"
import { type About, sha256 } from "./describe.js"
import { ArchiveError } from "./error.js"
import type { Row } from "./field.js"
import { type Rerun, rerun } from "./rerun.js"
import { ALLOCATION_KEY } from "./resources.js"
import { pack, unpack } from "./zip.js"

export interface Verification {
  /** SHA-256 of the whole file. */
  sha256: string
  about: About | null
  /** Broken rules; none in a good archive. */
  problems: ArchiveError[]
  /** What does not hold for the container, but takes nothing from its content. */
  notes: string[]
  /** Passes repeated; null where it did not come to that. */
  rerun: Pick<Rerun, "passes" | "repeated" | "notRepeated"> | null
  /** Listeners whose arm was drawn again, and those who got it by hand; null where the key is not opened. */
  allocation: CheckedAllocation["result"]
  valid: boolean
}

interface VerifyOptions {
  /** What the archive is called in messages. */
  place: string
  /** An empty folder for the repetition. */
  dir: string
  workers?: number
  progress?: (done: number, of: number) => void
}

export async function verifyArchive(bytes: Uint8Array, options: VerifyOptions): Promise<Verification> {
  const result: Verification = {
    sha256: sha256(bytes),
    about: null,
    problems: [],
    notes: [],
    rerun: null,
    allocation: null,
    valid: false,
  }
  try {
    const files = unpack(options.place, bytes)
    const { problems, about, archived } = checkFiles(files)
    result.problems.push(...problems)
    result.about = about ?? null
    if (problems.length > 0 || about === undefined) return result
    if (Buffer.compare(pack(files), bytes) !== 0) {
      result.notes.push(
        "the container is not byte for byte as fieldtune packs it: what is in it counts, and its own SHA-256 is another one",
      )
    }
    const { result: allocation, problems: faults } = checkAllocation(archived)
    result.allocation = allocation
    result.problems.push(...faults)
    if (allocation === null && rowsIn(archived.tables, ALLOCATION_KEY.name).length > 0) {
      result.notes.push("the key of the allocation is not opened: that the arms were drawn can't be checked")
    }
    if (about.blind) {
      result.notes.push(
        "the archive is of a blind study: what it would be estimated and designed from is left out",
      )
      return { ...result, valid: result.problems.length === 0 }
    }
    const repeated = await rerun(archived, options)
    const { passes, repeated: done, notRepeated, differences, candidates } = repeated
    result.problems.push(
      ...differences,
      ...compareCandidates(rowsIn(archived.tables, "candidates"), candidates),
    )
    result.rerun = { passes, repeated: done, notRepeated }
  } catch (error) {
    // Whatever a made-up archive leads to is said of the archive.
    const known = error instanceof ArchiveError
    const rule = "must hold together as a study that can be repeated"
    result.problems.push(known ? error : new ArchiveError(options.place, rule, String(error)))
  }
  return { ...result, valid: result.problems.length === 0 }
}

function compareCandidates(kept: readonly Row[], again: readonly Row[]): ArchiveError[] {
  const key = ({ playlist, song }: Row): string => `playlist ${playlist}, song ${song}`
  const found = new Map(again.map((row) => [key(row), row]))
  const problems: ArchiveError[] = []
  for (const row of kept) {
    const other = found.get(key(row))
    found.delete(key(row))
    const place = `data/candidates.csv, ${key(row)}`
    if (other === undefined) {
      problems.push(new ArchiveError(place, "must be a candidate when the round is repeated", "none"))
      continue
    }
    for (const column of ["allowed", "chosen", "utility", "propensity"]) {
      if (row[column] === other[column]) continue
      problems.push(
        new ArchiveError(`${place}, ${column}`, `must be ${other[column]}, as repeated`, String(row[column])),
      )
    }
  }
  for (const name of found.keys()) {
    problems.push(new ArchiveError("data/candidates.csv", `must have ${name}`, "no such row"))
  }
  return problems
}
