// What counts as an MP3.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import fc from "fast-check"
import { mp3Fault } from "../../../host/card/mp3.js"
import { withFolder } from "../study/folder.js"
import { mp3 } from "./music.js"

/** An ID3v2 header and so many bytes of tag. */
function tag(length: number): Buffer {
  const size = [21, 14, 7, 0].map((shift) => (length >> shift) & 127)
  return Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, ...size]), Buffer.alloc(length, 0xff)])
}

async function faultOf(...parts: (Buffer | string)[]): Promise<string | undefined> {
  return withFolder(async (dir) => {
    const path = join(dir, "x.mp3")
    writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part as Buffer))))
    return mp3Fault(path)
  })
}

describe("MP3 files", () => {
  test("frames from the first byte, after tags, after padding, or only one of them", async () => {
    assert.equal(await faultOf(mp3(20)), undefined)
    assert.equal(await faultOf(tag(300_000), mp3(20)), undefined)
    assert.equal(await faultOf(tag(100), tag(5), mp3(20)), undefined)
    assert.equal(await faultOf(tag(100), Buffer.alloc(4000), mp3(20)), undefined)
    assert.equal(await faultOf(mp3(1)), undefined)
    assert.equal(await faultOf(mp3(300), "TAG", Buffer.alloc(125)), undefined)
  })

  test("other versions and rates: MPEG 2 at 22.05 kHz and 64 kbit/s, MPEG 2.5 at 8 kHz and 8 kbit/s", async () => {
    const of = (header: number[], length: number): Buffer => {
      const frame = Buffer.alloc(length)
      frame.set(header)
      return Buffer.concat([frame, frame, frame, frame])
    }
    assert.equal(await faultOf(of([0xff, 0xf3, 0x80, 0], 208)), undefined)
    assert.equal(await faultOf(of([0xff, 0xe3, 0x18, 0], 72)), undefined)
    // Layer II, a reserved version, a free bit rate.
    for (const header of [
      [0xff, 0xfd, 0x80, 0],
      [0xff, 0xeb, 0x80, 0],
      [0xff, 0xf3, 0x00, 0],
    ]) {
      assert.equal(await faultOf(of(header, 208)), "has no MPEG layer III frames")
    }
  })

  test("other files are named for what they are", async () => {
    assert.equal(await faultOf(), "is empty")
    assert.equal(await faultOf("RIFF1234WAVEfmt ", mp3(20)), "is a WAV file")
    assert.equal(await faultOf("fLaC", mp3(20)), "is a FLAC file")
    assert.equal(await faultOf("OggS", mp3(20)), "is an Ogg file")
    assert.equal(await faultOf("\0\0\0\x20ftypM4A ", mp3(20)), "is an MP4 or M4A file")
    for (const other of ["<!doctype html>", tag(2000), Buffer.alloc(100_000, 0xff)]) {
      assert.equal(await faultOf(other), "has no MPEG layer III frames")
    }
  })

  test("a header that no second and third follow is chance", async () => {
    const broken = mp3(40)
    for (let i = 2; i < 40; i += 3) broken[i * 417] = 0
    assert.equal(await faultOf(broken), "has no MPEG layer III frames")
  })

  test("random bytes are none, and no bytes make the check fail", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 2000, maxLength: 6000 }),
        fc.uint8Array({ maxLength: 40 }),
        async (bytes, id3) => {
          assert.equal(await faultOf(Buffer.from(bytes)), "has no MPEG layer III frames")
          assert.equal(
            typeof (await faultOf(Buffer.from("ID3"), Buffer.from(id3), Buffer.alloc(3000))),
            "string",
          )
        },
      ),
      { numRuns: 50, seed: 1, endOnFailure: true },
    ))
})
