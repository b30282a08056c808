// The checks of an archive that need no estimation: every file as the manifest has it, every value of its type and
// rules, keys that are there once and lead somewhere, numbering without undeclared holes. What is read is hostile until
// then: sizes are bounded (zip.ts), and nothing of an archive is run or written anywhere.

import Type, { type Static } from "typebox"
import Value from "typebox/value"
import { checkPlan, type Plan, planHash } from "../study/plan.js"
import { type Archived, missingSequences, rowsIn } from "./collect.js"
import { readCsv } from "./csv.js"
import { type About, csvPath, pretty, sha256 } from "./describe.js"
import { ArchiveError } from "./error.js"
import type { Field, ForeignKey, Row, Table } from "./field.js"
import { flowFigure } from "./flow.js"
import { TABLES } from "./resources.js"
import type { Files } from "./zip.js"

const FORMAT = "fieldtune-archive"
const FORMAT_VERSION = 1
/** More problems than these are not told: the archive is broken anyway. */
const MOST_PROBLEMS = 1000

const strict = { additionalProperties: false }
const text = Type.String({ maxLength: 10_000 })

const ManifestSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    version: Type.Literal(FORMAT_VERSION),
    files: Type.Array(
      Type.Object({ path: text, bytes: Type.Integer({ minimum: 0 }), sha256: text }, strict),
      { maxItems: 100_000 },
    ),
  },
  strict,
)

const KeySchema = Type.Object(
  {
    fields: Type.Array(text, { minItems: 1, maxItems: 1 }),
    reference: Type.Object(
      { resource: text, fields: Type.Array(text, { minItems: 1, maxItems: 1 }) },
      strict,
    ),
    except: Type.Optional(Type.Integer()),
  },
  strict,
)

const FieldSchema = Type.Object(
  {
    name: text,
    type: Type.Union(
      ["integer", "number", "string", "boolean", "datetime", "object", "array"].map((name) =>
        Type.Literal(name),
      ),
    ),
    description: text,
    unit: Type.Optional(text),
    constraints: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(Type.Boolean()),
          minimum: Type.Optional(Type.Number()),
          maximum: Type.Optional(Type.Number()),
          enum: Type.Optional(Type.Array(text, { maxItems: 1000 })),
          pattern: Type.Optional(text),
        },
        strict,
      ),
    ),
  },
  strict,
)

const PackageSchema = Type.Object({
  "fieldtune:archive": Type.Object(
    {
      study: text,
      version: text,
      pseudonymised: Type.Boolean(),
      blind: Type.Boolean(),
      times: Type.Union([
        Type.Literal("exact"),
        Type.Literal("hour"),
        Type.Literal("date"),
        Type.Literal("none"),
      ]),
    },
    strict,
  ),
  resources: Type.Array(
    Type.Object({
      name: text,
      path: text,
      bytes: Type.Integer({ minimum: 0 }),
      rows: Type.Integer({ minimum: 0 }),
      hash: text,
      schema: Type.Object(
        {
          fields: Type.Array(FieldSchema, { minItems: 1, maxItems: 200 }),
          primaryKey: Type.Optional(Type.Array(text)),
          foreignKeys: Type.Optional(Type.Array(KeySchema)),
          "fieldtune:foreignKeys": Type.Optional(Type.Array(KeySchema)),
          missingValues: Type.Array(text),
        },
        strict,
      ),
    }),
    { maxItems: 200 },
  ),
})

export function manifest(files: Files): string {
  const listed = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  return pretty({
    format: FORMAT,
    version: FORMAT_VERSION,
    files: listed.map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
  })
}

export interface Checked {
  problems: ArchiveError[]
  /** undefined where it is too broken to be read. */
  about?: About
  archived: Archived
}

export function checkFiles(files: Files): Checked {
  const problems: ArchiveError[] = []
  const problem = (error: ArchiveError): void => {
    if (problems.length < MOST_PROBLEMS) problems.push(error)
  }
  const archived: Archived = { tables: new Map(), plans: new Map(), particles: new Map() }
  checkManifest(files, problem)
  const described = readJson(files, "datapackage.json", PackageSchema, problem)
  if (described === undefined) return { problems, archived }
  for (const resource of described.resources) readTable(files, resource, archived, problem)
  checkTables(described["fieldtune:archive"].blind, archived, problem)
  checkKeys(described.resources, archived, problem)
  readPlans(files, archived, problem)
  readParticles(files, archived, problem)
  checkHoles(archived, problem)
  const figure = textOf(files, "flow.svg")
  if (figure !== undefined && archived.tables.has("flow") && problems.length === 0) {
    if (figure !== flowFigure(rowsIn(archived.tables, "flow"))) {
      problem(new ArchiveError("flow.svg", "must be the figure of data/flow.csv", "another one"))
    }
  }
  return { problems, about: described["fieldtune:archive"] as About, archived }
}

