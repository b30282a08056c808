// Run as a program by ingest.ts: a server in a process of its own, so that its memory and processor are its own.
//
//   node ingest-server.js ours DIR     the sync endpoint with the store of the study in DIR
//   node ingest-server.js bare DIR     the limit: node:http, and the same rows in one durable transaction each; nothing
//                                      is opened, checked or answered

import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { destination, pino } from "pino"
import { buildServer } from "../host/server/server.js"
import { INSERT_PLAYS } from "../host/store/contact.js"
import { openStudy } from "../host/study/study.js"
import { RECORD_BYTES } from "../src/record.js"

const PLAYS = 50
const SONGS = 40

/** What the process says: where it listens, and when asked, its peak memory and memory now, bytes. */
export type ServerMessage = { port: number } | { peak: number; now: number }

const [kind, dir] = process.argv.slice(2)
const port = kind === "ours" ? await ours() : await bare()
const say = (message: ServerMessage): boolean | undefined => process.send?.(message)
process.on("message", () =>
  say({ peak: process.resourceUsage().maxRSS * 1024, now: process.memoryUsage().rss }),
)
process.on("disconnect", () => process.exit())
say({ port })

async function ours(): Promise<number> {
  const app = buildServer({
    study: await openStudy(dir),
    now: () => Date.now(),
    random: (n) => new Uint8Array(randomBytes(n)),
    log: pino({ level: "info" }, destination({ dest: join(dir, "bench.log"), sync: true })),
  })
  await app.listen({ port: 0, host: "127.0.0.1" })
  return (app.server.address() as AddressInfo).port
}

function bare(): Promise<number> {
  const Database = createRequire(import.meta.url)("libsql")
  const database = new Database(join(dir, "fieldtune.db"), { timeout: 5000 })
  for (const pragma of ["journal_mode = wal", "synchronous = full", "foreign_keys = on"]) {
    database.pragma(pragma)
  }
  const begin = database.prepare("begin immediate")
  const commit = database.prepare("commit")
  const sync = insert(database, "sync", {
    device: "",
    subject: 0,
    at: 0,
    epoch: 1,
    boot: 1,
    counter: 1,
    up: 9_060_000,
    firmware: "0.1.0",
    list: 0,
    health: JSON.stringify({ log: 50, cap: 400, full: 0, audio: 0, fails: 0, store: 1, vol: 8 }),
    stored: PLAYS,
    repeated: 0,
    quarantined: 0,
    unreadable: 0,
    body: Buffer.alloc(0),
  })
  const records = Buffer.alloc(PLAYS * RECORD_BYTES, 7)
  const plays = database.prepare(INSERT_PLAYS)
  let counter = 0
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on("data", (piece) => pieces.push(piece))
    request.on("end", () => {
      const device = String(request.url).slice(-16)
      const subject = Number.parseInt(device.slice(5), 16)
      counter++
      begin.run()
      const body = Buffer.concat(pieces)
      const id = Number(sync({ device, subject, at: Date.now(), counter, body }).lastInsertRowid)
      const rows = Array.from({ length: PLAYS }, (_, i) => {
        return [1, counter * PLAYS + i, subject, 1 + (i % SONGS), null, 0, 60_000, 100_000, 1, 0, 0, 8]
      })
      plays.run([device, 1, id, records, JSON.stringify(rows)])
      commit.run()
      response.writeHead(200, { "content-length": 100, connection: "close" }).end(Buffer.alloc(100))
    })
  })
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  )
}

/** A prepared insert whose columns have the given values unless others are given. */
function insert(
  database: { prepare(sql: string): { run(values: unknown[]): { lastInsertRowid: number } } },
  table: string,
  defaults: Record<string, unknown>,
): (values: Record<string, unknown>) => { lastInsertRowid: number } {
  const columns = Object.keys(defaults)
  const marks = columns.map(() => "?").join(", ")
  const statement = database.prepare(`insert into ${table} (${columns.join(", ")}) values (${marks})`)
  return (values) => statement.run(columns.map((column) => values[column] ?? defaults[column]))
}
