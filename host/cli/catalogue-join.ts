// fieldtune catalogue join: a researcher's own attributes for songs that are there.

import { readFile } from "node:fs/promises"
import { type Command, Option } from "commander"
import { storeSongs } from "../catalogue/change.js"
import { JOIN_KEYS, type JoinKey, joinAttributes } from "../catalogue/join.js"
import { openStudy } from "../study/study.js"
import { badRows, shortened } from "./catalogue-add.js"
import { answer, CommandError, type CommonOptions, command, nameList } from "./command.js"

interface Options extends CommonOptions {
  key?: JoinKey
  ignore?: string[]
  skipBad?: boolean
  reason?: string
}

export function catalogueJoinCommand(): Command {
  return command(
    "join",
    "add attributes of your own from a CSV table: every column of numbers, by song",
    "fieldtune catalogue join valence.csv --key title+artist",
  )
    .argument("<file.csv>", "table with a header row")
    .addOption(
      new Option(
        "--key <columns>",
        "what names the song (default: the first of these whose columns are there)",
      ).choices(JOIN_KEYS),
    )
    .option("--ignore <names>", "columns of numbers that are no attributes, separated by commas", nameList)
    .option("--skip-bad", "join the good rows although others are bad")
    .option("--reason <text>", "why songs change that models of this study have used")
    .action(async (file: string, options: Options) => {
      const study = await openStudy(options.study)
      try {
        const held = await study.store.songs.all()
        if (held.length === 0)
          throw new CommandError("the catalogue is empty: fieldtune catalogue add FOLDER comes first")
        const csv = await readFile(file, "utf8")
        const { songs, ...result } = joinAttributes(held, csv, options.key, options.ignore)
        const bad = badRows(result.errors)
        if (bad.length > 0 && !options.skipBad) {
          throw new CommandError(
            [`${file}: nothing joined; --skip-bad joins the other rows`, ...bad].join("\n  "),
          )
        }
        const counts = { added: 0, updated: result.updated, skipped: result.badRows }
        await storeSongs(study.store, songs, counts, Date.now(), options.reason)
        answer(options, { file, ...result }, [
          ...bad.map((line) => `left out: ${line}`),
          ...shortened(
            result.unmatched.map(
              ({ row, key }) => `row ${row}: no song has ${result.key} ${JSON.stringify(key)}`,
            ),
          ),
          `${file}: by ${result.key}, ${result.attributes.join(", ")}: ${result.updated} songs changed (${result.replaced} values replaced), ${result.unchanged} as before, ${result.unmatched.length} rows without a song, ${result.badRows} left out.`,
          `${result.without.length} of ${held.length} songs are in no row${result.without.length === 0 ? "" : `: ${result.without.slice(0, 20).join(", ")}${result.without.length > 20 ? " …" : ""}`}.`,
          "Next: fieldtune catalogue check",
        ])
      } finally {
        await study.close()
      }
    })
}
