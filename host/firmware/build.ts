// Builds the firmware: src/main.ts → dist/firmware/fieldtune.devs, and beside it what went in.
//
// A build whose inputs have not changed is skipped, so that a start is quick; a build that fails leaves no old
// bytecode behind that could be taken for the new.

import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { CompileError, compile } from "./bundle.js"
import { cliVersion } from "./extract.js"
import { type FirmwareManifest, firmwareManifest } from "./manifest.js"

/** Raise when the same inputs would give other bytecode. */
const BUILD_FORMAT = 1
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

function outputs(root: string): { folder: string; bytecode: string; record: string } {
  const folder = join(root, "dist", "firmware")
  return { folder, bytecode: join(folder, "fieldtune.devs"), record: join(folder, "fieldtune.json") }
}

function inputHash(manifest: FirmwareManifest): string {
  const hash = createHash("sha256").update(`${BUILD_FORMAT} ${cliVersion()}\0`)
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
function previousBuild(root: string): BuildRecord | undefined {
  try {
    const record: BuildRecord = JSON.parse(readFileSync(outputs(root).record, "utf8"))
    return sha256(readFileSync(outputs(root).bytecode)) === record.sha256 ? record : undefined
  } catch {
    return undefined
  }
}

/** Compiles the firmware unless the build that is there has the same inputs; rejects with CompileError. */
export async function buildFirmware(): Promise<FirmwareBuild> {
  const manifest = firmwareManifest()
  const { root, entry, bytecodeBytes } = manifest
  const paths = outputs(root)
  const inputs = inputHash(manifest)
  const previous = previousBuild(root)
  if (previous?.inputs === inputs) return { ...previous, file: paths.bytecode, built: false }

  rmSync(paths.bytecode, { force: true })
  rmSync(paths.record, { force: true })
  const { bytecode } = await compile(entry, { root, name: manifest.name, version: manifest.version })
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

/** The built firmware's bytecode. */
export function loadFirmware(): Uint8Array {
  const file = outputs(firmwareManifest().root).bytecode
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