type Problem = (error: ArchiveError) => void

function checkManifest(files: Files, problem: Problem): void {
  const listed = readJson(files, "manifest.json", ManifestSchema, problem)
  if (listed === undefined) return
  // One spelling, so that every changed byte is seen.
  if (pretty(listed) !== textOf(files, "manifest.json")) {
    problem(new ArchiveError("manifest.json", "must be written as fieldtune writes it", "another spelling"))
  }
  const names = new Set(["manifest.json"])
  for (const { path, bytes, sha256: hash } of listed.files) {
    const place = JSON.stringify(path)
    if (names.has(path)) problem(new ArchiveError(`manifest.json, ${place}`, "must be listed once", "twice"))
    names.add(path)
    const content = files.get(path)
    if (content === undefined) {
      problem(new ArchiveError(place, "is listed in manifest.json and must be there", "no such file"))
      continue
    }
    const found = sha256(content)
    if (content.length !== bytes || found !== hash) {
      const rule = `must have ${bytes} bytes with SHA-256 ${hash} (manifest.json)`
      problem(new ArchiveError(place, rule, `${content.length} bytes, ${found}`))
    }
  }
  for (const path of files.keys()) {
    if (!names.has(path))
      problem(new ArchiveError(JSON.stringify(path), "must be listed in manifest.json", "a file that is not"))
  }
}

function textOf(files: Files, path: string): string | undefined {
  const bytes = files.get(path)
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function readJson<S extends Type.TSchema>(
  files: Files,
  path: string,
  schema: S,
  problem: Problem,
): Static<S> | undefined {
  const content = textOf(files, path)
  if (content === undefined) {
    problem(
      new ArchiveError(path, "must be there, in UTF-8", files.has(path) ? "other bytes" : "no such file"),
    )
    return undefined
  }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    problem(new ArchiveError(path, "must be JSON", (cause as Error).message))
    return undefined
  }
  const [error] = [...Value.Errors(schema, value)]
  if (error !== undefined) {
    problem(new ArchiveError(`${path}${error.instancePath}`, error.message, "something else"))
    return undefined
  }
  return value as Static<S>
}

type Described = Static<typeof PackageSchema>["resources"][number]

function readTable(files: Files, resource: Described, archived: Archived, problem: Problem): void {
  const { name, path, schema } = resource
  if (path !== csvPath(name) || archived.tables.has(name)) {
    problem(new ArchiveError("datapackage.json", `resource ${name} must be ${csvPath(name)}, once`, path))
    return
  }
  const content = textOf(files, path)
  if (content === undefined) {
    problem(
      new ArchiveError(path, "must be there, in UTF-8", files.has(path) ? "other bytes" : "no such file"),
    )
    return
  }
  if (resource.hash !== `sha256:${sha256(files.get(path)!)}`) {
    problem(new ArchiveError(path, `must have the hash of datapackage.json, ${resource.hash}`, "another one"))
  }
  const fields = schema.fields as Field[]
  const rows = readCsv(path, content, fields, problem)
  if (rows.length !== resource.rows) {
    problem(new ArchiveError(path, `must have ${resource.rows} rows`, String(rows.length)))
  }
  for (const field of fields) checkColumn(path, field, rows, problem)
  const table: Table = { name, title: "", description: "", primaryKey: schema.primaryKey ?? [], fields }
  archived.tables.set(name, { table, rows })
}

/** Every table that an archive has, with every column that is never left out. */
function checkTables(blind: boolean, { tables }: Archived, problem: Problem): void {
  for (const { name, reveals, fields } of TABLES) {
    if (reveals && blind) continue
    const found = tables.get(name)?.table
    if (found === undefined) {
      problem(new ArchiveError("datapackage.json", `must describe ${csvPath(name)}`, "no such resource"))
      continue
    }
    for (const field of fields) {
      const other = found.fields.find((candidate) => candidate.name === field.name)
      const optional = field.role !== undefined && LEFT_OUT.includes(field.role)
      if (other === undefined ? optional : other.type === field.type) continue
      const rule = `must describe the column ${field.name} of ${csvPath(name)} as ${field.type}`
      problem(new ArchiveError("datapackage.json", rule, other?.type ?? "no such column"))
    }
  }
}

const LEFT_OUT: readonly string[] = ["reveals", "moment", "clock", "recordBytes"]

