// A fleet of boards without firmware: they speak the real protocol with sealed bodies over real sockets, keep their
// records until they are acknowledged, and remember what was. Thousands of them fit into one process.

import { connect } from "node:net"
import { END_FINISHED, END_SKIPPED, packRecord, RECORD_BYTES } from "../../src/record.js"
import { KEY_BYTES, MAX_PLAYS, SALT_BYTES, SYNC_PATH } from "../../src/wire.js"
import { type Rng, stream } from "../model/random.js"
import { encodeMessagePack } from "../protocol/messagepack.js"
import { decodeReply } from "../protocol/reply.js"
import { openReply, sealRequest } from "../protocol/seal.js"
import { enrol } from "../study/enrol.js"
import type { Study } from "../study/study.js"
import { bytesFrom } from "./random-bytes.js"
import { smallStudy } from "./small-study.js"

const SONGS = 40
const SONG_SECONDS = 180
const START = Date.UTC(2025, 0, 6, 8)
const FIRMWARE = "0.1.0"
const LOG_RECORDS = 400
/** Uptime of a board when its first listen begins, and between the starts of two. */
const FIRST_LISTEN_MS = 60_000
const LISTEN_MS = SONG_SECONDS * 1000

/** What came back over a connection: a whole reply. Anything else is an error. */
export interface HttpReply {
  status: number
  body: Uint8Array
  /** Seconds, where the server says so. */
  retryAfter: number | null
}

export class FleetBoard {
  readonly device: string
  readonly key: Uint8Array
  readonly epoch: number
  /** Every record the board has made; number n stands at n − 1. */
  readonly records: Uint8Array[] = []
  /** Records up to this one are acknowledged. */
  acked = 0
  /** What the host must never do. */
  readonly violations: string[] = []
  private readonly rng: Rng
  private counter = 0

  constructor(
    seed: number,
    readonly subject: number,
  ) {
    this.rng = stream(seed, "fleet", subject)
    this.device = `f1ee7${subject.toString(16).padStart(11, "0")}`
    this.key = bytesFrom(this.rng)(KEY_BYTES)
    this.epoch = this.rng.int(2 ** 31)
  }

  /** `count` listens end. */
  hear(count: number): void {
    for (let i = 0; i < count; i++) {
      const sequence = this.records.length + 1
      const skipped = this.rng.int(2) === 0
      const bytes = new Uint8Array(RECORD_BYTES)
      const record = {
        sequence,
        boot: 1,
        startMs: FIRST_LISTEN_MS + (sequence - 1) * LISTEN_MS,
        song: 1 + this.rng.int(SONGS),
        listVersion: 0,
        position: 0,
        heardMs: skipped ? 1000 + this.rng.int(LISTEN_MS - 1000) : LISTEN_MS,
        reason: skipped ? END_SKIPPED : END_FINISHED,
        flags: 0,
        pauses: 0,
        volume: 8,
      }
      packRecord(record, bytes, 0)
      this.records.push(bytes)
    }
  }

  /** Records that no acknowledgement covers. */
  get unacknowledged(): number {
    return this.records.length - this.acked
  }

  /** One exchange with the server on `port` of this machine; gives the status. Throws where no whole reply comes. */
  async exchange(port: number): Promise<number> {
    const { device, key, acked } = this
    const { reply, salt, sent } = await this.send(port)
    if (reply.status !== 200) return reply.status
    const { ack } = decodeReply(openReply(key, device, salt, reply.body))
    const upTo = Math.max(0, ...ack.map(([, to]) => to))
    if (upTo < acked) this.violations.push(`${device}: ${acked} were acknowledged, now ${upTo}`)
    if (upTo > acked + sent) this.violations.push(`${device}: ${upTo} acknowledged before it was sent`)
    this.acked = Math.max(acked, Math.min(upTo, acked + sent))
    return reply.status
  }

  /** Sends a request whatever answers it: the reply as it came, the request's salt and its number of records. */
  async send(port: number): Promise<{ reply: HttpReply; salt: Uint8Array; sent: number }> {
    const { device, key, records, acked } = this
    const plays = records.slice(acked, acked + MAX_PLAYS)
    const plain = encodeMessagePack({
      v: 1,
      fw: FIRMWARE,
      epoch: this.epoch,
      boot: 1,
      up: FIRST_LISTEN_MS + records.length * LISTEN_MS,
      n: ++this.counter,
      plays,
      gone: [],
      list: 0,
      health: { log: this.unacknowledged, cap: LOG_RECORDS, full: 0, audio: 0, fails: 0, store: 1, vol: 8 },
    })
    const salt = bytesFrom(this.rng)(SALT_BYTES)
    const reply = await post(port, device, sealRequest(key, device, salt, plain))
    return { reply, salt, sent: plays.length }
  }
}

/** A study in the new folder `dir` in which the subjects 1 to `count` carry boards of the fleet. */
export async function fleetStudy(
  dir: string,
  { seed, count }: { seed: number; count: number },
): Promise<{ study: Study; boards: FleetBoard[] }> {
  const study = await smallStudy(dir, { name: "fleet", seed, at: START }, Array(SONGS).fill(SONG_SECONDS))
  const boards = Array.from({ length: count }, (_, i) => new FleetBoard(seed, i + 1))
  const arm = study.plan.arms[0].name
  for (const { subject, device, key } of boards) {
    await enrol(study.store, { subject, device, key, arm, at: START })
  }
  return { study, boards }
}

/** An exchange that takes longer has failed, as on a board. */
const REQUEST_MS = 10_000

/** Posts a sealed body as the firmware does: one connection, closed after the reply. */
function post(port: number, device: string, body: Uint8Array): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        `POST ${SYNC_PATH}${device} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n` +
          `content-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n`,
      )
      socket.write(body)
    })
    socket.setTimeout(REQUEST_MS, () => socket.destroy(new Error("http: timeout")))
    socket.on("data", (piece) => pieces.push(piece))
    socket.on("error", reject)
    socket.on("close", () => {
      try {
        resolve(readReply(Buffer.concat(pieces)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

function readReply(bytes: Buffer): HttpReply {
  const end = bytes.indexOf("\r\n\r\n")
  const head = bytes.subarray(0, Math.max(0, end)).toString("latin1")
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  const body = bytes.subarray(end + 4)
  if (status === null || length === null || body.length !== Number(length[1])) {
    throw new Error(`http: no whole reply in ${bytes.length} bytes`)
  }
  const retry = /\r\nretry-after: (\d+)/i.exec(head)
  return { status: Number(status[1]), body, retryAfter: retry === null ? null : Number(retry[1]) }
}
