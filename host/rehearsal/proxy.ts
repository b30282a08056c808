// A network at its worst, between simulated boards and a real HTTP server of Node: it keeps what passes, and by draw
// delays, splits, cuts, doubles, shuffles, drops, holds back or flips it, in both directions, gives a board another
// board's reply or an old one, and gives the host an old request. The host itself fails before and after its commit.
//
// Time stands still while the server works, so the order of everything follows from the draws alone.

import type { IncomingMessage, Server } from "node:http"
import type { Duplex } from "node:stream"
import type { VmNet } from "../firmware/bundle.js"
import type { Rng } from "../model/random.js"
import type { SyncStore } from "../store/syncs.js"
import type { VirtualClock } from "./clock.js"
import { connectTo, LATENCY_MS, PIECE_BYTES, PIECE_MS } from "./network.js"
import { type Connection, openSocket } from "./socket.js"

const REQUEST_FAULTS = [
  "refused",
  "connectHung",
  "requestDelayed",
  "requestSplit",
  "requestCut",
  "requestDoubled",
  "requestLate",
  "requestDropped",
  "requestHung",
  "requestFlipped",
  "requestReplayed",
] as const
const HOST_FAULTS = ["hostFailedBeforeCommit", "hostFailedAfterCommit"] as const
const REPLY_FAULTS = [
  "replyDelayed",
  "replySplit",
  "replyCut",
  "replyDoubled",
  "replyShuffled",
  "replyDropped",
  "replyHung",
  "replyFlipped",
  "replyForeign",
  "replyOld",
] as const

/** What can go wrong. requestLate: it reaches the host after a later one of the same board. */
export const FAULT_KINDS = [...REQUEST_FAULTS, ...HOST_FAULTS, ...REPLY_FAULTS]
export type FaultKind = (typeof FAULT_KINDS)[number]

/** Shares of the connections on which something goes wrong with the request, in the host, with the reply. */
const REQUEST_SHARE = 0.3
const HOST_SHARE = 0.08
const REPLY_SHARE = 0.3
/** Share of the splits that go down to single bytes. */
const BYTEWISE_SHARE = 0.2
/** Messages of a board that are kept to be sent again. */
const KEPT = 8
/** A board gives an exchange up after this time (REQUEST_MS of src/sync.ts). */
const PATIENCE_MS = 10_000
/** Longest time that a request is on its way. */
export const MAX_LATE_MS = 60_000

interface Draw {
  request?: (typeof REQUEST_FAULTS)[number]
  host?: (typeof HOST_FAULTS)[number]
  reply?: (typeof REPLY_FAULTS)[number]
}

/** What the network remembers of one board. */
interface Seen {
  /** Newest whole requests and replies of status 200, as they were before anything went wrong. */
  requests: Buffer[]
  replies: Buffer[]
  /** Requests are numbered as the board sends them; the highest number that has reached the host. */
  sent: number
  arrived: number
  /** Connections that neither side has closed. */
  open: number
  activeAt: number
}

/** The client's end of a connection to the host. */
interface HostLink {
  /** Sends a piece, or hangs up; gives all that the host has answered, nothing where it waits for more. */
  give(piece: Buffer): Promise<Buffer>
}

/** Instead of a piece: the client closes its side. */
const HANG_UP: Buffer = Buffer.alloc(0)
/** Turns of the event loop in which the host's parser has taken what was sent. */
const PARSER_TURNS = 4
const OK = "HTTP/1.1 200"

interface FaultyNetworkOptions {
  clock: VirtualClock
  rng: Rng
  server: Server
}

export class FaultyNetwork {
  /** Nothing goes wrong; what is on its way already still arrives. */
  good = true
  /** How often each fault really happened. */
  readonly counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>
  private readonly boards = new Map<string, Seen>()
  private hostFault: Draw["host"]

  /** Heads of requests that the host has read, by connection. */
  private readonly received = new WeakMap<Duplex, IncomingMessage>()

  constructor(private readonly options: FaultyNetworkOptions) {
    options.server.prependListener("request", (request) => this.received.set(request.socket, request))
  }

  /** What the board `device` sees of it. */
  netOf(device: string): VmNet {
    const seen: Seen = { requests: [], replies: [], sent: 0, arrived: 0, open: 0, activeAt: 0 }
    this.boards.set(device, seen)
    return { createConnection: () => this.connect(seen) }
  }

  /** The board has had no connection for `ms`. */
  quiet(device: string, ms: number): boolean {
    const { open, activeAt } = this.boards.get(device)!
    return open === 0 && this.options.clock.now() - activeAt >= ms
  }

