// fieldtune report: figures, tables and a page of what the study has found so far.

import { createHash } from "node:crypto"
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative } from "node:path"
import type { Command } from "commander"
import { EXPORTS_FOLDER, openStudy, type Study } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { withProgress } from "./progress.js"

interface Options extends CommonOptions {
  out?: string
  context: boolean
}

const FOLDER = "report"

export function reportCommand(): Command {
  return command(
    "report",
    "write figures (SVG, PNG), tables (CSV) and one HTML page of what the study has found so far",
    "fieldtune report",
  )
    .option("--out <folder>", `where to (default: ${EXPORTS_FOLDER}/${FOLDER} in the folder of the study)`)
    .option("--no-context", "leave out the time of the week as a covariate")
    .action(async (options: Options) => {
      const study = await openStudy(options.study)
      try {
        await report(study, options)
      } finally {
        await study.close()
      }
    })
}

async function report(study: Study, { out, json, context }: Options): Promise<void> {
  // Charts and rasteriser are heavy to load, and no other command needs them.
  const { buildReport, PAGE, pathsOf } = await import("../report/report.js")
  const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string }
  await study.store.clocks.settle(Date.now())
  const { files, parts, blind, findings, throughSync } = await withProgress("figures", MOST_FIGURES, (done) =>
    buildReport(study, { version, context, progress: (n, of) => done(Math.round((MOST_FIGURES * n) / of)) }),
  )
  const folder = out ?? join(study.dir, EXPORTS_FOLDER, FOLDER)
  for (const path of pathsOf(parts)) if (!files.has(path)) rmSync(join(folder, path), { force: true })
  const sha = createHash("sha256")
  for (const [path, bytes] of files) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, bytes)
    renameSync(`${file}.new`, file)
    sha.update(`${path} ${bytes.length}\n`).update(bytes)
  }
  const sha256 = sha.digest("hex")
  const page = join(folder, PAGE)
  const shown = parts.map((part) =>
    part.kind === "none"
      ? { id: part.id, title: part.title, kind: part.kind, noAnswer: part.because }
      : { id: part.id, title: part.title, kind: part.kind, rows: part.rows.length },
  )
  const figures = parts.filter(({ kind }) => kind === "figure").length
  const tables = parts.filter(({ kind }) => kind === "table").length
  const without = parts.filter((part) => part.kind === "none")
  const quality = parts.find(({ id }) => id === "quality")
  const problems =
    quality?.kind === "table" ? quality.rows.filter(({ severity }) => severity === "problem").length : 0
  answer(
    { json },
    { folder, page, blind, throughSync, sha256, findings, parts: shown, files: [...files.keys()] },
    [
      `${figures} figures and ${tables} tables in ${relative(process.cwd(), folder) || "."}.`,
      `Read first: ${relative(process.cwd(), page)} (one file, opens in any browser, no internet needed).`,
      `  figures/  every figure as SVG and PNG, its numbers beside it as CSV`,
      `  tables/   every table as CSV`,
      ...(blind ? ["", "The study is blind: arms are codes, and what tells of a design is left out."] : []),
      "",
      ...findings,
      ...without.map(({ title, because }) => `${title}: no answer, because ${because}.`),
      "",
      problems > 0
        ? `Next: fieldtune check: ${problems} problem${problems === 1 ? "" : "s"} in the data come before any result`
        : "Next: fieldtune archive keeps the whole study with what these numbers came from",
    ],
  )
}

/** Steps of the progress bar. */
const MOST_FIGURES = 100
