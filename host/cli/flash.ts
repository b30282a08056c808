// fieldtune flash: runtime, firmware, key and settings onto boards, one or a whole fleet.

import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { networkInterfaces } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline/promises"
import { Writable } from "node:stream"
import type { Command } from "commander"
import { KEY_BYTES } from "../../src/wire.js"
import { boardTarget, buildFirmware, loadFirmware } from "../firmware/build.js"
import { boardLayout } from "../firmware/bundle.js"
import { packageRoot } from "../firmware/manifest.js"
import { encodeMessagePack } from "../protocol/messagepack.js"
import { type BoardOutcome, type FleetContent, flashFleet } from "../provision/fleet.js"
import type { Wifi } from "../provision/partition.js"
import { fetchRuntime, findEsptool, SerialProgrammer, type Tool } from "../provision/serial.js"
import { SimulatedBench } from "../provision/simulated.js"
import { VirtualClock } from "../rehearsal/clock.js"
import { devicePlan } from "../study/plan.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList, wholeNumber } from "./command.js"
import { table } from "./table.js"

interface Options extends CommonOptions {
  board: string
  port?: string[]
  allPorts?: boolean
  count?: number
  address?: string
  store?: "fram" | "flash"
  wifi?: string
  wifiFile?: string
  firmwareImage?: string
  runtimeImage?: string
  esptool?: string
  simulate?: boolean
  force?: boolean
}

const SSID = "FIELDTUNE_WIFI_SSID"
const PASSWORD = "FIELDTUNE_WIFI_PWD"
/** Longest that the ESP32's driver takes, bytes, its closing zero not counted. */
const MAX_SSID_BYTES = 31
const MAX_PASSWORD_BYTES = 63
/** Between two looks at the ports. */
const LOOK_MS = 1000
/** What of the environment a child process gets. */
const withoutSecrets = (): NodeJS.ProcessEnv => ({ ...process.env, [SSID]: undefined, [PASSWORD]: undefined })

export function flashCommand(): Command {
  return command(
    "flash",
    "write firmware, key and settings to boards; repeated, it does only what failed before",
    "fieldtune flash --board esp32_devkitc_mp3trigger --all-ports --wifi-file wifi.env",
  )
    .requiredOption("--board <id>", "which board: a name of devicescript.json")
    .option("--port <name>", "serial port; may be given more than once", nameList)
    .option("--all-ports", "every serial port that has a board")
    .option(
      "--count <n>",
      "stop after n boards; wait for the next one to be plugged in",
      wholeNumber(1, 10_000),
    )
    .option(
      "--address <url>",
      "address of the host (default: this machine's on its network, the plan's port)",
    )
    .option(
      "--store <kind>",
      "where the board keeps what changes: fram or flash (default: FRAM if it answers)",
    )
    .option("--wifi-file <file>", `file with lines WIFI_SSID=… and WIFI_PWD=… (or ${SSID} and ${PASSWORD})`)
    .option("--wifi <ssid>", "name of the Wi-Fi network; its password is asked for")
    .option("--firmware-image <file>", "bytecode to write instead of what the sources give")
    .option("--runtime-image <file>", "DeviceScript runtime instead of a download")
    .option("--esptool <path>", "esptool, 4.5 or newer (default: looked for)")
    .option("--force", "write boards that hold all this already, too")
    .option("--simulate", "provision virtual boards, as many as --count says")
    .action(async (options: Options) => {
      const study = await openStudy(options.study)
      try {
        await flash(study, options)
      } finally {
        await study.close()
      }
    })
}

async function flash(study: Study, options: Options): Promise<void> {
  const content = await contentOf(study, options)
  const common = {
    study,
    content,
    force: options.force,
    now: () => Date.now(),
    drawKey: () => new Uint8Array(randomBytes(KEY_BYTES)),
    told: options.json ? undefined : tell,
    pause: () => new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS)),
  }
  let outcomes: BoardOutcome[]
  if (options.simulate) {
    const bench = new SimulatedBench({
      count: options.count ?? 1,
      seed: study.plan.seed,
      clock: new VirtualClock(),
      net: { createConnection: noNetwork },
    })
    outcomes = await flashFleet({ ...common, programmer: bench, ports: "all" })
    bench.close()
  } else {
    if ((options.port === undefined) === !options.allPorts) {
      throw new CommandError("flash: needs --port or --all-ports, or --simulate")
    }
    const programmer = await serialProgrammer(study, options)
    const stop = (): void => {
      programmer.close()
      process.exit(130)
    }
    process.once("SIGINT", stop).once("SIGTERM", stop)
    outcomes = await flashFleet({
      ...common,
      programmer,
      ports: options.port ?? "all",
      count: options.count,
    })
    process.off("SIGINT", stop).off("SIGTERM", stop)
  }
  report(options, outcomes)
}

function noNetwork(): never {
  throw new Error("a simulated board that is only flashed has no network")
}

