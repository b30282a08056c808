// The sync endpoint over HTTP, with a board that seals as the wire format says.

import assert from "node:assert/strict"
import { connect } from "node:net"
import { describe, test } from "node:test"
import fc from "fast-check"
import { pino } from "pino"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { unpackPlaylist } from "../../../host/protocol/playlist.js"
import { decodeReply } from "../../../host/protocol/reply.js"
import { openReply, sealRequest } from "../../../host/protocol/seal.js"
import { buildServer } from "../../../host/server/server.js"
import { publish } from "../../../host/study/publish.js"
import type { SyncReply, SyncRequest } from "../../../src/wire.js"
import { bytesOfHex, readVectors } from "../protocol/vectors.js"
import {
  addSongs,
  DEVICE,
  type Fixture,
  KEY,
  recordOf,
  requestOf,
  START,
  withStudy,
} from "../study/folder.js"

interface Server {
  fixture: Fixture
  app: ReturnType<typeof buildServer>
  /** Log lines, parsed. */
  lines: Record<string, unknown>[]
  committed: string[]
  send(request: Partial<SyncRequest>): Promise<SyncReply>
  post(
    body: Uint8Array,
    device?: string,
  ): Promise<{ statusCode: number; rawPayload: Buffer; headers: object }>
}

const SALT = new Uint8Array(16).fill(5)

async function withServer(body: (server: Server) => Promise<void>): Promise<void> {
  await withStudy(async (fixture) => {
    await addSongs(fixture.study, 400)
    const lines: Record<string, unknown>[] = []
    const committed: string[] = []
    const app = buildServer({
      study: fixture.study,
      now: () => START + 1000,
      random: (n) => new Uint8Array(n).fill(9),
      log: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }),
      committed: (device) => committed.push(device),
    })
    const post: Server["post"] = (payload, device = DEVICE) =>
      app.inject({
        method: "POST",
        url: `/v1/sync/${device}`,
        headers: { "content-type": "application/octet-stream", "content-length": String(payload.length) },
        payload: Buffer.from(payload),
      })
    const send: Server["send"] = async (fields) => {
      const response = await post(sealRequest(KEY, DEVICE, SALT, encodeMessagePack(requestOf(fields))))
      assert.equal(response.statusCode, 200, JSON.stringify(lines.at(-1)))
      return decodeReply(openReply(KEY, DEVICE, SALT, new Uint8Array(response.rawPayload)))
    }
    try {
      await body({ fixture, app, lines, committed, send, post })
    } finally {
      await app.close()
    }
  })
}

