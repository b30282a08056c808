// A host of one board on the bench: opens, decodes and answers with the host's own protocol code, but keeps the
// plays in memory, so that a test can say exactly what it acknowledges, offers and withholds.

import { encodeReply } from "../../../host/protocol/reply.js"
import { decodeRequest } from "../../../host/protocol/request.js"
import { openRequest, sealReply } from "../../../host/protocol/seal.js"
import { type ListenRecord, unpackRecord } from "../../../src/record.js"
import {
  type DevicePlan,
  PART_BYTES,
  SYNC_PATH,
  type SyncReply,
  type SyncRequest,
  WIRE_VERSION,
} from "../../../src/wire.js"
import { httpAnswer, type Reaction, type Received } from "./network.js"

export class TestHost {
  readonly key = new Uint8Array(32).map((_, i) => i * 7 + 1)
  /** What a board needs to find this host. */
  readonly settings = { ftkey: this.key, fthost: Buffer.from("http://10.0.0.5:8137") }
  readonly requests: SyncRequest[] = []
  /** Every record that came, by sequence; a second one under the same sequence must be equal. */
  readonly plays = new Map<number, ListenRecord>()
  readonly gone: number[][] = []
  /** Reactions other than an answer. */
  failure: "refused" | "silent" | number | undefined
  /** Whether plays are acknowledged, and up to where at most. */
  ackUpTo = Number.MAX_SAFE_INTEGER
  /** Added to what is acknowledged: more than the board has told. */
  ackBeyond = 0
  /** Flips bits of the key that seals replies. */
  replyKeyFlip = 0
  missing: number[][] = []
  plan: DevicePlan = { sync: 1, vol: 12 }
  /** Offered until the board reports the version. */
  playlist: { version: number; bytes: Uint8Array } | undefined
  private salts = 0

  constructor(private readonly device: string) {}

  serve = (request: Received | undefined): Reaction | undefined => {
    if (this.failure === "refused" || this.failure === "silent") return this.failure
    if (request === undefined) return undefined
    if (typeof this.failure === "number") return httpAnswer(this.failure, new Uint8Array(0))
    if (!request.head.startsWith(`POST ${SYNC_PATH}${this.device} HTTP/1.1`)) {
      throw new Error(`unexpected request: ${request.head}`)
    }
    const opened = openRequest(this.key, this.device, request.body)
    const decoded = decodeRequest(opened.plain)
    const salt = new Uint8Array(16).fill(++this.salts)
    const replyKey = this.key.map((byte) => byte ^ this.replyKeyFlip)
    return httpAnswer(
      200,
      sealReply(replyKey, this.device, opened.salt, salt, encodeReply(this.reply(decoded))),
    )
  }

  private reply(request: SyncRequest): SyncReply {
    this.requests.push(request)
    for (const bytes of request.plays) {
      const record = unpackRecord(bytes, 0)
      if (record === undefined) throw new Error("a record does not check")
      const known = this.plays.get(record.sequence)
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(record)) {
        throw new Error(`sequence ${record.sequence} has two contents`)
      }
      this.plays.set(record.sequence, record)
    }
    this.gone.push(...request.gone)
    let upTo = 0
    while (upTo < this.ackUpTo && this.accounted(upTo + 1)) upTo++
    const reply: SyncReply = {
      v: WIRE_VERSION,
      now: 1_732_345_678_901,
      ack: upTo + this.ackBeyond > 0 ? [[request.boot, upTo + this.ackBeyond]] : [],
      missing: this.missing,
      plan: this.plan,
    }
    this.missing = []
    const list = this.playlist
    if (list !== undefined && request.list !== list.version && request.next !== list.version) {
      const refused = request.refused?.[0] === list.version
      if (!refused) {
        const k = request.part?.[0] === list.version ? request.part[1] : 0
        const data = Buffer.from(list.bytes.subarray(k * PART_BYTES, (k + 1) * PART_BYTES))
        const of = Math.ceil(list.bytes.length / PART_BYTES)
        reply.list = { ver: list.version, k, of, size: list.bytes.length, data }
      }
    }
    return reply
  }

  private accounted(sequence: number): boolean {
    if (this.plays.has(sequence)) return true
    return this.gone.some(([, from, to]) => from <= sequence && sequence <= to)
  }
}
