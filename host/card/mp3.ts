// Is a file an MP3? Sound boards play what a name promises, and stay silent or hiss where it is something else.
//
// An MP3 is a row of frames: 11 set bits, version, layer III, bit rate and sample rate, which together give the length
// of the frame (ISO/IEC 11172-3 and 13818-3). ID3v2 tags may stand before them; their length is in their header
// (id3.org, ID3v2.4 structure). Three frames in a row, each where the one before ends, are the proof asked for here.

import { open } from "node:fs/promises"

/** How far after the tags the first frame may begin, bytes: encoders pad, and some tags understate themselves. */
const SEARCHED = 65536
const FRAMES = 3
/** Three frames of the longest kind behind the searched bytes. */
const WINDOW = SEARCHED + FRAMES * 1441
const MAX_TAGS = 8

const OTHERS: readonly (readonly [string, number, string])[] = [
  ["RIFF", 0, "a WAV file"],
  ["fLaC", 0, "a FLAC file"],
  ["OggS", 0, "an Ogg file"],
  ["ftyp", 4, "an MP4 or M4A file"],
  ["FORM", 0, "an AIFF file"],
  ["PK\u0003\u0004", 0, "a ZIP file"],
]
/** kbit/s by index 1 … 14: MPEG 1, then MPEG 2 and 2.5. */
const BIT_RATES = [
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
]
/** Hz by index, of MPEG 2.5, none, 2 and 1. */
const SAMPLE_RATES = [[11025, 12000, 8000], [], [22050, 24000, 16000], [44100, 48000, 32000]]

/** Up to `length` bytes from `at` on; fewer at the end. */
type ReadAt = (at: number, length: number) => Promise<Buffer>

/** What keeps the file from being an MP3, or undefined where it is one. */
export async function mp3Fault(path: string): Promise<string | undefined> {
  const file = await open(path, "r")
  try {
    return await mp3FaultOf(async (at, length) => {
      const bytes = Buffer.alloc(length)
      const { bytesRead } = await file.read(bytes, 0, length, at)
      return bytes.subarray(0, bytesRead)
    })
  } finally {
    await file.close()
  }
}

/** The same of bytes that `read` gives. */
export async function mp3FaultOf(read: ReadAt): Promise<string | undefined> {
  const head = await read(0, 12)
  if (head.length === 0) return "is empty"
  const other = OTHERS.find(([magic, at]) => head.toString("latin1", at, at + 4) === magic)
  if (other !== undefined) return `is ${other[2]}`
  let at = 0
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    const length = tagLength(await read(at, 10))
    if (length === 0) break
    at += length
  }
  const bytes = await read(at, WINDOW)
  for (let i = 0; i < SEARCHED && i + 4 <= bytes.length; i++) if (framesAt(bytes, i)) return undefined
  return "has no MPEG layer III frames"
}

/** Bytes of the ID3v2 tag that begins here, 0 where none does. */
export function tagLength(header: Uint8Array): number {
  if (header.length < 10 || String.fromCharCode(header[0], header[1], header[2]) !== "ID3") return 0
  const size = header.subarray(6, 10)
  if (size.some((byte) => byte > 127)) return 0
  const footer = (header[5] & 0x10) === 0 ? 0 : 10
  return 10 + size.reduce((sum, byte) => sum * 128 + byte, 0) + footer
}

/** Do FRAMES frames of one kind follow each other from `i`? Right after the tags fewer will do, if they are all. */
function framesAt(bytes: Buffer, i: number): boolean {
  let at = i
  let kind: number | undefined
  for (let n = 0; n < FRAMES; n++) {
    if (i === 0 && n > 0 && bytes.length < WINDOW && at >= bytes.length) return true
    const length = frameLength(bytes, at)
    if (length === 0) return false
    // Version, layer and sample rate stay.
    const now = ((bytes[at + 1] & 0x1e) << 8) | (bytes[at + 2] & 0x0c)
    if (kind !== undefined && now !== kind) return false
    kind = now
    at += length
  }
  return true
}

/** Bytes of the frame whose header stands at `i`, 0 where none does. */
function frameLength(bytes: Buffer, i: number): number {
  if (i + 4 > bytes.length || bytes[i] !== 0xff || (bytes[i + 1] & 0xe6) !== 0xe2) return 0
  const version = (bytes[i + 1] >> 3) & 3
  const rate = SAMPLE_RATES[version][(bytes[i + 2] >> 2) & 3]
  const kbits = BIT_RATES[version === 3 ? 0 : 1][(bytes[i + 2] >> 4) - 1]
  if (rate === undefined || kbits === undefined) return 0
  return Math.floor(((version === 3 ? 144000 : 72000) * kbits) / rate) + ((bytes[i + 2] >> 1) & 1)
}
