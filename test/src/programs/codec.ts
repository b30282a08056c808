// Runs the firmware's codecs on what the test sends: fetches a job by POST, posts the answer with the next fetch.
// A job is one byte for its kind and its arguments; an answer is the bytes asked for after a "+", or after a "-"
// the message of the error.

import * as ds from "@devicescript/core"
import { post } from "../../../src/http"
import { Batch } from "../../../src/log/listen-log"
import { Packer, unpack } from "../../../src/msgpack"
import { countOf, faultOf, flagsAt, lengthAt, songAt, versionOf } from "../../../src/playlist"
import { packRecord, unpackRecord } from "../../../src/record"
import { unpackReply } from "../../../src/reply"
import { packRequest } from "../../../src/request"
import { openBody, sealRequest } from "../../../src/seal"
import { MAX_FRAM_PLAYLIST_BYTES } from "../../../src/wire"

const MAX_JOB_BYTES = 5100
const none = Buffer.alloc(0)
const packer = new Packer(Buffer.alloc(4200))

function put(value: any): void {
  // Nil, booleans and numbers below 0 stand in vectors; no request has them.
  if (value === null || value === undefined) packer.byte(0xc0)
  else if (typeof value === "boolean") packer.byte(value ? 0xc3 : 0xc2)
  else if (typeof value === "number" && value < 0 && value >= -2147483648 && Math.floor(value) === value) {
    if (value >= -32) packer.byte(256 + value)
    else if (value >= -128) packer.sized(0xd0, value + 256, 1)
    else if (value >= -32768) packer.sized(0xd1, value + 65536, 2)
    else packer.sized(0xd2, value + 4294967296, 4)
  } else if (typeof value === "number") packer.number(value)
  else if (typeof value === "string") packer.text(value)
  else if (value instanceof Buffer) packer.binary(value, 0, value.length)
  else if (Array.isArray(value)) {
    packer.array(value.length)
    for (let i = 0; i < value.length; i++) put(value[i])
  } else {
    const keys = Object.keys(value)
    packer.map(keys.length)
    for (let i = 0; i < keys.length; i++) {
      packer.text(keys[i])
      put(value[keys[i]])
    }
  }
}

function packed(value: any): Buffer {
  packer.clear()
  put(value)
  return packer.packed()
}

function request(bytes: Buffer): Buffer {
  const r = unpack(bytes)
  const batch = new Batch(Buffer.alloc(r.plays.length * 20))
  for (let i = 0; i < r.plays.length; i++) batch.records.blitAt(i * 20, r.plays[i], 0, 20)
  batch.count = r.plays.length
  batch.gone = r.gone
  if (r.next === undefined) r.next = 0
  return packRequest(packer, r, batch)
}

/** As texts, so that the compiler keeps the names. */
const FIELDS = [
  "sequence",
  "boot",
  "startMs",
  "song",
  "listVersion",
  "position",
  "heardMs",
  "reason",
  "flags",
  "pauses",
  "volume",
]

function record(bytes: Buffer): Buffer {
  const r = unpackRecord(bytes, 0)
  if (!r) throw new RangeError("unreadable:")
  const again = Buffer.alloc(20)
  packRecord(r, again, 0)
  const fields: any = {}
  for (const name of FIELDS) fields[name] = (r as any)[name]
  return packed([again, fields])
}

async function playlist(bytes: Buffer): Promise<Buffer> {
  const fault = faultOf(bytes, 65535, MAX_FRAM_PLAYLIST_BYTES)
  if (fault !== 0) throw new RangeError("" + fault + ":")
  packer.clear()
  packer.array(1 + 3 * countOf(bytes))
  packer.number(versionOf(bytes))
  for (let i = 0; i < countOf(bytes); i++) {
    if (i % 32 === 0) await ds.sleep(1)
    packer.number(songAt(bytes, i))
    packer.number(lengthAt(bytes, i))
    packer.number(flagsAt(bytes, i))
  }
  return packer.packed()
}

/** key 32 | length of info | info | length of the salt before | salt before | body */
function opened(bytes: Buffer): Buffer {
  const salt = 33 + bytes[32]
  const body = salt + 1 + bytes[salt]
  const info = bytes.slice(33, salt).toString()
  return openBody(bytes.slice(0, 32), info, bytes.slice(salt + 1, body), bytes.slice(body))
}

/** key 32 | device 16 | salt 16 | plain */
function sealed(bytes: Buffer): Buffer {
  const device = bytes.slice(32, 48).toString()
  return sealRequest(bytes.slice(0, 32), device, bytes.slice(48, 64), bytes.slice(64))
}

async function run(kind: number, bytes: Buffer): Promise<Buffer> {
  switch (kind) {
    case 1:
      return packed(unpack(bytes))
    case 2:
      return packed(unpackReply(bytes))
    case 3:
      return request(bytes)
    case 4:
      return record(bytes)
    case 5:
      return await playlist(bytes)
    case 6:
      return opened(bytes)
    default:
      return sealed(bytes)
  }
}

async function main(): Promise<void> {
  const to = { host: "10.0.0.5", port: 80 }
  let mark = Buffer.from("?")
  let answer = none
  while (true) {
    const reply = await post(to, "/job", mark, answer, MAX_JOB_BYTES, 5000)
    if (reply.body.length === 0) break
    try {
      answer = await run(reply.body[0], reply.body.slice(1))
      mark = Buffer.from("+")
    } catch (e: any) {
      answer = Buffer.from("" + e.message)
      mark = Buffer.from("-")
    }
    await ds.sleep(1)
  }
  console.log("END")
}

main.start()
