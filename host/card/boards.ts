// How each sound board wants its card: folder, names, highest number.
//
// All three are told a file by its number and look for its name, so the order in which a FAT directory holds its files
// is of no account: command 0x02 of the MP3 Trigger plays F003*.mp3 of the root, command 0x12 of the DFPlayer plays
// 0003*.mp3 of the folder mp3 (its 0x03, and the Trigger's 0x01, would play by order), the Jacdac service is given the
// whole name. Sources: SparkFun's hookup guide of the Qwiic MP3 Trigger, DFRobot's manual of the DFPlayer Mini.

import { firmwareManifest } from "../firmware/manifest.js"
import type { Store } from "../store/store.js"

export const BOARD_NAMES = ["mp3trigger", "dfplayer", "jacdac"] as const
export type BoardName = (typeof BOARD_NAMES)[number]

export interface AudioBoard {
  /** What people call it. */
  title: string
  /** Folder of the songs; empty is the card's root. */
  folder: string
  /** Highest number of a file. */
  maxFile: number
  /** Name of file `n` in the folder. */
  name(n: number): string
  /** The number under which the board would find a file of this name, whoever put it there. */
  numberOf(name: string): number | undefined
}

const four = (n: number): string => `${String(n).padStart(4, "0")}.mp3`

export const AUDIO_BOARDS: Readonly<Record<BoardName, AudioBoard>> = {
  mp3trigger: {
    title: "MP3 Trigger",
    folder: "",
    maxFile: 255,
    name: (n) => `F${String(n).padStart(3, "0")}.mp3`,
    numberOf: (name) => matched(/^F(\d{3}).*\.mp3$/i, name),
  },
  dfplayer: {
    title: "DFPlayer",
    folder: "mp3",
    maxFile: 9999,
    name: four,
    numberOf: (name) => matched(/^(\d{4}).*\.(?:mp3|wav|wma)$/i, name),
  },
  jacdac: {
    title: "Jacdac sound player",
    folder: "",
    maxFile: 9999,
    name: four,
    numberOf: (name) => matched(/^(\d{4})\.mp3$/i, name),
  },
}

function matched(pattern: RegExp, name: string): number | undefined {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Path of song `n` from the card's root, with slashes. */
export function pathOnCard(board: AudioBoard, n: number): string {
  return board.folder === "" ? board.name(n) : `${board.folder}/${board.name(n)}`
}

/** Kind of the event that a written card leaves in the study. */
export const CARD_EVENT = "card"
/** Far more cards than a study writes. */
const EVENTS_READ = 10_000

/** The sound board that the study's record last names for the device: that of a card, or of what was flashed. */
export async function recordedBoard(store: Store, device: string): Promise<BoardName | undefined> {
  const cards = await store.events.latest(EVENTS_READ, CARD_EVENT)
  const flashed = (await store.provisioning.latest(device))?.board
  const named = [
    cards.find((event) => event.device === device)?.detail.board,
    firmwareManifest().boards.find(({ id }) => id === flashed)?.soundBoard,
  ]
  const first = named.find((name) => name !== undefined)
  return BOARD_NAMES.find((name) => name === first)
}
