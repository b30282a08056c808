// Playlists of other programs: XSPF 1 (xspf.org/spec), JSPF (xspf.org/jspf), M3U and M3U8. Locations are read and never
// opened.

import { SaxesParser, type SaxesTagNS } from "saxes"
import { ImportError, linesOf, MAX_TEXT, withoutControls } from "./imported.js"

interface ImportedTrack {
  location: string | null
  title: string | null
  artist: string | null
  lengthMs: number | null
}

export interface ImportedPlaylist {
  title: string | null
  tracks: ImportedTrack[]
}

const MAX_TRACKS = 100_000
const MAX_LOCATION = 8192
const MAX_DEPTH = 100
const XSPF = "http://xspf.org/ns/0/"

/** Elements of playlist and track: whether they may stand more than once. */
const OF_PLAYLIST: Record<string, boolean> = {
  title: false,
  creator: false,
  annotation: false,
  info: false,
  location: false,
  identifier: false,
  image: false,
  date: false,
  license: false,
  attribution: false,
  link: true,
  meta: true,
  extension: true,
  trackList: false,
}
const OF_TRACK: Record<string, boolean> = {
  location: true,
  identifier: true,
  title: false,
  creator: false,
  annotation: false,
  info: false,
  image: false,
  album: false,
  trackNum: false,
  duration: false,
  link: true,
  meta: true,
  extension: true,
}
/** Attributes that an element must have; any other but xml:base is forbidden. */
const NEEDED: Record<string, string> = { link: "rel", meta: "rel", extension: "application" }
const DATE_TIME = /^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/
const KEPT = new Set(["title", "creator", "location"])
const INTEGER = /^\d{1,15}$/

/** By the beginning of the text, whatever the file is called. */
export function readPlaylist(text: string): ImportedPlaylist {
  const start = text.replace(/^\uFEFF/, "").trimStart()
  if (start.startsWith("<")) return readXspf(start)
  if (start.startsWith("{")) return readJspf(start)
  return readM3u(start)
}

interface Open {
  name: string
  /** Element of an extension: anything goes within. */
  foreign: boolean
  seen: Set<string>
  text: string
}

export function readXspf(text: string): ImportedPlaylist {
  const parser = new SaxesParser({ xmlns: true })
  const list: ImportedPlaylist = { title: null, tracks: [] }
  const stack: Open[] = []
  let track: ImportedTrack | undefined
  let trackLists = 0
  const refuse = (rule: string, got: string): never => {
    throw new ImportError(`line ${parser.line}: ${rule}, got ${got.slice(0, 80)}`)
  }
  // Without this an entity that is declared in the file would be an error of its own; no declaration is read at all.
  parser.on("doctype", () => refuse("a playlist has no document type", "one"))
  parser.on("error", (error) => {
    throw new ImportError(`not well-formed XML: ${error.message}`)
  })
  parser.on("opentag", (tag: SaxesTagNS) => {
    const parent = stack.at(-1)
    if (stack.length >= MAX_DEPTH) refuse(`elements are at most ${MAX_DEPTH} deep`, tag.name)
    if (parent?.foreign) {
      stack.push({ name: tag.local, foreign: true, seen: new Set(), text: "" })
      return
    }
    if (tag.uri !== XSPF)
      refuse(`elements are of the namespace ${XSPF}`, `${tag.name} of ${tag.uri || "none"}`)
    checkElement(tag, parent, refuse)
    if (tag.local === "trackList") trackLists++
    if (tag.local === "track") {
      if (list.tracks.length >= MAX_TRACKS) refuse(`at most ${MAX_TRACKS} tracks`, "more")
      track = { location: null, title: null, artist: null, lengthMs: null }
      list.tracks.push(track)
    }
    stack.push({ name: tag.local, foreign: tag.local === "extension", seen: new Set(), text: "" })
  })
  parser.on("text", (chunk) => {
    const open = stack.at(-1)
    if (open === undefined || open.foreign) return
    open.text += chunk
    const container = ["playlist", "trackList", "track", "attribution"].includes(open.name)
    if (container && chunk.trim() !== "")
      refuse(`${open.name} holds elements only`, JSON.stringify(chunk.trim()))
  })
  parser.on("closetag", () => {
    const { name, foreign, text: content } = stack.pop()!
    if (foreign) return
    const value = bounded(`line ${parser.line}`, name, content)
    if (name === "date" && !isDateTime(value))
      refuse("date must be a time such as 2026-03-02T08:30:00Z", value)
    if ((name === "trackNum" || name === "duration") && !INTEGER.test(value)) {
      refuse(`${name} must be a whole number`, value)
    }
    const within = stack.at(-1)?.name
    if (within === "playlist" && name === "title") list.title = value
    if (within !== "track" || track === undefined) return
    if (name === "title") track.title = value
    if (name === "creator") track.artist = value
    if (name === "duration") track.lengthMs = Number(value)
    if (name === "location") track.location ??= value
  })
  parser.write(text).close()
  if (trackLists !== 1) throw new ImportError(`a playlist has one trackList, got ${trackLists}`)
  return list
}

