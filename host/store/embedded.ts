// The embedded database: one SQLite file opened by libsql, queried through kysely.
//
// Durability: WAL with synchronous FULL, so a commit that has returned is on disk. Transactions begin
// IMMEDIATE: one that read first and wrote later could fail with a busy snapshot that no timeout waits for.
//
// A query is prepared once and run many times: SQLite takes longer to compile a short statement than to run it.

import { existsSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { setTimeout as sleep } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import {
  CamelCasePlugin,
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from "kysely"
import { StoreUnavailableError, unavailable } from "./failure.js"
import type { Tables } from "./schema.js"

interface Libsql {
  prepare(sql: string): SqliteStatement
  pragma(source: string): unknown
  exec(sql: string): void
  close(): void
}

// libsql is CommonJS with a default class; its type file describes an ES default export that is not there.
const Database = createRequire(import.meta.url)("libsql") as new (
  path: string,
  options: { timeout: number },
) => Libsql

/** How long a statement waits for another process's transaction, milliseconds. */
const BUSY_TIMEOUT_MS = 5000
/** A transaction that can't begin lets other work go on before it tries again, milliseconds. */
const BEGIN_AGAIN_MS = 5
/** Pages that the journal may have before a commit copies them into the file: 4 MB. */
const CHECKPOINT_PAGES = 1000
/** What the journal's file is cut to after that, bytes. */
const JOURNAL_BYTES = 64 * 2 ** 20
/** Statements kept prepared; a study has some 150. The one used longest ago goes first. */
const PREPARED = 400

interface Prepared {
  statement: SqliteStatement
  /** It gives rows. */
  reader: boolean
}

class EmbeddedConnection implements DatabaseConnection {
  private readonly prepared = new Map<string, Prepared>()

  constructor(
    private readonly database: Libsql,
    private readonly path: string,
  ) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.run(sql, parameters)
  }

  run<R>(sql: string, parameters: readonly unknown[] = []): QueryResult<R> {
    try {
      const { statement, reader } = this.prepare(sql)
      if (reader) return { rows: statement.all(parameters) as R[] }
      const { changes, lastInsertRowid } = statement.run(parameters)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } catch (cause) {
      throw unavailable(cause, this.path) ?? cause
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streams of rows are not offered")
  }

  close(): void {
    this.prepared.clear()
    this.database.close()
  }

  private prepare(sql: string): Prepared {
    const known = this.prepared.get(sql)
    if (known !== undefined) {
      this.prepared.delete(sql)
      this.prepared.set(sql, known)
      return known
    }
    const statement = this.database.prepare(sql)
    const made = { statement, reader: statement.reader }
    this.prepared.set(sql, made)
    if (this.prepared.size > PREPARED) {
      const [oldest] = this.prepared.keys()
      this.prepared.delete(oldest)
    }
    return made
  }
}

/** One connection, which its users get in the order in which they asked. */
class EmbeddedDriver implements Driver {
  private last: Promise<void> = Promise.resolve()
  private release: () => void = () => {}

  constructor(private readonly connection: EmbeddedConnection) {}

  async init(): Promise<void> {}

  async acquireConnection(): Promise<EmbeddedConnection> {
    const before = this.last
    let release = (): void => {}
    this.last = new Promise((resolve) => {
      release = resolve
    })
    await before
    this.release = release
    return this.connection
  }

  async releaseConnection(): Promise<void> {
    this.release()
  }

  /** Waits for the transaction of another process without keeping this one from its other work. */
  async beginTransaction(): Promise<void> {
    const { connection } = this
    const until = performance.now() + BUSY_TIMEOUT_MS
    connection.run("pragma busy_timeout = 0")
    try {
      for (;;) {
        try {
          connection.run("begin immediate")
          return
        } catch (error) {
          const busy = error instanceof StoreUnavailableError && error.reason === "busy"
          if (!busy || performance.now() > until) throw error
        }
        await sleep(BEGIN_AGAIN_MS)
      }
    } finally {
      connection.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
    }
  }

  async commitTransaction(): Promise<void> {
    this.connection.run("commit")
  }

  async rollbackTransaction(): Promise<void> {
    try {
      this.connection.run("rollback")
    } catch (error) {
      // A full disk or a failing one has ended the transaction already.
      if (!/no transaction is active/.test((error as Error).message)) throw error
    }
  }

  /** Brings what the journal holds into the file, so that the file alone is the study, and closes it. */
  async destroy(): Promise<void> {
    try {
      this.connection.run("pragma busy_timeout = 0")
      this.connection.run("pragma wal_checkpoint(truncate)")
    } catch (error) {
      // Another process uses it, or nothing can be written: the journal keeps what it holds.
      if (!(error instanceof StoreUnavailableError)) throw error
    }
    this.connection.close()
  }
}

/**
 * Opens or creates the file at `path`. `readOnly`: opens what is there and writes nothing, wherever it lies. Throws
 * StoreUnavailableError where the disk does not let it.
 */
export function openEmbedded(path: string, { readOnly = false } = {}): Kysely<Tables> {
  let database: Libsql
  try {
    if (readOnly) {
      database = openToRead(path)
    } else {
      database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
      database.pragma("journal_mode = wal")
      database.pragma("synchronous = full")
      // What a withdrawal deletes is overwritten, not only unlinked.
      database.pragma("secure_delete = on")
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      database.pragma(`journal_size_limit = ${JOURNAL_BYTES}`)
    }
    database.pragma("foreign_keys = on")
  } catch (cause) {
    throw (
      unavailable(cause, path) ??
      new Error(`${path}: cannot be opened as a database: ${(cause as Error).message}`, { cause })
    )
  }
  const connection = new EmbeddedConnection(database, path)
  return new Kysely<Tables>({
    dialect: {
      createDriver: () => new EmbeddedDriver(connection),
      createAdapter: () => new SqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    },
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

/** Opens what is there; a file without its journal on a disk that takes none is read as one that nobody changes. */
function openToRead(path: string): Libsql {
  const url = `${pathToFileURL(path)}?mode=ro`
  const database = new Database(url, { timeout: BUSY_TIMEOUT_MS })
  try {
    database.exec("select 1 from sqlite_schema")
    return database
  } catch (error) {
    database.close()
    const journal = `${path}-wal`
    if (existsSync(journal) && statSync(journal).size > 0) throw error
    return new Database(`${url}&immutable=1`, { timeout: BUSY_TIMEOUT_MS })
  }
}

/**
 * Rows of a query that is written as text, because it runs with every sync: what a query builder would spend on it each
 * time is more than the query costs. Parameters stand as ?; names of columns come back as they do from the builder.
 */
export async function rowsOf<R>(
  db: Kysely<Tables>,
  text: string,
  parameters: readonly unknown[],
): Promise<R[]> {
  return (await db.executeQuery<R>(CompiledQuery.raw(text, [...parameters]))).rows
}

/** Bytes of a blob column: libsql gives a Buffer for one row and an ArrayBuffer for many. */
export function bytesOf(value: ArrayBuffer | Uint8Array): Uint8Array {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(value)
}
