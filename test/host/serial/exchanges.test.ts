import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { Exchanges, type SerialReply } from "../../../host/serial/exchanges.js"
import {
  MAX_BODY_BYTES,
  SERIAL_GET,
  SERIAL_HEAD_BYTES,
  SERIAL_PIECE_BYTES,
  SERIAL_PUT,
  SERIAL_REFUSED,
} from "../../../src/wire.js"

const DEVICE = "00112233aabbccdd"
const GET = SERIAL_HEAD_BYTES

interface Question {
  device?: string
  kind: number
  exchange?: number
  piece: number
  pieces?: number
  bytes?: Uint8Array
}

function question({ device = DEVICE, kind, exchange = 7, piece, pieces = 0, bytes }: Question): Uint8Array {
  const head = Uint8Array.of(kind, exchange, piece, pieces)
  return Buffer.concat([Buffer.from(device, "hex"), head, bytes ?? new Uint8Array(0)])
}

/** The questions that bring `body`. */
function puts(body: Uint8Array, exchange = 7, device = DEVICE): Uint8Array[] {
  const pieces = Math.ceil(body.length / SERIAL_PIECE_BYTES)
  return Array.from({ length: pieces }, (_, piece) => {
    const bytes = body.subarray(piece * SERIAL_PIECE_BYTES, (piece + 1) * SERIAL_PIECE_BYTES)
    return question({ device, kind: SERIAL_PUT, exchange, piece, pieces, bytes })
  })
}

function bodyOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 13) & 255)
}

/** Takes requests and replies to them as the test says. */
class Server {
  readonly taken: { device: string; body: Uint8Array }[] = []
  delivered = 0
  /** The reply waits for `release`. */
  release: (() => void) | undefined
  readonly exchanges: Exchanges

  constructor(reply: (body: Uint8Array) => SerialReply, slow = false) {
    this.exchanges = new Exchanges(
      async (device, body) => {
        this.taken.push({ device, body })
        if (slow) {
          await new Promise<void>((resolve) => {
            this.release = resolve
          })
        }
        return reply(body)
      },
      () => this.delivered++,
    )
  }

  ask(asked: Uint8Array): Uint8Array | undefined {
    return this.exchanges.answer(asked)
  }

