// The text of archived tables: RFC 4180 (commas, CRLF, a header), UTF-8, one spelling per value, so that the same rows
// are the same bytes. A missing value is an empty cell.

import Papa from "papaparse"
import { ArchiveError } from "./error.js"
import type { Field, Row, Table, Value } from "./field.js"

/** Rows are named by their line in messages: the header is line 1. */
const FIRST_LINE = 2

export function writeCsv({ fields }: Pick<Table, "fields">, rows: readonly Row[]): string {
  const lines = [
    fields.map(({ name }) => name),
    ...rows.map((row) => fields.map((f) => cellOf(f, row[f.name]))),
  ]
  return lines.map((cells) => `${cells.map(quote).join(",")}\r\n`).join("")
}

function quote(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

function cellOf({ type }: Field, value: Value): string {
  if (value === null || value === undefined) return ""
  switch (type) {
    case "string":
      return value as string
    case "datetime":
      return new Date(value as number).toISOString()
    case "number":
      return numberText(value as number)
    case "object":
    case "array":
      return JSON.stringify(value)
    default:
      return String(value)
  }
}

/** Table Schema's names of what is no finite number. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return "NaN"
  return value > 0 ? "INF" : "-INF"
}

/** Cells that break the type of their column are reported to `problem`, and read as null. */
export function readCsv(
  place: string,
  text: string,
  fields: readonly Field[],
  problem: (error: ArchiveError) => void,
): Row[] {
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: ",", newline: "\r\n" })
  if (errors.length > 0) {
    const { row = 0, message } = errors[0]
    problem(new ArchiveError(`${place}, line ${row + 1}`, "must be CSV as RFC 4180 has it", message))
    return []
  }
  const [header = [], ...lines] = data
  const names = fields.map(({ name }) => name)
  if (header.join() !== names.join()) {
    problem(new ArchiveError(`${place}, line 1`, `must have the columns ${names.join()}`, header.join()))
    return []
  }
  const last = lines.pop()
  if (last === undefined || last.length !== 1 || last[0] !== "") {
    problem(new ArchiveError(place, "must end with a line break", JSON.stringify(last?.join() ?? "")))
    return []
  }
  const rows: Row[] = []
  for (const [i, cells] of lines.entries()) {
    const line = `${place}, line ${i + FIRST_LINE}`
    if (cells.length !== fields.length) {
      problem(new ArchiveError(line, `must have ${fields.length} cells`, String(cells.length)))
      continue
    }
    const row: Row = {}
    for (const [j, field] of fields.entries()) {
      const value = readCell(field, cells[j])
      if (value === undefined) {
        problem(new ArchiveError(`${line}, ${field.name}`, `must be ${RULES[field.type]}`, cells[j]))
      }
      row[field.name] = value ?? null
    }
    rows.push(row)
  }
  return rows
}

const RULES: Record<Field["type"], string> = {
  integer: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  datetime: "a time such as 2026-11-02T08:30:00.000Z",
  object: "a JSON object",
  array: "a JSON array",
}

/** undefined where the cell is not of the type. */
function readCell({ type }: Field, cell: string): Value | undefined {
  if (cell === "") return null
  switch (type) {
    case "string":
      return cell
    case "boolean":
      return cell === "true" || cell === "false" ? cell === "true" : undefined
    case "integer":
      return /^(0|-?[1-9]\d*)$/.test(cell) && Number.isSafeInteger(Number(cell)) ? Number(cell) : undefined
    case "number": {
      const value = cell === "INF" ? Infinity : cell === "-INF" ? -Infinity : Number(cell)
      return numberText(value) === cell ? value : undefined
    }
    case "datetime": {
      const at = Date.parse(cell)
      return Number.isFinite(at) && new Date(at).toISOString() === cell ? at : undefined
    }
    default: {
      const value = parsed(cell)
      if (value === null || typeof value !== "object") return undefined
      return Array.isArray(value) === (type === "array") ? value : undefined
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
