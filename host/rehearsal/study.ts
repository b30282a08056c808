// A whole study, rehearsed: a study folder, boards with the real firmware in the real VM, virtual listeners, a
// random first wave and designed ones. Everything runs on one virtual clock and follows from one seed, so the same
// seed gives the same study, to the byte.

import { readFileSync } from "node:fs"
import type { Server } from "node:http"
import { join } from "node:path"
import { KEY_BYTES } from "../../src/wire.js"
import { importCatalogue } from "../catalogue/import.js"
import { packageRoot } from "../firmware/manifest.js"
import { type FeatureSpec, featureMatrix, type Song } from "../model/features.js"
import { stream } from "../model/random.js"
import { estimate, runRound } from "../round.js"
import { buildServer } from "../server/server.js"
import { contentHash } from "../store/hash.js"
import { EVERYBODY } from "../store/models.js"
import { enrol } from "../study/enrol.js"
import { initStudy, type Study } from "../study/study.js"
import { type WaveSummary, waveSummaries } from "../study/waves.js"
import { Board } from "./board.js"
import { drawCatalogue, NO_ATTRIBUTES } from "./catalogue.js"
import { VirtualClock } from "./clock.js"
import { matchListens, soundedMs } from "./ledger.js"
import { drawTaste, Listener, type Taste } from "./listener.js"
import { type Fault, HostNetwork } from "./network.js"
import { bytesFrom } from "./random-bytes.js"

/** Monday 6 January 2025, 08:00 UTC: rehearsals have a calendar of their own. */
const START = Date.UTC(2025, 0, 6, 8)
const MINUTE_MS = 60_000
/** About 20 songs: enough plays in two sessions to learn from, few enough for a demonstration. */
const SESSION_MINUTES = 40
/** Holding the play button this long asks the board for a sync. */
const HOLD_MS = 2000
/** A sync of a few exchanges is over by then. */
const SYNC_MS = 15_000
/** A song that has begun when a session ends may still play this long. */
const LAST_SONG_MS = 30 * MINUTE_MS
const ADDRESS = "http://10.0.0.5:8137"

export interface RehearsalOptions {
  /** A folder that does not hold a study yet. */
  dir: string
  seed: number
  boards: number
  waves: number
  /** When its calendar begins, Unix milliseconds; left out, that of all rehearsals. */
  startAt?: number
  songs?: number
  playlistSize?: number
  /** Minutes of music of each of the two sessions of a wave, whole. */
  sessionMinutes?: number
  /** What goes wrong on the network, asked per board and connection. */
  fault?: (board: number, connection: number) => Fault | undefined
  /** Told what is done, and the share of all the work. */
  progress?: (label: string, share: number) => void
}

/** `arm`: the design of the wave's playlists. */
interface WaveReport extends Omit<WaveSummary, "designs" | "meanShareHeard" | "shareFinished"> {
  arm: string
  /** 0 where nothing was heard. */
  meanShareHeard: number
  shareFinished: number
}

export interface ListenerReport {
  subject: number
  device: string
  plays: number
  /** Correlation over the catalogue between estimated and true expected log listening time. */
  tasteCorrelation: number | null
  /** Attributes that matter to the listener, largest first, and those with inclusion probability of at least ½. */
  likes: string[]
  found: string[]
}

export interface RehearsalReport {
  seed: number
  boards: number
  waves: WaveReport[]
  playsOnBoards: number
  playsStored: number
  lost: number
  duplicated: number
  /** Largest error of a stored time heard, ms. */
  heardErrorMs: number
  playlistsPublished: number
  playlistsConfirmed: number
  /** Mean over the listeners; null where nobody has a model. */
  tasteCorrelation: number | null
  listeners: ListenerReport[]
  panics: number
  simulatedHours: number
  databaseSha: string
}

/** One subject's board, ears and taste. */
interface Participant {
  subject: number
  board: Board
  listener: Listener
  taste: Taste
  network: HostNetwork
  /** Virtual time at which each boot began. */
  bootAt: number[]
}

export class Rehearsal {
  private constructor(
    readonly clock: VirtualClock,
    readonly study: Study,
    private readonly options: RehearsalOptions,
    private readonly songs: ReadonlyMap<number, Song>,
    private readonly spec: FeatureSpec,
    readonly participants: Participant[],
    private readonly app: ReturnType<typeof buildServer>,
  ) {}

