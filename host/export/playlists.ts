// Playlists in the formats that players read: XSPF 1 (xspf.org/spec), its JSON form JSPF (xspf.org/jspf), M3U8
// (extended M3U in UTF-8). Songs are named by their file as the catalogue has it, below the music folder; a file
// elsewhere on this machine is named by its last part alone.

import { basename, isAbsolute } from "node:path"
import type { Song } from "../store/songs.js"

type ListedSong = Pick<Song, "id" | "source" | "title" | "artist" | "lengthMs" | "file">

export interface ExportedList {
  title: string
  /** SHA-256 of the plan that it was made under; null where none was in force. */
  plan: string | null
  /** In playing order. */
  songs: readonly ListedSong[]
}

export const LIST_FORMATS = ["xspf", "jspf", "m3u8"] as const
export type ListFormat = (typeof LIST_FORMATS)[number]

const PLAN_META = "https://fieldtune.invalid/plan"

export function playlistText(format: ListFormat, list: ExportedList): string {
  return { xspf, jspf, m3u8 }[format](list)
}

function xspf({ title, plan, songs }: ExportedList): string {
  const tracks = songs.map((song) =>
    [
      "    <track>",
      `      <location>${xml(uriOf(song))}</location>`,
      `      <identifier>${xml(identifierOf(song))}</identifier>`,
      ...(song.title === "" ? [] : [`      <title>${xml(song.title)}</title>`]),
      ...(song.artist === "" ? [] : [`      <creator>${xml(song.artist)}</creator>`]),
      `      <duration>${song.lengthMs}</duration>`,
      "    </track>",
    ].join("\n"),
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<playlist version="1" xmlns="http://xspf.org/ns/0/">',
    `  <title>${xml(title)}</title>`,
    ...(plan === null ? [] : [`  <meta rel="${PLAN_META}">${plan}</meta>`]),
    "  <trackList>",
    ...tracks,
    "  </trackList>",
    "</playlist>",
    "",
  ].join("\n")
}

function jspf({ title, plan, songs }: ExportedList): string {
  const track = songs.map((song) => ({
    location: [uriOf(song)],
    identifier: [identifierOf(song)],
    ...(song.title === "" ? {} : { title: song.title }),
    ...(song.artist === "" ? {} : { creator: song.artist }),
    duration: song.lengthMs,
  }))
  const meta = plan === null ? {} : { meta: [{ [PLAN_META]: plan }] }
  return `${JSON.stringify({ playlist: { title, ...meta, track } }, null, 1)}\n`
}

function m3u8({ title, plan, songs }: ExportedList): string {
  const line = (text: string): string => text.replace(/\p{Cc}+/gu, " ").trim()
  const tracks = songs.flatMap((song) => {
    const name = [song.artist, song.title].filter((part) => part !== "").join(" - ") || song.source
    return [`#EXTINF:${Math.round(song.lengthMs / 1000)},${line(name)}`, line(pathOf(song))]
  })
  const head = ["#EXTM3U", `#PLAYLIST:${line(title)}`, ...(plan === null ? [] : [`# plan ${plan}`])]
  return [...head, ...tracks, ""].join("\n")
}

/** Below the music folder; a song without a file has its number as name, as cards have it. */
function pathOf({ id, file }: ListedSong): string {
  if (file === undefined) return `${id}.mp3`
  return isAbsolute(file) ? basename(file) : file
}

function uriOf(song: ListedSong): string {
  return wellFormed(pathOf(song)).split(/[\\/]/).map(encodeURIComponent).join("/")
}

function identifierOf({ source }: ListedSong): string {
  return `urn:fieldtune:song:${encodeURIComponent(wellFormed(source))}`
}

/** Half a character is none. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD")
}

/** Text of an element: what XML 1.0 has no character for is left out. */
function xml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that XML cannot hold
  const allowed = wellFormed(text).replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "")
  return allowed
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}
