// Exported files: whole or not at all, each with a sheet beside it that says what is in it and under which plan.

import { createHash } from "node:crypto"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Table } from "../archive/field.js"

export interface Sheet {
  study: string
  /** SHA-256 of the plan in force; null where the study has not started. */
  plan: string | null
  rows: number
  /** Every column: name, type, unit, meaning, and why a value may be missing. */
  columns?: object[]
  notes: readonly string[]
}

/** Writes beside and renames, so that a reader finds the old file or the new one. */
export function writeExport(path: string, content: string | Uint8Array, sheet: Sheet): void {
  mkdirSync(dirname(path), { recursive: true })
  replace(path, content)
  const sha256 = createHash("sha256").update(content).digest("hex")
  replace(`${path}.meta.json`, `${JSON.stringify({ sha256, ...sheet }, null, 1)}\n`)
}

function replace(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

export function columnsOf({ fields }: Table): object[] {
  return fields.map(({ role: _, constraints: __, ...field }) => field)
}