  /** Creates the study, enrols the boards and powers them up. */
  static async open(options: RehearsalOptions): Promise<Rehearsal> {
    const { dir, seed, boards, startAt = START, playlistSize = 40, songs: count = 400 } = options
    const clock = new VirtualClock(startAt)
    const study = await initStudy(dir, { name: "rehearsal", seed, playlistSize, syncMinutes: 0 })
    const csv = drawCatalogue(count, stream(seed, "catalogue"))
    const imported = await importCatalogue(study.store, csv, { ignore: NO_ATTRIBUTES, at: clock.now() })
    if (imported.errors.length > 0) throw new Error(`catalogue: ${JSON.stringify(imported.errors[0])}`)
    const salts = bytesFrom(stream(seed, "host salts"))
    const app = buildServer({ study, now: clock.now, random: salts })
    await app.ready()
    // The first pass publishes the random first wave and freezes the features that tastes are drawn over.
    for (let subject = 1; subject <= boards; subject++) await enrolSubject(study, subject, clock.now())
    await runRound(study, { now: clock.now() })
    const spec = (await study.store.models.latest(EVERYBODY, "features"))!.summary as unknown as FeatureSpec
    const rows = await study.store.songs.all()
    const songs = new Map(
      rows.map(({ id, genre, attributes, lengthMs }) => [
        id,
        { id, genre: genre || undefined, attributes, lengthS: lengthMs / 1000 },
      ]),
    )
    const rehearsal = new Rehearsal(clock, study, options, songs, spec, [], app)
    const bytecode = new Uint8Array(readFileSync(join(packageRoot(), "dist", "firmware", "fieldtune.devs")))
    for (let subject = 1; subject <= boards; subject++) {
      rehearsal.participants.push(await rehearsal.join(subject, app.server, bytecode))
    }
    return rehearsal
  }

  /** Runs all waves and compares what was heard with what is stored. */
  async run(): Promise<RehearsalReport> {
    const { waves } = this.options
    for (let wave = 1; wave <= waves; wave++) {
      if (wave > 1) {
        this.tell(`designing wave ${wave}`, (wave - 1) / waves)
        await runRound(this.study, { now: this.clock.now() })
      }
      await this.sync()
      for (const half of [0, 1]) {
        await this.session((share) =>
          this.tell(`wave ${wave} of ${waves}: listening`, (wave - 1 + (half + share) / 2) / waves),
        )
        await this.sync()
      }
    }
    this.tell("estimating", 1)
    await estimate(this.study, { now: this.clock.now() })
    return this.report()
  }

  /** Every listener holds the play button; the boards sync. */
  async sync(): Promise<void> {
    for (const { board } of this.participants) board.tap("play", HOLD_MS)
    await this.clock.advance(HOLD_MS + SYNC_MS)
  }

