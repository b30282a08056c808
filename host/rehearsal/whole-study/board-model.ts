// A fast stand-in for a board: what the firmware does of a virtual listener's day, without its bytecode. It gives the
// same listen records for the same listener, playlists and times, and speaks the same sealed protocol; a test plays
// the same days on both and compares record by record.
//
// What it leaves out, because virtual listeners do none of it: pauses, the controls that a plan may allow, power cuts
// within a song, and playlists from which the board chooses by itself (those are refused).
//
// Times, milliseconds, as the firmware has them on the simulated bus: a button acts one after it goes down (play: after
// it comes up), a sound begins one after the player asks for it. After a song that ended by itself the next one begins
// GAP_MS later: the runtime looks that often, and sooner where a frame happens to arrive in between. Where the
// firmware is still writing a checkpoint or the listen before, the next song begins some milliseconds later than here.

import {
  END_FINISHED,
  END_SKIPPED,
  END_STOPPED,
  type ListenRecord,
  packRecord,
  RECORD_BYTES,
} from "../../../src/record.js"
import {
  GONE_LOG_FULL,
  KEY_BYTES,
  MAX_EXCHANGES,
  MAX_PLAYLIST_BYTES,
  MAX_PLAYS,
  MAX_RANGES,
  PART_BYTES,
  type PlaylistPart,
  RESET_POWER,
  SALT_BYTES,
  type SyncReply,
  WIRE_VERSION,
} from "../../../src/wire.js"
import { firmwareManifest } from "../../firmware/manifest.js"
import { encodeMessagePack } from "../../protocol/messagepack.js"
import { unpackPlaylist } from "../../protocol/playlist.js"
import { decodeReply } from "../../protocol/reply.js"
import { openReply, sealRequest } from "../../protocol/seal.js"
import type { ButtonName } from "../board.js"
import type { VirtualClock } from "../clock.js"
import type { Sounded, SoundSource } from "../sound-board.js"

/** Records that the settings flash of a board holds (src/memory/settings-memory.ts). */
export const LOG_RECORDS = 400
/** Volume of a new board (src/state.ts). */
const DEFAULT_VOLUME = 8
/** Ranges of listens that a full log names (src/state.ts). */
const MOST_UNRECORDED_RANGES = 12
/** A button that stays down for so long asks for a sync (src/buttons.ts). */
const HOLD_MS = 1500
const BUS_MS = 1
/** From the end of a song to the start of the next. */
const GAP_MS = 10

export interface BoardModelOptions {
  /** Sixteen lower-case hexadecimal digits. */
  deviceId: string
  clock: VirtualClock
  key: Uint8Array
  /** The board's source of random bytes: the epoch at its first start, then a salt per request. */
  entropy: (count: number) => Uint8Array
  /** Carries a sealed request to the host; gives the sealed reply. */
  exchange: (body: Uint8Array) => Promise<Uint8Array>
}

interface PlayableList {
  version: number
  items: { song: number; lengthMs: number; flags: number }[]
}

interface Listen {
  /** Uptime, ms. */
  startMs: number
  position: number
  item: PlayableList["items"][number]
}

/** What sounds on a board without a sound board: the same ledger. */
class ModelSound implements SoundSource {
  readonly sounded: Sounded[] = []
  onStart: (sounded: Sounded) => void = () => {}

  constructor(private readonly clock: VirtualClock) {}

  get playing(): Sounded | undefined {
    const last = this.sounded.at(-1)
    return last?.until === undefined ? last : undefined
  }

  play(file: number, lengthMs: number): void {
    this.end(true)
    const sounded: Sounded = { file, from: this.clock.now() }
    this.sounded.push(sounded)
    this.clock.setTimeout(() => {
      if (this.playing === sounded) this.end(false)
    }, lengthMs)
    this.onStart(sounded)
  }

  end(cancelled: boolean): void {
    const { playing } = this
    if (playing === undefined) return
    playing.until = this.clock.now()
    playing.cancelled = cancelled
  }
}

export class BoardModel {
  readonly clock: VirtualClock
  readonly deviceId: string
  readonly sound: ModelSound
  /** Nothing ends the program of a model. */
  readonly panics: number[] = []
  private readonly firmware = firmwareManifest().version

  // What the memory keeps.
  private epoch = 0
  private boot = 0
  private acked = 0
  private last = 0
  private readonly log = new Map<number, Uint8Array>()
  private newest: ListenRecord | undefined
  /** [boot or 0, from, to] of listens that found the log full. */
  private unrecorded: [number, number, number][] = []
  private unrecordedCount = 0
  private list: PlayableList | undefined
  private maxVolume = 15

  // What goes with the power.
  private on = false
  private bootAt = 0
  private wanted = false
  private listen: Listen | undefined
  private position = -1
  private advance = true
  /** Version of the list that `position` belongs to. */
  private version = 0
  private counter = 0
  private lastSync = 0
  private readonly downUntil = new Map<ButtonName, number>()
  private download: { version: number; bytes: Uint8Array; got: number } | undefined

