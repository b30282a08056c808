// Everything of a study that an archive holds, before anything is concealed.
//
//   collect(study, program, open)   from a private copy of the database, so that all of it is of one moment
//
// Nothing here depends on when or where it runs: the quality report is that of the study's last contact.

import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type RoundNote, roundNotes } from "../round/journal.js"
import { bytesOf, openEmbedded, rowsOf } from "../store/embedded.js"
import { SCHEMA_VERSION } from "../store/migrations.js"
import { copyDatabase } from "../store/snapshot.js"
import { openStore, type Store } from "../store/store.js"
import { outcomeValues } from "../study/outcomes.js"
import { checkPlan, type Plan } from "../study/plan.js"
import { findInStudy } from "../study/quality/check.js"
import { DATABASE_FILE, type Study } from "../study/study.js"
import type { Row, Table } from "./field.js"
import { flowCounts } from "./flow.js"
import {
  ALLOCATION_KEY,
  ARCHIVED_MODELS,
  EVENTS,
  FIRMWARE,
  FLOW,
  MISSING_SEQUENCES,
  OUTCOMES,
  PLANS,
  QUALITY,
  RESOURCES,
  ROUNDS,
} from "./resources.js"

export interface ArchivedTable {
  table: Table
  rows: Row[]
}

export interface Archived {
  /** By name. */
  tables: Map<string, ArchivedTable>
  /** By version. */
  plans: Map<number, Plan>
  /** Particles by model. */
  particles: Map<number, Uint8Array>
}

/** The program that writes the archive. */
export interface Program {
  version: string
  /** The firmware files that it has. */
  firmware: readonly { name: string; sha256: string }[]
}

/** Of the events' details what no person has written, by kind; other kinds keep none. */
const DETAILS: Record<string, readonly string[]> = {
  "allocation-key": ["commitment"],
  answered: ["source", "added", "replaced"],
  confirmed: ["version"],
  conflict: ["epoch", "boot", "sequence", "reason"],
  enrolled: ["arm"],
  epoch: ["epoch", "boot"],
  estimated: ["through", "catalogue"],
  imported: ["added", "updated", "skipped"],
  published: ["version", "wave", "design", "songs"],
  quarantined: ["epoch", "boot", "sequence", "reason"],
  refused: ["version", "code"],
  rounded: ["wave", "through", "lists"],
  "wave-closed": ["wave", "cohort"],
  "wave-opened": ["wave", "cohort"],
}

/** Kinds of models that a round makes. */
const MADE_BY_ROUNDS = ["aggregate", "prequential", "weighting", "forgetting"]

