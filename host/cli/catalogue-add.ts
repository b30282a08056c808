// fieldtune catalogue add: songs from a CSV file, or from a folder of audio files, into the study.

import { copyFile, readFile, stat } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { basename, join, resolve } from "node:path"
import type { Command } from "commander"
import { audioFilesIn, readFolder } from "../catalogue/audio/folder.js"
import { storeSongs } from "../catalogue/change.js"
import type { ImportError } from "../catalogue/columns.js"
import { type AudioSongs, type KeptOutWhy, songsFromAudio } from "../catalogue/from-audio.js"
import { importCatalogue } from "../catalogue/import.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options extends CommonOptions {
  ignore?: string[]
  skipBad?: boolean
  byFileName?: boolean
  workers: number
  reason?: string
}

/** Lines of one kind that are listed before "and n more". */
const LISTED = 10
const MAX_WORKERS = 64

export function catalogueAddCommand(): Command {
  return command(
    "add",
    "songs from a folder of MP3, OGG, FLAC and M4A files, or from a CSV file",
    "fieldtune catalogue add ~/Music/study",
  )
    .argument("<path>", "folder of audio files, or a CSV file with a header row")
    .option("--ignore <names>", "attributes that are not taken, separated by commas", nameList)
    .option("--skip-bad", "CSV: import the good rows although others are bad")
    .option("--by-file-name", "folder: untagged files take their name as title, their folder's as artist")
    .option(
      "--workers <n>",
      "folder: files that are read at the same time",
      wholeNumber(1, MAX_WORKERS),
      availableParallelism(),
    )
    .option("--reason <text>", "why songs change that models of this study have used")
    .addHelpText(
      "after",
      `
A folder: every file is decoded, which gives its true length, loudness (LUFS) and loudness range (EBU R 128), brightness
(mean spectral centroid) and tempo with the clarity of its beat. M4A is not decoded: its attributes have to come from
elsewhere (fieldtune catalogue join). Whether somebody sings is not guessed. Untagged, double and broken files stay out
and are named. Files may be moved and tagged anew: a song is known again by its sound.

A CSV file: columns song or track_id, title, artist, genre, duration_s or length_s, file (audio, from the music folder);
other numeric columns are attributes.`,
    )
    .action(async (path: string, options: Options) => {
      const study = await openStudy(options.study)
      try {
        if ((await stat(path)).isDirectory()) await addFolder(study, path, options)
        else await addCsv(study, path, options)
      } finally {
        await study.close()
      }
    })
}

async function addCsv(study: Study, file: string, options: Options): Promise<void> {
  const csv = await readFile(file, "utf8")
  const result = await importCatalogue(study.store, csv, {
    ignore: options.ignore,
    skipBad: options.skipBad,
    at: Date.now(),
    reason: options.reason,
  })
  const bad = badRows(result.errors)
  if (result.errors.length > 0 && result.skipped === 0) {
    throw new CommandError(
      [`${file}: nothing imported; --skip-bad imports the other rows`, ...bad].join("\n  "),
    )
  }
  const kept = join(study.dir, "catalogue", basename(file))
  if (resolve(file) !== kept) await copyFile(file, kept)
  const songs = await study.store.songs.count()
  answer(options, { file, songs, ...result }, [
    ...bad.map((line) => `left out: ${line}`),
    `${file}: ${result.added} songs added, ${result.updated} changed, ${result.unchanged} as before, ${result.skipped} rows left out.`,
    `The catalogue has ${songs} songs; attributes: ${result.attributes.join(", ") || "none"}.`,
    "Next: fieldtune catalogue check",
  ])
}

/** A line for each of the first rules broken. */
export function badRows(errors: readonly ImportError[]): string[] {
  return shortened(
    errors.map((e) => `row ${e.row}, ${e.column || "cells"}: ${e.rule}, got ${JSON.stringify(e.value)}`),
  )
}

async function addFolder(study: Study, path: string, options: Options): Promise<void> {
  const folder = resolve(path)
  const files = await audioFilesIn(folder)
  const read = await withProgress("decoding", files.length, (done) =>
    readFolder(folder, files, options.workers, done),
  )
  const { songs, ...result } = songsFromAudio(read, await study.store.songs.all(), options)
  const skipped = result.keptOut.length
  if (skipped === files.length) {
    throw new CommandError(
      [`${path}: none of its ${files.length} audio files became a song`, ...keptOut(result)].join("\n  "),
    )
  }
  await storeSongs(study.store, songs, { ...result, skipped }, Date.now(), options.reason)
  const total = await study.store.songs.count()
  answer(options, { folder, files: files.length, songs: total, ...result }, [
    ...keptOut(result),
    ...remarks(result),
    `${path}: ${result.added} songs added, ${result.updated} changed, ${result.unchanged} as before, ${skipped} of ${files.length} files left out.`,
    `The catalogue has ${total} songs. The files stay where they are; fieldtune card --music ${path} puts them on cards.`,
    "Next: fieldtune catalogue check",
  ])
}

const LEFT_OUT: Record<KeptOutWhy, string> = {
  broken: "left out, broken",
  unsupported: "left out, of a kind that is not read",
  untagged: "left out, untagged (tag them, or --by-file-name)",
  duplicate: "left out, double",
}

function keptOut(result: Omit<AudioSongs, "songs">): string[] {
  return (Object.keys(LEFT_OUT) as KeptOutWhy[]).flatMap((why) =>
    shortened(
      result.keptOut
        .filter((file) => file.why === why)
        .map(({ file, message }) => `${LEFT_OUT[why]}: ${file}: ${message}`),
    ),
  )
}

function remarks({
  lacking,
  withoutBeat,
  replaced,
  notMp3,
  lengths,
  notes,
}: Omit<AudioSongs, "songs">): string[] {
  return [
    ...shortened(lacking.map(({ file, attributes }) => `not measured: ${file}: ${attributes.join(", ")}`)),
    ...shortened(
      withoutBeat.map((file) => `no clear beat, so its tempo is little better than a guess: ${file}`),
    ),
    ...shortened(
      lengths.map(
        ({ file, before, now }) =>
          `length: ${file} is ${now / 1000} s long, was taken for ${before / 1000} s`,
      ),
    ),
    ...shortened(replaced.map(({ file, before }) => `encoded anew: ${file} takes the place of ${before}`)),
    ...shortened(notes.map(({ file, note }) => `${file}: ${note}`)),
    ...(notMp3.length === 0
      ? []
      : [
          `${notMp3.length} songs are not MP3, which is what sound boards play: convert them before fieldtune card, then add them again from there.`,
        ]),
  ]
}

export function shortened(lines: string[]): string[] {
  const more = lines.length - LISTED
  return more > 0 ? [...lines.slice(0, LISTED), `and ${more} more like this (--json names them all)`] : lines
}
