// fieldtune catalogue add: songs from a CSV file into the study.

import { copyFile, readFile } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { Command } from "commander"
import { type ImportResult, importCatalogue } from "../catalogue/import.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList } from "./command.js"

interface Options extends CommonOptions {
  ignore?: string[]
  skipBad?: boolean
}

/** Bad rows that are listed before "and n more". */
const LISTED = 10

export function catalogueCommand(): Command {
  const add = command(
    "add",
    "import songs; columns: song or track_id, title, artist, genre, duration_s or length_s, file (audio); other numeric columns are attributes",
    "fieldtune catalogue add songs.csv --ignore listens",
  )
    .argument("<file.csv>", "catalogue with a header row")
    .option("--ignore <names>", "numeric columns that are no attributes, separated by commas", nameList)
    .option("--skip-bad", "import the good rows although others are bad")
    .action(async (file: string, options: Options) => {
      const study = await openStudy(options.study)
      try {
        const csv = await readFile(file, "utf8")
        const result = await importCatalogue(study.store, csv, {
          ignore: options.ignore,
          skipBad: options.skipBad,
          at: Date.now(),
        })
        const listed = list(result)
        if (result.errors.length > 0 && result.skipped === 0) {
          throw new CommandError(
            [`${file}: nothing imported; --skip-bad imports the other rows`, ...listed].join("\n  "),
          )
        }
        const kept = join(study.dir, "catalogue", basename(file))
        if (resolve(file) !== kept) await copyFile(file, kept)
        const songs = await study.store.songs.count()
        answer(options, { file, songs, ...result }, [
          ...listed.map((line) => `left out: ${line}`),
          `${file}: ${result.added} songs added, ${result.updated} changed, ${result.unchanged} as before, ${result.skipped} rows left out.`,
          `The catalogue has ${songs} songs; attributes: ${result.attributes.join(", ") || "none"}.`,
          "Next: fieldtune enrol 1 --device ID",
        ])
      } finally {
        await study.close()
      }
    })
  return new Command("catalogue").description("the songs of the study").addCommand(add)
}

function list(result: ImportResult): string[] {
  const lines = result.errors
    .slice(0, LISTED)
    .map((e) => `row ${e.row}, ${e.column || "cells"}: ${e.rule}, got ${JSON.stringify(e.value)}`)
  const more = result.errors.length - LISTED
  return more > 0 ? [...lines, `and ${more} more`] : lines
}