  /** The store of a host that fails when the network says so. */
  failing(syncs: SyncStore): SyncStore {
    const takes = (kind: FaultKind): void => {
      if (this.hostFault !== kind) return
      this.hostFault = undefined
      this.counts[kind]++
      throw new Error(`rehearsed: ${kind}`)
    }
    return {
      ...syncs,
      commit: async (contact) => {
        takes("hostFailedBeforeCommit")
        const outcome = await syncs.commit(contact)
        takes("hostFailedAfterCommit")
        return outcome
      },
    }
  }

  private connect(seen: Seen) {
    const { clock } = this.options
    const draw = this.good ? {} : this.draw()
    const refused = draw.request === "refused"
    const hung = draw.request === "connectHung"
    if (refused || hung) this.counts[draw.request!]++
    let open = true
    const closed = (): void => {
      seen.activeAt = clock.now()
      if (open) seen.open--
      open = false
    }
    seen.open++
    seen.activeAt = clock.now()
    const socket = openSocket({
      clock,
      // Opens long after the board has given it up.
      latencyMs: hung ? 10 * PATIENCE_MS : LATENCY_MS,
      refused,
      onRequest: (request, connection) => {
        const close = (): void => {
          connection.close()
          closed()
        }
        this.carry(seen, request, { ...connection, close }, draw)
      },
    })
    if (refused) socket.on("close", closed)
    // The board gives it up without closing it, until it wants the next one.
    if (hung) clock.setTimeout(closed, PATIENCE_MS)
    const { end } = socket
    socket.end = () => {
      closed()
      end()
    }
    return socket
  }

  private draw(): Draw {
    const { rng } = this.options
    const pick = <T>(share: number, kinds: readonly T[]): T | undefined =>
      rng.uniform() < share ? kinds[rng.int(kinds.length)] : undefined
    return {
      request: pick(REQUEST_SHARE, REQUEST_FAULTS),
      host: pick(HOST_SHARE, HOST_FAULTS),
      reply: pick(REPLY_SHARE, REPLY_FAULTS),
    }
  }

  /** Takes a whole request of a board to the host, and the answer back. */
  private carry(seen: Seen, request: Buffer, connection: Connection, draw: Draw): void {
    const { rng } = this.options
    const number = ++seen.sent
    const old = seen.requests[rng.int(KEPT) % Math.max(1, seen.requests.length)]
    remember(seen.requests, request)
    const back = (answer: Buffer): void => this.bringBack(seen, answer, connection, draw.reply)
    const arrive = (ms: number, pieces: readonly Buffer[], then = back): void =>
      this.send(ms, pieces, draw.host, (answer) => {
        seen.arrived = Math.max(seen.arrived, number)
        then(answer)
      })
    const kind = draw.request
    if (kind !== undefined && kind !== "requestLate" && (kind !== "requestReplayed" || old !== undefined)) {
      this.counts[kind]++
    }
    switch (kind) {
      case "requestHung":
        break
      case "requestDropped":
        connection.later(LATENCY_MS, connection.close)
        break
      case "requestCut":
        this.send(LATENCY_MS, [request.subarray(0, rng.int(request.length)), HANG_UP], undefined, () => {})
        connection.later(2 * LATENCY_MS, connection.close)
        break
      case "requestDelayed":
        arrive(100 + rng.int(PATIENCE_MS), [request])
        break
      case "requestSplit":
        arrive(LATENCY_MS, this.split(request))
        break
      case "requestFlipped":
        arrive(LATENCY_MS, [this.flip(request)])
        break
      case "requestLate":
        // The board has given up by then, and has perhaps sent others.
        this.send(PATIENCE_MS + rng.int(MAX_LATE_MS - PATIENCE_MS), [request], undefined, () => {
          if (seen.arrived > number) this.counts.requestLate++
        })
        break
      case "requestDoubled": {
        // The board hears of either; the one that comes second is a replay.
        const first = rng.uniform() < 0.5
        const nobody = (): void => {}
        arrive(LATENCY_MS, [request], first ? back : nobody)
        arrive(LATENCY_MS + 1 + rng.int(200), [request], first ? nobody : back)
        break
      }
      default:
        if (kind === "requestReplayed" && old !== undefined) this.send(0, [old], undefined, () => {})
        arrive(LATENCY_MS, [request])
    }
  }

