// Is a card what its manifest says, and what the study would write today? Nothing is written.

import { lstat } from "node:fs/promises"
import { join } from "node:path"
import { AUDIO_BOARDS, type BoardName } from "./boards.js"
import { CardError, isAbsent } from "./card-error.js"
import { findAppleDouble, numberedStrangers } from "./foreign.js"
import { MANIFEST_NAME, type Manifest, manifestHash, readManifest } from "./manifest.js"
import { ReadBack, type ReadFrom } from "./read-back.js"

interface Expected {
  study: string
  catalogue: string
  /** Where the caller names them. */
  device?: string
  board?: BoardName
}

export interface CheckedCard {
  dir: string
  device: string
  board: BoardName
  songs: number
  bytes: number
  manifest: string
  /** What is wrong, place first; none where the card is right. */
  problems: string[]
  warnings: string[]
  readFrom: ReadFrom
}

/** The card's manifest; CardError where there is none or it is not one of ours. */
export async function manifestOf(dir: string): Promise<Manifest> {
  const manifest = await readManifest(dir)
  if (manifest === undefined) {
    throw new CardError(
      `${dir}: has no ${MANIFEST_NAME}; is this the card? fieldtune card ${dir} --device ID writes one`,
    )
  }
  return manifest
}

/** Reads every file of the manifest; `progress` is told the bytes. */
export async function checkCard(
  dir: string,
  manifest: Manifest,
  expected: Expected,
  progress?: (bytes: number) => void,
): Promise<CheckedCard> {
  const board = AUDIO_BOARDS[manifest.board]
  const reader = new ReadBack()
  const problems: string[] = []
  const differs = (what: string, wanted: string | undefined, got: string): void => {
    if (wanted !== undefined && got !== wanted) {
      problems.push(`${MANIFEST_NAME}: ${what} must be ${wanted}, is ${got}`)
    }
  }
  differs("study", expected.study, manifest.study)
  differs("device", expected.device, manifest.device)
  differs("board", expected.board, manifest.board)
  if (manifest.catalogue !== expected.catalogue) {
    problems.push(`${MANIFEST_NAME}: the catalogue has changed since the card was written`)
  }
  if (!manifest.complete) problems.push(`${MANIFEST_NAME}: the writing of the card was never finished`)
  for (const file of manifest.files) {
    const fault = await fileFault(join(dir, file.name), file, reader, progress)
    if (fault !== undefined) problems.push(`${file.name}: ${fault}`)
  }
  const { proven, doubtful } = await findAppleDouble(dir, board)
  const names = new Set(manifest.files.map((file) => file.name))
  const warnings = [
    ...[...proven, ...doubtful].map((name) => `${name}: left by macOS, the board may stumble over it`),
    ...(await numberedStrangers(dir, board, names)),
  ]
  return {
    dir,
    device: manifest.device,
    board: manifest.board,
    songs: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    manifest: manifestHash(manifest),
    problems,
    warnings,
    readFrom: reader.from,
  }
}

async function fileFault(
  path: string,
  file: Manifest["files"][number],
  reader: ReadBack,
  progress?: (bytes: number) => void,
): Promise<string | undefined> {
  try {
    const status = await lstat(path)
    if (!status.isFile()) return "must be a file, is a folder or a link"
    if (status.size !== file.bytes) return `must have ${file.bytes} bytes, has ${status.size}`
    if (file.sha256 === null) return undefined
    const sha256 = await reader.sha256(path, progress)
    return sha256 === file.sha256 ? undefined : `must have SHA-256 ${file.sha256}, has ${sha256}`
  } catch (error) {
    if (isAbsent(error)) return "is missing"
    return `cannot be read: ${(error as Error).message}`
  }
}
