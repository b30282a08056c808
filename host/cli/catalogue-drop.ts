// fieldtune catalogue drop: attributes that the study does not go by.

import type { Command } from "commander"
import { storeSongs } from "../catalogue/change.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList } from "./command.js"

interface Options extends CommonOptions {
  reason?: string
}

export function catalogueDropCommand(): Command {
  return command(
    "drop",
    "take attributes from all songs, such as one of two that say the same",
    "fieldtune catalogue drop beat_clarity,energy",
  )
    .argument("<names>", "attributes, separated by commas", nameList)
    .option("--reason <text>", "why songs change that models of this study have used")
    .action(async (names: string[], options: Options) => {
      const study = await openStudy(options.study)
      try {
        const held = await study.store.songs.all()
        const there = [...new Set(held.flatMap((song) => Object.keys(song.attributes)))]
        const unknown = names.find((name) => !there.includes(name))
        if (unknown !== undefined) {
          throw new CommandError(
            `no song has the attribute ${JSON.stringify(unknown)}; there are ${there.join(", ") || "none"}`,
          )
        }
        const songs = held
          .filter(({ attributes }) => names.some((name) => name in attributes))
          .map((song) => ({
            ...song,
            attributes: Object.fromEntries(
              Object.entries(song.attributes).filter(([name]) => !names.includes(name)),
            ),
          }))
        const counts = { added: 0, updated: songs.length, skipped: 0 }
        await storeSongs(study.store, songs, counts, Date.now(), options.reason)
        const left = there.filter((name) => !names.includes(name))
        answer(options, { dropped: names, songs: songs.length, left }, [
          `${names.join(", ")}: taken from ${songs.length} songs. Left: ${left.join(", ") || "none"}.`,
          "Next: fieldtune catalogue check",
        ])
      } finally {
        await study.close()
      }
    })
}
