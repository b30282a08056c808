// An archive of a study: collected, repeated once for the candidates of its designs, concealed, described, packed.
// The same study gives the same bytes, wherever and whenever it is archived.

import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { isBlind, wasUnblinded } from "../study/blind.js"
import { canonicalPlan, planHash } from "../study/plan.js"
import type { Study } from "../study/study.js"
import { manifest } from "./check.js"
import { type Archived, type ArchivedTable, collect, type Program, rowsIn } from "./collect.js"
import { type Concealment, conceal, concealedPlan, concealmentOf, drawPseudonyms } from "./conceal.js"
import { writeCsv } from "./csv.js"
import { type About, citation, codebook, csvPath, datapackage, readme } from "./describe.js"
import { flowFigure, flowNotes } from "./flow.js"
import { type Rerun, rerun } from "./rerun.js"
import { CANDIDATES } from "./resources.js"
import { MAX_ARCHIVE_BYTES, pack } from "./zip.js"

/** A study that can't be archived as it is asked; the message says why. */
export class UnarchivableError extends Error {
  override name = "UnarchivableError"
}

interface WriteOptions {
  program: Program
  /** PSEUDONYM_KEY_BYTES bytes; left out: as the study has it. */
  pseudonymKey?: Uint8Array
  /** The study is known to be blind: what tells of arms is left out. */
  blind?: boolean
  /** With the key of the allocation; a study that was unblinded has it anyway. */
  openAllocation?: boolean
  workers?: number
  progress?: (done: number, of: number) => void
}

export interface WrittenArchive {
  bytes: Uint8Array
  about: About
  tables: { name: string; rows: number }[]
  /** What came of repeating everything; null where the study is blind. */
  rerun: Rerun | null
  /** Largest sync.id in it. */
  throughSync: number
}

/** @throws UnarchivableError */
export async function buildArchive(study: Study, options: WriteOptions): Promise<WrittenArchive> {
  const blind = await isBlind(study)
  if (blind && !options.blind) {
    throw new UnarchivableError(
      "archive: the study is blind: --blind leaves out all that tells of arms, or fieldtune unblind first",
    )
  }
  if (blind && options.openAllocation) {
    throw new UnarchivableError(
      "archive: the key of the allocation tells the arms of a blind study: fieldtune unblind first",
    )
  }
  const open = options.openAllocation === true || (await wasUnblinded(study))
  const archived = await collect(study, options.program, open)
  if (archived.plans.size === 0) {
    throw new UnarchivableError("archive: the study has not started: nobody was enrolled")
  }
  const repeated = blind ? null : await repeat(study, archived, options)
  if (repeated !== null) {
    archived.tables.set(CANDIDATES.name, { table: CANDIDATES, rows: repeated.candidates })
  }
  const { pseudonymKey } = options
  const how: Concealment = { ...(await concealmentOf(study)), blind }
  const { times } = how
  if (pseudonymKey !== undefined) {
    const ids = <T>(table: string, column: string): T[] =>
      rowsIn(archived.tables, table).map((row) => row[column] as T)
    how.pseudonyms = drawPseudonyms(pseudonymKey, ids("subjects", "subject"), ids("devices", "device"))
  }
  const about: About = {
    study: study.plan.name,
    version: options.program.version,
    pseudonymised: pseudonymKey !== undefined,
    blind,
    times,
  }
  const tables = concealed(archived, how)
  const files = await filesOf(about, tables, archived, how, notesOf(archived, repeated))
  const bytes = pack(files)
  if (bytes.length > MAX_ARCHIVE_BYTES) {
    throw new UnarchivableError(
      `archive: must have at most ${MAX_ARCHIVE_BYTES} bytes to be verified, this study gives ${bytes.length}`,
    )
  }
  return {
    bytes,
    about,
    tables: [...tables.values()].map(({ table, rows }) => ({ name: table.name, rows: rows.length })),
    rerun: repeated,
    throughSync: rowsIn(archived.tables, "syncs").reduce(
      (newest, { sync }) => Math.max(newest, sync as number),
      0,
    ),
  }
}

async function repeat(study: Study, archived: Archived, { workers, progress }: WriteOptions): Promise<Rerun> {
  const dir = mkdtempSync(join(study.dir, ".archive-"))
  try {
    return await rerun(archived, { dir, workers, progress })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function concealed(archived: Archived, how: Concealment): Map<string, ArchivedTable> {
  const kept = [...archived.tables].filter(([, { table }]) => !(how.blind && table.reveals))
  const tables = new Map(kept.map(([name, { table, rows }]) => [name, conceal(table, rows, how)]))
  // In the order of the plan, codes would tell their arms.
  const codes = [...new Set(tables.get("flow")?.rows.map(({ arm }) => arm ?? ""))].sort()
  if (how.blind) {
    tables.get("flow")?.rows.sort((a, b) => codes.indexOf(a.arm ?? "") - codes.indexOf(b.arm ?? ""))
  }
  const plans = tables.get("plans")
  if (plans !== undefined) {
    plans.rows = plans.rows.map((row) => ({
      ...row,
      hash: planHash(concealedPlan(archived.plans.get(row.plan as number)!, how)),
    }))
  }
  return tables
}

async function filesOf(
  about: About,
  tables: Map<string, ArchivedTable>,
  archived: Archived,
  how: Concealment,
  notes: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const put = (path: string, text: string): void => void files.set(path, new TextEncoder().encode(text))
  for (const { table, rows } of tables.values()) put(csvPath(table.name), writeCsv(table, rows))
  for (const [version, plan] of archived.plans) {
    put(`plans/plan-${version}.json`, canonicalPlan(concealedPlan(plan, how)))
  }
  for (const [model, particles] of archived.particles) files.set(`models/${model}.bin`, particles)
  const flow = tables.get("flow")?.rows ?? []
  put("flow.svg", flowFigure(flow))
  put("codebook.md", codebook(tables))
  put("README.md", readme(about, [...notes, ...flowNotes(flow)]))
  put("CITATION.cff", citation(about))
  put("datapackage.json", datapackage(about, tables, files))
  put("manifest.json", manifest(files))
  return files
}

function notesOf(archived: Archived, repeated: Rerun | null): string[] {
  const holes = rowsIn(archived.tables, "missing_sequences").length
  const notes = repeated?.notRepeated.map(({ what, why }) => `${what} can't be made again: ${why}`) ?? []
  if (repeated !== null && repeated.differences.length > 0) {
    notes.push(
      `${repeated.differences.length} numbers came out otherwise when everything was repeated: fieldtune archive verify names them`,
    )
  }
  if (holes > 0) notes.push(`${holes} ranges of sequences have not arrived: data/missing_sequences.csv`)
  return notes
}
