// Small audio files with tags, byte by byte, for hostile ones to be made of.

import { pageChecksum } from "../../catalogue/audio/ogg.js"

/** ID3v2.4 tag (id3.org), then frames of MPEG 1 layer III, 128 kbit/s, 44.1 kHz. */
export function mp3File(): Uint8Array {
  const text = (id: string, value: string): number[] => [
    ...latin(id),
    ...big(value.length + 1, 4),
    ...[0, 0, 3],
    ...latin(value),
  ]
  const frames = [...text("TIT2", "Title"), ...text("TPE1", "Artist"), ...text("TCON", "Rock")]
  const sound = Array.from({ length: 6 }, () => [0xff, 0xfb, 0x90, 0x00, ...zeros(413)]).flat()
  return Uint8Array.from([...latin("ID3"), 4, 0, 0, ...big(frames.length, 4), ...frames, ...sound])
}

/** Pages with the three headers of Vorbis I (section 4.2) and one of sound. */
export function oggFile(): Uint8Array {
  const comment = (value: string): number[] => [...little(value.length, 4), ...latin(value)]
  const head = [...latin("\u0001vorbis"), ...little(0, 4), 1, ...little(44_100, 4), ...zeros(4)]
  const identification = [...head, ...little(80_000, 4), ...zeros(4), 0xb8, 1]
  const comments = ["TITLE=Title", "ARTIST=Artist", "GENRE=Rock"]
  const tags = [
    ...latin("\u0003vorbis"),
    ...comment("nobody"),
    ...little(3, 4),
    ...comments.flatMap(comment),
    1,
  ]
  const setup = [...latin("\u0005vorbis"), ...zeros(20)]
  return withPageChecksums(
    Uint8Array.from([
      ...page(2, 0, 0, [identification]),
      ...page(0, 0, 1, [tags, setup]),
      ...page(4, 44_100, 2, [zeros(50)]),
    ]),
  )
}

/** STREAMINFO, VORBIS_COMMENT (RFC 9639, section 8), then something for sound. */
export function flacFile(): Uint8Array {
  const comment = (value: string): number[] => [...little(value.length, 4), ...latin(value)]
  const info = [...big(4096, 2), ...big(4096, 2), ...zeros(6), 0x0a, 0xc4, 0x40, 0xf0, ...big(44_100, 4)]
  const tags = [...comment("nobody"), ...little(2, 4), ...comment("TITLE=Title"), ...comment("ARTIST=Artist")]
  const block = (type: number, body: number[]): number[] => [type, ...big(body.length, 3), ...body]
  return Uint8Array.from([
    ...latin("fLaC"),
    ...block(0, [...info, ...zeros(16)]),
    ...block(0x84, tags),
    ...[0xff, 0xf8],
    ...zeros(60),
  ])
}

/** Boxes of ISO/IEC 14496-12: ftyp, moov with the length and Apple's tags, mdat. */
export function m4aFile(): Uint8Array {
  const box = (type: string, ...parts: number[][]): number[] => {
    const body = parts.flat()
    return [...big(body.length + 8, 4), ...latin(type), ...body]
  }
  const tag = (type: string, value: string): number[] =>
    box(type, box("data", big(1, 4), zeros(4), latin(value)))
  const header = box("mvhd", zeros(12), big(1000, 4), big(60_000, 4), zeros(80))
  const list = box("ilst", tag("\u00a9nam", "Title"), tag("\u00a9ART", "Artist"))
  const handler = box("hdlr", zeros(8), latin("mdirappl"), zeros(9))
  const meta = box("udta", box("meta", zeros(4), handler, list))
  return Uint8Array.from([
    ...box("ftyp", latin("M4A "), zeros(4), latin("M4A mp42isom")),
    ...box("moov", header, meta),
    ...box("mdat", zeros(40)),
  ])
}

/** Makes the checksums of all pages right, as far as there are pages. */
export function withPageChecksums(given: Uint8Array): Uint8Array {
  const bytes = given.slice()
  const view = new DataView(bytes.buffer)
  let at = 0
  while (at + 27 <= bytes.length && bytes[at] === 0x4f) {
    const body = at + 27 + bytes[at + 26]
    const end = bytes.subarray(at + 27, body).reduce((sum, length) => sum + length, body)
    if (end > bytes.length) break
    view.setUint32(at + 22, pageChecksum(bytes, at, end), true)
    at = end
  }
  return bytes
}

/** A page (RFC 3533, section 6) of packets shorter than 255 bytes, its checksum still to come. */
function page(flags: number, granule: number, sequence: number, packets: number[][]): number[] {
  const head = [...latin("OggS"), 0, flags, ...little(granule, 4), ...zeros(4), ...little(7, 4)]
  const lengths = packets.map((packet) => packet.length)
  return [...head, ...little(sequence, 4), ...zeros(4), packets.length, ...lengths, ...packets.flat()]
}

function latin(text: string): number[] {
  return [...Buffer.from(text, "latin1")]
}

function zeros(length: number): number[] {
  return Array<number>(length).fill(0)
}

function big(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 255)
}

function little(value: number, bytes: number): number[] {
  return big(value, bytes).reverse()
}
