// Who may see the page and the API, and how often anybody may try.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { InjectOptions } from "fastify"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { sealRequest } from "../../../host/protocol/seal.js"
import { Limits } from "../../../host/server/limits.js"
import { buildServer } from "../../../host/server/server.js"
import { DEVICE, KEY, requestOf, START, withStudy } from "../study/folder.js"

const TOKEN = "0123456789abcdef-token"
const FAR = "192.168.1.20"

interface World {
  ask(options: InjectOptions): Promise<{ statusCode: number; headers: Record<string, unknown>; body: string }>
  /** A sync from an address; `n` is its counter, `key` what it is sealed with. */
  sync(n: number, from?: string, key?: Uint8Array, device?: string): Promise<{ status: number; wait: number }>
  pass(ms: number): void
}

function withServer(token: string | undefined, body: (world: World) => Promise<void>): Promise<void> {
  return withStudy(async ({ study }) => {
    let time = START
    const now = (): number => time
    const app = buildServer({ study, now, random: (n) => new Uint8Array(n), token, limits: new Limits(now) })
    try {
      await body({
        ask: (options) => app.inject(options) as never,
        async sync(n, remoteAddress = FAR, key = KEY, device = DEVICE) {
          const payload = sealRequest(key, device, new Uint8Array(16), encodeMessagePack(requestOf({ n })))
          const { statusCode, headers } = await app.inject({
            method: "POST",
            url: `/v1/sync/${device}`,
            headers: { "content-length": String(payload.length), "content-type": "application/octet-stream" },
            payload: Buffer.from(payload),
            remoteAddress,
          })
          return { status: statusCode, wait: Number(headers["retry-after"] ?? 0) }
        },
        pass(ms) {
          time += ms
        },
      })
    } finally {
      await app.close()
    }
  })
}

describe("the page and the API", () => {
  for (const url of ["/", "/api/overview", "/api/subjects/1"]) {
    test(`${url} is refused to another machine, with a text that says what to do`, () =>
      withServer(undefined, async ({ ask }) => {
        const { statusCode, body } = await ask({ url, remoteAddress: FAR })
        assert.equal(statusCode, 401)
        assert.match(body, /token/)
      }))
  }

  test("are open at this machine under its own names, and under no other (DNS rebinding)", () =>
    withServer(undefined, async ({ ask }) => {
      const hosts: [string, string, number][] = [
        ["localhost:8137", "127.0.0.1", 200],
        ["127.0.0.1:8137", "127.0.0.1", 200],
        ["[::1]:8137", "::1", 200],
        ["LOCALHOST", "::ffff:127.0.0.1", 200],
        ["evil.example:8137", "127.0.0.1", 401],
        ["localhost.evil.example", "127.0.0.1", 401],
        ["127.0.0.1.evil.example", "127.0.0.1", 401],
        ["localhost:8137", FAR, 401],
        ["localhost", "::ffff:192.168.1.20", 401],
      ]
      for (const [host, remoteAddress, status] of hosts) {
        const { statusCode } = await ask({ url: "/api/overview", headers: { host }, remoteAddress })
        assert.equal(statusCode, status, `${host} from ${remoteAddress}`)
      }
    }))

  test("open elsewhere with the token, which a cookie then stands for without giving it away", () =>
    withServer(TOKEN, async ({ ask }) => {
      const from = { remoteAddress: FAR }
      const first = await ask({ url: `/api/overview?token=${TOKEN}`, ...from })
      assert.deepEqual([first.statusCode, first.headers.location], [303, "/api/overview"])
      const cookie = String(first.headers["set-cookie"])
      assert.match(cookie, /; HttpOnly; SameSite=Strict; Path=\//)
      assert.ok(!cookie.includes(TOKEN))
      const open = async (headers: Record<string, string>): Promise<number> =>
        (await ask({ url: "/api/overview", headers, ...from })).statusCode
      assert.equal(await open({ cookie: cookie.split(";")[0] }), 200)
      assert.equal(await open({ authorization: `Bearer ${TOKEN}` }), 200)
      assert.equal(await open({ cookie: `fieldtune=${TOKEN}` }), 401)
      assert.equal(await open({ authorization: "Bearer wrong" }), 401)
      assert.equal((await ask({ url: "/api/overview?token=wrong", ...from })).statusCode, 401)
      assert.equal(
        (await ask({ url: `//evil.example?token=${TOKEN}`, ...from })).headers.location ?? "/",
        "/",
      )
    }))

  test("guesses at the token run out", () =>
    withServer(TOKEN, async ({ ask }) => {
      const statuses: number[] = []
      for (let i = 0; i < 80; i++) {
        statuses.push((await ask({ url: `/?token=guess${i}`, remoteAddress: FAR })).statusCode)
      }
      assert.deepEqual([statuses[0], statuses[79]], [401, 429])
      assert.equal((await ask({ url: `/?token=${TOKEN}`, remoteAddress: FAR })).statusCode, 429)
      assert.equal((await ask({ url: `/?token=${TOKEN}`, remoteAddress: "192.168.1.21" })).statusCode, 303)
    }))

  test("how the server is says nothing of the study to strangers", () =>
    withServer(TOKEN, async ({ ask }) => {
      assert.deepEqual(JSON.parse((await ask({ url: "/v1/health", remoteAddress: FAR })).body), { ok: true })
      const known = JSON.parse((await ask({ url: "/v1/health" })).body)
      assert.deepEqual([known.ok, known.study, known.plays], [true, "study", 0])
    }))
})

describe("rate limits", () => {
  test("a board that makes 300 exchanges at once is not held up; a stolen key is", () =>
    withServer(undefined, async ({ sync, pass }) => {
      for (let n = 1; n <= 300; n++) assert.equal((await sync(n)).status, 200, `exchange ${n}`)
      const refused = await sync(301)
      assert.equal(refused.status, 429)
      assert.ok(refused.wait >= 1)
      pass(1000 * refused.wait)
      assert.equal((await sync(301)).status, 200)
    }))

  test("guesses at keys and ids run out at their address, and the board itself is served there and elsewhere", () =>
    withServer(undefined, async ({ sync, pass }) => {
      assert.equal((await sync(1)).status, 200)
      const wrong = new Uint8Array(32)
      const seen = new Set<number>()
      for (let i = 0; i < 100; i++) {
        seen.add((await sync(2, FAR, wrong, (i + 1).toString(16).padStart(16, "0"))).status)
      }
      assert.deepEqual([...seen], [404, 429])
      assert.equal((await sync(2)).status, 200)
      const other = "192.168.1.21"
      for (let i = 0; i < 100; i++) await sync(3, other, wrong)
      assert.equal((await sync(3, other, wrong)).status, 429)
      assert.equal((await sync(3)).status, 200)
      pass(600_000)
      assert.equal((await sync(4, other)).status, 200)
    }))
})
