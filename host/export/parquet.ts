// A table as Parquet, for R, Python and databases: typed columns, times as timestamps in UTC, and what the table is in the
// file's own metadata.

import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer"
import type { FieldType, Row, Table } from "../archive/field.js"

const TYPES: Record<FieldType, ColumnSource["type"]> = {
  integer: "INT64",
  number: "DOUBLE",
  string: "STRING",
  boolean: "BOOLEAN",
  datetime: "TIMESTAMP",
  object: "JSON",
  array: "JSON",
}

/** `about`: kept under the key "fieldtune". The same table gives the same bytes. */
export function parquetOf(table: Table, rows: readonly Row[], about: object): Uint8Array {
  const columnData = table.fields.map(({ name, type }): ColumnSource => {
    const values = rows.map((row) => parquetValue(type, row[name] ?? null))
    return { name, data: values, type: TYPES[type], nullable: true }
  })
  const kvMetadata = [{ key: "fieldtune", value: JSON.stringify(about) }]
  return new Uint8Array(parquetWriteBuffer({ columnData, kvMetadata }))
}

function parquetValue(type: FieldType, value: unknown): unknown {
  if (value === null) return null
  if (type === "integer") return BigInt(value as number)
  if (type === "datetime") return new Date(value as number)
  return value
}
