// Sync: one exchange after the other until board and host have nothing more to tell each other.
//
// A sync starts by itself after the start of the board and then at the plan's interval, or on demand. A network
// that is not there, a host that is silent and a reply that does not open are failures of the same kind: try again
// after a pause that doubles, with a random part so that boards do not come in step. One request is under way at a
// time, every wait is bounded, and the player never waits for any of it.

import * as ds from "@devicescript/core"
import { randomBuffer } from "@devicescript/crypto"
import type { AudioOutput } from "./audio/audio-output"
import { Alarm } from "./clock"
import { Download } from "./download"
import type { SettingsFlash } from "./flash"
import type { Health } from "./health"
import { type Address, parseAddress, post } from "./http"
import { Batch, type ListenLog } from "./log/listen-log"
import type { BoardMemory } from "./memory/board-memory"
import { Packer } from "./msgpack"
import type { Player } from "./player"
import { versionOf } from "./playlist"
import { RECORD_BYTES } from "./record"
import { unpackReply } from "./reply"
import { packRequest } from "./request"
import { openReply, sealRequest } from "./seal"
import type { SerialLink } from "./serial"
import type { PlaylistSlots } from "./slots"
import type { BoardState } from "./state"
import {
  KEY_BYTES,
  MAX_BODY_BYTES,
  MAX_EXCHANGES,
  MAX_PLAYS,
  type PlaylistPart,
  REFUSED_FORMAT,
  SALT_BYTES,
  SYNC_PATH,
  type SyncReply,
  TAG_BYTES,
} from "./wire"

const FIRST_SYNC_MS = 3000
const REQUEST_MS = 10000
const BACKOFF_MS = 15000
const MAX_BACKOFF_MS = 1800000
/** How often a board without key and address looks for them. */
const UNPROVISIONED_MS = 60000
const MINUTE_MS = 60000
const IDLE_MS = 3600000
const MAX_SEQUENCE = 4294967295

export interface SyncParts {
  firmware: string
  device: string
  /** Where the provisioning stands. */
  flash: SettingsFlash
  /** Settings keys of the device key (32 bytes) and the host's address (text). */
  keyKey: string
  addressKey: string
  memory: BoardMemory
  state: BoardState
  log: ListenLog
  lists: PlaylistSlots
  player: Player
  audio: AudioOutput
  /** The way over the bus, which comes first where a host is on it. */
  link: SerialLink
  health: Health
}

export class Sync {
  private alarm = new Alarm()
  private demanded = false
  private key: Buffer
  private address: Address
  private counter = 0
  private download: Download
  private packer = new Packer(Buffer.alloc(MAX_BODY_BYTES - SALT_BYTES - TAG_BYTES))
  private batch = new Batch(Buffer.alloc(MAX_PLAYS * RECORD_BYTES))

  constructor(private parts: SyncParts) {
    this.download = new Download(parts.memory.maxListBytes)
  }

  start(): void {
    const self = this
    this.parts.link.start(() => self.demand())
    const run = async () => await self.run()
    run.start()
  }

  /** Asks for a sync now. */
  demand(): void {
    this.demanded = true
    this.alarm.ring()
  }

  private async run(): Promise<void> {
    let pause = this.parts.state.syncMinutes > 0 ? FIRST_SYNC_MS : IDLE_MS
    while (true) {
      if (!this.demanded) await this.alarm.sleep(pause)
      const due = this.demanded || this.parts.state.syncMinutes > 0 || this.parts.link.present()
      this.demanded = false
      pause = IDLE_MS
      try {
        this.parts.health.provisioned = await this.provisioned()
        if (due) pause = this.parts.health.provisioned ? await this.attempt() : UNPROVISIONED_MS
      } catch (e: any) {
        console.log("sync: " + e.message)
        pause = BACKOFF_MS
      }
    }
  }

  /** Reads key and address where they are not known yet: a board may be provisioned while it runs. */
  private async provisioned(): Promise<boolean> {
    if (this.key && this.address) return true
    const key = await this.parts.flash.read(this.parts.keyKey)
    const address = await this.parts.flash.read(this.parts.addressKey)
    if (!key || key.length !== KEY_BYTES || !address) return false
    this.address = parseAddress(address.toString().trim())
    this.key = key
    return this.address !== undefined || this.parts.link.present()
  }

