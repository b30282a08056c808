// Boards: what may become of one when, and what that means for its listener.
//
//   in stock → handed out → returned → handed out → …
//   any of them → lost → (found) → returned; any of them but lost → retired → (found) → returned
//
// A board that is lost or retired is not handed out. If it syncs nevertheless, its plays come in, belong to whoever
// carried it when they were heard, and an event and the status tell of it.

import { KEY_BYTES } from "../../src/wire.js"
import { packPlaylist, unpackPlaylist } from "../protocol/playlist.js"
import type { BoardState, EnrolmentEnd, Replaced } from "../store/boards.js"
import { EnrolmentError } from "../store/boards.js"
import type { Store } from "../store/store.js"
import { slotBytes } from "./publish.js"

export type BoardAction = "lost" | "found" | "return" | "retire"

interface Transition {
  from: readonly BoardState[]
  to: BoardState
  /** How an enrolment that is open ends. */
  end: EnrolmentEnd
}

const TRANSITIONS: Record<BoardAction, Transition> = {
  lost: { from: ["stock", "handed-out", "returned"], to: "lost", end: "lost" },
  found: { from: ["lost", "retired"], to: "returned", end: "returned" },
  return: { from: ["handed-out"], to: "returned", end: "returned" },
  retire: { from: ["stock", "handed-out", "returned"], to: "retired", end: "retired" },
}

const MAX_REASON = 2000

/** Does it; gives the subject whose enrolment ended by it. Throws EnrolmentError where the board's state forbids it. */
export async function moveBoard(
  store: Store,
  action: BoardAction,
  device: string,
  reason: string,
  at: number,
): Promise<number | null> {
  if (reason.length > MAX_REASON) {
    throw new EnrolmentError(`reason: must be at most ${MAX_REASON} characters, got ${reason.length}`)
  }
  return store.boards.change({ ...TRANSITIONS[action], device, reason, at })
}

interface BoardSwap {
  device: string
  by: string
  key: Uint8Array
  to: "returned" | "lost" | "retired"
  reason: string
  at: number
}

/** Gives the listener of `device` the board `by`, with a copy of the newest playlist, in one transaction. */
export async function replaceBoard(store: Store, swap: BoardSwap): Promise<Replaced> {
  const { device, by, reason } = swap
  if (!/^[0-9a-f]{16}$/.test(by)) {
    throw new EnrolmentError(`device: must be 16 lower-case hexadecimal digits, got ${JSON.stringify(by)}`)
  }
  if (by === device) throw new EnrolmentError(`board ${device}: can't replace itself`)
  if (reason.trim() === "" || reason.length > MAX_REASON) {
    throw new EnrolmentError(`reason: must have 1 to ${MAX_REASON} characters, got ${reason.length}`)
  }
  const room = await slotBytes(store, by)
  return store.boards.replace({ ...swap, repack: (bytes, version) => repack(bytes, version, room) })
}

/** The same songs under another version. What a board chooses by is left out where the slot is too small for it. */
function repack(bytes: Uint8Array, version: number, room: number): Uint8Array {
  const { items, adaptation } = unpackPlaylist(bytes)
  if (adaptation === undefined || bytes.length <= room) return packPlaylist(items, version, adaptation)
  return packPlaylist(items.slice(0, adaptation.size), version)
}

export interface BoardKey {
  key: Uint8Array
  /** The board holds it since it was flashed: nobody needs to see it. */
  held: boolean
}

/** The key for a board that is handed out: the given one, the one it was flashed with, or a new one. */
export async function keyForBoard(
  store: Store,
  device: string,
  given: Uint8Array | undefined,
  random: (bytes: number) => Uint8Array,
): Promise<BoardKey> {
  if (given !== undefined) return { key: given, held: false }
  const flashed = (await store.provisioning.latest(device)) !== undefined
  const known = flashed ? await store.subjects.device(device) : undefined
  if (known !== undefined) return { key: known.key, held: true }
  return { key: random(KEY_BYTES), held: false }
}
