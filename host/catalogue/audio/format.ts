// Which format a file has, by its first bytes: a name can say anything.

import { tagLength } from "../../card/mp3.js"
import { AudioError } from "./audio-error.js"

export type AudioFormat = "mp3" | "ogg" | "flac" | "m4a"

/** Names that are taken for songs, lower case. */
export const AUDIO_NAMES = /\.(mp3|ogg|oga|flac|m4a|mp4)$/i

/** Brands of MP4 files that hold sound (ISO/IEC 14496-12, box ftyp; the first two are Apple's). */
const MP4_BRANDS = ["M4A ", "M4B ", "mp41", "mp42", "isom", "iso2", "dash"]
const OTHERS: readonly (readonly [string, string])[] = [
  ["RIFF", "a WAV file"],
  ["FORM", "an AIFF file"],
  ["PK\u0003\u0004", "a ZIP file"],
  ["\u001aE\u00df\u00a3", "a Matroska file"],
]

/** Throws AudioError where the bytes are of another kind. A file that may be an MP3 is tried as one. */
export function formatOf(bytes: Uint8Array): AudioFormat {
  if (bytes.length === 0) throw new AudioError("broken", "is empty")
  // Some programs put ID3 tags before other formats than MP3, too.
  const start = tagLength(bytes)
  const magic = latin(bytes, start, 4)
  if (magic === "fLaC") return "flac"
  if (magic === "OggS") return "ogg"
  if (latin(bytes, 4, 4) === "ftyp") {
    if (MP4_BRANDS.includes(latin(bytes, 8, 4))) return "m4a"
    throw new AudioError("unsupported", `is an MP4 file of brand ${JSON.stringify(latin(bytes, 8, 4))}`)
  }
  const other = OTHERS.find(([start]) => latin(bytes, 0, 4) === start)
  if (other !== undefined)
    throw new AudioError("unsupported", `is ${other[1]}, neither MP3, OGG, FLAC nor M4A`)
  return "mp3"
}

/** Bytes as Latin-1 text. */
export function latin(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length))
}
