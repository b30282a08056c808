// Boards and a collection on one bus, on one virtual clock, with faults on the way.

import { type Rng, stream } from "../../../host/model/random.js"
import { Board } from "../../../host/rehearsal/board.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { type CollectedBoard, Collection, type CollectOptions } from "../../../host/serial/collect.js"
import { answerSync } from "../../../host/server/sync.js"
import { enrol } from "../../../host/study/enrol.js"
import { publish } from "../../../host/study/publish.js"
import type { Study } from "../../../host/study/study.js"
import { programOf } from "../../src/bench/board.js"
import { START } from "../study/folder.js"

const ID = "5e71a15e71a15e71"
/** Between board and host, ms: a frame of 252 bytes takes 2.5 ms on the wire, and USB hands over every 1 ms. */
const LATENCY_MS = 4

/** Probabilities, of each frame in either direction. */
export interface Faults {
  lose?: number
  double?: number
  /** Is late by up to LATE_MS, so that others overtake it. */
  delay?: number
  /** Carries random bytes from a random place on. */
  garble?: number
}

const LATE_MS = 600

export class Bench {
  readonly clock = new VirtualClock(START)
  readonly boards: Board[] = []
  faults: Faults = {}
  /** Frames that were lost, doubled, late, garbled. */
  readonly hit = { lose: 0, double: 0, delay: 0, garble: 0 }
  /** Boards that are not plugged in. */
  readonly unplugged = new Set<Board>()
  /** Who hears what the boards say. */
  private listener: ((frame: Uint8Array) => void) | undefined
  private readonly rng: Rng

  constructor(
    readonly study: Study,
    seed: number,
  ) {
    this.rng = stream(seed, "serial bus")
  }

  /** A board of subject `subject` that has a key and nothing else: no address, no network. */
  async board(subject: number, deviceId: string, key: Uint8Array, stored = key): Promise<Board> {
    await enrol(this.study.store, { subject, device: deviceId, arm: "model", key: stored, at: START })
    return this.start(deviceId, key)
  }

  /** A board that the study does not know. */
  async start(deviceId: string, key: Uint8Array): Promise<Board> {
    const { bytecode } = await programOf("src/entry/jacdac.ts")
    const draws = stream(Number.parseInt(deviceId.slice(0, 8), 16), "entropy")
    const board = await Board.start({
      deviceId,
      bytecode,
      clock: this.clock,
      net: { createConnection: noNetwork },
      entropy: (count) => Uint8Array.from({ length: count }, () => draws.int(256)),
      settings: { ftkey: key },
    })
    board.onFrame = (frame) => {
      if (!this.unplugged.has(board)) this.carry(frame, (bytes) => this.listener?.(bytes))
    }
    this.boards.push(board)
    return board
  }

  async publish(subject: number, songs: readonly number[], wave = 1): Promise<number> {
    const { version } = await publish(this.study.store, {
      ...{ subject, wave, design: "random", at: this.clock.now(), summary: {} },
      items: songs.map((song) => ({
        ...{ song, utility: null, information: null, tag: "exploit" as const },
        ...{ propensity: null, rank: null, reason: null },
      })),
    })
    return version
  }

  /** A collection from its start to its end. */
  async collect(options: Partial<CollectOptions> = {}, ms = 600_000): Promise<CollectedBoard[]> {
    const { collection, ended } = this.open(options)
    await this.clock.advance(ms, ended)
    // A bus without boards has nothing due that the end of the collection could still be seen in.
    await new Promise((resolve) => setImmediate(resolve))
    if (!ended()) throw new Error(`the collection goes on after ${ms} ms`)
    return collection.done
  }

  open(options: Partial<CollectOptions> = {}): { collection: Collection; ended: () => boolean } {
    let over = false
    const { clock } = this
    const collection = new Collection({
      id: ID,
      clock,
      waitMs: 30_000,
      send: (frame) => this.send(frame),
      exchange: (device, body) => this.exchange(device, body),
      ...options,
    })
    this.attach((frame) => collection.hear(frame))
    const end = (): void => {
      over = true
    }
    collection.done.then(end, end)
    return { collection, ended: () => over }
  }

  /** Puts a frame on the bus, for all boards that are plugged in. */
  send(frame: Uint8Array): void {
    for (const board of this.boards) {
      if (!this.unplugged.has(board)) this.carry(frame, (bytes) => board.receiveFrame(bytes))
    }
  }

  /** From now on `listener` alone hears the boards, until the function that it gives is called. */
  attach(listener: (frame: Uint8Array) => void): () => void {
    this.listener = listener
    return () => {
      if (this.listener === listener) this.listener = undefined
    }
  }

  /** What the server says; time stands still meanwhile. */
  exchange(device: string, body: Uint8Array): ReturnType<typeof answerSync> {
    const { clock, study } = this
    const random = (n: number) => new Uint8Array(n).fill(7)
    const answer = answerSync({ study, now: clock.now, random }, device, body)
    clock.hold(answer)
    return answer
  }

  /** Skips `count` songs of a board that plays. */
  async skip(board: Board, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await board.press("skip")
      await this.clock.advance(300)
    }
  }

  private carry(frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    const { clock, faults, rng, hit } = this
    const struck = (kind: keyof Faults): boolean => {
      const chance = faults[kind] ?? 0
      if (chance === 0 || rng.uniform() >= chance) return false
      hit[kind]++
      return true
    }
    if (struck("lose")) return
    const copies = struck("double") ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const bytes = new Uint8Array(frame)
      if (struck("garble"))
        for (let at = rng.int(bytes.length); at < bytes.length; at++) bytes[at] = rng.int(256)
      const late = struck("delay") ? rng.int(LATE_MS) : 0
      clock.setTimeout(() => deliver(bytes), LATENCY_MS + late)
    }
  }
}

function noNetwork(): never {
  throw new Error("this board has no network")
}
