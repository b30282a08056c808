// The board's end of the serial link, with a host on the bus that answers as it should not.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../host/model/random.js"
import { BusDevice } from "../../host/serial/bus-device.js"
import { Exchanges } from "../../host/serial/exchanges.js"
import { SERIAL_GET, SERIAL_HEAD_BYTES, SERIAL_PUT, SERIAL_REFUSED, SYNC_PATH } from "../../src/wire.js"
import type { Board } from "./bench/board.js"
import type { TestHost } from "./bench/host.js"
import { boardWithList } from "./bench/session.js"

const PEER = "5e71a15e71a15e71"
const LATENCY_MS = 4
/** A host that is gone is no longer bound by then. */
const GONE_MS = 10_000

/** A host on the board's bus that answers with what `host` says, twisted. */
class Peer {
  twist: (answer: Uint8Array | undefined, question: Uint8Array) => Uint8Array | undefined = (answer) => answer
  /** Before each frame the last one comes again, and each comes twice. */
  repeats = false
  questions = 0
  private readonly device: BusDevice

  constructor(board: Board, host: TestHost) {
    const { clock } = board
    const exchanges = new Exchanges(
      async (device, body) => {
        const received = { head: `POST ${SYNC_PATH}${device} HTTP/1.1`, body, at: clock.now() }
        const reaction = host.serve(received)
        assert.ok(typeof reaction === "object")
        const bytes = Buffer.concat(reaction.pieces.map((piece) => piece.bytes))
        const status = Number(bytes.toString("latin1", 9, 12))
        return { status, body: bytes.subarray(bytes.indexOf("\r\n\r\n") + 4) }
      },
      () => {},
    )
    let last: Uint8Array | undefined
    this.device = new BusDevice({
      id: PEER,
      clock,
      send: (frame) => {
        const frames = this.repeats && last !== undefined ? [last, frame, frame] : [frame]
        last = frame
        for (const each of frames) clock.setTimeout(() => board.receiveFrame(each), LATENCY_MS)
      },
      asked: (question) => {
        this.questions++
        return this.twist(exchanges.answer(question), question)
      },
      announced: () => {},
    })
    board.onFrame = (frame) => clock.setTimeout(() => this.device.hear(frame), LATENCY_MS)
    this.device.start()
  }

  unplug(): void {
    this.device.stop()
  }
}

/** A board with listens that no host has yet. */
async function boardWithListens(count: number): Promise<{ board: Board; host: TestHost }> {
  const { board, host } = await boardWithList()
  host.plan.sync = 0
  await board.press("play", 2000)
  await board.clock.advance(2000)
  await board.press("play")
  for (let i = 0; i < count; i++) {
    await board.clock.advance(500)
    await board.press("skip")
  }
  return { board, host }
}

test("a board with an address syncs over the bus while a host is on it, and over the network afterwards", async () => {
  const { board, host } = await boardWithListens(200)
  const before = { opened: board.network.opened, requests: host.requests.length }
  const peer = new Peer(board, host)
  await board.clock.advance(10_000)
  assert.equal(host.plays.size, 200)
  assert.equal(host.requests.length, before.requests + 2)
  assert.equal(board.network.opened, before.opened)
  peer.unplug()
  await board.clock.advance(GONE_MS)
  await board.press("skip")
  await board.press("play", 2000)
  await board.clock.advance(5000)
  assert.equal(host.plays.size, 201)
  assert.ok(board.network.opened > before.opened)
})

