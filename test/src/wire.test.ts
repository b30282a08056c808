// The vectors of the wire format, run through the firmware's own codecs in the VM.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { decodeMessagePack } from "../../host/protocol/messagepack.js"
import { REFUSED_CHECKSUM, REFUSED_FORMAT, REFUSED_TOO_LARGE, SEAL_DOWN, SEAL_UP } from "../../src/wire.js"
import { Board } from "./bench/board.js"
import { httpAnswer } from "./bench/network.js"

const MSGPACK = 1
const REPLY = 2
const REQUEST = 3
const RECORD = 4
const PLAYLIST = 5
const OPEN = 6
const SEAL = 7

interface Vector {
  name: string
  hex: string
  value?: any
  error?: string
  canonical?: boolean
  [field: string]: any
}

interface Answer {
  bytes?: Uint8Array
  /** The rule that the board found broken. */
  error?: string
}

function vectorsOf(kind: string): Vector[] {
  const file = new URL(`../../../test/reference/wire/${kind}.json`, import.meta.url)
  const vectors = JSON.parse(readFileSync(file, "utf8")).vectors as Vector[]
  assert.ok(vectors.length > 0)
  return vectors
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"))
const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes!).toString("hex")

/** Sends each job to a board and gives its answers in order. */
async function answers(jobs: { kind: number; bytes: Uint8Array }[]): Promise<Answer[]> {
  const given: Answer[] = []
  const board = await Board.start({
    entry: "test/src/programs/codec.ts",
    server: (request) => {
      if (request === undefined) return undefined
      const [mark, ...rest] = request.body
      const text = Buffer.from(rest).toString()
      if (mark === 0x2b) given.push({ bytes: new Uint8Array(rest) })
      else if (mark === 0x2d) given.push({ error: text.slice(0, text.indexOf(":")) })
      const job = jobs[given.length]
      return httpAnswer(200, job ? Buffer.from([job.kind, ...job.bytes]) : new Uint8Array(0))
    },
  })
  await board.line("END", 600_000)
  assert.deepEqual(board.panics, [])
  assert.equal(given.length, jobs.length)
  return given
}

/** JSON of a vector as the decoder gives it. */
function plain(value: any): any {
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== "object") return value
  if ("$bin" in value) return hex(value.$bin)
  if ("$float" in value) return Number(value.$float)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

test("the board decodes and encodes every MessagePack vector, and refuses the hostile ones by the same rule", async () => {
  const vectors = vectorsOf("msgpack")
  const given = await answers(vectors.map((v) => ({ kind: MSGPACK, bytes: hex(v.hex) })))
  for (const [i, vector] of vectors.entries()) {
    if (vector.error !== undefined) assert.equal(given[i].error, vector.error, vector.name)
    else if (vector.canonical) assert.equal(hexOf(given[i].bytes), vector.hex, vector.name)
    else assert.deepEqual(decodeMessagePack(given[i].bytes!), plain(vector.value), vector.name)
  }
})

test("the board reads every reply vector, and refuses the hostile ones by the same rule", async () => {
  const vectors = vectorsOf("reply")
  const given = await answers(vectors.map((v) => ({ kind: REPLY, bytes: hex(v.hex) })))
  for (const [i, vector] of vectors.entries()) {
    if (vector.error !== undefined) assert.equal(given[i].error, vector.error, vector.name)
    else assert.deepEqual(decodeMessagePack(given[i].bytes!), plain(vector.value), vector.name)
  }
})

test("the board writes requests as the vectors have them, byte for byte", async () => {
  const vectors = vectorsOf("request").filter((v) => v.error === undefined && v.canonical)
  assert.ok(vectors.length >= 3)
  const given = await answers(vectors.map((v) => ({ kind: REQUEST, bytes: hex(v.hex) })))
  for (const [i, vector] of vectors.entries()) {
    assert.equal(hexOf(given[i].bytes), vector.hex, `${vector.name}: ${given[i].error ?? ""}`)
  }
})

test("the board packs and unpacks every record vector as the host does", async () => {
  const vectors = vectorsOf("record")
  const given = await answers(vectors.map((v) => ({ kind: RECORD, bytes: hex(v.hex) })))
  for (const [i, vector] of vectors.entries()) {
    if (vector.error !== undefined) {
      assert.equal(given[i].error, vector.error, vector.name)
      continue
    }
    const [again, record] = decodeMessagePack(given[i].bytes!) as [Uint8Array, object]
    assert.equal(hexOf(again), vector.hex, vector.name)
    assert.deepEqual(record, vector.value, vector.name)
  }
})

test("the board reads every playlist vector and refuses the others with the code for the rule", async () => {
  const codes: Record<string, number> = {
    checksum: REFUSED_CHECKSUM,
    format: REFUSED_FORMAT,
    range: REFUSED_FORMAT,
    size: REFUSED_TOO_LARGE,
  }
  const vectors = vectorsOf("playlist")
  const given = await answers(vectors.map((v) => ({ kind: PLAYLIST, bytes: hex(v.hex) })))
  for (const [i, vector] of vectors.entries()) {
    if (vector.error !== undefined) {
      assert.equal(Number(given[i].error), codes[vector.error], vector.name)
      continue
    }
    const { version, items } = vector.value
    const expected = [version, ...items.flatMap((item: any) => [item.song, item.lengthMs, item.flags])]
    assert.deepEqual(decodeMessagePack(given[i].bytes!), expected, vector.name)
  }
})

test("the board opens every sealed vector and refuses those that were tampered with", async () => {
  const vectors = vectorsOf("seal")
  const jobs = vectors.map((v) => {
    const info = Buffer.from((v.direction === "up" ? SEAL_UP : SEAL_DOWN) + v.device)
    const before = hex(v.requestSalt ?? "")
    const head = [...hex(v.key), info.length, ...info, before.length, ...before]
    return { kind: OPEN, bytes: new Uint8Array([...head, ...hex(v.hex)]) }
  })
  const given = await answers(jobs)
  for (const [i, vector] of vectors.entries()) {
    if (vector.error !== undefined) assert.equal(given[i].error, vector.error, vector.name)
    else assert.equal(hexOf(given[i].bytes), vector.plain, vector.name)
  }
})

test("the board seals requests to the bytes of the vectors", async () => {
  const vectors = vectorsOf("seal").filter((v) => v.direction === "up" && v.error === undefined)
  const jobs = vectors.map((v) => {
    const salt = hex(v.hex.slice(0, 32))
    const bytes = [...hex(v.key), ...Buffer.from(v.device), ...salt, ...hex(v.plain)]
    return { kind: SEAL, bytes: new Uint8Array(bytes) }
  })
  const given = await answers(jobs)
  for (const [i, vector] of vectors.entries()) {
    assert.equal(vector.hex.slice(0, 32) + hexOf(given[i].bytes), vector.hex, vector.name)
  }
})