  constructor(private readonly options: BoardModelOptions) {
    if (options.key.length !== KEY_BYTES) throw new RangeError(`key: ${options.key.length} bytes`)
    this.clock = options.clock
    this.deviceId = options.deviceId
    this.sound = new ModelSound(options.clock)
  }

  async powerOn(): Promise<void> {
    if (this.boot === 0) this.epoch = Buffer.from(this.options.entropy(4)).readUInt32LE()
    this.boot++
    this.on = true
    this.bootAt = this.clock.now()
    this.wanted = false
    this.listen = undefined
    this.counter = 0
    this.lastSync = 0
    this.download = undefined
    this.version = this.list?.version ?? 0
    this.position = -1
    this.advance = true
    // Goes on with the song that was stopped, as Player.restore does.
    if (this.newest !== undefined && this.newest.listVersion === this.version % 256) {
      this.position = this.newest.position
      this.advance = this.newest.reason !== END_STOPPED
    }
  }

  powerOff(): void {
    if (this.listen !== undefined)
      throw new Error(`${this.deviceId}: the model has no power cuts within a song`)
    this.on = false
  }

  /** Listens of the epoch that the full log could not take. */
  get unrecordedListens(): number {
    return this.unrecordedCount
  }

  tap(button: ButtonName, ms = 60): void {
    // A button that is still down can't be pressed.
    if (this.clock.now() <= (this.downUntil.get(button) ?? 0)) return
    this.downUntil.set(button, this.clock.now() + ms)
    if (button !== "play") {
      this.later(BUS_MS, () => (button === "skip" ? this.skip() : this.stop()))
    } else if (ms >= HOLD_MS) {
      this.later(ms + BUS_MS, () => this.clock.hold(this.contact()))
    } else this.later(ms + BUS_MS, () => this.toggle())
  }

  private get uptime(): number {
    return this.clock.now() - this.bootAt
  }

  /** Runs `work` unless the power has gone in between. */
  private later(ms: number, work: () => void): void {
    const { boot } = this
    this.clock.setTimeout(() => {
      if (this.on && this.boot === boot) work()
    }, ms)
  }

  // ── the player ─────────────────────────────────────────────────────────────────────────────────────────────────

  private toggle(): void {
    if (this.listen !== undefined) throw new Error(`${this.deviceId}: the model has no pauses`)
    this.wanted = !this.wanted
    if (this.wanted) this.begin()
  }

  private skip(): void {
    this.wanted = true
    if (this.listen === undefined) {
      this.advance = true
      return
    }
    this.end(END_SKIPPED)
    this.begin()
  }

  private stop(): void {
    this.wanted = false
    if (this.listen === undefined) return
    this.end(END_STOPPED)
    this.later(BUS_MS, () => this.sound.end(true))
  }

  private begin(): void {
    const { list } = this
    if (!this.wanted || this.listen !== undefined || list === undefined) return
    if (this.version !== list.version) {
      this.version = list.version
      this.position = -1
      this.advance = true
    }
    if (this.advance || this.position >= list.items.length) {
      this.position = this.position + 1 < list.items.length ? this.position + 1 : 0
    }
    this.advance = false
    const item = list.items[this.position]
    const listen: Listen = { startMs: this.uptime, position: this.position, item }
    this.listen = listen
    this.later(BUS_MS, () => this.sound.play(item.song, item.lengthMs))
    this.later(item.lengthMs, () => {
      if (this.listen !== listen) return
      this.end(END_FINISHED)
      this.later(GAP_MS, () => this.begin())
    })
  }

  /** Ends the listen as of now. */
  private end(why: number): void {
    const { startMs, position, item } = this.listen!
    this.listen = undefined
    const heardMs = Math.min(this.uptime - startMs, item.lengthMs)
    // Whoever presses a button just after the end has heard the song to its end.
    const reason = heardMs >= item.lengthMs ? END_FINISHED : why
    if (why !== END_STOPPED) this.advance = true
    this.append({
      sequence: this.last + 1,
      boot: this.boot,
      startMs,
      song: item.song,
      listVersion: this.version % 256,
      position,
      heardMs,
      reason,
      flags: item.flags,
      pauses: 0,
      volume: Math.min(DEFAULT_VOLUME, this.maxVolume),
    })
  }

  // ── the log ────────────────────────────────────────────────────────────────────────────────────────────────────

  private append(record: ListenRecord): void {
    const { sequence } = record
    this.last = sequence
    this.newest = record
    if (sequence > this.acked + LOG_RECORDS || this.unrecorded.length >= MOST_UNRECORDED_RANGES) {
      this.unrecordedCount++
      const tail = this.unrecorded.at(-1)
      if (tail === undefined || tail[2] !== sequence - 1)
        this.unrecorded.push([record.boot, sequence, sequence])
      else {
        tail[2] = sequence
        if (tail[0] !== record.boot) tail[0] = 0
      }
      return
    }
    const bytes = new Uint8Array(RECORD_BYTES)
    packRecord(record, bytes, 0)
    this.log.set(sequence, bytes)
  }

