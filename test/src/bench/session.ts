// A board that has its first playlist and waits for the play button.

import { packPlaylist } from "../../../host/protocol/playlist.js"
import type { Fram } from "../../../host/rehearsal/chips/fram.js"
import type { Chip } from "../../../host/rehearsal/i2c-bus.js"
import type { ListenRecord } from "../../../src/record.js"
import { Board } from "./board.js"
import { TestHost } from "./host.js"

const DEVICE = "12abdd2289421234"

/** Songs of 61, 200, 45 and 120 seconds on files 7, 12, 300 and 9. */
export const FOUR_SONGS = [
  { song: 7, lengthMs: 61_000, flags: 0 },
  { song: 12, lengthMs: 200_000, flags: 1 },
  { song: 300, lengthMs: 45_000, flags: 0 },
  { song: 9, lengthMs: 120_000, flags: 0 },
]

interface SessionOptions {
  entry?: string
  /** The board keeps what changes there and not on its flash. */
  fram?: Fram
  /** Further chips of a board that has FRAM. */
  chips?: readonly Chip[]
  /** Further settings of the provisioning. */
  settings?: Record<string, Uint8Array>
  /** False: do not wait for the first sync. */
  synced?: boolean
}

export async function boardWithList(
  items = FOUR_SONGS,
  { entry, fram, chips = [], settings, synced = true }: SessionOptions = {},
): Promise<{ board: Board; host: TestHost }> {
  const host = new TestHost(DEVICE)
  host.playlist = { version: 1, bytes: packPlaylist(items, 1) }
  const board = await Board.start({
    entry,
    server: host.serve,
    settings: { ...host.settings, ftstore: Buffer.from(fram ? "fram" : "flash"), ...settings },
    chips: fram && [fram, ...chips],
  })
  const listed = () => host.requests.at(-1)?.list === 1
  if (synced && !(await board.clock.advance(20_000, listed))) {
    throw new Error(`no playlist after 20 s: ${board.lines.slice(-10).join(" | ")}`)
  }
  await board.clock.advance(100)
  return { board, host }
}

/** Lets the board sync by its own interval until the host has `count` plays; them in order of sequence. */
export async function playsOf(board: Board, host: TestHost, count: number): Promise<ListenRecord[]> {
  if (!(await board.clock.advance(300_000, () => host.plays.size >= count))) {
    throw new Error(
      `${host.plays.size} plays after 5 min, not ${count}: ${board.lines.slice(-10).join(" | ")}`,
    )
  }
  return [...host.plays.values()].sort((a, b) => a.sequence - b.sequence)
}

/** Drops the power for a second and starts the board again from its flash. */
export async function powerCut(board: Board): Promise<void> {
  board.powerOff()
  await board.clock.advance(1000)
  await board.powerOn()
}
