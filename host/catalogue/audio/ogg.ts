// Ogg: pages, each with a checksum (RFC 3533). A Vorbis stream begins with three header packets, the second of which
// holds the tags; what follows is sound.

import { AudioError } from "./audio-error.js"
import { latin } from "./format.js"
import { checkVorbisComment } from "./vorbis-comment.js"

const HEADER_PACKETS = 3
/** How the second header begins. */
const COMMENT = "\u0003vorbis"
const CODECS: readonly (readonly [string, string])[] = [
  ["OpusHead", "Opus"],
  ["\u007fFLAC", "FLAC"],
  ["Speex   ", "Speex"],
  ["\u0080theora", "Theora video"],
]

/** The bodies of the pages with sound. Throws AudioError where a page is damaged or missing, or the codec another. */
export function vorbisPages(bytes: Uint8Array, from: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sound: Uint8Array[] = []
  const headers: Uint8Array[] = []
  let at = from
  let pages = 0
  let packets = 0
  let ended = false
  while (at < bytes.length) {
    if (latin(bytes, at, 4) !== "OggS") {
      // Zeros or a tag of another format behind the last page are common.
      if (ended) break
      throw new AudioError("broken", `has no Ogg page at byte ${at}`)
    }
    const body = at + 27 + (bytes[at + 26] ?? 0)
    let end = body
    let ending = 0
    for (let i = at + 27; i < body; i++) {
      end += bytes[i] ?? 0
      if ((bytes[i] ?? 0) < 255) ending++
    }
    if (body > bytes.length || end > bytes.length)
      throw new AudioError("broken", `ends in the Ogg page at byte ${at}`)
    if (pageChecksum(bytes, at, end) !== view.getUint32(at + 22, true)) {
      throw new AudioError("broken", `is damaged: the Ogg page at byte ${at} has a wrong checksum`)
    }
    const first = (bytes[at + 5] & 2) !== 0
    if (first !== (pages === 0)) throw new AudioError("unsupported", "holds several Ogg streams")
    if (first && latin(bytes, body, 7) !== "\u0001vorbis") {
      const codec = CODECS.find(([magic]) => latin(bytes, body, magic.length) === magic)?.[1]
      throw new AudioError("unsupported", `is an Ogg file with ${codec ?? "an unknown codec"}, not Vorbis`)
    }
    const part = bytes.subarray(body, end)
    if (packets >= HEADER_PACKETS) sound.push(part)
    else if (!first) headers.push(part)
    packets += ending
    pages++
    ended = (bytes[at + 5] & 4) !== 0
    at = end
  }
  const tags = Buffer.concat(headers)
  if (latin(tags, 0, COMMENT.length) !== COMMENT) throw new AudioError("broken", "has no Vorbis tags")
  checkVorbisComment(tags.subarray(COMMENT.length))
  if (!ended) throw new AudioError("broken", "ends early: its last Ogg page is missing")
  return sound
}

/** CRC-32 of a page with polynomial 0x04c11db7, not reflected, from 0, its own field taken as 0 (RFC 3533, section 6). */
export function pageChecksum(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0
  for (let i = from; i < to; i++) {
    const byte = i >= from + 22 && i < from + 26 ? 0 : bytes[i]
    crc = (crc << 8) ^ TABLE[((crc >>> 24) ^ byte) & 255]
  }
  return crc >>> 0
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc >>> 0
})
