// Network faults, rehearsed: boards with the real firmware in the real VM play and sync with the real host over a
// network on which everything goes wrong (proxy.ts). After each round of syncs, and in the end, what sounded, what
// the boards' memories hold and what the host has stored are compared.
//
// One sync is one contact of a board with the network: it is asked for once and has one or more exchanges, until board
// and host have nothing more to tell each other or one of the exchanges fails.
//
// A rehearsal is cut into worlds of a few boards, one host and at most WORLD_SYNCS syncs; each follows from the seed
// and its number alone, so any number of threads gives the same result.

import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { KEY_BYTES, LIST_HEADER_BYTES, LIST_ITEM_BYTES } from "../../src/wire.js"
import { type Rng, stream } from "../model/random.js"
import { unpackPlaylist } from "../protocol/playlist.js"
import { buildServer } from "../server/server.js"
import { contentHash } from "../store/hash.js"
import type { Playlist } from "../store/playlists.js"
import type { Play } from "../store/plays.js"
import type { SyncStore } from "../store/syncs.js"
import { enrol } from "../study/enrol.js"
import type { Study } from "../study/study.js"
import { inThreads } from "../threads.js"
import { Board } from "./board.js"
import { Fram } from "./chips/fram.js"
import { VirtualClock } from "./clock.js"
import { matchListens, soundedMs } from "./ledger.js"
import { FAULT_KINDS, type FaultKind, FaultyNetwork, MAX_LATE_MS } from "./proxy.js"
import { bytesFrom } from "./random-bytes.js"
import {
  fileLength,
  misplaced,
  publishSongs,
  sequenceFaults,
  shuffledSongs,
  smallStudy,
} from "./small-study.js"

/** Syncs of one world, and its boards. Part of the rehearsal's meaning: another value is another rehearsal. */
const WORLD_SYNCS = 100
const BOARDS = 4
/** After so many rounds the network is good for one: each board has to get through. */
const RECOVERY_ROUNDS = 8
const HOLD_MS = 1600
/** Between the exchanges of a sync a board writes what it got; it is silent for less. */
const BETWEEN_EXCHANGES_MS = 2500
/** A sync ends within this: every exchange is bounded, and so is their number. */
const SYNC_END_MS = 700_000
/** A listen that ended is kept within this. */
const KEEPING_MS = 1000
/** Error of a time heard. */
const TIMING_MS = 150
const SONGS = 240
/** Songs of a list, from … to: a short one is one part, a long one two. */
const SHORT_SONGS = [20, 50] as const
const LONG_SONGS = [172, SONGS] as const
const LONG_SHARE = 0.3
const ADDRESS = "http://10.0.0.5:8137"
const START = Date.UTC(2025, 0, 6, 8)

interface WorldTask {
  seed: number
  world: number
  syncs: number
  /** Compiled firmware. */
  bytecode: Uint8Array
}

export interface WorldResult {
  syncs: number
  /** Syncs that went through. */
  completed: number
  violations: string[]
  lost: number
  duplicated: number
  listens: number
  playlists: number
  confirmed: number
  faults: Record<FaultKind, number>
  databaseSha: string
}

export interface NetworkFaultTask {
  seed: number
  syncs: number
  /** Compiled firmware. */
  bytecode: Uint8Array
}

export interface NetworkFaultReport {
  seed: number
  syncs: number
  violations: number
  /** Listens that sounded, or that a board has freed, and that are not in the store. */
  lost: number
  /** Listens that are stored twice, or have not sounded. */
  duplicated: number
  /** Syncs that went through in spite of everything. */
  completed: number
  listens: number
  playlists: number
  confirmed: number
  /** How often each fault really happened. */
  faults: Record<FaultKind, number>
  /** Hash over the databases: the same seed gives the same. */
  databaseSha: string
  /** The first violations in words. */
  details: string[]
}

const MAX_DETAILS = 20

export function networkWorlds({ seed, syncs, bytecode }: NetworkFaultTask): WorldTask[] {
  return Array.from({ length: Math.ceil(syncs / WORLD_SYNCS) }, (_, world) => ({
    seed,
    world,
    syncs: Math.min(WORLD_SYNCS, syncs - world * WORLD_SYNCS),
    bytecode,
  }))
}

