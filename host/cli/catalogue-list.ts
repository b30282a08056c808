// fieldtune catalogue list: the songs, one line each.

import type { Command } from "commander"
import { openStudy } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { table } from "./table.js"

export function catalogueListCommand(): Command {
  return command(
    "list",
    "the songs with their numbers, names and lengths",
    "fieldtune catalogue list --json",
  ).action(async (options: CommonOptions) => {
    const study = await openStudy(options.study)
    try {
      const songs = await study.store.songs.all()
      const rows = songs.map((song) => [
        ...[song.id, song.title, song.artist, song.genre, Number((song.lengthMs / 1000).toFixed(1))],
        ...[Object.keys(song.attributes).length, song.file],
      ])
      answer(
        options,
        { songs },
        songs.length === 0
          ? ["The catalogue is empty.", "Next: fieldtune catalogue add FOLDER"]
          : table(["song", "title", "artist", "genre", "seconds", "attributes", "file"], rows),
      )
    } finally {
      await study.close()
    }
  })
}
