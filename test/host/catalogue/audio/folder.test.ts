// Damaged files cost themselves and nothing else, however their decoders take them.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { audioFilesIn, readFolder } from "../../../../host/catalogue/audio/folder.js"
import { stream } from "../../../../host/model/random.js"
import { withFolder } from "../../study/folder.js"

const REFERENCE = new URL("../../../../../test/reference/audio/", import.meta.url)
const SOURCES = ["beat.mp3", "beat.ogg", "beat.flac", "beat.m4a", "untagged.mp3"]
const COPIES = 12

test("sixty damaged files and a whole one: the whole one is read, the others are read or named, in order", () =>
  withFolder(async (dir) => {
    const random = stream(11, "damage")
    for (const source of SOURCES) {
      const whole = readFileSync(new URL(source, REFERENCE))
      for (let copy = 0; copy < COPIES; copy++) {
        const bytes = Buffer.from(whole.subarray(0, whole.length - (copy % 2) * random.int(whole.length)))
        for (let k = 0; k < 1 + 20 * copy && bytes.length > 0; k++) {
          bytes[random.int(bytes.length)] = random.int(256)
        }
        writeFileSync(join(dir, `${copy}-${source}`), bytes)
      }
    }
    writeFileSync(join(dir, "whole.flac"), readFileSync(new URL("beat.flac", REFERENCE)))
    const files = await audioFilesIn(dir)
    assert.equal(files.length, SOURCES.length * COPIES + 1)
    const done: number[] = []
    const read = await readFolder(dir, files, 2, (count) => done.push(count))
    assert.deepEqual(
      read.map(({ file }) => file),
      files,
    )
    assert.equal(done.at(-1), files.length)
    const last = read.at(-1)?.outcome
    assert.ok(last !== undefined && "audio" in last)
    assert.equal(last.audio.seconds, 12)
    for (const { file, outcome } of read) {
      if ("audio" in outcome) assert.ok(outcome.audio.seconds <= 16_777, file)
      else assert.ok(outcome.message.length > 0 && outcome.message.length < 400, file)
    }
    const broken = read.filter(({ outcome }) => !("audio" in outcome)).length
    assert.ok(broken >= 20, `${broken}`)
    assert.deepEqual(await readFolder(dir, files, 1), read)
  }))