export async function rehearseNetworkFaults(
  task: NetworkFaultTask,
  { workers, onProgress }: { workers: number; onProgress?: (syncs: number) => void },
): Promise<NetworkFaultReport> {
  const results = await inThreads<WorldResult>({
    name: "rehearse network-faults",
    module: new URL("./network-faults-thread.js", import.meta.url),
    workerData: task,
    count: Math.ceil(task.syncs / WORLD_SYNCS),
    workers,
    onProgress: (done) => onProgress?.(Math.min(done * WORLD_SYNCS, task.syncs)),
  })
  const sum = (of: (result: WorldResult) => number): number => results.reduce((all, r) => all + of(r), 0)
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, sum((r) => r.faults[kind])]))
  const databases = createHash("sha256")
  for (const { databaseSha } of results) databases.update(databaseSha)
  return {
    seed: task.seed,
    syncs: sum((r) => r.syncs),
    violations: sum((r) => r.violations.length),
    lost: sum((r) => r.lost),
    duplicated: sum((r) => r.duplicated),
    completed: sum((r) => r.completed),
    listens: sum((r) => r.listens),
    playlists: sum((r) => r.playlists),
    confirmed: sum((r) => r.confirmed),
    faults: faults as Record<FaultKind, number>,
    databaseSha: databases.digest("hex"),
    details: results.flatMap(({ violations }) => violations).slice(0, MAX_DETAILS),
  }
}