  /** Fetches the whole reply as a board does. */
  fetch(exchange = 7): Uint8Array {
    let body: Uint8Array = new Uint8Array(0)
    for (let piece = 0; ; piece++) {
      const answer = this.ask(question({ kind: SERIAL_GET, exchange, piece }))
      assert.ok(answer !== undefined)
      body = Buffer.concat([body, answer.subarray(GET)])
      if (piece === answer[11] - 1) return body
    }
  }
}

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })
const echo = (body: Uint8Array): SerialReply => ({ status: 200, body })
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe("exchanges in pieces", () => {
  test("a request comes whole, once, and its reply goes back, for every length", async () => {
    for (const length of [1, 24, 199, 200, 201, 400, 4095, MAX_BODY_BYTES]) {
      const server = new Server(echo)
      const body = bodyOf(length)
      for (const asked of puts(body)) {
        assert.deepEqual(server.ask(asked), Buffer.from(asked.subarray(0, SERIAL_HEAD_BYTES)))
      }
      await settle()
      assert.deepEqual(server.taken, [{ device: DEVICE, body }])
      assert.deepEqual(new Uint8Array(server.fetch()), body)
      assert.equal(server.delivered, 1)
    }
  })

  test("pieces in any order, each any number of times, give the same request once", async () => {
    const order = fc.array(fc.nat({ max: 20 }), { maxLength: 80 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: MAX_BODY_BYTES }), order, async (length, picks) => {
        const server = new Server(echo)
        const body = bodyOf(length)
        const all = puts(body)
        // The first one is answered before a board asks the others.
        const asked = [all[0], ...picks.map((pick) => all[pick % all.length]), ...all, all[0]]
        for (const each of asked) assert.ok(server.ask(each) !== undefined)
        await settle()
        assert.deepEqual(server.taken, [{ device: DEVICE, body }])
        assert.deepEqual(new Uint8Array(server.fetch()), body)
      }),
      { seed: 4, numRuns: 60 },
    )
  })

  test("while the server is busy, there is no piece of a reply; then there is", async () => {
    const server = new Server(echo, true)
    const [asked] = puts(bodyOf(30))
    server.ask(asked)
    const get = question({ kind: SERIAL_GET, piece: 0 })
    assert.deepEqual(server.ask(get), get)
    server.ask(asked)
    server.release?.()
    await settle()
    assert.equal(server.taken.length, 1)
    assert.equal(server.ask(get)?.[11], 1)
    assert.equal(server.delivered, 1)
  })

  test("a refusal carries its status", async () => {
    const server = new Server(() => ({ status: 404, body: new Uint8Array(0) }))
    for (const asked of puts(bodyOf(30))) server.ask(asked)
    await settle()
    const answer = server.ask(question({ kind: SERIAL_GET, piece: 0 }))!
    assert.equal(answer[8], SERIAL_REFUSED)
    assert.equal(Buffer.from(answer).readUInt16LE(SERIAL_HEAD_BYTES), 404)
    assert.equal(server.delivered, 0)
  })

  test("a request above the limit of a body is refused and not handed on", async () => {
    const server = new Server(echo)
    for (const asked of puts(bodyOf(MAX_BODY_BYTES + 1))) server.ask(asked)
    await settle()
    assert.deepEqual(server.taken, [])
    const answer = server.ask(question({ kind: SERIAL_GET, piece: 0 }))!
    assert.equal(Buffer.from(answer).readUInt16LE(SERIAL_HEAD_BYTES), 413)
  })

  test("what fits nothing gets no answer", () => {
    const server = new Server(echo)
    const full = new Uint8Array(SERIAL_PIECE_BYTES)
    const stray: [string, Uint8Array][] = [
      ["too short", question({ kind: SERIAL_PUT, piece: 0, pieces: 1 }).subarray(0, 11)],
      ["kind 0", question({ kind: 0, piece: 0, pieces: 1, bytes: full })],
      ["an answer", question({ kind: SERIAL_REFUSED, piece: 0, pieces: 1, bytes: full })],
      ["no pieces", question({ kind: SERIAL_PUT, piece: 0, pieces: 0, bytes: full })],
      ["too many pieces", question({ kind: SERIAL_PUT, piece: 0, pieces: 22, bytes: full })],
      ["a piece beyond the last", question({ kind: SERIAL_PUT, piece: 2, pieces: 2, bytes: full })],
      [
        "a first piece that is not full",
        question({ kind: SERIAL_PUT, piece: 0, pieces: 2, bytes: full.subarray(1) }),
      ],
      ["an empty piece", question({ kind: SERIAL_PUT, piece: 0, pieces: 1 })],
      ["too long a piece", question({ kind: SERIAL_PUT, piece: 0, pieces: 1, bytes: new Uint8Array(201) })],
      ["a second piece before the first", question({ kind: SERIAL_PUT, piece: 1, pieces: 2, bytes: full })],
      ["a reply to nothing", question({ kind: SERIAL_GET, piece: 0 })],
    ]
    for (const [what, asked] of stray) assert.equal(server.ask(asked), undefined, what)
  })

  test("questions of which some are cut or garbled: only what was put is ever handed on", async () => {
    const requests = [puts(bodyOf(900, 1), 7), puts(bodyOf(700, 2), 7), puts(bodyOf(300, 3), 8)]
    const gets = [0, 1, 2].map((piece) => question({ kind: SERIAL_GET, piece }))
    const all = [...requests.flat(), ...gets]
    const asking = fc.record({
      pick: fc.nat({ max: all.length - 1 }),
      cut: rarely(fc.nat({ max: 240 })),
      garble: rarely(fc.record({ at: fc.nat({ max: 20 }), byte: fc.nat({ max: 255 }) })),
    })
    let handed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(asking, { minLength: 20, maxLength: 80 }), async (picks) => {
        const server = new Server(echo)
        const put = new Set<string>()
        for (const { pick, cut, garble } of picks) {
          const asked = Uint8Array.from(all[pick]).slice(0, cut ?? undefined)
          if (garble !== null && garble.at < asked.length) asked[garble.at] = garble.byte
          put.add(Buffer.from(asked.subarray(SERIAL_HEAD_BYTES)).toString("hex"))
          server.ask(asked)
        }
        await settle()
        handed += server.taken.length
        for (const { body } of server.taken) {
          for (let at = 0; at < body.length; at += SERIAL_PIECE_BYTES) {
            const piece = Buffer.from(body.subarray(at, at + SERIAL_PIECE_BYTES)).toString("hex")
            assert.ok(put.has(piece))
          }
        }
      }),
      { seed: 8, numRuns: 300 },
    )
    assert.ok(handed > 100, `${handed} requests`)
  })

  test("there is no answer to a piece of the reply beyond its last, nor before the request is whole", async () => {
    const server = new Server(echo)
    const [first, second] = puts(bodyOf(300))
    server.ask(first)
    assert.equal(server.ask(question({ kind: SERIAL_GET, piece: 0 })), undefined)
    server.ask(second)
    await settle()
    assert.equal(server.ask(question({ kind: SERIAL_GET, piece: 1 }))?.[11], 2)
    assert.equal(server.ask(question({ kind: SERIAL_GET, piece: 2 })), undefined)
  })

  test("a late piece of an older exchange does not end the one that goes on", async () => {
    const server = new Server(echo)
    const older = puts(bodyOf(500, 1), 7)
    for (const asked of older) server.ask(asked)
    const [first, ...others] = puts(bodyOf(500, 2), 8)
    server.ask(first)
    for (const asked of older) server.ask(asked)
    for (const asked of others) server.ask(asked)
    await settle()
    assert.deepEqual(
      server.taken.map(({ body }) => body),
      [bodyOf(500, 1), bodyOf(500, 2)],
    )
    assert.deepEqual(new Uint8Array(server.fetch(8)), bodyOf(500, 2))
  })

  test("a board that started again and counts from the beginning is heard", async () => {
    const server = new Server(echo)
    for (const asked of puts(bodyOf(500, 1))) server.ask(asked)
    await settle()
    for (const asked of puts(bodyOf(500, 2))) server.ask(asked)
    await settle()
    assert.deepEqual(new Uint8Array(server.fetch()), bodyOf(500, 2))
  })

  test("boards do not come in each other's way, and the newest sixty-four are kept", async () => {
    const server = new Server(echo)
    const devices = Array.from({ length: 70 }, (_, i) => i.toString(16).padStart(16, "0"))
    const requests = devices.map((device, i) => puts(bodyOf(250, i), 7, device))
    for (const piece of [0, 1]) for (const asked of requests) server.ask(asked[piece])
    await settle()
    assert.deepEqual(
      server.taken.map(({ device }) => device),
      devices.slice(6),
    )
  })
})