async function contentOf(study: Study, options: Options): Promise<FleetContent> {
  const { store } = options
  if (store !== undefined && store !== "fram" && store !== "flash") {
    throw new CommandError(`--store: must be fram or flash, got ${store}`)
  }
  try {
    boardTarget(options.board)
  } catch (error) {
    throw new CommandError(`--board: ${(error as Error).message}`)
  }
  return {
    board: options.board,
    bytecode: await bytecodeOf(options),
    host: options.address ?? ownAddress(study.plan.port, options.simulate === true),
    store,
    wifi: await wifiOf(options),
    plan: encodeMessagePack(devicePlan(study.plan)),
  }
}

async function bytecodeOf({ firmwareImage, simulate, board }: Options): Promise<Uint8Array> {
  if (firmwareImage !== undefined) return new Uint8Array(readFileSync(firmwareImage))
  // A virtual board has its buttons on a bus, not on pins.
  if (simulate) return loadFirmware()
  return new Uint8Array(readFileSync((await buildFirmware(board)).file))
}

/** The address under which boards on the network reach this machine. */
function ownAddress(port: number, simulated: boolean): string {
  if (simulated) return `http://10.0.0.1:${port}`
  const all = Object.values(networkInterfaces()).flat()
  const found = all.find((at) => at !== undefined && at.family === "IPv4" && !at.internal)
  if (found === undefined) throw new CommandError("flash: this machine is on no network; --address is needed")
  return `http://${found.address}:${port}`
}

async function wifiOf({ wifi, wifiFile }: Options): Promise<Wifi | undefined> {
  const { env } = process
  if (wifiFile !== undefined) return checked(wifiFile, readWifi(readFileSync(wifiFile, "utf8")))
  if (wifi !== undefined) {
    return checked("--wifi", { ssid: wifi, password: env[PASSWORD] ?? (await askPassword(wifi)) })
  }
  if (env[SSID] === undefined) return undefined
  return checked(SSID, { ssid: env[SSID], password: env[PASSWORD] ?? "" })
}

function readWifi(text: string): Wifi {
  const value = (name: string): string => {
    const line = new RegExp(`^\\s*${name}\\s*=\\s*(.*?)\\s*$`, "m").exec(text)?.[1] ?? ""
    return /^(["']).*\1$/.test(line) ? line.slice(1, -1) : line
  }
  return { ssid: value("WIFI_SSID"), password: value("WIFI_PWD") }
}

/** Its messages never hold the password. */
function checked(place: string, wifi: Wifi): Wifi {
  const ssidBytes = Buffer.byteLength(wifi.ssid)
  if (ssidBytes < 1 || ssidBytes > MAX_SSID_BYTES) {
    throw new CommandError(`${place}: WIFI_SSID must have 1 to ${MAX_SSID_BYTES} bytes, has ${ssidBytes}`)
  }
  const bytes = Buffer.byteLength(wifi.password)
  if (bytes > MAX_PASSWORD_BYTES) {
    throw new CommandError(`${place}: WIFI_PWD must have at most ${MAX_PASSWORD_BYTES} bytes, has ${bytes}`)
  }
  return wifi
}

/** Asks on the terminal, without showing what is typed. */
async function askPassword(ssid: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new CommandError(`--wifi: no terminal to ask for the password; use --wifi-file or ${PASSWORD}`)
  }
  process.stderr.write(`Password of ${ssid}: `)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await lines.question("")
  } finally {
    lines.close()
    process.stderr.write("\n")
  }
}

async function serialProgrammer(study: Study, options: Options): Promise<SerialProgrammer> {
  const env = withoutSecrets()
  const esptool: Tool | undefined = options.esptool ? [options.esptool] : await findEsptool(env)
  if (esptool === undefined) {
    throw new CommandError("flash: no esptool 4.5 or newer: pip install esptool, or --esptool PATH")
  }
  const root = packageRoot()
  const cli = join(
    dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json")),
    "devicescript",
  )
  const runtime =
    options.runtimeImage === undefined
      ? await fetchRuntime([process.execPath, cli], root, options.board, join(study.dir, "runtime"), env)
      : readFileSync(options.runtimeImage)
  return new SerialProgrammer({ layout: boardLayout(root, options.board), esptool, runtime, env })
}

function tell({ port, device, outcome, detail }: BoardOutcome): void {
  process.stderr.write(`${port}: ${device ?? "unknown board"} ${outcome}${detail && `: ${detail}`}\n`)
}

function report(options: Options, outcomes: BoardOutcome[]): void {
  const failed = outcomes.filter((o) => o.outcome === "failed").length
  const rows = outcomes.map((o) => [o.port, o.device ?? "", o.mac ?? "", o.outcome, o.detail])
  answer(options, { board: options.board, failed, boards: outcomes }, [
    ...table(["port", "device", "MAC", "outcome", "detail"], rows),
    "",
    failed > 0
      ? `${failed} of ${outcomes.length} failed; the same command tries only those again`
      : "Next: fieldtune enrol N --device ID gives a board to a listener",
  ])
  if (failed > 0) process.exitCode = 1
}