function checkColumn(
  path: string,
  { name, constraints = {} }: Field,
  rows: readonly Row[],
  problem: Problem,
): void {
  const { required, minimum, maximum, enum: allowed, pattern } = constraints
  // Patterns of hostile archives could take forever: only those that this program writes are run.
  const expression = pattern !== undefined && PATTERNS.includes(pattern) ? new RegExp(pattern) : undefined
  if (pattern !== undefined && expression === undefined) {
    problem(new ArchiveError(`${path}, ${name}`, "must have a pattern that fieldtune writes", pattern))
  }
  for (const [i, row] of rows.entries()) {
    const value = row[name]
    const broken = (rule: string): void =>
      problem(new ArchiveError(`${path}, line ${i + 2}, ${name}`, rule, String(value)))
    if (value === null) {
      if (required) broken("must not be missing")
      continue
    }
    if (minimum !== undefined && !((value as number) >= minimum)) broken(`must be at least ${minimum}`)
    if (maximum !== undefined && !((value as number) <= maximum)) broken(`must be at most ${maximum}`)
    if (allowed !== undefined && !allowed.includes(value as string)) broken(`must be ${allowed.join(" or ")}`)
    if (expression !== undefined && !expression.test(value as string)) broken(`must match ${pattern}`)
  }
}

/** Those of resources.ts. */
const PATTERNS = ["^[0-9a-f]{16}$", "^([0-9a-f]{2})*$", "^([0-9a-f]{40})?$"]

function checkKeys(resources: readonly Described[], { tables }: Archived, problem: Problem): void {
  for (const { name, path, schema } of resources) {
    const found = tables.get(name)
    if (found === undefined) continue
    const key = schema.primaryKey ?? []
    const seen = new Set<string>()
    for (const [i, row] of key.length > 0 ? found.rows.entries() : []) {
      const values = JSON.stringify(key.map((column) => row[column]))
      if (seen.has(values)) {
        problem(new ArchiveError(`${path}, line ${i + 2}`, `${key.join(", ")} must be there once`, values))
      }
      seen.add(values)
    }
    const keys = [...(schema.foreignKeys ?? []), ...(schema["fieldtune:foreignKeys"] ?? [])]
    for (const { fields, reference, except } of keys) {
      const foreign = { field: fields[0], ...reference, reference: reference.fields[0], except }
      followKey(path, foreign, found.rows, tables, problem)
    }
  }
}

function followKey(
  path: string,
  { field, resource, reference, except }: ForeignKey,
  rows: readonly Row[],
  tables: Archived["tables"],
  problem: Problem,
): void {
  const known = new Set(rowsIn(tables, resource).map((row) => row[reference]))
  for (const [i, row] of rows.entries()) {
    const value = row[field] ?? null
    if (value === null || value === except || known.has(value)) continue
    const rule = `must be in ${reference} of ${csvPath(resource)}`
    problem(new ArchiveError(`${path}, line ${i + 2}, ${field}`, rule, String(value)))
  }
}

const planPath = (version: unknown): string => `plans/plan-${version}.json`

function readPlans(files: Files, archived: Archived, problem: Problem): void {
  for (const { plan, hash } of rowsIn(archived.tables, "plans")) {
    const path = planPath(plan)
    const content = textOf(files, path)
    let read: Plan
    try {
      if (content === undefined) throw new Error("no such file, or not UTF-8")
      read = checkPlan(JSON.parse(content), path)
    } catch (cause) {
      problem(new ArchiveError(path, "must be a plan", (cause as Error).message))
      continue
    }
    if (planHash(read) !== hash) {
      problem(new ArchiveError(path, `must have the hash of data/plans.csv, ${hash}`, planHash(read)))
    }
    archived.plans.set(plan as number, read)
  }
}

function readParticles(files: Files, archived: Archived, problem: Problem): void {
  const models = new Set(rowsIn(archived.tables, "models").map(({ model }) => model))
  for (const [path, bytes] of files) {
    const model = Number(/^models\/(\d+)\.bin$/.exec(path)?.[1] ?? Number.NaN)
    if (Number.isNaN(model)) continue
    if (models.has(model)) archived.particles.set(model, bytes)
    else problem(new ArchiveError(path, "must belong to a model of data/models.csv", String(model)))
  }
}

function checkHoles(archived: Archived, problem: Problem): void {
  const spell = ({ device, epoch, from_sequence: from, to_sequence: to }: Row): string =>
    `${device}, epoch ${epoch}, ${from} to ${to}`
  const said = new Set(rowsIn(archived.tables, "missing_sequences").map(spell))
  for (const hole of missingSequences(archived.tables).map(spell)) {
    if (said.delete(hole)) continue
    problem(
      new ArchiveError("data/plays.csv", "must have every sequence that is not said to be missing", hole),
    )
  }
  for (const hole of said) {
    problem(new ArchiveError("data/missing_sequences.csv", "must name holes only", hole))
  }
}
