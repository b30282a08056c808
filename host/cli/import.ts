// fieldtune import: listening logs and playlists of other programs.

import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { basename } from "node:path"
import { type Command, Option } from "commander"
import { readPlaysCsv } from "../import/csv.js"
import {
  ImportError,
  type ImportedPlay,
  MAX_LOG_BYTES,
  MAX_PLAYLIST_BYTES,
  type ReadPlays,
} from "../import/imported.js"
import { readListenBrainz, readSpotify } from "../import/json.js"
import { songMatcher } from "../import/match.js"
import { readPlaylist } from "../import/playlist.js"
import { readScrobbler } from "../import/scrobbler.js"
import type { Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { withinStudy } from "./within-study.js"

type Format = "scrobbler" | "listenbrainz" | "spotify" | "csv"

interface PlaysOptions extends CommonOptions {
  format: Format | "auto"
  subject?: number
  listener?: string
  timeZone?: string
}

const FORMATS = ["auto", "scrobbler", "listenbrainz", "spotify", "csv"]
const LISTED = 10
const MAX_LISTENER = 200

export function importCommand(): Command {
  return command(
    "import",
    "take in listening logs and playlists of other programs",
    "fieldtune import plays history.json --subject 7",
  )
    .addCommand(
      command(
        "plays",
        "a log of Rockbox (.scrobbler.log), ListenBrainz, Spotify, or CSV; kept apart from the study's own plays",
        "fieldtune import plays .scrobbler.log --subject 7 --time-zone Europe/Berlin",
      )
        .argument("<file>")
        .addOption(new Option("--format <name>", "of the file").choices(FORMATS).default("auto"))
        .option("--subject <n>", "who listened: this listener of the study", wholeNumber(1, 2 ** 31))
        .option("--listener <name>", "who listened, where it is somebody else")
        .option("--time-zone <name>", "of a log that does not know its own, such as Europe/Berlin")
        .action((file: string, options: PlaysOptions) =>
          withinStudy(options, (study) => plays(study, file, options)),
        ),
    )
    .addCommand(
      command(
        "playlist",
        "read a playlist (XSPF, JSPF, M3U8) and say which songs of the catalogue it names",
        "fieldtune import playlist party.xspf",
      )
        .argument("<file>")
        .action((file: string, options: CommonOptions) =>
          withinStudy(options, (study) => playlist(study, file, options)),
        ),
    )
}

async function plays({ store, plan }: Study, file: string, options: PlaysOptions): Promise<void> {
  const { subject, json } = options
  const listener = options.listener ?? ""
  if ((subject === undefined) === (listener === "") || listener.length > MAX_LISTENER) {
    throw new CommandError("import plays: says who listened, by --subject or --listener, one of the two")
  }
  if (subject !== undefined) {
    const person = await store.subjects.get(subject)
    if (person === undefined)
      throw new CommandError(`--subject: must be a subject of the study, got ${subject}`)
    if (person.withdrawnAt !== null) throw new CommandError(`--subject: subject ${subject} has withdrawn`)
  }
  const bytes = readBounded(file, MAX_LOG_BYTES)
  const format = options.format === "auto" ? formatOf(bytes) : options.format
  const read = readLog(file, format, bytes, zoneOf(options.timeZone))
  const match = songMatcher(await store.songs.all())
  const fileSha256 = createHash("sha256").update(bytes).digest("hex")
  const importedAt = Date.now()
  const otherVersions = new Map<string, number>()
  const songOf = ({ artist, title, lengthMs }: ImportedPlay): number | null => {
    const { song, otherLength } = match(artist, title, lengthMs)
    if (otherLength) {
      const name = `${artist} - ${title}, ${Math.round(lengthMs! / 1000)} s`
      otherVersions.set(name, (otherVersions.get(name) ?? 0) + 1)
    }
    return song
  }
  const stored = read.plays.map((play) => ({
    ...play,
    subject: subject ?? null,
    listener,
    source: format,
    file: basename(file),
    fileSha256,
    song: songOf(play),
    importedAt,
  }))
  const { added, timed: givenTimes } = await store.imports.add(stored)
  const matched = stored.filter(({ song }) => song !== null).length
  const timed = stored.filter(({ startedAt }) => startedAt !== null).length
  const detail = { format, fileSha256, plays: stored.length, added, givenTimes, leftOut: read.badRows }
  await store.events.append({
    at: importedAt,
    kind: "imported plays",
    subject: subject ?? null,
    device: null,
    detail,
  })
  const { badRows } = read
  const result = {
    file,
    format,
    plays: stored.length,
    added,
    givenTimes,
    matched,
    otherLength: [...otherVersions].map(([name, count]) => ({ name, plays: count })),
    timed,
    badRows,
    errors: read.errors,
    notes: read.notes,
  }
  answer({ json }, { ...result, timeZone: plan.timeZone }, [
    ...read.errors
      .slice(0, LISTED)
      .map(
        (e) => `left out: row ${e.row}, ${e.column || "fields"}: ${e.rule}, got ${JSON.stringify(e.value)}`,
      ),
    ...(read.errors.length > LISTED ? [`and ${read.errors.length - LISTED} more`] : []),
    `${file} (${format}): ${stored.length} plays, ${added} of them new, ${timed} with a time, ${matched} of songs of the catalogue; ${badRows} rows left out.`,
    ...otherVersionLines(otherVersions),
    ...(givenTimes > 0 ? [`${givenTimes} plays that were held without a time have one now.`] : []),
    ...read.notes.map((note) => `Not known: ${note}.`),
    "Whether a play was picked or came by itself, no log says.",
    "Next: fieldtune import plays takes another file; these plays enter no model of the study",
  ])
}

function otherVersionLines(found: ReadonlyMap<string, number>): string[] {
  if (found.size === 0) return []
  const count = [...found.values()].reduce((sum, n) => sum + n, 0)
  return [
    `${count} plays are of a name that the catalogue has with another length (more than 5 s and 5 % off), so not of that song:`,
    ...[...found.keys()].slice(0, LISTED).map((name) => `  ${name}`),
    ...(found.size > LISTED ? [`  and ${found.size - LISTED} more`] : []),
  ]
}

async function playlist({ store }: Study, file: string, options: CommonOptions): Promise<void> {
  const text = readBounded(file, MAX_PLAYLIST_BYTES).toString("utf8")
  const list = named(file, () => readPlaylist(text))
  const songs = await store.songs.all()
  const match = songMatcher(songs)
  const byFile = new Map(
    songs.flatMap((song) => (song.file === undefined ? [] : [[song.file, song.id] as const])),
  )
  const tracks = list.tracks.map((track) => {
    const { song, otherLength } = match(track.artist ?? "", track.title ?? "", track.lengthMs)
    const found = song ?? byFile.get(decoded(track.location ?? "")) ?? null
    return { ...track, song: found, otherLength: otherLength && found === null }
  })
  const found = tracks.filter(({ song }) => song !== null).length
  answer(options, { file, title: list.title, tracks }, [
    ...tracks.map(({ artist, title, location, song, otherLength }) => {
      const name = [artist, title].filter((part) => part).join(" - ") || location || "?"
      const missing = otherLength ? "in the catalogue with another length" : "not in the catalogue"
      return `${song === null ? missing : `song ${song}`}: ${name}`
    }),
    `${file}: ${tracks.length} tracks, ${found} of them in the catalogue.`,
    "Next: fieldtune catalogue add FOLDER takes in what is missing",
  ])
}

function readLog(file: string, format: Format, bytes: Buffer, timeZone: string | null): ReadPlays {
  const text = bytes.toString("utf8")
  return named(file, () => {
    if (format === "scrobbler") return readScrobbler(text, timeZone)
    if (format === "spotify") return readSpotify(text)
    return format === "listenbrainz" ? readListenBrainz(text) : readPlaysCsv(text)
  })
}

/** By what the file begins with. */
function formatOf(bytes: Buffer): Format {
  const head = bytes
    .subarray(0, 4096)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart()
  if (/^[[{]/.test(head)) return /"(ms_played|msPlayed|endTime)"/.test(head) ? "spotify" : "listenbrainz"
  return head.startsWith("#AUDIOSCROBBLER") || (head.split("\n", 1)[0].match(/\t/g) ?? []).length >= 6
    ? "scrobbler"
    : "csv"
}

function named<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    if (cause instanceof ImportError) throw new ImportError(`${file}: ${cause.message}`, { cause })
    throw cause
  }
}

function readBounded(file: string, most: number): Buffer {
  const { size } = statSync(file)
  if (size > most)
    throw new ImportError(`${file}: such a file has at most ${most} bytes, got ${size}; split it`)
  return readFileSync(file)
}

function zoneOf(name: string | undefined): string | null {
  if (name === undefined) return null
  try {
    new Intl.DateTimeFormat("en", { timeZone: name })
    return name
  } catch {
    throw new CommandError(`--time-zone: must be a name such as Europe/Berlin, got ${name}`)
  }
}

function decoded(location: string): string {
  try {
    return decodeURIComponent(location)
  } catch {
    return location
  }
}
