// Real files of four formats against ffmpeg and numpy, and what becomes of files that are cut, damaged or disguised.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { AudioError } from "../../../../host/catalogue/audio/audio-error.js"
import { readAudio } from "../../../../host/catalogue/audio/read.js"

const REFERENCE = new URL("../../../../../test/reference/audio/", import.meta.url)
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, REFERENCE)))

interface Expected {
  samples: number
  loudness_lufs: number
  loudness_range_lu: number
  brightness_hz: number
  tempo_bpm: number
}
const expected: Record<string, Expected> = JSON.parse(
  readFileSync(new URL("expected.json", REFERENCE), "utf8"),
).files

for (const [name, truth] of Object.entries(expected)) {
  test(`${name}: length, loudness, dynamics, brightness and tempo are those of other programs`, async () => {
    const { seconds, attributes } = await readAudio(bytesOf(name))
    assert.equal(seconds, truth.samples / 22050)
    const off = (key: keyof Expected & keyof typeof attributes): number =>
      Math.abs((attributes[key] ?? Number.NaN) - truth[key])
    // ffmpeg prints one decimal; its range of so short a piece counts the first seconds otherwise.
    assert.ok(off("loudness_lufs") <= 0.06, `${attributes.loudness_lufs}`)
    assert.ok(off("loudness_range_lu") <= 0.4, `${attributes.loudness_range_lu}`)
    assert.ok(off("brightness_hz") <= 0.005 * truth.brightness_hz, `${attributes.brightness_hz}`)
    assert.ok(off("tempo_bpm") <= 0.005 * truth.tempo_bpm, `${attributes.tempo_bpm}`)
    assert.ok((attributes.beat_clarity ?? 0) > 0.2, `${attributes.beat_clarity}`)
  })
}

for (const name of ["beat.flac", "beat.mp3", "beat.ogg", "beat.m4a"]) {
  test(`${name}: tags are read, and the sound is known whatever they say`, async () => {
    const { title, artist, genre, format } = await readAudio(bytesOf(name))
    assert.deepEqual(
      { title, artist, genre },
      { title: "Ninety-six", artist: "The Oscillators", genre: "Test" },
    )
    assert.equal(format, name.slice(5))
  })
}

test("an M4A has the length it states, and says that nothing was measured", async () => {
  const { seconds, attributes, notes } = await readAudio(bytesOf("beat.m4a"))
  assert.ok(Math.abs(seconds - 12) < 0.1, `${seconds}`)
  assert.deepEqual(attributes, {})
  assert.match(notes.join(), /not decoded/)
})

test("tags before and behind the sound do not change what song it is", async () => {
  const plain = bytesOf("untagged.mp3")
  const id3 = Uint8Array.from([...Buffer.from("ID3\u0004\0\0\0\0\0\u000a", "latin1"), ...new Uint8Array(10)])
  const old = new Uint8Array(128).fill(32)
  old.set(Buffer.from("TAGAnother title"))
  const tagged = new Uint8Array([...id3, ...plain, ...old])
  const [a, b] = [await readAudio(plain), await readAudio(tagged)]
  assert.equal(a.sound, b.sound)
  assert.equal(a.title, "")
  assert.equal(b.title, "Another title")
  const other = bytesOf("beat.mp3")
  assert.notEqual((await readAudio(other)).sound, a.sound)
})

const refused = (bytes: Uint8Array, fault: "broken" | "unsupported", rule: RegExp): Promise<void> =>
  assert.rejects(readAudio(bytes), (error) => {
    assert.ok(error instanceof AudioError, `${error}`)
    assert.equal(error.fault, fault)
    assert.match(error.message, rule)
    return true
  })

test("a file that is cut off is broken, in every format", async () => {
  for (const [name, rule] of [
    ["beat.flac", /^ends early: it holds \d\.\d s of sound and says 12\.0 s$/],
    ["beat.mp3", /^ends early: /],
    ["beat.ogg", /^ends in the Ogg page at byte \d+$/],
    ["beat.m4a", /^ends in the box at byte \d+$/],
  ] as const) {
    const bytes = bytesOf(name)
    await refused(bytes.subarray(0, bytes.length / 2), "broken", rule)
  }
})

test("a changed bit in an Ogg or FLAC file is found", async () => {
  const ogg = bytesOf("beat.ogg")
  ogg[20_000] ^= 1
  await refused(ogg, "broken", /^is damaged: the Ogg page at byte \d+ has a wrong checksum$/)
  const flac = bytesOf("beat.flac")
  flac[150_000] ^= 1
  await refused(flac, "broken", /^(cannot be decoded|ends early)/)
})

test("what is no song says why", async () => {
  await refused(new Uint8Array(0), "broken", /^is empty$/)
  await refused(new Uint8Array(5000), "broken", /no tags or headers/)
  await refused(bytesOf("opus.ogg"), "unsupported", /^is an Ogg file with Opus, not Vorbis$/)
  await refused(new Uint8Array(Buffer.from("RIFF....WAVEfmt ")), "unsupported", /^is a WAV file/)
  const silent = silentFlac()
  await refused(silent, "broken", /^is silent/)
})

/** A FLAC file of two seconds of digital silence at 8,000 Hz: constant subframes (RFC 9639, section 9.2.3). */
function silentFlac(): Uint8Array {
  const samples = 4096
  const frames = 4
  const info = new Uint8Array(34)
  const view = new DataView(info.buffer)
  view.setUint16(0, samples)
  view.setUint16(2, samples)
  // 20 bits of sample rate, 3 of channels − 1, 5 of bits per sample − 1, 36 of samples in all.
  view.setUint32(10, (8000 << 12) | (0 << 9) | (15 << 4))
  view.setUint32(14, samples * frames)
  const out = [...Buffer.from("fLaC"), 0x80, 0, 0, 34, ...info]
  for (let n = 0; n < frames; n++) {
    // Block size 4,096, rate 8,000 Hz, one channel, 16 bits, frame number n; then one constant subframe of 0.
    const head = [0xff, 0xf8, 0xc4, 0x08, n]
    const frame = [...head, crc(head, 0x07, 8), 0x00, 0x00, 0x00]
    const end = crc(frame, 0x8005, 16)
    out.push(...frame, end >> 8, end & 255)
  }
  return Uint8Array.from(out)
}

function crc(bytes: readonly number[], polynomial: number, bits: number): number {
  const top = 1 << (bits - 1)
  let sum = 0
  for (const byte of bytes) {
    sum ^= byte << (bits - 8)
    for (let i = 0; i < 8; i++) sum = ((sum & top) !== 0 ? (sum << 1) ^ polynomial : sum << 1) & (2 * top - 1)
  }
  return sum
}
