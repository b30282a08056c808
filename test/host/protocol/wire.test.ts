// The host's codec against the vectors of the wire format.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { WireError } from "../../../host/protocol/error.js"
import { decodeMessagePack, encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { packPlaylist, unpackPlaylist } from "../../../host/protocol/playlist.js"
import { decodeReply, encodeReply } from "../../../host/protocol/reply.js"
import { decodeRequest } from "../../../host/protocol/request.js"
import { openReply, openRequest, sealReply, sealRequest } from "../../../host/protocol/seal.js"
import { exchange } from "../../../host/protocol/session.js"
import { packRecord, RECORD_BYTES, unpackRecord } from "../../../src/record.js"
import { SALT_BYTES, type SyncReply } from "../../../src/wire.js"
import { requestOf, withStudy } from "../study/folder.js"
import {
  bytesOfHex,
  type ExchangeVector,
  hexOf,
  meaningOf,
  readVectors,
  type SealVector,
  type Vector,
} from "./vectors.js"

/** Runs every vector of a kind that decodes bytes to a value. */
function decodes(
  kind: string,
  decode: (bytes: Uint8Array) => unknown,
  encode: (value: any) => Uint8Array,
): void {
  describe(`${kind} vectors`, () => {
    for (const vector of readVectors<Vector>(kind).vectors) {
      test(vector.name, () => {
        const bytes = bytesOfHex(vector.hex)
        if (vector.error !== undefined) {
          assert.throws(() => decode(bytes), { name: "WireError", code: vector.error })
          return
        }
        const value = meaningOf(vector.value)
        assert.deepEqual(decode(bytes), value)
        if (vector.canonical !== false) assert.equal(hexOf(encode(value)), vector.hex)
      })
    }
  })
}

decodes("msgpack", decodeMessagePack, encodeMessagePack)
decodes("request", decodeRequest, encodeMessagePack)
decodes("reply", decodeReply, (value: SyncReply) => encodeReply(value))
decodes("playlist", unpackPlaylist, (value) => packPlaylist(value.items, value.version, value.adaptation))
decodes(
  "record",
  (bytes) => {
    const record = unpackRecord(bytes, 0)
    // The board and the host share one reader, which answers undefined for every unreadable record.
    if (record === undefined) throw Object.assign(new WireError("format", "record"), { code: "unreadable" })
    return record
  },
  (value) => {
    const bytes = new Uint8Array(RECORD_BYTES)
    packRecord(value, bytes, 0)
    return bytes
  },
)

describe("seal vectors", () => {
  for (const vector of readVectors<SealVector>("seal").vectors) {
    test(vector.name, () => {
      const key = bytesOfHex(vector.key)
      const body = bytesOfHex(vector.hex)
      const requestSalt = bytesOfHex(vector.requestSalt ?? "")
      const open = (): Uint8Array =>
        vector.direction === "up"
          ? openRequest(key, vector.device, body).plain
          : openReply(key, vector.device, requestSalt, body)
      if (vector.error !== undefined) {
        assert.throws(open, { name: "WireError", code: vector.error })
        return
      }
      assert.equal(hexOf(open()), vector.plain)
      const plain = bytesOfHex(vector.plain ?? "")
      const salt = body.slice(0, SALT_BYTES)
      const sealed =
        vector.direction === "up"
          ? sealRequest(key, vector.device, salt, plain)
          : sealReply(key, vector.device, requestSalt, salt, plain)
      assert.equal(hexOf(sealed), vector.hex)
    })
  }
})

describe("exchange vectors", () => {
  const file = readVectors<ExchangeVector>("exchange")
  for (const vector of file.vectors) {
    test(vector.name, () =>
      withStudy(async ({ study, device }) => {
        await study.store.songs.put(
          (file.songs ?? []).map(({ song, lengthMs }) => ({
            id: song,
            source: String(song),
            title: `Song ${song}`,
            artist: "",
            genre: "",
            lengthMs,
            attributes: {},
          })),
        )
        for (const { ack, missing, stored, quarantined, error, plays, ...fields } of vector.steps) {
          const request = requestOf({ ...fields, plays: plays.map(bytesOfHex) })
          const before = await study.store.syncs.count()
          const answer = await exchange(study, device, request, new Uint8Array(1), 1_700_000_000_000)
          if (answer.replay) {
            assert.equal("replay", error)
            assert.equal(await study.store.syncs.count(), before)
            continue
          }
          assert.equal(error, undefined)
          const { reply, outcome } = answer
          assert.deepEqual(
            {
              ack: reply.ack,
              missing: reply.missing,
              stored: outcome.stored,
              quarantined: outcome.quarantined,
            },
            { ack, missing, stored, quarantined },
          )
        }
      }),
    )
  }
})
