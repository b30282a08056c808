// The embedded database: one SQLite file opened by libsql, queried through kysely.
//
// Durability: WAL with synchronous FULL, so a commit that has returned is on disk. Transactions begin
// IMMEDIATE: one that read first and wrote later could fail with a busy snapshot that no timeout waits for.

import { createRequire } from "node:module"
import type { SqliteDatabase, SqliteDialectConfig } from "kysely"
import {
  CamelCasePlugin,
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteDialect,
  SqliteDriver,
} from "kysely"
import type { Tables } from "./schema.js"

// libsql is CommonJS with a default class; its type file describes an ES default export that is not there.
const Database = createRequire(import.meta.url)("libsql") as new (
  path: string,
  options: { timeout: number },
) => SqliteDatabase & { pragma(source: string): unknown; exec(sql: string): void }

/** How long a statement waits for another process's transaction, milliseconds. */
const BUSY_TIMEOUT_MS = 5000

class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"))
  }
}

class ImmediateDialect extends SqliteDialect {
  constructor(private readonly config: SqliteDialectConfig) {
    super(config)
  }
  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.config)
  }
}

/** Opens or creates the file at `path`. */
export function openEmbedded(path: string): Kysely<Tables> {
  let database: InstanceType<typeof Database>
  try {
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    database.pragma("journal_mode = wal")
    database.pragma("synchronous = full")
    // What a withdrawal deletes is overwritten, not only unlinked.
    database.pragma("secure_delete = on")
    database.pragma("foreign_keys = on")
  } catch (cause) {
    throw new Error(`${path}: cannot be opened as a database: ${(cause as Error).message}`, { cause })
  }
  return new Kysely<Tables>({
    dialect: new ImmediateDialect({ database }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

/** Bytes of a blob column: libsql gives a Buffer for one row and an ArrayBuffer for many. */
export function bytesOf(value: ArrayBuffer | Uint8Array): Uint8Array {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(value)
}