function checkElement(
  { local, attributes }: SaxesTagNS,
  parent: Open | undefined,
  refuse: (rule: string, got: string) => never,
): void {
  const given = Object.values(attributes).filter(({ prefix }) => prefix !== "xmlns")
  const plain = given.filter(({ name }) => name !== "xmlns" && name !== "xml:base").map(({ name }) => name)
  const needed = parent === undefined ? "version" : NEEDED[local]
  if (needed !== undefined && !plain.includes(needed))
    refuse(`${local} needs the attribute ${needed}`, "none")
  const other = plain.find((name) => name !== needed)
  if (other !== undefined) refuse(`${local} has no such attribute`, other)
  if (parent === undefined) {
    if (local !== "playlist") refuse("the root is playlist", local)
    const version = given.find(({ name }) => name === "version")?.value ?? ""
    if (version !== "1" && version !== "0") refuse("version must be 1 or 0", version)
    return
  }
  if (parent.name === "trackList") {
    if (local !== "track") refuse("a trackList holds tracks", local)
    return
  }
  if (parent.name === "attribution") {
    if (local !== "location" && local !== "identifier")
      refuse("attribution holds location and identifier", local)
    return
  }
  const allowed = parent.name === "playlist" ? OF_PLAYLIST : parent.name === "track" ? OF_TRACK : {}
  if (!Object.hasOwn(allowed, local)) refuse(`${parent.name} does not hold`, local)
  if (parent.seen.has(local) && !allowed[local]) refuse(`${parent.name} holds one ${local}`, "another")
  parent.seen.add(local)
}

/** @throws ImportError where it is longer than names and locations are. */
function bounded(place: string, name: string, text: string): string {
  const most = name === "location" ? MAX_LOCATION : MAX_TEXT
  // Of the others nothing is kept, and an annotation may be long.
  if (KEPT.has(name) && text.length > most) {
    throw new ImportError(`${place}: ${name} has at most ${most} characters, got ${text.length}`)
  }
  return withoutControls(text)
}

function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && !Number.isNaN(Date.parse(text))
}

function readJspf(text: string): ImportedPlaylist {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (cause) {
    throw new ImportError(`not JSON: ${(cause as Error).message}`, { cause })
  }
  const playlist = (given as { playlist?: unknown })?.playlist as Record<string, unknown> | undefined
  const tracks = playlist?.track
  if (!Array.isArray(tracks) || tracks.length > MAX_TRACKS) {
    throw new ImportError(`playlist.track must be a list of at most ${MAX_TRACKS} tracks`)
  }
  const textOf = (place: string, name: string, value: unknown): string | null =>
    typeof value === "string" ? bounded(place, name, value) : null
  return {
    title: textOf("playlist", "title", playlist?.title),
    tracks: tracks.map((entry, i) => {
      const place = `playlist.track[${i}]`
      if (entry === null || typeof entry !== "object") throw new ImportError(`${place}: must be an object`)
      const { location, title, creator, duration } = entry as Record<string, unknown>
      const known = typeof duration === "number" && Number.isSafeInteger(duration) && duration >= 0
      return {
        location: textOf(place, "location", Array.isArray(location) ? location[0] : location),
        title: textOf(place, "title", title),
        artist: textOf(place, "creator", creator),
        lengthMs: known ? (duration as number) : null,
      }
    }),
  }
}

/** Extended M3U: #EXTINF:seconds,artist - title before the line with the location. */
export function readM3u(text: string): ImportedPlaylist {
  const list: ImportedPlaylist = { title: null, tracks: [] }
  let next: Omit<ImportedTrack, "location"> = { title: null, artist: null, lengthMs: null }
  for (const [row, line] of linesOf(text)) {
    const place = `line ${row}`
    if (line.includes("\u0000")) throw new ImportError(`${place}: must be text, got a zero byte`)
    const extended = /^#EXTINF:\s*(-?\d{1,9})[^,]*,(.*)$/.exec(line)
    if (extended !== null) {
      const [, seconds, name] = extended
      const [, artist, title] = /^(.*?) - (.*)$/.exec(bounded(place, "title", name)) ?? [
        undefined,
        null,
        name,
      ]
      next = {
        artist: artist?.trim() ?? null,
        title: withoutControls(title),
        lengthMs: Number(seconds) > 0 ? 1000 * Number(seconds) : null,
      }
    } else if (line.startsWith("#PLAYLIST:")) {
      list.title = bounded(place, "title", line.slice("#PLAYLIST:".length))
    } else if (line.trim() !== "" && !line.startsWith("#")) {
      if (list.tracks.length >= MAX_TRACKS) throw new ImportError(`${place}: at most ${MAX_TRACKS} tracks`)
      list.tracks.push({ location: bounded(place, "location", line), ...next })
      next = { title: null, artist: null, lengthMs: null }
    }
  }
  if (list.tracks.length === 0) throw new ImportError("the playlist has no tracks")
  return list
}