  /** What is known of the sequences `from` to `to`, into the batch; the first one that is not in it. */
  private collect(batch: Batch, from: number, to: number): number {
    const end = Math.min(to, this.last)
    let sequence = from
    while (sequence <= end) {
      const range = this.unrecorded.find(([, first, last]) => first <= sequence && sequence <= last)
      if (range !== undefined) {
        if (batch.gone.length === MAX_RANGES) return sequence
        const upTo = Math.min(end, range[2])
        batch.gone.push([range[0], sequence, upTo, GONE_LOG_FULL])
        sequence = upTo + 1
        continue
      }
      const record = this.log.get(sequence)
      if (record === undefined) throw new Error(`${this.deviceId}: the model has freed record ${sequence}`)
      if (batch.plays.length === MAX_PLAYS) return sequence
      batch.plays.push(record)
      sequence++
    }
    return sequence
  }

  private acknowledge(upTo: number): void {
    const covered = Math.min(upTo, this.last)
    if (covered <= this.acked) return
    for (let sequence = this.acked + 1; sequence <= covered; sequence++) this.log.delete(sequence)
    this.acked = covered
    this.unrecorded = this.unrecorded.filter(([, , to]) => to > covered)
  }

  // ── the sync ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** The exchanges of src/sync.ts; virtual time stands still meanwhile. */
  private async contact(): Promise<void> {
    let missing: number[][] = []
    let from = this.acked + 1
    for (let i = 0; i < MAX_EXCHANGES; i++) {
      const batch: Batch = { plays: [], gone: [] }
      for (const [, first, to] of missing) this.collect(batch, first, to)
      from = this.collect(batch, from, Number.POSITIVE_INFINITY)
      const shown = this.list?.version
      const reply = await this.exchange(batch)
      this.acknowledge(Math.min(Math.max(0, ...reply.ack.map(([, upTo]) => upTo)), from - 1))
      if (reply.plan !== undefined) this.maxVolume = reply.plan.vol
      const news = reply.list !== undefined && this.receive(reply.list)
      const asked = JSON.stringify(missing)
      missing = reply.missing
      const holes = missing.length > 0 && JSON.stringify(missing) !== asked
      if (from > this.last && !holes && !news && shown === this.list?.version) {
        this.lastSync = this.uptime
        return
      }
    }
  }

  private async exchange({ plays, gone }: Batch): Promise<SyncReply> {
    const { deviceId, options } = this
    const plain = encodeMessagePack({
      v: WIRE_VERSION,
      fw: this.firmware,
      epoch: this.epoch,
      boot: this.boot,
      up: this.uptime,
      n: ++this.counter,
      plays,
      gone,
      list: this.list?.version ?? 0,
      ...(this.download === undefined ? {} : { part: [this.download.version, this.download.got] }),
      health: {
        log: this.last - this.acked,
        cap: LOG_RECORDS,
        full: this.unrecordedCount,
        audio: 0,
        fails: 0,
        store: 0,
        vol: Math.min(DEFAULT_VOLUME, this.maxVolume),
        card: 0,
        reset: RESET_POWER,
        ...(this.lastSync > 0 ? { last: this.lastSync } : {}),
      },
    })
    const salt = options.entropy(SALT_BYTES)
    const reply = await options.exchange(sealRequest(options.key, deviceId, salt, plain))
    return decodeReply(openReply(options.key, deviceId, salt, reply))
  }

  /** Takes a part of a playlist; true where the host should hear of it at once. Nothing plays during a sync, so a whole
   *  list is the active one at once. */
  private receive({ ver, k, of, size, data }: PlaylistPart): boolean {
    if (ver === this.list?.version) return false
    if (size > MAX_PLAYLIST_BYTES)
      throw new Error(`${this.deviceId}: a playlist of ${size} bytes has no room`)
    if (this.download?.version !== ver) {
      this.download = { version: ver, bytes: new Uint8Array(size), got: 0 }
    }
    const { download } = this
    if (k !== download.got) return false
    download.bytes.set(data, k * PART_BYTES)
    download.got++
    if (download.got < of) return true
    this.download = undefined
    const { version, items, adaptation } = unpackPlaylist(download.bytes)
    if (adaptation !== undefined) {
      throw new Error(`${this.deviceId}: the model does not choose songs by itself, as playlist ${ver} wants`)
    }
    this.list = { version, items }
    return true
  }
}

interface Batch {
  plays: Uint8Array[]
  /** [boot or 0, from, to, GONE_ code] */
  gone: number[][]
}
