// Power cuts, rehearsed: the real firmware in the real VM loses its power at random moments, at the boundaries of its
// writes and within them, while it plays, syncs, downloads a playlist and swaps it, and the host loses its power
// while it syncs. After each cut the board has to start by itself, and in the end the truth of the sound board is
// compared with the host's database.
//
// A rehearsal is cut into worlds of one board, one host and at most WORLD_CUTS cuts; each follows from the seed and
// its number alone, so any number of threads gives the same result.

import { mkdtempSync, rmSync } from "node:fs"
import type { Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { END_POWER_LOST, END_REASONS } from "../../src/record.js"
import { KEY_BYTES } from "../../src/wire.js"
import { type Rng, stream } from "../model/random.js"
import { buildServer } from "../server/server.js"
import type { Play } from "../store/plays.js"
import { enrol } from "../study/enrol.js"
import { openStudy, type Study } from "../study/study.js"
import { inThreads } from "../threads.js"
import { Board } from "./board.js"
import { Fram } from "./chips/fram.js"
import { VirtualClock } from "./clock.js"
import { tearFlash } from "./flash-tear.js"
import { matchListens, soundedMs } from "./ledger.js"
import { type Fault, HostNetwork } from "./network.js"
import { bytesFrom } from "./random-bytes.js"
import {
  fileLength,
  misplaced,
  publishSongs,
  sequenceFaults,
  shuffledSongs,
  smallStudy,
} from "./small-study.js"
import type { Sounded } from "./sound-board.js"

/** Cuts of one world. Part of the rehearsal's meaning: another value is another rehearsal. */
const WORLD_CUTS = 100
/** The checkpoint, and the time that writing it takes. */
const OPEN_LOSS_MS = 5000
/** A listen that ended this shortly before the cut may not have been kept yet: then it was still open. */
const WRITING_MS = 250
/** Error of a time heard. */
const TIMING_MS = 150
const START_MS = 10_000
const HOLD_MS = 1600
/** A board that wants to play is silent for less. */
const SILENCE_MS = 1500
const SONGS = 120
const LIST_SONGS = 110
const DEVICE = "f1e1d7c000000100"
const ADDRESS = "http://10.0.0.5:8137"
const START = Date.UTC(2025, 0, 6, 8)

type CutKind = "playing" | "write" | "boot" | "sync" | "host" | "download" | "swap"
const KINDS: readonly CutKind[] = ["playing", "write", "write", "boot", "sync", "host", "download", "swap"]

/** What a write was about. */
type Place = "state" | "open listen" | "record" | "playlist" | "settings"

type Memory = "fram" | "flash"

export interface WorldTask {
  seed: number
  memory: Memory
  /** Number of the world among those of its memory, from 0. */
  world: number
  cuts: number
  /** Compiled firmware. */
  bytecode: Uint8Array
}

export interface WorldResult {
  cuts: number
  violations: string[]
  lost: number
  duplicated: number
  /** Listens that a board with flash alone lost, whole or in part, beyond what FRAM may lose; none was synced. */
  flashOnlyLosses: number
  /** Cuts after which a flash held neither program nor settings. */
  erased: number
  worstOpenLossMs: number
  listens: number
  /** Cuts by what was going on. */
  kinds: Record<CutKind, number>
  /** Cuts within a write, by what was being written. */
  torn: Partial<Record<Place, number>>
}

/** What the cut at a write leaves of it. */
interface Arm {
  /** Only writes into this part of the FRAM count; all where absent. */
  place?: Place
  /** Writes that still go through. */
  after: number
  /** Share of the bytes of the next one that is written. */
  share: number
}

/** What a rehearsal is made of. */
export interface PowerCutTask {
  seed: number
  /** Cuts on boards with FRAM. */
  cuts: number
  /** Cuts on boards with settings flash alone. */
  flashCuts: number
  /** Compiled firmware. */
  bytecode: Uint8Array
}

export function worldsOf({ seed, cuts, flashCuts, bytecode }: PowerCutTask): WorldTask[] {
  const ofMemory = (memory: Memory, all: number): WorldTask[] =>
    Array.from({ length: Math.ceil(all / WORLD_CUTS) }, (_, world) => ({
      seed,
      memory,
      world,
      cuts: Math.min(WORLD_CUTS, all - world * WORLD_CUTS),
      bytecode,
    }))
  return [...ofMemory("fram", cuts), ...ofMemory("flash", flashCuts)]
}

export interface PowerCutReport {
  seed: number
  /** Cuts on boards with FRAM; the next five are theirs. */
  cuts: number
  violations: number
  lost: number
  duplicated: number
  worstOpenLossMs: number
  /** Listens lost by the boards with flash alone, whole or in part. */
  flashOnlyLosses: number
  flashOnlyCuts: number
  /** Cuts after which such a board had to be flashed again. */
  flashOnlyErased: number
  listens: number
  kinds: Record<CutKind, number>
  torn: Partial<Record<Place, number>>
  /** The first violations in words. */
  details: string[]
}

const MAX_DETAILS = 20

/** The worlds' results as one; `results` in the order of worldsOf. */
function reportPowerCuts(
  seed: number,
  worlds: readonly Memory[],
  results: readonly WorldResult[],
): PowerCutReport {
  const report: PowerCutReport = {
    seed,
    cuts: 0,
    violations: 0,
    lost: 0,
    duplicated: 0,
    flashOnlyLosses: 0,
    worstOpenLossMs: 0,
    flashOnlyCuts: 0,
    flashOnlyErased: 0,
    listens: 0,
    kinds: { playing: 0, write: 0, boot: 0, sync: 0, host: 0, download: 0, swap: 0 },
    torn: {},
    details: [],
  }
  for (const [i, result] of results.entries()) {
    const { cuts, violations, lost, duplicated, flashOnlyLosses, erased, worstOpenLossMs } = result
    report.violations += violations.length
    report.lost += lost
    report.duplicated += duplicated
    report.flashOnlyLosses += flashOnlyLosses
    report.flashOnlyErased += erased
    report.listens += result.listens
    report.details.push(...violations.slice(0, MAX_DETAILS - report.details.length))
    if (worlds[i] === "flash") report.flashOnlyCuts += cuts
    else {
      report.cuts += cuts
      report.worstOpenLossMs = Math.max(report.worstOpenLossMs, worstOpenLossMs)
    }
    for (const kind of Object.keys(result.kinds) as CutKind[]) report.kinds[kind] += result.kinds[kind]
    for (const [place, count] of Object.entries(result.torn) as [Place, number][]) {
      report.torn[place] = (report.torn[place] ?? 0) + count
    }
  }
  return report
}

export async function rehearsePowerCuts(
  task: PowerCutTask,
  { workers, onProgress }: { workers: number; onProgress?: (cuts: number) => void },
): Promise<PowerCutReport> {
  const worlds = worldsOf(task)
  const results = await inThreads<WorldResult>({
    name: "rehearse power-cuts",
    module: new URL("./power-cuts-thread.js", import.meta.url),
    workerData: task,
    count: worlds.length,
    workers,
    onProgress: (done) => onProgress?.(Math.min(done * WORLD_CUTS, task.cuts + task.flashCuts)),
  })
  return reportPowerCuts(
    task.seed,
    worlds.map(({ memory }) => memory),
    results,
  )
}

/** `fram`: the chip of a board that has one; another than the real one shows whether a broken memory is noticed. */
export async function runWorld(task: WorldTask, fram = new Fram()): Promise<WorldResult> {
  const dir = mkdtempSync(join(tmpdir(), "fieldtune-power-"))
  try {
    const chip = task.memory === "fram" ? fram : undefined
    const world = await World.open(task, join(dir, "study"), chip)
    return await world.run()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

class World {
  private readonly result: WorldResult = {
    cuts: 0,
    violations: [],
    lost: 0,
    duplicated: 0,
    flashOnlyLosses: 0,
    erased: 0,
    worstOpenLossMs: 0,
    listens: 0,
    kinds: { playing: 0, write: 0, boot: 0, sync: 0, host: 0, download: 0, swap: 0 },
    torn: {},
  }
  private board!: Board
  private app!: ReturnType<typeof buildServer>
  private arm: Arm | undefined
  /** Power goes before time moves on: nothing is written any more. */
  private going = false
  private fault: Fault | undefined
  /** Board times at which power went; ascending. */
  private readonly cutAt: number[] = []
  private poweredAt = 0
  /** Epoch → its boots' beginnings (index 0 = boot 1) and the time it began. */
  private readonly epochs = new Map<number, { from: number; bootAt: number[] }>()
  /** Lines of the log that were looked at. */
  private linesRead = 0
  private provisioned: Uint8Array = new Uint8Array(0)

  private constructor(
    private readonly task: WorldTask,
    private study: Study,
    private readonly rng: Rng,
    private readonly clock: VirtualClock,
    private readonly fram: Fram | undefined,
  ) {}

  static async open(task: WorldTask, dir: string, fram: Fram | undefined): Promise<World> {
    const name = `${task.memory} ${task.world}`
    const rng = stream(task.seed, "power cuts", name)
    const clock = new VirtualClock(START)
    const lengths = Array.from({ length: SONGS }, () => 5 + rng.int(25))
    const at = clock.now()
    const study = await smallStudy(dir, { name: "power cuts", seed: task.seed, at }, lengths)
    const key = bytesFrom(rng)(KEY_BYTES)
    const arm = study.plan.arms[0].name
    await enrol(study.store, { subject: 1, device: DEVICE, arm, key, at })
    const world = new World(task, study, rng, clock, fram)
    await world.serve()
    await world.publishList()
    const server = { emit: (event: string, socket: unknown) => world.app.server.emit(event, socket) }
    world.poweredAt = clock.now()
    world.board = await Board.start({
      deviceId: DEVICE,
      bytecode: task.bytecode,
      clock,
      net: new HostNetwork({ clock, server: server as unknown as Server, fault: () => world.fault }),
      entropy: bytesFrom(stream(task.seed, "board", name)),
      lengthMs: fileLength(lengths),
      settings: { ftkey: key, fthost: Buffer.from(ADDRESS), ftstore: Buffer.from(task.memory) },
      chips: fram && [fram],
    })
    return world
  }

  async run(): Promise<WorldResult> {
    const { board, clock, rng, result } = this
    await this.started()
    await this.sync()
    this.provisioned = board.flash
    this.watchWrites()
    for (let cut = 0; cut < this.task.cuts; cut++) {
      const kind = KINDS[rng.int(KINDS.length)]
      result.kinds[kind]++
      result.cuts++
      await this.liveFor(1000 + rng.uniform() * 11_000)
      await this.cut(kind)
      await clock.advance(100 + rng.uniform() * 2000)
      await this.powerOn(kind === "boot")
    }
    await this.settle()
    await this.judge()
    board.powerOff()
    await this.app.close()
    await this.study.close()
    return result
  }

  /**
   * The listener presses buttons for a while. Never pause: this sound board starts a file again after one, so that
   * its truth has two sounds for one listen.
   */
  private async liveFor(ms: number): Promise<void> {
    const { board, clock, rng } = this
    const end = clock.now() + ms
    while (clock.now() < end) {
      const playing = (): boolean => board.sound.playing !== undefined
      if (!(await clock.advance(SILENCE_MS, playing))) {
        await board.press("play")
        await clock.advance(400)
      } else if (rng.uniform() < 0.3) await board.press("skip")
      else if (rng.uniform() < 0.05) await board.press("stop")
      await clock.advance(200 + rng.uniform() * 3000)
    }
  }

  /** Brings the board into the situation and takes its power. */
  private async cut(kind: CutKind): Promise<void> {
    const { board, clock, rng } = this
    if (kind === "download" || kind === "swap") await this.publishList()
    if (kind === "swap") {
      await this.sync()
      this.armWrites(4, "state")
      board.tap("skip")
    } else if (kind === "download") {
      board.tap("play", HOLD_MS)
      await clock.advance(HOLD_MS)
      this.armWrites(5, "playlist")
    } else if (kind === "sync") {
      board.tap("play", HOLD_MS)
      await clock.advance(HOLD_MS + rng.uniform() * 400)
    } else if (kind === "host") await this.cutHost()
    else if (kind === "write") {
      this.armWrites(4)
      if (rng.uniform() < 0.7) board.tap("skip")
    } else if (kind === "playing") await clock.advance(rng.uniform() * 3000)
    // A write that was waited for and did not come: then the power goes without it.
    if (this.arm !== undefined) await clock.advance(6000, () => !board.powered)
    this.arm = undefined
    this.powerOff()
  }

  /** The host loses its power before or after its commit; the board, soon after. */
  private async cutHost(): Promise<void> {
    const { board, clock, rng } = this
    this.fault = rng.uniform() < 0.5 ? { refuse: true } : { silentAfter: 0 }
    board.tap("play", HOLD_MS)
    await clock.advance(HOLD_MS + 200 + rng.uniform() * 500)
    this.fault = undefined
    const { dir } = this.study
    await this.app.close()
    await this.study.close()
    this.study = await openStudy(dir)
    await this.serve()
    await clock.advance(rng.uniform() * 3000)
  }

  private powerOff(): void {
    if (this.board.powered) this.board.powerOff()
    this.cutAt.push(this.clock.now())
  }

  /** Power comes; where `again`, it goes once more while the board starts. */
  private async powerOn(again: boolean): Promise<void> {
    const { board, clock, rng } = this
    this.poweredAt = clock.now()
    await board.powerOn()
    if (again) {
      this.armWrites(3)
      await clock.advance(50 + rng.uniform() * 1500, () => !board.powered)
      this.arm = undefined
      this.noteStart()
      this.powerOff()
      await clock.advance(500)
      this.poweredAt = clock.now()
      await board.powerOn()
    }
    if (await this.started()) return
    if (this.task.memory === "flash") {
      this.result.erased++
      if (await this.reflash()) return
    }
    this.violation(`the board does not start: ${board.lines.slice(-5).join(" | ")}`)
    await this.reflash()
  }

  /**
   * What a researcher does with such a board. The whole flash is erased first: DeviceScript formats one bank of its
   * store and leaves the other, so that a board would come back with an old epoch when it starts the next time.
   */
  private async reflash(): Promise<boolean> {
    const { board, clock } = this
    board.powerOff()
    board.flash = new Uint8Array(0)
    await clock.advance(1000)
    this.poweredAt = clock.now()
    await board.powerOn()
    await board.provision()
    return await this.started()
  }

  /** Waits until the firmware says that it runs. */
  private async started(): Promise<boolean> {
    return await this.clock.advance(START_MS, () => this.noteStart())
  }

  /** Looks through what was logged since the last look for a start, and notes its epoch and boot. */
  private noteStart(): boolean {
    const { board, epochs } = this
    let found = false
    for (; this.linesRead < board.lines.length; this.linesRead++) {
      const match = /fieldtune \S+ epoch (\d+) boot (\d+)$/.exec(board.lines[this.linesRead])
      if (match === null) continue
      const [epoch, boot] = [Number(match[1]), Number(match[2])]
      const known = epochs.get(epoch) ?? { from: this.poweredAt, bootAt: [] }
      epochs.set(epoch, known)
      known.bootAt[boot - 1] = this.poweredAt
      found = true
    }
    return found
  }

  /** After the last cut: the music ends, everything is synced. */
  private async settle(): Promise<void> {
    const { board, clock } = this
    await clock.advance(8000)
    if (board.sound.playing !== undefined) await board.press("stop")
    await clock.advance(3000)
    await this.sync()
    await this.sync()
  }

  private async sync(): Promise<void> {
    this.board.tap("play", HOLD_MS)
    await this.clock.advance(HOLD_MS + 6000)
  }

  /** Compares what sounded with what is stored. */
  private async judge(): Promise<void> {
    const { board, clock, epochs, result, study } = this
    const plays = await study.store.plays.all()
    const now = clock.now()
    result.listens = board.sound.sounded.length
    const segments = [...epochs].sort(([, a], [, b]) => a.from - b.from)
    for (const [i, [epoch, { from, bootAt }]] of segments.entries()) {
      const until = segments[i + 1]?.[1].from ?? Number.POSITIVE_INFINITY
      const sounded = board.sound.sounded.filter((s) => s.from >= from && s.from < until)
      const own = plays.filter((play) => play.epoch === epoch)
      const { pairs, lost, duplicated } = matchListens(sounded, own, bootAt)
      result.duplicated += duplicated.length
      for (const { sequence } of duplicated) this.violation(`play ${sequence} of ${epoch} did not sound`)
      for (const one of lost) this.judgeLost(one, now)
      for (const pair of pairs) this.judgePair(pair.sounded, pair.play, now)
      if (this.task.memory === "fram") {
        if (i > 0) this.violation(`epoch ${epoch} began`)
        for (const fault of sequenceFaults(own)) this.violation(fault)
      }
    }
    for (const code of board.panics) this.violation(`panic ${code}`)
    await this.judgeLists(plays)
    if (this.fram && Buffer.compare(board.flash, this.provisioned) !== 0) {
      this.violation("a board with FRAM has written its flash")
    }
  }

  private judgeLost(sounded: Sounded, now: number): void {
    const { result } = this
    const heard = soundedMs(sounded, now)
    if (this.openAtCut(sounded) && heard <= OPEN_LOSS_MS) {
      result.worstOpenLossMs = Math.max(result.worstOpenLossMs, heard)
    } else if (this.task.memory === "flash") result.flashOnlyLosses++
    else {
      result.lost++
      this.violation(`file ${sounded.file} from ${sounded.from - START} ms, ${heard} ms long, is lost`)
    }
  }

  private judgePair(sounded: Sounded, play: Play, now: number): void {
    const { result } = this
    const missing = soundedMs(sounded, now) - play.heardMs
    const open = play.reason === END_POWER_LOST && this.openAtCut(sounded)
    const most = open ? OPEN_LOSS_MS : TIMING_MS
    if (open && missing <= most) result.worstOpenLossMs = Math.max(result.worstOpenLossMs, missing)
    if (play.reason === END_POWER_LOST && this.task.memory === "flash" && (!open || missing > most)) {
      // The flash forgot how it ended and kept an older checkpoint.
      result.flashOnlyLosses++
    } else if (play.reason === END_POWER_LOST && !open) {
      this.violation(`play ${play.sequence} lost power where none was cut`)
    } else if (missing < -TIMING_MS || missing > most) {
      this.violation(`play ${play.sequence} (${END_REASONS[play.reason]}) is ${missing} ms short`)
    }
  }

  /** Every list came whole or not at all, and the board has the newest in the end. */
  private async judgeLists(plays: readonly Play[]): Promise<void> {
    const lists = await this.study.store.playlists.all()
    for (const fault of misplaced(plays, lists)) this.violation(fault)
    const newest = lists.at(-1)!
    if (newest.state !== "confirmed") this.violation(`playlist ${newest.version} is ${newest.state}`)
  }

  private openAtCut({ until }: Sounded): boolean {
    return until === undefined || this.cutAt.some((at) => until <= at && at - until <= WRITING_MS)
  }

  private violation(text: string): void {
    this.result.violations.push(`${this.task.memory} world ${this.task.world}: ${text}`)
  }

  /** The power goes at one of the next `most` writes: before it, within it, or right after it. */
  private armWrites(most: number, place?: Place): void {
    const { rng } = this
    const where = rng.uniform()
    const share = where < 0.15 ? 0 : where < 0.3 ? 1 : rng.uniform()
    this.arm = { place, after: rng.int(most), share }
  }

  private watchWrites(): void {
    const { board, fram } = this
    const goes = (place?: Place): Arm | undefined => {
      const { arm } = this
      if (arm === undefined || (place && arm.place && place !== arm.place)) return undefined
      if (arm.after-- > 0) return undefined
      this.arm = undefined
      this.going = true
      this.clock.setTimeout(() => {
        this.going = false
        if (board.powered) board.powerOff()
      }, 0)
      return arm
    }
    if (fram !== undefined) {
      fram.onWrite = (at, data) => {
        const arm = goes(placeOf(at))
        if (arm === undefined) return undefined
        const bytes = Math.round(arm.share * data.length)
        if (bytes > 0 && bytes < data.length) this.countTorn(placeOf(at))
        return bytes
      }
    } else {
      board.keepFlash = (written, before) => {
        const arm = goes()
        if (arm === undefined) return !this.going
        if (arm.share > 0 && arm.share < 1) this.countTorn("settings")
        return tearFlash(before, written, arm.share)
      }
    }
  }

  private countTorn(place: Place): void {
    this.result.torn[place] = (this.result.torn[place] ?? 0) + 1
  }

  private async serve(): Promise<void> {
    this.app = buildServer({
      study: this.study,
      now: this.clock.now,
      random: bytesFrom(stream(this.task.seed, "host salts", this.task.world, this.cutAt.length)),
    })
    await this.app.ready()
  }

  /** A new list in random order. */
  private async publishList(): Promise<void> {
    const songs = shuffledSongs(SONGS, this.rng).slice(0, LIST_SONGS)
    await publishSongs(this.study, 1, songs, this.clock.now())
  }
}

/** Part of the FRAM's map that an address belongs to. */
function placeOf(at: number): Place {
  if (at < 384) return "state"
  if (at < 512) return "open listen"
  return at < 20_512 ? "record" : "playlist"
}
