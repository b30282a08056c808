// One exchange of a sync: a checked request becomes a commit, and what the store then holds becomes the reply.
// The reply is made after the commit has returned, so whatever it acknowledges is on disk.

import {
  PART_BYTES,
  type PlaylistPart,
  type SyncReply,
  type SyncRequest,
  WIRE_VERSION,
} from "../../src/wire.js"
import type { ContactOutcome } from "../store/syncs.js"
import { devicePlan } from "../study/plan.js"
import { planNow, type Study } from "../study/study.js"
import { judgeRecords } from "./judge.js"

/** The request counter did not go up: the request was seen before, or is an old one sent again. */
interface Replay {
  replay: true
  /** Boot and counter that the host has reached in this epoch. */
  boot: number
  counter: number
}

interface Exchange {
  replay: false
  reply: SyncReply
  outcome: ContactOutcome
}

/** Commits the request of `device`; `body` is what was received, `now` Unix milliseconds. */
export async function exchange(
  study: Study,
  device: string,
  request: SyncRequest,
  body: Uint8Array,
  now: number,
): Promise<Exchange | Replay> {
  const judged = await judgeRecords(study.store, device, request)
  const outcome = await study.store.syncs.commit({
    device,
    at: now,
    epoch: request.epoch,
    boot: request.boot,
    counter: request.n,
    up: request.up,
    firmware: request.fw,
    list: request.list,
    next: request.next ?? null,
    refused: request.refused ?? null,
    open: request.open ?? null,
    health: request.health,
    gone: request.gone,
    body,
    ...judged,
  })
  if (outcome.replay) return outcome
  const reply: SyncReply = {
    v: WIRE_VERSION,
    now,
    ack: outcome.ackedTo > 0 ? [[outcome.ackedBoot, outcome.ackedTo]] : [],
    missing: outcome.missing,
  }
  const part = outcome.offer === null ? undefined : playlistPart(outcome.offer, request.part)
  if (part !== undefined) reply.list = part
  reply.plan = devicePlan(await planNow(study), now)
  return { replay: false, reply, outcome }
}

/** The part the board asks for; the first one where it asks for another version or for none. */
function playlistPart(
  offer: { version: number; bytes: Uint8Array },
  wanted: readonly number[] | undefined,
): PlaylistPart | undefined {
  const of = Math.ceil(offer.bytes.length / PART_BYTES)
  const k = wanted !== undefined && wanted[0] === offer.version ? wanted[1] : 0
  // A board that asks beyond the end holds every part and is about to store it.
  if (k >= of) return undefined
  const data = Buffer.from(offer.bytes.subarray(k * PART_BYTES, (k + 1) * PART_BYTES))
  return { ver: offer.version, k, of, size: offer.bytes.length, data }
}