  /** Gives the host `pieces` on a connection of their own from `ms` on; `then` gets what it has answered after them. */
  private send(
    ms: number,
    pieces: readonly Buffer[],
    host: Draw["host"],
    then: (answer: Buffer) => void,
  ): void {
    const { clock } = this.options
    let link: HostLink | undefined
    for (const [i, piece] of pieces.entries()) {
      const last = i === pieces.length - 1
      clock.setTimeout(() => {
        link ??= this.link()
        if (last) this.hostFault = host
        clock.hold(
          link.give(piece).then((answer) => {
            this.hostFault = undefined
            if (last) then(answer)
          }),
        )
      }, ms + i)
    }
  }

  /** The reply arrives in pieces, as far as the fault lets it. */
  private bringBack(seen: Seen, whole: Buffer, connection: Connection, fault: Draw["reply"]): void {
    const { rng } = this.options
    const old = seen.replies[rng.int(KEPT) % Math.max(1, seen.replies.length)]
    const others = [...this.boards.values()].flatMap(({ replies }) =>
      replies === seen.replies ? [] : replies,
    )
    const foreign = others[rng.int(Math.max(1, others.length))]
    if (whole.toString("latin1", 0, OK.length) === OK) remember(seen.replies, whole)
    let at = LATENCY_MS
    let pieces = slices(whole)
    let end = true
    let happened = whole.length > 0
    switch (fault) {
      case "replyDelayed":
        at += 100 + rng.int(1.5 * PATIENCE_MS)
        break
      case "replySplit":
        pieces = this.split(whole)
        break
      case "replyCut":
        pieces = slices(whole.subarray(0, rng.int(whole.length)))
        break
      case "replyHung":
        pieces = slices(whole.subarray(0, rng.int(whole.length)))
        end = false
        break
      case "replyDropped":
        pieces = []
        break
      case "replyDoubled": {
        // The whole of it, or one of its pieces.
        const parts = this.split(whole)
        const twice = rng.int(parts.length)
        pieces =
          rng.uniform() < 0.5 ? [...pieces, ...pieces] : parts.flatMap((p, i) => (i === twice ? [p, p] : [p]))
        break
      }
      case "replyShuffled":
        pieces = this.split(whole)
        rng.shuffle(pieces)
        happened = !Buffer.concat(pieces).equals(whole)
        break
      case "replyFlipped":
        pieces = slices(this.flip(whole))
        break
      case "replyForeign":
        happened = foreign !== undefined
        if (happened) pieces = slices(foreign)
        break
      case "replyOld":
        happened = old !== undefined
        if (happened) pieces = slices(old)
        break
    }
    if (fault !== undefined && happened) this.counts[fault]++
    for (const piece of pieces) {
      connection.later(at, () => {
        seen.activeAt = this.options.clock.now()
        connection.deliver(piece)
      })
      at += PIECE_MS
    }
    if (end) connection.later(at, connection.close)
  }

  /** In two to twelve pieces of any length, or in single bytes. */
  private split(bytes: Buffer): Buffer[] {
    const { rng } = this.options
    if (bytes.length < 2) return [bytes]
    if (rng.uniform() < BYTEWISE_SHARE) return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
    const cuts = new Set(Array.from({ length: 1 + rng.int(11) }, () => 1 + rng.int(bytes.length - 1)))
    const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
    return places.slice(1).map((to, i) => bytes.subarray(places[i], to))
  }

  /** With one to three bits changed. */
  private flip(bytes: Buffer): Buffer {
    const { rng } = this.options
    const changed = Buffer.from(bytes)
    if (changed.length === 0) return changed
    const bits = new Set(Array.from({ length: 1 + rng.int(3) }, () => rng.int(8 * changed.length)))
    for (const bit of bits) changed[bit >> 3] ^= 1 << (bit & 7)
    return changed
  }

  private link(): HostLink {
    const { socket, answer } = connectTo(this.options.server)
    const whole: { done: boolean; bytes: Buffer } = { done: false, bytes: Buffer.alloc(0) }
    void answer.then((bytes) => {
      whole.done = true
      whole.bytes = bytes
    })
    return {
      give: async (piece) => {
        if (!whole.done) socket.push(piece === HANG_UP ? null : piece)
        for (let turn = 0; turn < PARSER_TURNS && !whole.done; turn++) {
          await new Promise((resolve) => setImmediate(resolve))
        }
        // What is whole gets an answer, and every answer closes the connection.
        if (this.received.get(socket)?.complete) await answer
        return whole.bytes
      },
    }
  }
}

function remember(kept: Buffer[], message: Buffer): void {
  kept.push(message)
  if (kept.length > KEPT) kept.shift()
}

/** As the ESP32 reads it. */
function slices(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / PIECE_BYTES)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES))
}
