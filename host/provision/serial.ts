// Boards on serial ports. The DeviceScript command line tool gives the runtime image, esptool talks to the chip.
//
// `devs flash` would write an image too, but it resets the board straight afterwards, so that nothing can be read back
// before the program runs; and `devs deploy` and `devs bundle` need servers on fixed ports, one board at a time.
//
// Secrets reach a child process only within files of mode 0600 in a folder of mode 0700, which is removed after each
// board; never as argument or in its environment.

import { type ChildProcess, spawn } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { readdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { BoardLayout } from "../firmware/bundle.js"
import { type BoardContent, makePartition, type PartitionContent, readPartition } from "./partition.js"
import { type BoardIdentity, deviceOf, type Programmer } from "./programmer.js"
import { configureRuntime } from "./runtime.js"

/** A program with its first arguments. */
export type Tool = readonly [string, ...string[]]

export interface SerialOptions {
  layout: BoardLayout
  esptool: Tool
  /** The runtime image, without or with another board's configuration. */
  runtime: Uint8Array
  /** Environment of the child processes; holds no secret. */
  env: NodeJS.ProcessEnv
  /** Bits per second while writing. */
  baud?: number
  /** Names of serial ports; those of the machine where absent. */
  listPorts?: () => Promise<string[]>
}

const BAUD = 921_600
/** Longest time of one call of esptool; a whole image takes about half a minute. */
const TIMEOUT_MS = 300_000
/** esptool says this for each part that it has read back by its hash. */
const VERIFIED = "Hash of data verified"
const PRIVATE_FOLDER_PREFIX = "fieldtune-flash-"
const PRIVATE = { mode: 0o600 }

export class SerialProgrammer implements Programmer {
  private readonly folders = new Set<string>()
  private readonly children = new Set<ChildProcess>()

  constructor(private readonly options: SerialOptions) {}

  ports(): Promise<string[]> {
    return (this.options.listPorts ?? serialPorts)()
  }

  async identify(port: string): Promise<BoardIdentity> {
    const output = await this.esptool(port, "no_reset", ["read_mac"])
    const mac = /MAC:\s*((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\s/i.exec(`${output}\n`)?.[1].toLowerCase()
    if (mac === undefined) throw new Error(`${port}: esptool read_mac gave no MAC address`)
    return { device: deviceOf(mac), mac }
  }

  async write(port: string, content: BoardContent): Promise<void> {
    const { layout, runtime, baud = BAUD } = this.options
    const partition = await makePartition(content)
    if (partition.length !== layout.partitionBytes) {
      throw new Error(
        `${layout.chip}: the settings partition has ${layout.partitionBytes} bytes, not ${partition.length}`,
      )
    }
    await this.inPrivate(async (folder) => {
      const files: [number, Uint8Array, string][] = [
        [layout.runtimeOffset, configureRuntime(runtime, layout), join(folder, "runtime.bin")],
        [layout.partitionOffset, partition, join(folder, "partition.bin")],
      ]
      for (const [, bytes, file] of files) writeFileSync(file, bytes, PRIVATE)
      const parts = files.flatMap(([offset, , file]) => [`0x${offset.toString(16)}`, file])
      const output = await this.esptool(port, "no_reset", ["write_flash", ...parts], baud)
      const verified = output.split(VERIFIED).length - 1
      if (verified < files.length) {
        throw new Error(`${port}: esptool verified ${verified} of ${files.length} parts that it wrote`)
      }
    })
  }

  async readBack(port: string): Promise<PartitionContent> {
    const { partitionOffset, partitionBytes } = this.options.layout
    return this.inPrivate(async (folder) => {
      const file = join(folder, "back.bin")
      writeFileSync(file, "", PRIVATE)
      const range = [`0x${partitionOffset.toString(16)}`, `0x${partitionBytes.toString(16)}`]
      await this.esptool(port, "no_reset", ["read_flash", ...range, file], this.options.baud ?? BAUD)
      return readPartition(readFileSync(file))
    })
  }

  async start(port: string): Promise<void> {
    await this.esptool(port, "hard_reset", ["read_mac"])
  }

  /** Ends what runs and removes every file that holds a secret. */
  close(): void {
    for (const child of this.children) child.kill("SIGKILL")
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true })
  }

  private async inPrivate<T>(body: (folder: string) => Promise<T>): Promise<T> {
    // mkdtemp gives its folder mode 0700.
    const folder = mkdtempSync(join(tmpdir(), PRIVATE_FOLDER_PREFIX))
    this.folders.add(folder)
    try {
      return await body(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
      this.folders.delete(folder)
    }
  }

  /** `after`: what esptool leaves the chip in. */
  private esptool(port: string, after: string, args: string[], baud?: number): Promise<string> {
    const { esptool, env, layout } = this.options
    const rate = baud === undefined ? [] : ["--baud", String(baud)]
    const all = ["--chip", layout.chip, "--port", port, ...rate, "--after", after, ...args]
    return run(esptool, all, { env }, this.children).catch((cause) => {
      throw new Error(`${port}: esptool ${args[0]}: ${cause.message}`)
    })
  }
}

/** Serial ports that look like boards: USB bridges and native USB. */
async function serialPorts(): Promise<string[]> {
  const names = await readdir("/dev")
  const boards = names.filter((name) => /^(ttyUSB|ttyACM|cu\.(usb|wch|SLAB))/.test(name))
  return boards.sort().map((name) => `/dev/${name}`)
}

/**
 * The runtime image for a board: what is in `folder` from an earlier call, else what the DeviceScript command line tool
 * downloads for it.
 */
export async function fetchRuntime(
  devs: Tool,
  root: string,
  board: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Uint8Array> {
  const kept = join(folder, `${board}.bin`)
  if (existsSync(kept)) return readFileSync(kept)
  mkdirSync(join(folder, "boards"), { recursive: true })
  copyFileSync(join(root, "boards", `${board}.board.json`), join(folder, "boards", `${board}.board.json`))
  writeFileSync(join(folder, "devsconfig.json"), "{}\n")
  const output = await run(devs, ["--ci", "flash", "esp32", "--remote", "--board", board], {
    env,
    cwd: folder,
  })
  const file = /^\S*-0x[0-9a-f]+\.bin$/m.exec(output)?.[0]
  if (file === undefined) throw new Error(`devs flash --remote --board ${board}: named no image`)
  copyFileSync(join(folder, file), kept)
  return readFileSync(kept)
}

/** The first of the usual names under which esptool 4.5 or newer answers; undefined where none does. */
export async function findEsptool(env: NodeJS.ProcessEnv): Promise<Tool | undefined> {
  const names: Tool[] = [["esptool.py"], ["esptool"], ["python3", "-m", "esptool"]]
  for (const tool of names) {
    const output = await run(tool, ["version"], { env }).catch(() => "")
    const [, major, minor] = /v?(\d+)\.(\d+)/.exec(output) ?? []
    if (Number(major) * 1000 + Number(minor) >= 4005) return tool
  }
  return undefined
}

/** Runs to the end; what it printed. Rejects with its last line where it fails. */
function run(
  tool: Tool,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string },
  children: Set<ChildProcess> = new Set(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    const [command, ...first] = tool
    const child = spawn(command, [...first, ...args], {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
    })
    // The option of spawn would keep the process alive after a program that is not there.
    const limit = setTimeout(() => child.kill(), TIMEOUT_MS)
    children.add(child)
    let output = ""
    for (const end of [child.stdout, child.stderr]) {
      end.setEncoding("utf8").on("data", (chunk) => {
        output += chunk
      })
    }
    child.on("error", (cause) => {
      clearTimeout(limit)
      children.delete(child)
      reject(cause)
    })
    child.on("close", (code, signal) => {
      clearTimeout(limit)
      children.delete(child)
      if (code === 0) return resolve(output)
      const last = output.trim().split("\n").at(-1) ?? ""
      reject(new Error(`ended with ${signal ?? code}: ${last}`))
    })
  })
}
