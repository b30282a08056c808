// What an archive says of itself: datapackage.json (Frictionless Data Package 2), codebook, README and citation.

import { createHash } from "node:crypto"
import type { Archived, ArchivedTable } from "./collect.js"
import type { Concealment } from "./conceal.js"
import type { ForeignKey } from "./field.js"
import type { Files } from "./zip.js"

const PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

export const csvPath = (table: string): string => `data/${table}.csv`

/** What beside the tables makes an archive: for datapackage.json and the check of it. */
export interface About {
  study: string
  version: string
  pseudonymised: boolean
  blind: boolean
  times: Concealment["times"]
}

export function datapackage(about: About, tables: Archived["tables"], files: Files): string {
  const resources = [...tables.values()].map(({ table, rows }) => {
    const bytes = files.get(csvPath(table.name))!
    return {
      name: table.name,
      type: "table",
      path: csvPath(table.name),
      title: table.title,
      description: table.description,
      format: "csv",
      mediatype: "text/csv",
      encoding: "utf-8",
      bytes: bytes.length,
      hash: `sha256:${sha256(bytes)}`,
      rows: rows.length,
      dialect: { delimiter: ",", lineTerminator: "\r\n", quoteChar: '"', doubleQuote: true, header: true },
      schema: {
        fields: table.fields.map(({ role: _, missing, description, ...field }) => ({
          ...field,
          description: missing === undefined ? description : `${description} Missing: ${missing}.`,
        })),
        ...(table.primaryKey.length > 0 ? { primaryKey: table.primaryKey } : {}),
        ...foreignKeysOf(table, tables),
        missingValues: [""],
      },
    }
  })
  return pretty({
    $schema: PROFILE,
    name: slug(about.study),
    title: `Data of the study ${about.study}`,
    "fieldtune:archive": about,
    resources,
  })
}

/** References to 0 (everybody) can't be said in Table Schema: such a key is kept under a name of our own. */
function foreignKeysOf(
  { fields, foreignKeys = [] }: ArchivedTable["table"],
  tables: Archived["tables"],
): object {
  const known = foreignKeys.filter(
    ({ field, resource }) => tables.has(resource) && fields.some(({ name }) => name === field),
  )
  const said = (keys: readonly ForeignKey[]) =>
    keys.map(({ field, resource, reference, except }) => ({
      fields: [field],
      reference: { resource, fields: [reference] },
      ...(except === undefined ? {} : { except }),
    }))
  const plain = said(known.filter(({ except }) => except === undefined))
  const own = said(known.filter(({ except }) => except !== undefined))
  return {
    ...(plain.length > 0 ? { foreignKeys: plain } : {}),
    ...(own.length > 0 ? { "fieldtune:foreignKeys": own } : {}),
  }
}

export function codebook(tables: Archived["tables"]): string {
  const lines = [
    "# Codebook",
    "",
    "Every table is a CSV file in data/: UTF-8, commas, lines that end with CR LF, a header. An empty cell is a missing",
    "value; what it means stands with the column. Times are UTC.",
  ]
  for (const { table, rows } of tables.values()) {
    lines.push("", `## ${table.name}: ${table.title}`, "", table.description, "")
    lines.push(
      `${rows.length} rows.${table.primaryKey.length > 0 ? ` Key: ${table.primaryKey.join(", ")}.` : ""}`,
      "",
    )
    lines.push("| column | type | unit | meaning | missing |", "|---|---|---|---|---|")
    for (const { name, type, unit = "", description, missing = "", constraints } of table.fields) {
      const when = missing === "" ? (constraints?.required ? "never" : "not recorded, or left out") : missing
      lines.push(`| ${name} | ${type} | ${unit} | ${cell(description)} | ${cell(when)} |`)
    }
  }
  return `${lines.join("\n")}\n`
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

export function readme(about: About, notes: readonly string[]): string {
  const { study, version, pseudonymised, blind, times } = about
  return [
    `# Data of the study ${study}`,
    "",
    `Written by fieldtune ${version}. Start with codebook.md; datapackage.json describes every table for programs`,
    "(Frictionless Data Package 2).",
    "",
    "| file | what |",
    "|---|---|",
    "| data/*.csv | the tables |",
    "| plans/plan-N.json | the plan and its amendments, as they were in force |",
    "| models/N.bin | particles of the model N of data/models.csv: layouts in fieldtune's host/model/taste-bytes.ts and aggregate-bytes.ts |",
    "| flow.svg, data/flow.csv | flow of listeners (CONSORT), and what was counted for each number |",
    "| manifest.json | SHA-256 of every file |",
    "",
    "`fieldtune archive verify FILE` checks all of it and estimates and designs everything again, to the same numbers.",
    "The archive as a whole is guarded by its own SHA-256, which belongs next to wherever it is cited.",
    "",
    "## What is not in it",
    "",
    "- keys of boards, that of the allocation (unless data/allocation_key.csv opens it), Wi-Fi passwords, labels or names of listeners, sealed bodies of contacts",
    "  (data/plays.csv holds every record that was in them), hardware addresses, ports, names of files",
    ...(times === "exact"
      ? []
      : [
          `- times to the millisecond: by the plan (privacy.exportTimes: ${times}) they are ${TIMES[times]}; uptimes and the`,
          "  bytes of records, which would tell them, are left out",
        ]),
    ...(blind
      ? [
          "- what tells of an arm, because the study is blind: arms are coded; designs, utilities, propensities, candidates",
          "  and reasons are left out. So nothing can be estimated or designed again from this archive",
        ]
      : []),
    ...(pseudonymised
      ? [
          "- numbers of listeners, ids of boards and dates as they were: numbers and ids are fresh, all times are moved by",
          "  the same whole number of weeks (so the weekday and the hour in UTC are true; the hour on local clocks may be",
          "  one off where summer time differs), the plan has no dates, and what people wrote is left out.",
          "  `stream` in data/subjects.csv is the number that the random streams of a listener are named by, the number in",
          "  the study. It is what makes the archive verifiable, and it could not be hidden beside it: who has the seed",
          "  finds it by trying. Whoever holds the study's list of numbers can tell who is who; keep that list apart.",
          "- strata and cohorts are in it: whoever publishes it judges whether they tell who somebody is",
        ]
      : []),
    "",
    "## Notes",
    "",
    ...(notes.length > 0 ? notes.map((note) => `- ${note}`) : ["- none"]),
    "",
  ].join("\n")
}

const TIMES = { hour: "rounded down to the hour", date: "rounded down to the day", none: "left out" }

export function citation({ study, version }: About): string {
  const title = JSON.stringify(`Data of the study ${study}`)
  return [
    "cff-version: 1.2.0",
    'message: "Please cite this data set as below; put the authors, a date and an identifier in first."',
    `title: ${title}`,
    "type: dataset",
    "authors:",
    `  - name: ${JSON.stringify(`Researchers of the study ${study}`)}`,
    "references:",
    "  - type: software",
    "    title: fieldtune",
    `    version: ${JSON.stringify(version)}`,
    "    authors:",
    '      - name: "The fieldtune authors"',
    "",
  ].join("\n")
}

export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`

/** A name as a data package may have it. */
function slug(text: string): string {
  const plain = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
  return plain === "" ? "study" : plain
}