describe("sync endpoint", () => {
  test("acknowledges records that are in the store, and says for whom they came", () =>
    withServer(async ({ send, fixture, committed }) => {
      const reply = await send({ plays: [recordOf({ sequence: 1 }), recordOf({ sequence: 2, song: 2 })] })
      assert.deepEqual(reply.ack, [[1, 2]])
      assert.equal(reply.now, START + 1000)
      assert.deepEqual(reply.plan, { sync: 15, vol: 12, ctl: 0, sleep: 0 })
      assert.deepEqual(
        (await fixture.study.store.plays.of(1)).map((p) => [p.sequence, p.song, p.heardMs]),
        [
          [1, 1, 30000],
          [2, 2, 30000],
        ],
      )
      assert.deepEqual(new Set(committed), new Set([DEVICE]))
      assert.deepEqual(await fixture.study.store.subjects.dirty(), [1])
    }))

  test("states the length, is not chunked, and closes the connection", () =>
    withServer(async ({ post }) => {
      const ok = await post(sealRequest(KEY, DEVICE, SALT, encodeMessagePack(requestOf({}))))
      const refused = await post(new Uint8Array(30))
      for (const { headers, rawPayload } of [ok, refused]) {
        const fields = headers as Record<string, string>
        assert.equal(Number(fields["content-length"]), rawPayload.length)
        assert.equal(fields["transfer-encoding"], undefined)
        assert.equal(fields.connection, "close")
      }
      assert.equal(refused.rawPayload.length, 0)
    }))

  test("answers 404 without a body to an unknown device and to a wrong seal, and logs both", () =>
    withServer(async ({ post, lines }) => {
      const body = sealRequest(KEY, DEVICE, SALT, encodeMessagePack(requestOf({})))
      const other = "ffffffffffffffff"
      const cases: [Uint8Array, string, string][] = [
        [body, other, "device"],
        [body, "nonsense", "device"],
        [sealRequest(KEY, other, SALT, encodeMessagePack(requestOf({}))), DEVICE, "seal"],
      ]
      for (const [bytes, device, code] of cases) {
        const response = await post(bytes, device)
        assert.equal(response.statusCode, 404)
        assert.equal(response.rawPayload.length, 0)
        assert.equal(lines.at(-1)?.code, code)
      }
    }))

  test("answers 404 without a body to paths that are no sync endpoint", () =>
    withServer(async ({ app }) => {
      for (const [method, url] of [
        ["GET", `/v1/sync/${DEVICE}`],
        ["POST", "/v1/sync"],
        ["POST", `/v1/sync/${"f".repeat(200)}`],
        ["POST", `/v2/sync/${DEVICE}`],
      ] as const) {
        const response = await app.inject({ method, url })
        assert.deepEqual([response.statusCode, response.rawPayload.length], [404, 0], url)
      }
    }))

  test("refuses every hostile request vector with its code in the log and stores nothing", () =>
    withServer(async ({ post, lines, fixture }) => {
      for (const vector of readVectors("request").vectors) {
        if (vector.error === undefined) continue
        const response = await post(sealRequest(KEY, DEVICE, SALT, bytesOfHex(vector.hex)))
        assert.equal(response.statusCode, 400, vector.name)
        assert.equal(lines.at(-1)?.code, vector.error, vector.name)
      }
      assert.equal(await fixture.study.store.syncs.count(), 0)
      assert.equal(await fixture.study.store.plays.count(), 0)
    }))

  test("refuses a replay with 409 and serves the same records under a new number", () =>
    withServer(async ({ post, send, fixture }) => {
      const request = requestOf({ plays: [recordOf({ sequence: 1 })] })
      const body = sealRequest(KEY, DEVICE, SALT, encodeMessagePack(request))
      assert.equal((await post(body)).statusCode, 200)
      assert.equal((await post(body)).statusCode, 409)
      assert.equal(await fixture.study.store.syncs.count(), 1)
      assert.deepEqual((await send({ ...request, n: 2 })).ack, [[1, 1]])
      assert.equal(await fixture.study.store.plays.count(), 1)
    }))

  test("refuses a body above the limit with 413", () =>
    withServer(async ({ post }) => {
      assert.equal((await post(new Uint8Array(4097))).statusCode, 413)
      assert.equal((await post(new Uint8Array(0))).statusCode, 400)
    }))

  test("acknowledges nothing when the store fails, says so in the log, and works again afterwards", () =>
    withServer(async ({ fixture, post, send, lines }) => {
      const { syncs } = fixture.study.store
      const commit = syncs.commit
      syncs.commit = () => Promise.reject(new Error("disk full"))
      const request = requestOf({ plays: [recordOf({ sequence: 1 })] })
      const response = await post(sealRequest(KEY, DEVICE, SALT, encodeMessagePack(request)))
      assert.deepEqual([response.statusCode, response.rawPayload.length], [500, 0])
      assert.equal(lines.at(-1)?.reason, "disk full")
      syncs.commit = commit
      assert.deepEqual((await send(request)).ack, [[1, 1]])
    }))

  test("no random body crashes it or leaves a row, and it serves the next board", () =>
    withServer(async ({ post, send, fixture }) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, sealIt) => {
          const response = await post(sealIt ? sealRequest(KEY, DEVICE, SALT, bytes) : bytes)
          assert.ok([400, 404].includes(response.statusCode), String(response.statusCode))
        }),
        { numRuns: 300, seed: 1 },
      )
      assert.equal(await fixture.study.store.syncs.count(), 0)
      assert.deepEqual((await send({ plays: [recordOf({ sequence: 1 })] })).ack, [[1, 1]])
    }))

  test("an opened request with any bytes changed is committed whole or refused, never half", () =>
    withServer(async ({ post, fixture }) => {
      const { store } = fixture.study
      const plays = [1, 2, 3].map((sequence) => recordOf({ sequence }))
      const plain = encodeMessagePack(
        requestOf({ plays, gone: [[1, 4, 6, 1]], part: [1, 0], open: [7, 1, 5000] }),
      )
      const change = fc.tuple(fc.nat(plain.length - 1), fc.nat(255))
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
          const bytes = new Uint8Array(plain)
          for (const [at, value] of changes) bytes[at] = value
          const before = [await store.syncs.count(), await store.plays.count()]
          const { statusCode } = await post(sealRequest(KEY, DEVICE, SALT, bytes))
          assert.ok([200, 400, 409].includes(statusCode), String(statusCode))
          const after = [await store.syncs.count(), await store.plays.count()]
          if (statusCode === 200) assert.equal(after[0], before[0] + 1)
          else assert.deepEqual(after, before)
        }),
        { numRuns: 400, seed: 1 },
      )
    }))

  test("a request with any bit flipped is refused", () =>
    withServer(async ({ post, fixture }) => {
      const body = sealRequest(KEY, DEVICE, SALT, encodeMessagePack(requestOf({})))
      await fc.assert(
        fc.asyncProperty(fc.nat(body.length * 8 - 1), async (bit) => {
          const flipped = new Uint8Array(body)
          flipped[bit >> 3] ^= 1 << (bit & 7)
          assert.equal((await post(flipped)).statusCode, 404)
        }),
        { numRuns: 100, seed: 1 },
      )
      assert.equal(await fixture.study.store.syncs.count(), 0)
    }))

  test("closes a connection that speaks no HTTP or sends chunks, and serves others meanwhile", () =>
    withServer(async ({ app, fixture }) => {
      await app.listen({ port: 0, host: "127.0.0.1" })
      const { port } = app.server.address() as { port: number }
      const raw = (text: string): Promise<string> =>
        new Promise((resolve) => {
          const socket = connect(port, "127.0.0.1", () => socket.write(text))
          let received = ""
          socket.on("data", (chunk) => {
            received += chunk.toString("latin1")
          })
          socket.on("error", () => {})
          socket.on("close", () => resolve(received))
        })
      const half = connect(port, "127.0.0.1", () =>
        half.write(`POST /v1/sync/${DEVICE} HTTP/1.1\r\nContent-Le`),
      )
      half.on("error", () => {})
      assert.match(await raw("\x00\x01\x02 nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /)
      const chunked = `POST /v1/sync/${DEVICE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`
      assert.match(await raw(chunked), /^HTTP\/1\.1 411 /)
      const body = sealRequest(KEY, DEVICE, SALT, encodeMessagePack(requestOf({})))
      const response = await fetch(`http://127.0.0.1:${port}/v1/sync/${DEVICE}`, {
        method: "POST",
        body: Buffer.from(body),
      })
      assert.equal(response.status, 200)
      half.destroy()
      assert.equal(await fixture.study.store.syncs.count(), 1)
    }))
})

