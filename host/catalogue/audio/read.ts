// One audio file: tags, true length, what is measured of its sound. The file is hostile until it has been decoded.

import { open } from "node:fs/promises"
import { type IAudioMetadata, parseBuffer } from "music-metadata"
import { tagLength } from "../../card/mp3.js"
import { AudioError } from "./audio-error.js"
import { decodeAudio } from "./decode.js"
import { type AudioFormat, formatOf, latin } from "./format.js"
import { soundHash } from "./identity.js"
import { type Measures, measure } from "./measure.js"

export interface AudioFile extends Measures {
  format: AudioFormat
  /** Hash of the encoded sound without tags: the same for a file that was only tagged anew. */
  sound: string
  /** As tagged, white space trimmed, control characters out; empty where there is no tag. */
  title: string
  artist: string
  genre: string
  /** What a person should know but does not keep the song out. */
  notes: string[]
}

/** A FLAC of four hours is smaller. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024
/** Three bytes of the playlist hold the length in ms. */
const LONGEST_S = 16777
const SHORTEST_S = 1
const MAX_TEXT = 500
/** A header that promises so much more than there is was written for a whole file. */
const MISSING_S = 1
const MISSING_SHARE = 0.02

/** Throws AudioError where the file cannot be a song, and what the file system throws. */
export async function readAudioFile(path: string): Promise<AudioFile> {
  const file = await open(path, "r")
  try {
    const { size } = await file.stat()
    if (size > MAX_FILE_BYTES) {
      throw new AudioError("unsupported", `has ${size} bytes, more than ${MAX_FILE_BYTES}`)
    }
    return await readAudio(new Uint8Array(await file.readFile()))
  } finally {
    await file.close()
  }
}

export async function readAudio(bytes: Uint8Array): Promise<AudioFile> {
  const { format, sound, tags, stated } = await readHeaders(bytes)
  const notes: string[] = []
  let measures: Measures
  if (format === "m4a") {
    if (stated === undefined) throw new AudioError("broken", "does not say how long it is")
    measures = { seconds: stated, attributes: {} }
    notes.push("M4A is not decoded: its length is the one it states, and nothing of its sound is measured")
  } else {
    measures = await measure(decodeAudio(format, bytes), LONGEST_S)
    const missing = stated === undefined ? 0 : stated - measures.seconds
    if (stated !== undefined && missing > Math.max(MISSING_S, MISSING_SHARE * stated)) {
      const [is, says] = [measures.seconds.toFixed(1), stated.toFixed(1)]
      throw new AudioError("broken", `ends early: it holds ${is} s of sound and says ${says} s`)
    }
    if (measures.attributes.loudness_lufs === undefined) {
      throw new AudioError("broken", "is silent: nothing in it is above −70 LUFS")
    }
  }
  const { seconds } = measures
  if (!(seconds >= SHORTEST_S && seconds <= LONGEST_S)) {
    throw new AudioError("unsupported", `is ${seconds} s long, not ${SHORTEST_S} to ${LONGEST_S} s`)
  }
  return { format, sound, ...tags, ...measures, notes }
}

/** What can be told of a file without decoding its sound. */
export async function readHeaders(bytes: Uint8Array): Promise<{
  format: AudioFormat
  sound: string
  tags: { title: string; artist: string; genre: string }
  /** Length that the headers promise, s; undefined where they promise nothing that can be relied on. */
  stated: number | undefined
}> {
  const format = formatOf(bytes)
  const sound = soundHash(format, bytes)
  const metadata = await readMetadata(bytes)
  const { title, artist, genre } = metadata.common
  return {
    format,
    sound,
    tags: { title: text(title), artist: text(artist), genre: text(genre?.[0]) },
    stated: statedSeconds(format, bytes, metadata),
  }
}

async function readMetadata(bytes: Uint8Array): Promise<IAudioMetadata> {
  try {
    return await parseBuffer(bytes, { size: bytes.length }, { skipCovers: true, duration: false })
  } catch (error) {
    throw new AudioError("broken", `has no tags or headers that can be read: ${String(error).slice(0, 200)}`)
  }
}

function statedSeconds(
  format: AudioFormat,
  bytes: Uint8Array,
  { format: { duration } }: IAudioMetadata,
): number | undefined {
  if (duration === undefined || !Number.isFinite(duration)) return undefined
  if (format !== "mp3") return duration
  // Without a count of frames in its first one, an MP3's length is a guess from its bit rate.
  const first = latin(bytes, tagLength(bytes), FIRST_FRAME)
  return ["Xing", "Info", "VBRI"].some((magic) => first.includes(magic)) ? duration : undefined
}
/** Bytes in which the count of frames stands, where there is one. */
const FIRST_FRAME = 256

/** A tag is what a file says, of whatever type. */
function text(value: unknown): string {
  const clean = (typeof value === "string" ? value : "").replace(/\p{Cc}+/gu, " ").trim()
  return clean.length > MAX_TEXT ? clean.slice(0, MAX_TEXT) : clean
}
