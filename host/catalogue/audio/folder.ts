// The audio files of a folder, each read by a thread of its own.

import { readdir } from "node:fs/promises"
import { basename, join, sep } from "node:path"
import { isAppleDoubleName } from "../../card/foreign.js"
import { inThreads } from "../../threads.js"
import { CatalogueError } from "../columns.js"
import type { AudioFault } from "./audio-error.js"
import { AUDIO_NAMES } from "./format.js"
import type { AudioFile } from "./read.js"

export type AudioOutcome = { audio: AudioFile } | { fault: AudioFault; message: string }

export interface FolderFile {
  /** Path from the folder, with slashes. */
  file: string
  outcome: AudioOutcome
}

/** A card holds no more. */
const MAX_FILES = 65535
const MEMORY_MB = 512
/** The longest file there may be takes less; a decoder that goes round in circles is given up. */
const PATIENCE_MS = 15 * 60_000

/** Paths of the audio files below the folder, sorted, with slashes. Links are not followed. */
export async function audioFilesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && AUDIO_NAMES.test(entry.name) && !isAppleDoubleName(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, sep).length).split(sep).join("/"))
    .sort()
  if (files.length === 0) {
    throw new CatalogueError(`${folder}: has no files named .mp3, .ogg, .flac or .m4a, in no folder below it`)
  }
  if (files.length > MAX_FILES) {
    throw new CatalogueError(`${folder}: has ${files.length} audio files, a card holds ${MAX_FILES}`)
  }
  return files
}

export async function readFolder(
  folder: string,
  files: readonly string[],
  workers: number,
  onProgress?: (done: number) => void,
): Promise<FolderFile[]> {
  const outcomes = await inThreads<AudioOutcome>({
    name: basename(folder),
    module: new URL("./thread.js", import.meta.url),
    workerData: files.map((file) => join(folder, file)),
    count: files.length,
    workers,
    onProgress,
    limits: { maxOldGenerationSizeMb: MEMORY_MB },
    patienceMs: PATIENCE_MS,
    lost: (_, reason) => ({ fault: "broken", message: `made its decoder fail: ${reason}` }),
  })
  return files.map((file, i) => ({ file, outcome: outcomes[i] }))
}