describe("playlist download", () => {
  const items = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      song: i + 1,
      utility: null,
      information: null,
      tag: i === 0 ? ("explore" as const) : ("exploit" as const),
      propensity: 0.1,
      rank: i + 1,
      reason: null,
    }))

  test("comes in parts, is confirmed when the board plays it, and is not offered again", () =>
    withServer(async ({ fixture, send }) => {
      const store = fixture.study.store
      const list = { subject: 1, wave: 1, design: "random", at: START, items: items(250), summary: {} }
      await publish(store, list)
      const first = (await send({ n: 1 })).list!
      assert.deepEqual([first.ver, first.k, first.of, first.size], [1, 0, 2, 1516])
      assert.equal((await store.playlists.latest(DEVICE))?.state, "sent")
      const second = (await send({ n: 2, part: [1, 1] })).list!
      assert.equal(second.k, 1)
      const whole = unpackPlaylist(new Uint8Array(Buffer.concat([first.data, second.data])))
      assert.equal(whole.version, 1)
      assert.deepEqual(whole.items[0], { song: 1, lengthMs: 180000, flags: 1 })
      assert.deepEqual(whole.items[249], { song: 250, lengthMs: 180000, flags: 0 })
      assert.equal((await send({ n: 3, part: [1, 2] })).list, undefined)
      assert.equal((await send({ n: 4, next: 1 })).list, undefined)
      assert.equal((await store.playlists.latest(DEVICE))?.state, "sent")
      assert.equal((await send({ n: 5, list: 1 })).list, undefined)
      assert.equal((await store.playlists.latest(DEVICE))?.state, "confirmed")
    }))

  test("starts over when a newer version replaces the one that was coming in", () =>
    withServer(async ({ fixture, send }) => {
      const list = { subject: 1, wave: 1, design: "random", at: START, items: items(250), summary: {} }
      await publish(fixture.study.store, list)
      await send({ n: 1 })
      await publish(fixture.study.store, { ...list, wave: 2 })
      const part = (await send({ n: 2, part: [1, 1] })).list!
      assert.deepEqual([part.ver, part.k], [2, 0])
      assert.deepEqual(
        (await fixture.study.store.playlists.all()).map((p) => p.state),
        ["superseded", "sent"],
      )
    }))

  test("is not offered again after a refusal, whose code is kept", () =>
    withServer(async ({ fixture, send }) => {
      const list = { subject: 1, wave: 1, design: "random", at: START, items: items(3), summary: {} }
      await publish(fixture.study.store, list)
      await send({ n: 1 })
      assert.equal((await send({ n: 2, refused: [1, 4] })).list, undefined)
      assert.equal((await send({ n: 3 })).list, undefined)
      const kept = await fixture.study.store.playlists.latest(DEVICE)
      assert.deepEqual([kept?.state, kept?.refusedCode], ["refused", 4])
      await publish(fixture.study.store, { ...list, wave: 2 })
      assert.equal((await send({ n: 4, refused: [1, 4] })).list?.ver, 2)
    }))

  test("a play names the playlist it came from, and a position outside it is quarantined", () =>
    withServer(async ({ fixture, send }) => {
      const list = { subject: 1, wave: 1, design: "random", at: START, items: items(3), summary: {} }
      const { id } = await publish(fixture.study.store, list)
      const plays = [
        recordOf({ sequence: 1, position: 2, song: 3 }),
        recordOf({ sequence: 2, position: 3, song: 3 }),
      ]
      assert.deepEqual((await send({ list: 1, plays })).ack, [[1, 2]])
      assert.deepEqual(
        (await fixture.study.store.plays.all()).map((p) => p.playlist),
        [id],
      )
      assert.deepEqual(
        (await fixture.study.store.syncs.quarantine()).map((q) => [q.sequence, q.reason]),
        [[2, "position"]],
      )
    }))
})
