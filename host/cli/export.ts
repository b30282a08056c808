// fieldtune export: plays and playlists in the formats that other programs read.

import { join, relative } from "node:path"
import { type Command, Option } from "commander"
import { type Concealment, concealmentOf } from "../archive/conceal.js"
import { writeCsv } from "../archive/csv.js"
import { columnsOf, writeExport } from "../export/files.js"
import { listenBrainzOf } from "../export/listenbrainz.js"
import { parquetOf } from "../export/parquet.js"
import { exportedItems } from "../export/playlist-items.js"
import { LIST_FORMATS, type ListFormat, playlistText } from "../export/playlists.js"
import { exportedPlays } from "../export/plays.js"
import { safeForSpreadsheets } from "../export/spreadsheet.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"

interface PlaysOptions extends CommonOptions {
  format: "csv" | "parquet" | "listenbrainz"
  subject?: number
  out?: string
}

interface PlaylistOptions extends CommonOptions {
  subject?: number
  out?: string
}

const SUFFIX = { csv: "csv", parquet: "parquet", listenbrainz: "listenbrainz.json" }
const APOSTROPHE =
  "CSV: text that begins with = + - @ has an apostrophe before it, so that no spreadsheet takes it for a formula; fieldtune import takes it off"
const BLIND = "The study is blind: arms are codes, and what tells of one is left out."
const subjectNumber = wholeNumber(1, 2 ** 31)

export function exportCommand(): Command {
  return command(
    "export",
    "write plays or playlists for other programs, without labels and keys",
    "fieldtune export plays --format parquet",
  )
    .addCommand(
      command("plays", "every play with song, list and listener", "fieldtune export plays --format csv")
        .addOption(new Option("--format <name>", "of the file").choices(Object.keys(SUFFIX)).default("csv"))
        .option("--subject <n>", "of this listener only", subjectNumber)
        .option("--out <file>", "where to (default: exports/ in the folder of the study)")
        .action((options: PlaysOptions) => within(options, plays)),
    )
    .addCommand(
      command(
        "playlists",
        "every listener's newest playlist, a file each; as csv one table of all of them, song by song",
        "fieldtune export playlists --format csv",
      )
        .addOption(
          new Option("--format <name>", "of the files").choices([...LIST_FORMATS, "csv"]).default("xspf"),
        )
        .option("--subject <n>", "of this listener only", subjectNumber)
        .option("--out <dir>", "where to (default: exports/ in the folder of the study)")
        .action(({ format, ...options }: PlaylistOptions & { format: ListFormat | "csv" }) =>
          format === "csv" ? within(options, playlistTable) : within({ ...options, format }, playlists),
        ),
    )
}

async function within<T extends CommonOptions>(
  options: T,
  body: (study: Study, options: T, how: Concealment, plan: string | null) => Promise<void>,
): Promise<void> {
  const study = await openStudy(options.study)
  try {
    // Times are those that all syncs together allow, also where no server was there to work them out.
    await study.store.clocks.settle(Date.now())
    await body(study, options, await concealmentOf(study), (await study.store.plans.newest())?.hash ?? null)
  } finally {
    await study.close()
  }
}

async function plays(
  study: Study,
  { format, subject, out, json }: PlaysOptions,
  how: Concealment,
  plan: string | null,
): Promise<void> {
  await mustBeThere(study, subject)
  const exported = await exportedPlays(study, how, subject)
  const { table, rows } = exported
  const name = subject === undefined ? "plays" : `plays-subject-${subject}`
  const path = out ?? join(study.dir, "exports", `${name}.${SUFFIX[format]}`)
  const sheet = {
    study: study.plan.name,
    plan,
    rows: rows.length,
    columns: columnsOf(table),
    notes: format === "csv" ? [APOSTROPHE] : [],
  }
  let leftOut = 0
  if (format === "csv") writeExport(path, writeCsv(table, safeForSpreadsheets(exported)), sheet)
  else if (format === "parquet") writeExport(path, parquetOf(table, rows, sheet), sheet)
  else {
    if (how.times !== "exact") {
      throw new CommandError(
        `--format listenbrainz: a listen is known by its second, and privacy.exportTimes of the plan is ${how.times}; take csv or parquet`,
      )
    }
    const made = listenBrainzOf(rows, { plan })
    leftOut = made.leftOut
    const notes = [`${leftOut} plays are left out: their time is not known to half an hour`]
    writeExport(path, made.text, { study: study.plan.name, plan, rows: made.listens, notes })
  }
  answer({ json }, { file: path, plays: rows.length - leftOut, leftOut, plan }, [
    `${rows.length - leftOut} plays in ${relative(process.cwd(), path)}${leftOut > 0 ? `; ${leftOut} without a known time are left out` : ""}.`,
    ...(how.blind ? [BLIND] : []),
    `What the columns mean: ${relative(process.cwd(), path)}.meta.json. Next: fieldtune archive keeps the whole study`,
  ])
}

/** Every version that was published, as a table. */
async function playlistTable(
  study: Study,
  { subject, out, json }: PlaylistOptions,
  how: Concealment,
  plan: string | null,
): Promise<void> {
  await mustBeThere(study, subject)
  const exported = await exportedItems(study, how, subject)
  const { table, rows } = exported
  const name = subject === undefined ? "playlists" : `playlists-subject-${subject}`
  const file = join(out ?? join(study.dir, "exports"), `${name}.csv`)
  const sheet = { study: study.plan.name, plan, rows: rows.length, columns: columnsOf(table) }
  writeExport(file, writeCsv(table, safeForSpreadsheets(exported)), { ...sheet, notes: [APOSTROPHE] })
  answer({ json }, { file, items: rows.length, plan }, [
    `${rows.length} songs of playlists in ${relative(process.cwd(), file)}.`,
    ...(how.blind ? [BLIND] : []),
    `What the columns mean: ${relative(process.cwd(), file)}.meta.json. Next: fieldtune export plays`,
  ])
}

async function playlists(
  study: Study,
  { format, subject, out, json }: PlaylistOptions & { format: ListFormat },
  _how: Concealment,
  plan: string | null,
): Promise<void> {
  await mustBeThere(study, subject)
  const { store } = study
  const songs = new Map((await store.songs.all()).map((song) => [song.id, song]))
  const files: { subject: number; version: number; file: string }[] = []
  for (const { id, withdrawnAt } of await store.subjects.all()) {
    if ((subject !== undefined && id !== subject) || withdrawnAt !== null) continue
    const list = (await store.playlists.of(id)).at(-1)
    if (list === undefined) continue
    const items = await store.playlists.items(list.id)
    const title = `${study.plan.name}: subject ${id}, wave ${list.wave}, version ${list.version}`
    const listed = items.map(({ song }) => songs.get(song)!)
    const file = join(out ?? join(study.dir, "exports"), `playlist-subject-${id}.${format}`)
    const text = playlistText(format, { title, plan: list.plan, songs: listed })
    writeExport(file, text, { study: study.plan.name, plan, rows: items.length, notes: [] })
    files.push({ subject: id, version: list.version, file })
  }
  answer({ json }, { files, plan }, [
    ...files.map(
      ({ subject: id, version, file }) =>
        `Subject ${id}, version ${version}: ${relative(process.cwd(), file)}`,
    ),
    `${files.length} playlists. Next: fieldtune export plays`,
  ])
}

async function mustBeThere({ store }: Study, subject: number | undefined): Promise<void> {
  if (subject !== undefined && (await store.subjects.get(subject)) === undefined) {
    throw new CommandError(`--subject: must be a subject of the study, got ${subject}`)
  }
}
