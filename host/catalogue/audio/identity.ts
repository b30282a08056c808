// What makes two files the same song: the encoded sound, whatever the tags around it say. The sound is hashed as it is
// encoded, not as it is decoded: the last bits of a decoder may differ from one machine to the next.

import { createHash } from "node:crypto"
import { tagLength } from "../../card/mp3.js"
import { AudioError } from "./audio-error.js"
import { type AudioFormat, latin } from "./format.js"
import { vorbisPages } from "./ogg.js"
import { checkVorbisComment } from "./vorbis-comment.js"

/** Hexadecimal digits of a hash that are kept: 128 bits. */
const DIGITS = 32
const ID3V1_BYTES = 128
const APE_FOOTER_BYTES = 32
const MAX_BLOCKS = 10_000
/** Type of the FLAC metadata block that holds the tags. */
const VORBIS_COMMENT = 4

/** Hash of the sound without tags. Throws AudioError where the container is broken or holds another codec. */
export function soundHash(format: AudioFormat, bytes: Uint8Array): string {
  const hash = createHash("sha256")
  let sound = 0
  for (const part of soundOf(format, bytes)) {
    hash.update(part)
    sound += part.length
  }
  if (sound === 0) throw new AudioError("broken", "holds no sound")
  return hash.digest("hex").slice(0, DIGITS)
}

function soundOf(format: AudioFormat, bytes: Uint8Array): Uint8Array[] {
  if (format === "mp3") return [mp3Sound(bytes)]
  if (format === "ogg") return vorbisPages(bytes, tagLength(bytes))
  if (format === "flac") return [flacSound(bytes)]
  return m4aSound(bytes)
}

/** Between the tags before it (ID3v2, any number) and those behind it (APEv2, ID3v1). */
function mp3Sound(bytes: Uint8Array): Uint8Array {
  let from = 0
  for (let length = tagLength(bytes); length > 0; length = tagLength(bytes.subarray(from))) from += length
  let to = bytes.length
  if (latin(bytes, to - ID3V1_BYTES, 3) === "TAG") to -= ID3V1_BYTES
  const footer = to - APE_FOOTER_BYTES
  if (footer > from && latin(bytes, footer, 8) === "APETAGEX") {
    const view = new DataView(bytes.buffer, bytes.byteOffset + footer, APE_FOOTER_BYTES)
    // The size counts the footer; a header of the same length stands before where the flags say so.
    const header = view.getUint32(20, true) >>> 31 === 1 ? APE_FOOTER_BYTES : 0
    to -= Math.min(view.getUint32(12, true) + header, to - from)
  }
  return bytes.subarray(from, Math.max(from, to))
}

/** Behind the metadata blocks (RFC 9639, section 8). */
function flacSound(bytes: Uint8Array): Uint8Array {
  let at = tagLength(bytes) + 4
  for (let blocks = 0; blocks < MAX_BLOCKS; blocks++) {
    if (at + 4 > bytes.length) throw new AudioError("broken", "ends in its metadata")
    const last = (bytes[at] & 0x80) !== 0
    const body = at + 4
    const end = body + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3])
    if (end > bytes.length) throw new AudioError("broken", "ends in its metadata")
    if ((bytes[at] & 0x7f) === VORBIS_COMMENT) checkVorbisComment(bytes.subarray(body, end))
    if (last) return bytes.subarray(end)
    at = end
  }
  throw new AudioError("broken", `has more than ${MAX_BLOCKS} blocks of metadata`)
}

/** The boxes `mdat` (ISO/IEC 14496-12). */
function m4aSound(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sound: Uint8Array[] = []
  let at = 0
  for (let boxes = 0; at + 8 <= bytes.length; boxes++) {
    if (boxes === MAX_BLOCKS) throw new AudioError("broken", `has more than ${MAX_BLOCKS} boxes`)
    let head = 8
    let length = view.getUint32(at)
    if (length === 1 && at + 16 <= bytes.length) {
      head = 16
      length = Number(view.getBigUint64(at + 8))
    } else if (length === 0) length = bytes.length - at
    if (length < head || at + length > bytes.length)
      throw new AudioError("broken", `ends in the box at byte ${at}`)
    if (latin(bytes, at + 4, 4) === "mdat") sound.push(bytes.subarray(at + head, at + length))
    at += length
  }
  return sound
}