/** `host`: the store that the host writes syncs to; another one shows whether a broken host is noticed. */
export async function runNetworkWorld(
  task: WorldTask,
  host: (syncs: SyncStore) => SyncStore = (syncs) => syncs,
): Promise<WorldResult> {
  const dir = mkdtempSync(join(tmpdir(), "fieldtune-network-"))
  try {
    const world = await World.open(task, join(dir, "study"), host)
    return await world.run()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What the memory of a board holds. */
interface Memory {
  acked: number
  /** The list that plays and the one that is staged, as stored; undefined where there is none. */
  active: Buffer | undefined
  staged: Buffer | undefined
}

interface Participant {
  subject: number
  board: Board
  fram: Fram | undefined
  bootAt: number
  listening: boolean
  /** Of the last look: nothing may go back. */
  acked: number
  version: number
  /** Lists that the board's memory was seen to hold, whole. */
  held: Set<number>
  /** Lines of the log that were there before the round. */
  lines: number
}

class World {
  private readonly violations: string[] = []
  private readonly participants: Participant[] = []
  private completed = 0
  /** Freed by a board and not in the store: device and sequence. */
  private readonly freed = new Set<string>()

  private constructor(
    private readonly task: WorldTask,
    private readonly study: Study,
    private readonly rng: Rng,
    private readonly clock: VirtualClock,
    private readonly app: ReturnType<typeof buildServer>,
    private readonly network: FaultyNetwork,
  ) {}

  static async open(task: WorldTask, dir: string, host: (syncs: SyncStore) => SyncStore): Promise<World> {
    const { seed, world: number } = task
    const rng = stream(seed, "network faults", number)
    const clock = new VirtualClock(START)
    const lengths = Array.from({ length: SONGS }, () => 2 + rng.int(7))
    const study = await smallStudy(dir, { name: "network faults", seed, at: clock.now() }, lengths)
    // The network is there before its server, and the server's store fails when the network says so.
    let failing = (syncs: SyncStore): SyncStore => syncs
    const { store } = study
    const syncs: SyncStore = {
      ...store.syncs,
      commit: (contact) => failing(host(store.syncs)).commit(contact),
    }
    const app = buildServer({
      study: { ...study, store: { ...store, syncs } },
      now: clock.now,
      random: bytesFrom(stream(seed, "host salts", number)),
    })
    await app.ready()
    const network = new FaultyNetwork({
      clock,
      rng: stream(seed, "network", number),
      server: app.server,
    })
    failing = (given) => network.failing(given)
    const world = new World(task, study, rng, clock, app, network)
    for (let subject = 1; subject <= BOARDS; subject++) await world.join(subject, lengths)
    return world
  }

  async run(): Promise<WorldResult> {
    const { clock, network, participants, study, task } = this
    // The board's first sync, three seconds after its start, brings the plan: from then on it syncs when asked.
    await clock.advance(12_000)
    await this.inspect()
    for (const { board } of participants) await board.press("play")
    let syncs = 0
    for (let round = 1; syncs < task.syncs; round++) {
      const taking = participants.slice(0, task.syncs - syncs)
      network.good = false
      this.completed += await this.round(taking)
      syncs += taking.length
      network.good = true
      if (round % RECOVERY_ROUNDS === 0) await this.recover()
    }
    await this.settle()
    const { lost, duplicated, listens } = await this.judge()
    const lists = await study.store.playlists.all()
    const result: WorldResult = {
      syncs,
      completed: this.completed,
      violations: this.violations,
      lost: lost + this.freed.size,
      duplicated,
      listens,
      playlists: lists.length,
      confirmed: lists.filter(({ state }) => state === "confirmed").length,
      faults: network.counts,
      databaseSha: await contentHash(study.store),
    }
    for (const { board } of participants) board.powerOff()
    await this.app.close()
    await study.close()
    return result
  }

  /** Each of `taking` syncs once, about the same time, while its listener goes on; gives how many went through. */
  private async round(taking: readonly Participant[]): Promise<number> {
    const { clock, network, rng } = this
    for (const participant of taking) {
      const { board } = participant
      participant.lines = board.lines.length
      if (rng.uniform() < 0.15) await this.publishList(participant.subject)
      if (!participant.listening || rng.uniform() < 0.1) {
        board.tap(participant.listening ? "stop" : "play")
        participant.listening = !participant.listening
      }
      clock.setTimeout(() => board.tap("play", HOLD_MS), 400 + rng.int(4000))
      for (let skips = rng.int(3); skips > 0; skips--) {
        clock.setTimeout(() => {
          if (participant.listening) board.tap("skip")
        }, 400 + rng.int(9000))
      }
    }
    // By then each has been asked.
    await clock.advance(4400 + HOLD_MS + BETWEEN_EXCHANGES_MS)
    const over = (): boolean =>
      taking.every(({ board }) => network.quiet(board.deviceId, BETWEEN_EXCHANGES_MS))
    const end = clock.now() + SYNC_END_MS
    while (!over() && clock.now() < end) await clock.advance(500)
    if (!over()) this.violation("a board", `its sync does not end within ${SYNC_END_MS / 1000} s`)
    await this.inspect()
    return taking.filter((participant) => !failed(participant)).length
  }

  /** With a good network everybody gets through, and what ended before is acknowledged. */
  private async recover(): Promise<void> {
    const { clock, participants } = this
    const ended = participants.map(({ board }) => {
      const before = clock.now() - KEEPING_MS
      return board.sound.sounded.filter(({ until }) => until !== undefined && until < before).length
    })
    await this.round(participants)
    for (const [i, participant] of participants.entries()) {
      const { board, acked } = participant
      if (failed(participant))
        this.violation(board.deviceId, `no sync over a good network: ${lastLines(board)}`)
      if (acked < ended[i]) {
        this.violation(
          board.deviceId,
          `acknowledged to ${acked} after a sync over a good network, of ${ended[i]}`,
        )
      }
    }
  }

  /** The last late requests arrive; then every list gets to its board and is confirmed, and the music ends. */
  private async settle(): Promise<void> {
    const { clock, participants } = this
    await clock.advance(MAX_LATE_MS)
    await this.recover()
    for (const participant of participants) {
      // Where nothing plays, a list starts as soon as it is there; where something does, with the next song.
      if (!participant.listening) participant.board.tap("play")
      participant.listening = true
    }
    await clock.advance(1000)
    for (const { board } of participants) board.tap("skip")
    await clock.advance(5000)
    for (const participant of participants) {
      participant.board.tap("stop")
      participant.listening = false
    }
    await clock.advance(3000)
    for (let i = 0; i < 2; i++) {
      for (const { board } of participants) board.tap("play", HOLD_MS)
      await clock.advance(HOLD_MS + 10_000)
    }
    await this.inspect()
  }

  /** Looks into the boards' memories and the store; after each round. */
  private async inspect(): Promise<void> {
    const { store } = this.study
    const [plays, lists, quarantine] = [
      await store.plays.all(),
      await store.playlists.all(),
      await store.syncs.quarantine(),
    ]
    for (const participant of this.participants) {
      const { board } = participant
      const device = board.deviceId
      const memory = await memoryOf(participant)
      if (memory.acked < participant.acked) {
        this.violation(device, `acknowledgement went back from ${participant.acked} to ${memory.acked}`)
      }
      participant.acked = memory.acked
      this.judgeFreed(participant, plays)
      const own = lists.filter((list) => list.device === device)
      this.judgeMemory(participant, memory, own)
    }
    for (const { device, sequence, reason } of quarantine) {
      this.once(device, `record ${sequence} is in quarantine: ${reason}`)
    }
  }

  /** What a board has freed is durable at the host. */
  private judgeFreed({ board, acked }: Participant, plays: readonly Play[]): void {
    const device = board.deviceId
    const stored = new Set(plays.filter((play) => play.device === device).map(({ sequence }) => sequence))
    for (let sequence = 1; sequence <= acked; sequence++) {
      const name = `${device} ${sequence}`
      if (stored.has(sequence) || this.freed.has(name)) continue
      this.freed.add(name)
      this.violation(device, `the board has freed record ${sequence}, and the store does not have it`)
    }
  }

  /** A board's lists are whole, never go back, and are confirmed only where it holds them. */
  private judgeMemory(participant: Participant, memory: Memory, lists: readonly Playlist[]): void {
    const device = participant.board.deviceId
    for (const [name, bytes] of [
      ["active", memory.active],
      ["staged", memory.staged],
    ] as const) {
      if (bytes === undefined) continue
      const { version } = unpackedOr(bytes)
      const published = lists.find((list) => list.version === version)
      if (published === undefined || !bytes.equals(published.bytes)) {
        this.violation(device, `its ${name} list is not list ${version} as it was published`)
        continue
      }
      participant.held.add(version)
      if (name === "staged") continue
      if (version < participant.version) {
        this.violation(device, `plays list ${version} after list ${participant.version}`)
      }
      participant.version = version
    }
    for (const { state, version } of lists) {
      if (state === "confirmed" && !participant.held.has(version)) {
        this.once(device, `list ${version} is confirmed, and the board has never held it`)
      } else if (state === "refused") this.once(device, `list ${version} was refused`)
    }
  }

  /** Compares what sounded with what is stored; in the end. */
  private async judge(): Promise<{ lost: number; duplicated: number; listens: number }> {
    const { clock, study } = this
    const counts = { lost: 0, duplicated: 0, listens: 0 }
    const all = await study.store.plays.all()
    const lists = await study.store.playlists.all()
    for (const { board, bootAt } of this.participants) {
      const device = board.deviceId
      const own = all.filter((play) => play.device === device)
      const { sounded } = board.sound
      const { pairs, lost, duplicated } = matchListens(sounded, own, [bootAt])
      counts.listens += sounded.length
      counts.duplicated += duplicated.length
      for (const play of duplicated)
        this.violation(device, `play ${play.sequence} did not sound, or is stored twice`)
      for (const one of lost) {
        // What the board has freed is counted already.
        const sequence = sounded.indexOf(one) + 1
        if (!this.freed.has(`${device} ${sequence}`)) counts.lost++
        this.violation(device, `listen ${sequence}, file ${one.file} from ${one.from - START} ms, is lost`)
      }
      for (const pair of pairs) {
        const off = soundedMs(pair.sounded, clock.now()) - pair.play.heardMs
        if (Math.abs(off) > TIMING_MS) this.violation(device, `play ${pair.play.sequence} is ${off} ms short`)
      }
      for (const fault of [...sequenceFaults(own), ...misplaced(own, lists)]) this.violation(device, fault)
      for (const range of await study.store.syncs.gone(device))
        this.violation(device, `records gone: ${range}`)
      for (const code of board.panics) this.violation(device, `panic ${code}`)
      const starts = board.lines.filter((line) => / epoch \d+ boot \d+$/.test(line)).length
      if (starts !== 1) this.violation(device, `it has started ${starts} times`)
      const newest = lists.filter((list) => list.device === device).at(-1)!
      if (newest.state !== "confirmed")
        this.violation(device, `list ${newest.version} is ${newest.state} in the end`)
    }
    return counts
  }

  private violation(who: string, what: string): void {
    this.violations.push(`world ${this.task.world}, ${who}: ${what}`)
  }

  /** A violation that later looks would find again. */
  private once(who: string, what: string): void {
    const text = `world ${this.task.world}, ${who}: ${what}`
    if (!this.violations.includes(text)) this.violations.push(text)
  }

  /** Enrols a board and powers it up; every second one has FRAM. */
  private async join(subject: number, lengths: readonly number[]): Promise<void> {
    const { clock, network, participants, rng, study, task } = this
    const device = `f1e1d7d0000${subject.toString(16).padStart(3, "0")}00`
    const key = bytesFrom(rng)(KEY_BYTES)
    const arm = study.plan.arms[0].name
    await enrol(study.store, { subject, device, arm, key, at: clock.now() })
    await this.publishList(subject)
    const fram = subject % 2 === 0 ? new Fram() : undefined
    const bootAt = clock.now()
    const board = await Board.start({
      deviceId: device,
      bytecode: task.bytecode,
      clock,
      net: network.netOf(device),
      entropy: bytesFrom(stream(task.seed, "board", task.world, subject)),
      lengthMs: fileLength(lengths),
      settings: { ftkey: key, fthost: Buffer.from(ADDRESS), ftstore: Buffer.from(fram ? "fram" : "flash") },
      chips: fram && [fram],
    })
    participants.push({
      subject,
      board,
      fram,
      bootAt,
      listening: true,
      acked: 0,
      version: 0,
      held: new Set(),
      lines: 0,
    })
  }

  /** A new list in random order: a short one, or one that comes in two parts. */
  private async publishList(subject: number): Promise<void> {
    const { rng } = this
    const order = shuffledSongs(SONGS, rng)
    const [low, high] = rng.uniform() < LONG_SHARE ? LONG_SONGS : SHORT_SONGS
    const songs = order.slice(0, low + rng.int(high - low))
    await publishSongs(this.study, subject, songs, this.clock.now())
  }
}

/** The firmware says why a sync failed. */
function failed({ board, lines }: Participant): boolean {
  return board.lines.slice(lines).some((line) => line.includes("sync: "))
}

function lastLines(board: Board): string {
  return board.lines.slice(-3).join(" | ")
}

/** Version 0 where the bytes are no list. */
function unpackedOr(bytes: Uint8Array): { version: number } {
  try {
    return unpackPlaylist(bytes)
  } catch {
    return { version: 0 }
  }
}

// Where a board keeps what: the layouts of src/state.ts, src/memory/fram-memory.ts and src/memory/settings-memory.ts.
const NO_SLOT = 255
const STATE_ROOM = 192
const HEAD_BYTES = 5
const SUM_BYTES = 8
const FRAM_LISTS_AT = 20_512
const FRAM_LIST_BYTES = 5000
const FLASH_PART_BYTES = 200
const FLASH_PARTS = 10

/** Reads the memory of a board from outside. */
async function memoryOf({ board, fram }: Participant): Promise<Memory> {
  const state = fram === undefined ? Buffer.from(await board.get("ftstate")) : framState(fram.bytes)
  const slot = state[10]
  const spare = slot === 0 ? 1 : 0
  const read = async (from: number): Promise<Buffer> => {
    const bytes = fram === undefined ? await flashList(board, from) : framList(fram.bytes, from)
    const items = bytes.length < LIST_HEADER_BYTES ? 0 : bytes.readUInt16LE(8)
    return bytes.subarray(0, LIST_HEADER_BYTES + items * LIST_ITEM_BYTES)
  }
  return {
    acked: state.readUInt32LE(12),
    active: slot === NO_SLOT ? undefined : await read(slot),
    staged: state[11] === 1 ? await read(spare) : undefined,
  }
}

/** The newer of the two copies whose checksum holds. */
function framState(bytes: Uint8Array): Buffer {
  let newest: Buffer | undefined
  let generation = 0
  for (const at of [0, STATE_ROOM]) {
    const copy = Buffer.from(bytes.subarray(at, at + STATE_ROOM))
    const end = HEAD_BYTES + copy[4]
    const sum = createHash("sha256").update(copy.subarray(0, end)).digest().subarray(0, SUM_BYTES)
    if (copy.readUInt32LE(0) <= generation || !sum.equals(copy.subarray(end, end + SUM_BYTES))) continue
    generation = copy.readUInt32LE(0)
    newest = copy.subarray(HEAD_BYTES, end)
  }
  if (newest === undefined) throw new Error("FRAM: neither copy of the state has its checksum")
  return newest
}

function framList(bytes: Uint8Array, slot: number): Buffer {
  const at = FRAM_LISTS_AT + slot * FRAM_LIST_BYTES
  return Buffer.from(bytes.subarray(at, at + FRAM_LIST_BYTES))
}

async function flashList(board: Board, slot: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let part = 0; part < FLASH_PARTS; part++) {
    const bytes = Buffer.from(await board.get(`ft${slot === 0 ? "a" : "b"}${part}`))
    parts.push(bytes)
    if (bytes.length < FLASH_PART_BYTES) break
  }
  return Buffer.concat(parts)
}