const rng = stream(1, "hostile answers")
const copy = (answer: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array => {
  const bytes = Uint8Array.from(answer)
  change(bytes)
  return bytes
}
const isGet = (answer: Uint8Array): boolean => answer[8] === SERIAL_GET

/** What a host may answer, and how the board's sync fails. */
const HOSTILE: Record<string, { twist: (answer: Uint8Array) => Uint8Array | undefined; fault: string }> = {
  nothing: { twist: () => undefined, fault: "serial: no answer" },
  "for another board": { twist: (a) => copy(a, (b) => b[0]++), fault: "serial: no answer" },
  "for another exchange": { twist: (a) => copy(a, (b) => b[9]++), fault: "serial: no answer" },
  "another piece": { twist: (a) => copy(a, (b) => b[10]++), fault: "serial: no answer" },
  "a reply before it is asked for": {
    twist: (a) => copy(a, (b) => (b[8] = b[8] === SERIAL_PUT ? SERIAL_GET : SERIAL_PUT)),
    fault: "serial: no answer",
  },
  "a kind that there is not": { twist: (a) => copy(a, (b) => (b[8] = 99)), fault: "serial: no answer" },
  "less than a head": { twist: (a) => a.slice(0, SERIAL_HEAD_BYTES - 1), fault: "serial: no answer" },
  "random bytes": {
    twist: () => Uint8Array.from({ length: rng.int(220) }, () => rng.int(256)),
    fault: "serial: no answer",
  },
  "a reply that is never ready": {
    twist: (a) => (isGet(a) ? copy(a, (b) => (b[11] = 0)) : a),
    fault: "serial: no answer",
  },
  "a reply without end": {
    twist: (a) => {
      if (!isGet(a)) return a
      const full = new Uint8Array(SERIAL_HEAD_BYTES + 200)
      full.set(a.subarray(0, SERIAL_HEAD_BYTES))
      full[11] = 255
      return full
    },
    fault: "serial: reply too long",
  },
  "an empty reply": {
    twist: (a) => (isGet(a) ? copy(a.slice(0, SERIAL_HEAD_BYTES), (b) => (b[11] = 1)) : a),
    fault: "size: body of 0 bytes",
  },
  "a reply with a bit changed": {
    twist: (a) => (isGet(a) ? copy(a, (b) => (b[30] ^= 4)) : a),
    fault: "seal: does not open",
  },
  "a refusal": {
    twist: (a) => (isGet(a) ? refusal(a, Uint8Array.of(0x94, 0x01)) : a),
    fault: "http: status 404",
  },
  "a refusal without its status": {
    twist: (a) => (isGet(a) ? refusal(a, new Uint8Array(0)) : a),
    fault: "http: status undefined",
  },
}

function refusal(answer: Uint8Array, status: Uint8Array): Uint8Array {
  const head = copy(answer.slice(0, SERIAL_HEAD_BYTES), (bytes) => (bytes[8] = SERIAL_REFUSED))
  return Buffer.concat([head, status])
}

for (const [what, { twist, fault }] of Object.entries(HOSTILE)) {
  test(`a host that answers ${what} stops neither the music nor a later sync`, async () => {
    const { board, host } = await boardWithListens(3)
    const sounding = board.sound.sounded.length
    const lines = board.lines.length
    const peer = new Peer(board, host)
    peer.twist = (answer, question) => twist(answer ?? question)
    await board.clock.advance(14_000)
    assert.ok(peer.questions > 0)
    const failed = board.lines.slice(lines).filter((line) => line.includes("sync: "))
    assert.ok(failed.length > 0 && failed.every((line) => line.includes(fault)), JSON.stringify(failed))
    peer.twist = (answer) => answer
    // The first pause after a failure.
    await board.clock.advance(25_000, () => host.requests.at(-1)?.health.log === 3)
    await board.clock.advance(1000)
    assert.equal(host.plays.size, 3)
    assert.equal(board.sound.sounded.length, sounding)
    assert.deepEqual(board.panics, [])
  })
}

test("answers that come twice and late change nothing", async () => {
  const { board, host } = await boardWithListens(200)
  const before = host.requests.length
  const peer = new Peer(board, host)
  peer.repeats = true
  await board.clock.advance(10_000)
  assert.equal(host.plays.size, 200)
  assert.equal(host.requests.length, before + 2)
  assert.deepEqual(board.panics, [])
})

test("many failures on the network do not keep a board from trying again soon on the bus", async () => {
  const { board, host } = await boardWithListens(3)
  host.plan.sync = 1
  await board.press("play", 2000)
  await board.clock.advance(2000)
  host.failure = "refused"
  // Pauses have grown to half an hour.
  await board.clock.advance(4 * 3_600_000)
  host.failure = undefined
  await board.press("skip")
  const peer = new Peer(board, host)
  peer.twist = () => undefined
  await board.clock.advance(8000)
  peer.twist = (answer) => answer
  const before = host.requests.length
  await board.clock.advance(25_000)
  assert.ok(host.requests.length > before)
  assert.ok(host.requests.at(-1)!.health.fails > 8)
})
