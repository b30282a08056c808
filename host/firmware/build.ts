// Builds the firmware: for the simulator src/entry → dist/firmware/fieldtune.devs, for a board of boards/ its
// dist/firmware/<board>.devs, and beside each what went in.
//
// A board's program is the entry of its sound board with the board's buttons started. Where its pins lie is no part of
// the bytecode: the runtime reads that from the configuration that flashing puts beside it.
//
// A build whose inputs have not changed is skipped, so that a start is quick; a build that fails leaves no old
// bytecode behind that could be taken for the new.

import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"
import { CompileError, compile } from "./bundle.js"
import { cliVersion } from "./extract.js"
import { type BoardTarget, type FirmwareManifest, firmwareManifest } from "./manifest.js"

/** Raise when the same inputs would give other bytecode. */
const BUILD_FORMAT = 2
const INPUT_FOLDERS = ["src", "boards"]

interface BuildRecord {
  /** SHA-256 over the inputs, hex. */
  inputs: string
  /** SHA-256 of the bytecode, hex. */
  sha256: string
  bytes: number
}

interface FirmwareBuild extends BuildRecord {
  /** The bytecode file. */
  file: string
  /** False where the inputs were those of the build that is there. */
  built: boolean
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Name of the simulator's image. */
const SIMULATOR = "fieldtune"

interface Outputs {
  folder: string
  bytecode: string
  record: string
}

function outputs(root: string, name: string): Outputs {
  const folder = join(root, "dist", "firmware")
  return { folder, bytecode: join(folder, `${name}.devs`), record: join(folder, `${name}.json`) }
}

function inputHash(manifest: FirmwareManifest, name: string): string {
  const hash = createHash("sha256").update(`${BUILD_FORMAT} ${cliVersion()} ${name}\0`)
  hash.update(readFileSync(join(manifest.root, "devicescript.json")))
  for (const folder of INPUT_FOLDERS) {
    const files = readdirSync(join(manifest.root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
    for (const file of files.sort()) {
      const bytes = readFileSync(file)
      hash.update(`\0${file.slice(manifest.root.length)}\0${bytes.length}\0`).update(bytes)
    }
  }
  return hash.digest("hex")
}

/** The build that is there, where both files are whole and belong together. */
function previousBuild(paths: Outputs): BuildRecord | undefined {
  try {
    const record: BuildRecord = JSON.parse(readFileSync(paths.record, "utf8"))
    return sha256(readFileSync(paths.bytecode)) === record.sha256 ? record : undefined
  } catch {
    return undefined
  }
}

/** A board's program, which is on no disk. */
function boardProgram({ id, entry }: BoardTarget): { path: string; text: string } {
  return {
    path: `src/entry/${id}.ts`,
    text: [
      `import { board } from "@dsboard/${id}"`,
      `import "./${basename(entry, ".ts")}"`,
      "board.startPlay()",
      "board.startSkip()",
      "board.startStop()",
      "",
    ].join("\n"),
  }
}

/** The board of that id; throws where the manifest lists none. */
export function boardTarget(id: string): BoardTarget {
  const { boards } = firmwareManifest()
  const found = boards.find((board) => board.id === id)
  if (found !== undefined) return found
  throw new RangeError(`board ${id}: must be one of ${boards.map((board) => board.id).join(", ")}`)
}

/**
 * Compiles the firmware of a board, or where none is named the simulator's, unless the build that is there has the same
 * inputs; rejects with CompileError.
 */
export async function buildFirmware(board?: string): Promise<FirmwareBuild> {
  const manifest = firmwareManifest()
  const { root, bytecodeBytes } = manifest
  const name = board ?? SIMULATOR
  const program = board === undefined ? undefined : boardProgram(boardTarget(board))
  const entry = program?.path ?? manifest.entry
  const files = program && { [program.path]: program.text }
  const paths = outputs(root, name)
  const inputs = inputHash(manifest, name)
  const previous = previousBuild(paths)
  if (previous?.inputs === inputs) return { ...previous, file: paths.bytecode, built: false }

  rmSync(paths.bytecode, { force: true })
  rmSync(paths.record, { force: true })
  const { bytecode } = await compile(entry, { root, name: manifest.name, version: manifest.version, files })
  if (bytecode.length > bytecodeBytes) {
    const message = `${bytecode.length} bytes of bytecode; devicescript.json allows at most ${bytecodeBytes}`
    throw new CompileError(entry, [{ file: entry, line: 1, column: 1, message }])
  }
  const record: BuildRecord = { inputs, sha256: sha256(bytecode), bytes: bytecode.length }
  mkdirSync(paths.folder, { recursive: true })
  writeFileSync(`${paths.bytecode}.new`, bytecode)
  renameSync(`${paths.bytecode}.new`, paths.bytecode)
  writeFileSync(paths.record, `${JSON.stringify(record, null, 2)}\n`)
  return { ...record, file: paths.bytecode, built: true }
}

/** The built bytecode of the simulator's firmware. */
export function loadFirmware(): Uint8Array {
  const file = outputs(firmwareManifest().root, SIMULATOR).bytecode
  try {
    return new Uint8Array(readFileSync(file))
  } catch (cause) {
    throw new Error(`${file}: no built firmware; run "npm run build"`, { cause })
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const build = await buildFirmware()
    if (build.built) console.log(`${build.file}: ${build.bytes} bytes`)
  } catch (error) {
    console.error(error instanceof CompileError ? error.message : error)
    process.exitCode = 1
  }
}