/** `open`: with the key of the allocation. */
export async function collect(study: Study, program: Program, open: boolean): Promise<Archived> {
  // The copy holds the keys of the boards: it stays within the study's folder, where only its owner can read it.
  const dir = mkdtempSync(join(study.dir, ".archive-"))
  chmodSync(dir, 0o700)
  const path = join(dir, DATABASE_FILE)
  let store: Store | undefined
  try {
    await copyDatabase(join(study.dir, DATABASE_FILE), path)
    store = await openStore(path)
    return await collectFrom({ ...study, dir, store, edited: null, close: store.close }, path, program, open)
  } finally {
    await store?.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function collectFrom(study: Study, path: string, program: Program, open: boolean): Promise<Archived> {
  const db = openEmbedded(path)
  try {
    const tables = new Map<string, ArchivedTable>()
    const add = (table: Table, rows: Row[]): void => void tables.set(table.name, { table, rows })
    for (const { query, ...table } of RESOURCES) add(table, await ask(db, table, query))
    const stored = await study.store.plans.all()
    const reasons = stored.map(({ version, hash, at, reason }) => ({
      plan: version,
      hash,
      at,
      reason: reason === "" ? null : reason,
    }))
    add(PLANS, reasons)
    add(ALLOCATION_KEY, await allocationKey(study.store, open))
    add(ROUNDS, await rounds(study.store, tables))
    add(EVENTS, await events(db))
    add(MISSING_SEQUENCES, missingSequences(tables))
    add(OUTCOMES, outcomes(study.plan, tables))
    add(FLOW, flowCounts(tables, study.plan))
    add(QUALITY, await quality(study, lastMoment(tables)))
    add(FIRMWARE, firmware(program, tables))
    const models = await rowsOf<{ id: number; particles: ArrayBuffer | Uint8Array }>(
      db,
      `select id, particles from model where ${ARCHIVED_MODELS} order by id`,
      [],
    )
    const particles = models.map(({ id, particles }): [number, Uint8Array] => [id, bytesOf(particles)])
    return {
      tables,
      plans: new Map(
        stored.map(({ version, document }) => [version, checkPlan(JSON.parse(document), `plan ${version}`)]),
      ),
      particles: new Map(particles.filter(([, bytes]) => bytes.length > 0)),
    }
  } finally {
    await db.destroy()
  }
}

/** Rows of a query with the names of the fields; the driver gives them in camel case. */
async function ask(db: ReturnType<typeof openEmbedded>, table: Table, query: string): Promise<Row[]> {
  const rows = await rowsOf<Row>(db, query, [])
  return rows.map((row) =>
    Object.fromEntries(
      table.fields.map(({ name, type }) => {
        const value = row[name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())]
        if (value === undefined) throw new Error(`table ${table.name}: the query gives no column ${name}`)
        if (value === null || value === "") return [name, null]
        if (type === "boolean") return [name, value === 1]
        return [name, type === "object" || type === "array" ? JSON.parse(value as string) : value]
      }),
    ),
  )
}

async function allocationKey(store: Store, open: boolean): Promise<Row[]> {
  const held = await store.allocations.key()
  if (held === undefined) return []
  const { commitment, at, key } = held
  return [{ commitment, at, key: open ? Buffer.from(key).toString("hex") : null }]
}

export function rowsIn(tables: Archived["tables"], name: string): Row[] {
  return tables.get(name)?.rows ?? []
}

async function rounds(store: Store, tables: Archived["tables"]): Promise<Row[]> {
  const notes = await roundNotes(store)
  const lists = rowsIn(tables, "playlists")
  const models = rowsIn(tables, "models").filter(({ kind }) => MADE_BY_ROUNDS.includes(kind as string))
  const given = new Set<Row>()
  return notes.map((note: RoundNote, i) => {
    const until = notes[i + 1]?.lists ?? Number.POSITIVE_INFINITY
    const made = lists.filter(
      ({ playlist, wave, subject, copy_of }) =>
        (playlist as number) > note.lists &&
        (playlist as number) <= until &&
        wave === note.wave &&
        note.subjects.includes(subject as number) &&
        copy_of === null,
    )
    const own = models.filter((model) => model.estimated_at === note.at && !given.has(model))
    for (const model of own) given.add(model)
    const stamped = made.find(({ plan }) => plan !== null)?.plan
    const inForce = rowsIn(tables, "plans").findLast(({ at }) => (at as number) <= note.at)?.plan
    return {
      ...note,
      round: i + 1,
      plan: stamped ?? inForce ?? null,
      models: own.map(({ model }) => model),
      playlists: made.map(({ playlist }) => playlist),
    }
  })
}

async function events(db: ReturnType<typeof openEmbedded>): Promise<Row[]> {
  const rows = await ask(
    db,
    EVENTS,
    "select id as event, at, kind, subject, device, detail from event order by id",
  )
  return rows.map((row) => {
    const kept = DETAILS[row.kind as string] ?? []
    const detail = Object.entries((row.detail ?? {}) as Row).filter(([name]) => kept.includes(name))
    return { ...row, detail: detail.length > 0 ? Object.fromEntries(detail) : null }
  })
}

/** Holes below the highest sequence of every board and epoch. */
export function missingSequences(tables: Archived["tables"]): Row[] {
  const ranges = new Map<string, [number, number][]>()
  const put = ({ device, epoch }: Row, from: number, to: number): void => {
    const key = `${device} ${epoch}`
    ranges.set(key, [...(ranges.get(key) ?? []), [from, to]])
  }
  for (const name of ["plays", "quarantine"]) {
    for (const [key, sequences] of sequencesOf(rowsIn(tables, name))) {
      ranges.set(key, (ranges.get(key) ?? []).concat(sequences.map((n): [number, number] => [n, n])))
    }
  }
  for (const row of rowsIn(tables, "gone")) put(row, row.from_sequence as number, row.to_sequence as number)
  const holes: Row[] = []
  for (const [key, found] of [...ranges].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [device, epoch] = key.split(" ")
    let next = 1
    for (const [from, to] of found.sort(([a], [b]) => a - b)) {
      if (from > next)
        holes.push({ device, epoch: Number(epoch), from_sequence: next, to_sequence: from - 1 })
      next = Math.max(next, to + 1)
    }
  }
  return holes
}

function sequencesOf(rows: readonly Row[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { device, epoch, sequence } of rows) {
    const key = `${device} ${epoch}`
    const known = found.get(key)
    if (known === undefined) found.set(key, [sequence as number])
    else known.push(sequence as number)
  }
  return found
}

function outcomes(plan: Plan, tables: Archived["tables"]): Row[] {
  const arms = new Map(rowsIn(tables, "subjects").map(({ subject, arm }) => [subject, arm]))
  const values = outcomeValues({
    outcomes: plan.outcomes,
    plays: rowsIn(tables, "plays").map((row) => ({
      subject: row.subject as number | null,
      song: row.song as number,
      playlist: row.playlist as number | null,
      heardMs: row.heard_ms as number,
      reason: row.reason as number,
    })),
    playlists: rowsIn(tables, "playlists").map((row) => ({
      id: row.playlist as number,
      subject: row.subject as number,
      wave: row.wave as number,
    })),
    lengths: new Map(rowsIn(tables, "songs").map((row) => [row.song as number, row.length_ms as number])),
  })
  return values.map((value) => ({ ...value, arm: arms.get(value.subject) ?? null }))
}

/** The newest time that the study knows. */
function lastMoment(tables: Archived["tables"]): number {
  const times = ["syncs", "events"].flatMap((name) => rowsIn(tables, name).map(({ at }) => at as number))
  return times.reduce((latest, at) => Math.max(latest, at), 0)
}

async function quality(study: Study, now: number): Promise<Row[]> {
  const findings = await findInStudy(study, now)
  return findings.map((finding, i) => ({ row: i + 1, ...finding }))
}

function firmware(program: Program, tables: Archived["tables"]): Row[] {
  const count = (rows: readonly Row[], column: string): Map<string, Set<unknown>> => {
    const boards = new Map<string, Set<unknown>>()
    for (const row of rows) {
      const name = row[column] as string
      boards.set(name, (boards.get(name) ?? new Set()).add(row.device))
    }
    return boards
  }
  const flashed = rowsIn(tables, "provisioning").filter(({ outcome }) => outcome === "flashed")
  const rows = [
    { what: "program", name: `fieldtune ${program.version}`, sha256: null, boards: null },
    { what: "schema", name: String(SCHEMA_VERSION), sha256: null, boards: null },
    ...program.firmware.map(({ name, sha256 }) => ({ what: "file", name, sha256, boards: null })),
    ...[...count(flashed, "firmware")].map(([sha256, boards]) => ({
      what: "provisioned",
      name: sha256,
      sha256,
      boards: boards.size,
    })),
    ...[...count(rowsIn(tables, "syncs"), "firmware")].map(([name, boards]) => ({
      what: "reported",
      name,
      sha256: null,
      boards: boards.size,
    })),
  ]
  return rows.sort((a, b) => (`${a.what} ${a.name}` < `${b.what} ${b.name}` ? -1 : 1))
}
