// fieldtune replicate: the dissertation's simulation studies again, beside what it prints.

import type { Command } from "commander"
import { NAMES } from "../replicate/printed.js"
import { PROFILES, type Replication, replicate } from "../replicate/replicate.js"
import { answer, command, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"
import { table } from "./table.js"

interface Options {
  seed: number
  runs: number
  json?: boolean
}

const DEFAULT_RUNS = 2
const MAX_RUNS = 1000

export function replicateCommand(): Command {
  return command(
    "replicate",
    "the simulation studies of the dissertation again, by its literal procedure and the corrected one, beside its figures",
    "fieldtune replicate --seed 1 --runs 10",
    { standalone: true },
  )
    .option("--seed <number>", "seed of the random numbers", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option(
      "--runs <number>",
      "replications, of which the spread is shown",
      wholeNumber(1, MAX_RUNS),
      DEFAULT_RUNS,
    )
    .action(async (options: Options) => {
      const { seed, runs } = options
      const found = await withProgress("replicate", PROFILES.length * runs, async (onProgress) =>
        replicate({ seed, runs, onProgress }),
      )
      answer(options, found, describe(found))
    })
}

function describe(found: Replication): string[] {
  const lines = [
    `The simulation studies of Chung 2007, chapter 3: ${found.runs} runs from seed ${found.seed}; means over the runs.`,
    "",
  ]
  const { thesis } = found
  for (const name of ["table2", "table3", "table4"] as const) {
    const what = {
      table2: "posterior means with selection, first block",
      table3: "posterior means without selection, first block",
      table4: "posterior means after the second block, by particles",
    }[name]
    const first = name === "table4" ? "true" : "printed"
    lines.push(`${title(name)}: ${what} (${first} | default ± sd | thesis profile ± sd)`)
    const printed = name === "table4" ? thesis.table1 : thesis[name]
    const rows = NAMES.flatMap((attribute, q) => {
      const cells = printed.map(({ mean }, subject) => {
        const one = found.profile.default[name][subject]
        const other = found.profile.thesis[name][subject]
        const cell = (row: typeof one): string => `${row.mean[q].toFixed(2)}±${row.sd[q].toFixed(2)}`
        return `${mean[q].toFixed(2)} | ${cell(one)} | ${cell(other)}`
      })
      return [[attribute, ...cells]]
    })
    lines.push(...table(["", ...printed.map((_, s) => `subject ${s + 1}`)], rows), "")
  }
  const numbers = (values: readonly number[]): string[] => values.map((value) => value.toFixed(2))
  const heads = ["", "1", "2", "3", "4", "5"]
  lines.push("Table 5: mean squared error of predicted durations, square minutes, by subject")
  const errors = (
    ["own", "averaged", "density", "geometric", "bayes", "stacking", "marginal"] as const
  ).flatMap((kind) =>
    PROFILES.map((profile) => [`${kind}, ${profile}`, ...numbers(found.profile[profile].table5[kind])]),
  )
  lines.push(
    ...table(heads, [
      ["own, printed", ...numbers(thesis.table5.own)],
      ["averaged, printed", ...numbers(thesis.table5.averaged)],
      ...errors,
    ]),
    "",
  )
  for (const what of ["utility", "precision"] as const) {
    lines.push(`Table 6: ${what} of playlists of 50 songs, by subject`)
    const rows = (["maximum", "optimal", "gower", "random"] as const).flatMap((kind) => [
      [`${kind}, printed`, ...numbers(thesis.table6[what][kind])],
      ...PROFILES.map((profile) => [
        `${kind}, ${profile}`,
        ...numbers(found.profile[profile].table6[what][kind]),
      ]),
    ])
    lines.push(...table(heads, rows))
    if (what === "utility") {
      for (const profile of PROFILES) lines.push(`  ${profile}: ${found.profile[profile].table6.unit}`)
      lines.push("Table 6: true minutes of the same playlists, if songs had no end")
      const minutes = (["maximum", "optimal", "gower", "random"] as const).flatMap((kind) =>
        PROFILES.map((profile) => [
          `${kind}, ${profile}`,
          ...numbers(found.profile[profile].table6.minutes[kind]),
        ]),
      )
      lines.push(...table(heads, minutes))
    }
    lines.push("")
  }
  lines.push("Figure 2: true minutes of ten designs in a row, mean over the subjects")
  for (const profile of PROFILES) {
    const { figure2 } = found.profile[profile]
    const course = figure2[0].map((_, k) => figure2.reduce((sum, row) => sum + row[k] / figure2.length, 0))
    lines.push(`  ${profile}: ${course.map((value) => value.toFixed(0)).join(" ")}`)
  }
  lines.push(
    "",
    ...found.notes.map((note) => `Note: ${note}.`),
    "",
    "Next: --json for every number, with its spread over the runs",
  )
  return lines
}

const title = (name: string): string => `Table ${name.slice(5)}`