  /** One sync; gives the time until the next one. */
  private async attempt(): Promise<number> {
    const { health, state } = this.parts
    health.syncing = true
    try {
      await health.synced(await this.contact())
      return state.syncMinutes > 0 ? state.syncMinutes * MINUTE_MS : IDLE_MS
    } catch (e: any) {
      health.fails++
      console.log("sync: " + e.message)
      // On the bus nobody else is kept from it, and somebody is waiting.
      const doublings = this.parts.link.present() ? 0 : Math.min(health.fails, 10) - 1
      const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * Math.pow(2, doublings))
      return pause * (0.75 + randomBuffer(2).getAt(0, "u16") / 131072)
    } finally {
      health.syncing = false
    }
  }

  /** The host's time at the last exchange, Unix ms. */
  private async contact(): Promise<number> {
    const { log, state } = this.parts
    let missing: number[][] = []
    let from = state.acked + 1
    let now = 0
    for (let i = 0; i < MAX_EXCHANGES; i++) {
      const batch = this.batch
      batch.clear()
      for (const range of missing) await log.collect(batch, range[1], range[2])
      from = await log.collect(batch, from, MAX_SEQUENCE)
      const shown = this.shown()
      const reply = await this.exchange()
      const upTo = acknowledged(reply)
      // What has not been told stays, whatever the host says.
      await log.acknowledge(Math.min(upTo, from - 1))
      if (reply.plan && state.follow(reply.plan)) await state.commit()
      const news = reply.list ? await this.receive(reply.list) : false
      const asked = rangesText(missing)
      missing = reply.missing
      if (i === 0 && upTo < state.acked) {
        // The host has forgotten what it acknowledged: it was set back to an older backup. Tell it all again.
        from = upTo + 1
        missing = []
      }
      // Go on while there is something new to tell; holes that an answer did not close wait for the next sync.
      const open = from <= state.acked + log.unacknowledged()
      const holes = missing.length > 0 && rangesText(missing) !== asked
      now = reply.now
      if (!open && !holes && !news && shown === this.shown()) return now
    }
    return now
  }

  /** What the host is shown of the playlists, as one text. */
  private shown(): string {
    const { lists } = this.parts
    const refused = this.download.refused
    return lists.version + " " + lists.next + " " + (refused ? refused[0] : 0)
  }

  /** One request and its reply; throws where there is no valid reply. */
  private async exchange(): Promise<SyncReply> {
    const { device, firmware, health, lists, player, state } = this.parts
    this.counter++
    const plain = packRequest(
      this.packer,
      {
        fw: firmware,
        epoch: state.epoch,
        boot: state.boot,
        up: ds.millis(),
        n: this.counter,
        open: player.open(),
        list: lists.version,
        next: lists.next,
        part: this.download.wanted(),
        refused: this.download.refused,
        health: await health.report(),
      },
      this.batch,
    )
    const salt = randomBuffer(SALT_BYTES)
    const sealed = sealRequest(this.key, device, salt, plain)
    const reply = this.parts.link.present()
      ? await this.parts.link.post(salt, sealed, REQUEST_MS)
      : await post(this.address, SYNC_PATH + device, salt, sealed, MAX_BODY_BYTES, REQUEST_MS)
    if (reply.status !== 200) throw new RangeError("http: status " + reply.status)
    return unpackReply(openReply(this.key, device, salt, reply.body))
  }

  /** Takes a part of a playlist; true where the host should hear of it at once. */
  private async receive(part: PlaylistPart): Promise<boolean> {
    const { lists, player } = this.parts
    if (part.ver === lists.version || part.ver === lists.next) return false
    const before = this.download.wanted()
    const bytes = this.download.take(part)
    if (bytes) {
      const fault = versionOf(bytes) === part.ver ? await lists.stage(bytes) : REFUSED_FORMAT
      if (fault !== 0) this.download.refuse(part.ver, fault)
      else if (player.idle() && (await lists.swap())) player.listChanged()
      return true
    }
    const wanted = this.download.wanted()
    if (!wanted) return false
    return !before || before[0] !== wanted[0] || before[1] !== wanted[1]
  }
}

/** Sequences do not restart within an epoch, so the highest acknowledgement covers all below it. */
function acknowledged(reply: SyncReply): number {
  let upTo = 0
  for (const ack of reply.ack) if (ack[1] > upTo) upTo = ack[1]
  return upTo
}

function rangesText(ranges: number[][]): string {
  let text = ""
  for (const range of ranges) text += range[1] + "-" + range[2] + " "
  return text
}
