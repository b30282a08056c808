// devicescript.json, the firmware's manifest: what is built, for which boards, within which limits.

import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export interface FirmwareManifest {
  /** Folder of the package: where devicescript.json, package.json and, in a checkout, src stand. */
  root: string
  name: string
  version: string
  /** Entry file of the simulator's firmware, relative to the root. */
  entry: string
  /** Boards that firmware is built for, in the manifest's order. */
  boards: BoardTarget[]
  /** Largest bytecode that the manifest allows, bytes. */
  bytecodeBytes: number
}

/** A board of boards/ and the program that it gets. */
export interface BoardTarget {
  /** boards/<id>.board.json */
  id: string
  /** Name of its sound board. */
  soundBoard: string
  /** Entry file of the sound board's firmware, relative to the root. */
  entry: string
}

const MANIFEST_FILE = "devicescript.json"

/** Reads the manifest of the package that this file belongs to, from the sources or from dist. */
export function firmwareManifest(): FirmwareManifest {
  const root = packageRoot()
  const file = join(root, MANIFEST_FILE)
  let manifest: any
  try {
    manifest = JSON.parse(readFileSync(file, "utf8"))
  } catch (cause) {
    throw new Error(`${file}: not readable as JSON`, { cause })
  }
  const { name, version, entry, limits } = manifest
  const boards = (manifest.boards ?? []).map(({ id, soundBoard }: BoardTarget) => {
    const program = manifest.soundBoards?.[soundBoard]
    if (typeof id !== "string" || typeof program !== "string") {
      const given = JSON.stringify({ id, soundBoard })
      throw new Error(`${file}: "boards" must name an id and one of "soundBoards", is ${given}`)
    }
    return { id, soundBoard, entry: program }
  })
  for (const [field, value] of Object.entries({ name, version, entry })) {
    if (typeof value !== "string" || value === "") {
      throw new Error(`${file}: "${field}" must be a text that is not empty, is ${JSON.stringify(value)}`)
    }
  }
  const bytecodeBytes = limits?.bytecodeBytes
  if (!Number.isInteger(bytecodeBytes) || bytecodeBytes <= 0) {
    throw new Error(`${file}: "limits.bytecodeBytes" must be a positive integer, is ${bytecodeBytes}`)
  }
  return { root, name, version, entry, boards, bytecodeBytes }
}

/** The nearest folder above this file that holds a manifest. */
export function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url))
  for (let folder = start; ; folder = dirname(folder)) {
    try {
      readFileSync(join(folder, MANIFEST_FILE))
      return folder
    } catch (cause) {
      if (dirname(folder) === folder) {
        throw new Error(`${start}: no ${MANIFEST_FILE} in this folder or above it`, { cause })
      }
    }
  }
}