  /** Music on every board, until the song that plays at the end is over. */
  async session(progress: (share: number) => void = () => {}): Promise<void> {
    const minutes = this.options.sessionMinutes ?? SESSION_MINUTES
    for (const { listener } of this.participants) listener.begin()
    for (let minute = 0; minute < minutes; minute++) {
      progress(minute / minutes)
      await this.clock.advance(MINUTE_MS)
      // Virtual time leaves the process no turn of its own: this one lets a progress bar be drawn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const { listener } of this.participants) listener.leave()
    const over = (): boolean => this.participants.every(({ listener }) => listener.stopped)
    if (!(await this.clock.advance(LAST_SONG_MS, over))) {
      throw new Error("rehearsal: a song did not end half an hour after its session")
    }
    await this.clock.advance(2000)
  }

  /** Power goes and comes back after `offMs`. */
  async cutPower({ board, bootAt }: Participant, offMs = 1000): Promise<void> {
    board.powerOff()
    await this.clock.advance(offMs)
    bootAt.push(this.clock.now())
    await board.powerOn()
  }

  async report(): Promise<RehearsalReport> {
    const { study, options, clock } = this
    const { store } = study
    const result = { playsOnBoards: 0, lost: 0, duplicated: 0, heardErrorMs: 0 }
    const all = await store.plays.all()
    for (const { board, bootAt } of this.participants) {
      const own = all.filter((play) => play.device === board.deviceId)
      const { pairs, lost, duplicated } = matchListens(board.sound.sounded, own, bootAt)
      result.playsOnBoards += board.sound.sounded.length
      result.lost += lost.length
      result.duplicated += duplicated.length
      for (const { sounded, play } of pairs) {
        const error = Math.abs(soundedMs(sounded, clock.now()) - play.heardMs)
        result.heardErrorMs = Math.max(result.heardErrorMs, error)
      }
    }
    const lists = await store.playlists.all()
    const confirmed = lists.filter((list) => list.state === "confirmed").length
    const listeners = await this.listenerReports()
    const correlations = listeners.flatMap((l) => (l.tasteCorrelation === null ? [] : [l.tasteCorrelation]))
    return {
      seed: options.seed,
      boards: options.boards,
      waves: (await waveSummaries(study)).map(({ designs, meanShareHeard, shareFinished, ...wave }) => ({
        ...wave,
        arm: designs,
        meanShareHeard: meanShareHeard ?? 0,
        shareFinished: shareFinished ?? 0,
      })),
      playsStored: all.length,
      ...result,
      playlistsPublished: lists.length,
      playlistsConfirmed: confirmed,
      tasteCorrelation: correlations.length > 0 ? mean(correlations) : null,
      listeners,
      panics: this.participants.reduce((sum, { board }) => sum + board.panics.length, 0),
      simulatedHours: (clock.now() - (options.startAt ?? START)) / 3_600_000,
      databaseSha: await contentHash(store),
    }
  }

  /** Powers the boards down and closes the server; the study stays open. */
  async close(): Promise<void> {
    for (const { board } of this.participants) board.powerOff()
    await this.app.close()
  }

  private async listenerReports(): Promise<ListenerReport[]> {
    const songs = [...this.songs.values()]
    const x = featureMatrix(this.spec, songs)
    const { names } = this.spec
    const reports: ListenerReport[] = []
    for (const { subject, board, taste } of this.participants) {
      const model = await this.study.store.models.latest(subject, "taste")
      const summary = model?.summary as { mean: number[]; inclusion: number[]; plays: number } | undefined
      const likes = names
        .map((name, q) => ({ name, size: q === 0 ? 0 : Math.abs(taste.beta[q]) }))
        .filter(({ size }) => size > 0)
        .sort((a, b) => b.size - a.size)
      reports.push({
        subject,
        device: board.deviceId,
        plays: summary?.plays ?? 0,
        tasteCorrelation:
          summary === undefined ? null : correlation(times(x, taste.beta), times(x, summary.mean)),
        likes: likes.map(({ name }) => name),
        found: names.filter((_, q) => q > 0 && summary !== undefined && summary.inclusion[q] >= 0.5),
      })
    }
    return reports
  }

  private async join(subject: number, server: Server, bytecode: Uint8Array): Promise<Participant> {
    const { seed, fault } = this.options
    const { clock, spec, songs } = this
    const net = new HostNetwork({
      clock,
      server,
      fault: fault && ((connection) => fault(subject, connection)),
    })
    const deviceId = deviceOf(subject)
    const bootAt = [clock.now()]
    const board = await Board.start({
      deviceId,
      bytecode,
      clock,
      net,
      entropy: bytesFrom(stream(seed, "board", subject)),
      lengthMs: (file) => this.lengthMs(file),
      settings: {
        ftkey: keyOf(seed, subject),
        fthost: Buffer.from(ADDRESS),
      },
    })
    const taste = drawTaste(spec, stream(seed, "taste", subject))
    const listener = new Listener({
      board,
      taste,
      rng: stream(seed, "listener", subject),
      features: (file) => featureMatrix(spec, songs.has(file) ? [songs.get(file)!] : []),
      lengthMs: (file) => this.lengthMs(file),
    })
    return { subject, board, listener, taste, network: net, bootAt }
  }

  private lengthMs(file: number): number | undefined {
    const song = this.songs.get(file)
    return song && Math.round(song.lengthS * 1000)
  }

  private tell(label: string, share: number): void {
    this.options.progress?.(label, share)
  }
}

async function enrolSubject(study: Study, subject: number, at: number): Promise<void> {
  const arm = study.plan.arms[0].name
  const key = keyOf(study.plan.seed, subject)
  await enrol(study.store, { subject, device: deviceOf(subject), arm, key, at })
}

function deviceOf(subject: number): string {
  return `f1e1d7${subject.toString(16).padStart(8, "0")}00`
}

function keyOf(seed: number, subject: number): Uint8Array {
  return bytesFrom(stream(seed, "key", subject))(KEY_BYTES)
}

function times(x: Float64Array, beta: ArrayLike<number>): number[] {
  const p = beta.length
  return Array.from({ length: x.length / p }, (_, row) => {
    let sum = 0
    for (let q = 0; q < p; q++) sum += x[row * p + q] * beta[q]
    return sum
  })
}

function mean(values: readonly number[]): number {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : 0
}

/** null where one of them does not vary. */
function correlation(a: readonly number[], b: readonly number[]): number | null {
  const ma = mean(a)
  const mb = mean(b)
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb)
    aa += (a[i] - ma) ** 2
    bb += (b[i] - mb) ** 2
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null
}
