// The DeviceScript VM (WebAssembly) and compiler, taken out of the one file that @devicescript/cli ships.
//
// The command line tool exports neither, starts servers on fixed ports and leaves old bytecode behind when a
// build fails, so the rehearsal, the tests and the build use its two parts in-process. This file and extract.ts
// are the only ones that know the layout of that bundle.
//
// What the parts may touch is handed in: the VM sees its own clock, network, random source, flash and an empty
// `process` and `globalThis`, so that it adds no handlers to the host, ends no process, and two runs with the
// same inputs are the same.

import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as nodeNet from "node:net"
import { basename, dirname, join, posix, relative, resolve, sep } from "node:path"
import { bundlePath, commonJs, layoutError, moduleText } from "./extract.js"
import { instrument, type Meter, type ProgramFunction } from "./meter.js"
import { shorten, shortNames } from "./shorten.js"

const VM_MODULE = "require_devicescript_vm"
const COMPILER_MODULE = "require_devicescript_compiler_node"
const LIBRARIES = "node_modules/@devicescript/"

/** Where the VM's time comes from; milliseconds. */
export interface VmClock {
  now(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

/** The part of node:net's Socket that the VM uses. */
export interface VmSocket {
  on(event: string, listener: (value: any) => void): unknown
  once(event: string, listener: (value: any) => void): unknown
  write(bytes: Uint8Array): unknown
  end(): unknown
}

/** The part of node:net that the VM uses. */
export interface VmNet {
  createConnection(options: { host: string; port: number }): VmSocket
}

export interface VmOptions {
  /** Sixteen lower-case hexadecimal digits. */
  deviceId: string
  clock?: VmClock
  /** The flash image: read once at start, handed over whole after each write. In memory where absent. */
  flash?: { load(): Uint8Array; save(image: Uint8Array): void }
  /** Size of the flash image, bytes; an ESP32 has 256 KB. */
  flashBytes?: number
  net?: VmNet
  /** Random bytes of the board's cryptographic source. */
  entropy?: (count: number) => Uint8Array
  /** A line that the firmware or the runtime logs. */
  onLog?: (line: string) => void
  /** A panic, with its code; 0 is a restart that the program asked for. */
  onPanic?: (code: number) => void
  /** A Jacdac frame that the VM sends. It must not answer within the call: the VM is not reentrant. */
  sendPacket?: (frame: Uint8Array) => void
  /** Counts what the program costs. */
  meter?: Meter
}

export interface Vm {
  /** Powers the VM up; a program in flash starts by itself. */
  start(): void
  /** Drops the power: nothing runs afterwards. */
  stop(): void
  running(): boolean
  /** Writes bytecode to flash and starts it. */
  deploy(bytecode: Uint8Array): void
  /** Throws where the bytecode is not valid. */
  verify(bytecode: Uint8Array): void
  /** Hands a Jacdac frame to the VM. */
  receive(frame: Uint8Array): void
}

export interface Diagnostic {
  file: string
  line: number
  column: number
  message: string
}

export interface CompileOptions {
  /** Folder that holds the program and its `boards`; imports are resolved from here. */
  root: string
  /** Name and version that the bytecode carries. */
  name: string
  version: string
  /** Source files that are on no disk: text by path, relative to the root with slashes. */
  files?: Readonly<Record<string, string>>
}

export interface CompileResult {
  bytecode: Uint8Array
  /** Source files that went in, relative to the root, without the libraries. */
  sources: string[]
  /** In the order of the bytecode. */
  functions: ProgramFunction[]
}

/** The program does not compile; `diagnostics` holds every error with its place. */
export class CompileError extends Error {
  override name = "CompileError"
  constructor(
    entry: string,
    readonly diagnostics: Diagnostic[],
  ) {
    const lines = diagnostics.map((d) => `${d.file}:${d.line}:${d.column}: ${d.message}`)
    super(`${entry}: ${diagnostics.length} error${diagnostics.length === 1 ? "" : "s"}\n${lines.join("\n")}`)
  }
}

/** What the VM's module may see of the host, in the order of its parameters. */
const VM_SCOPE = [
  "__commonJS",
  "require",
  "process",
  "globalThis",
  "window",
  "document",
  "importScripts",
  "Date",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "console",
  "WebAssembly",
  "__filename",
  "__dirname",
]

let vmModule: ((...scope: unknown[]) => () => (overrides: object) => Promise<any>) | undefined

/** The part of WebAssembly that the VM uses; the types of Node don't declare it. */
interface WebAssemblyApi {
  RuntimeError: unknown
  compile(binary: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<{ exports: object }>
}
const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly

let vmBinary: Promise<object> | undefined
let meteredBinary: Promise<object> | undefined

/** One compiled WebAssembly module serves every VM of the process, and one every VM that is measured. */
const webAssemblyFor = (meter: Meter | undefined) => ({
  RuntimeError: wasm.RuntimeError,
  instantiate: async (binary: Uint8Array, imports: object) => {
    if (meter) meteredBinary ??= wasm.compile(instrument(binary))
    else vmBinary ??= wasm.compile(binary)
    const module = (await (meter ? meteredBinary : vmBinary))!
    const instance = await wasm.instantiate(module, imports)
    meter?.attach(instance.exports)
    return { module, instance }
  },
})

/** The host's clock as a VmClock. */
const hostClock: VmClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

const VM_FUNCTIONS = ["devsStart", "devsStop", "devsDeploy", "devsVerify", "devsSetDeviceId", "handlePacket"]

/** A VM of its own: nothing is shared with other VMs but the compiled code. */
export async function createVm(options: VmOptions): Promise<Vm> {
  const clock = options.clock ?? hostClock
  const log = (...parts: unknown[]): void => {
    options.onLog?.(parts.map((p) => (p instanceof Error ? (p.stack ?? p.message) : String(p))).join(" "))
  }
  const net = options.net ?? nodeNet
  const entropy = options.entropy ?? ((count: number) => new Uint8Array(randomBytes(count)))
  const modules: Record<string, unknown> = {
    fs: {},
    path: { dirname, normalize: (path: string) => path },
    net,
    tls: {
      connect: () => {
        throw new Error("TLS is not offered to a VM; the body is sealed instead")
      },
    },
    crypto: { randomBytes: entropy },
  }
  const vmRequire = (name: string): unknown => {
    if (!(name in modules)) throw layoutError(`the VM asks for module "${name}"`)
    return modules[name]
  }
  const vmProcess = { versions: process.versions, release: process.release, argv: [], on: () => vmProcess }
  vmModule ??= new Function(...VM_SCOPE, `${moduleText(VM_MODULE)}\nreturn ${VM_MODULE};`) as any
  let instance: any
  try {
    const create = vmModule!(
      commonJs,
      vmRequire,
      vmProcess,
      {},
      undefined,
      undefined,
      undefined,
      { now: () => clock.now() },
      clock.setTimeout,
      clock.clearTimeout,
      () => undefined,
      clock.clearTimeout,
      { log, debug: log, warn: log, error: log },
      webAssemblyFor(options.meter),
      bundlePath(),
      dirname(bundlePath()),
    )()
    instance = await create({})
  } catch (cause) {
    throw layoutError("the VM does not start", cause)
  }
  for (const name of VM_FUNCTIONS) {
    if (typeof instance[name] !== "function") throw layoutError(`the VM has no function ${name}`)
  }
  instance.dmesg = log
  instance.log = log
  instance.error = log
  instance.sendPacket = options.sendPacket ?? (() => {})
  instance.panicHandler = (code: number) => options.onPanic?.(code)
  if (options.flashBytes) instance.flashSize = options.flashBytes
  if (options.flash) {
    instance.flashLoad = options.flash.load
    instance.flashSave = options.flash.save
  }
  instance.devsSetDeviceId(options.deviceId)
  return {
    start: () => instance.devsStart(),
    stop: () => {
      instance.sendPacket = () => {}
      instance.panicHandler = () => {}
      instance.flashSave = () => {}
      instance.devsStop()
      instance.sockClose()
    },
    running: () => instance.devsIsRunning(),
    deploy: (bytecode) => {
      const code = instance.devsDeploy(bytecode)
      if (code !== 0) throw new Error(`the VM refuses ${bytecode.length} bytes of bytecode: code ${code}`)
    },
    verify: (bytecode) => {
      const code = instance.devsVerify(bytecode)
      if (code !== 0) throw new Error(`${bytecode.length} bytes of bytecode do not verify: code ${code}`)
    },
    receive: (frame) => instance.handlePacket(frame),
  }
}

const COMPILER_FUNCTIONS = [
  "compileWithHost",
  "resolveBuildConfig",
  "preludeFiles",
  "pinsInfo",
  "jsonToDcfg",
  "serializeDcfg",
  "Image",
]

let compilerModule: any

function compiler(): any {
  if (compilerModule) return compilerModule
  const load = new Function(
    "__commonJS",
    "require",
    "__filename",
    "__dirname",
    `${moduleText(COMPILER_MODULE)}\nreturn ${COMPILER_MODULE};`,
  )
  const loaded = load(commonJs, createRequire(bundlePath()), bundlePath(), dirname(bundlePath()))()
  for (const name of COMPILER_FUNCTIONS) {
    if (typeof loaded[name] !== "function") throw layoutError(`the compiler has no function ${name}`)
  }
  compilerModule = loaded
  return loaded
}

const BOARD_SUFFIX = ".board.json"

/** Board definitions of `root`/boards, checked against the architecture's pins. */
function readBoards(root: string, architectures: Record<string, unknown>): object[] {
  const folder = join(root, "boards")
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((file) => file.endsWith(BOARD_SUFFIX))
  return files.sort().map((file) => {
    const place = `boards/${file}`
    const problem = (message: string) =>
      new CompileError(place, [{ file: place, line: 1, column: 1, message }])
    let board: any
    try {
      board = JSON.parse(readFileSync(join(folder, file), "utf8"))
    } catch (cause) {
      throw problem(`not JSON: ${(cause as Error).message}`)
    }
    board.id = basename(file, BOARD_SUFFIX)
    const architecture = architectures[board.archId]
    if (!architecture) throw problem(`"archId" ${JSON.stringify(board.archId)} is no known architecture`)
    const { errors } = compiler().pinsInfo(architecture, board)
    if (errors.length > 0) throw problem(errors.join("; "))
    return board
  })
}

/** Where things lie in the flash of a board, bytes from its start, and the board's configuration. */
export interface BoardLayout {
  /** esp32, esp32c3 or esp32s3. */
  chip: string
  runtimeOffset: number
  configurationOffset: number
  /** Pins, buses and light in DeviceScript's binary form. */
  configuration: Uint8Array
  partitionOffset: number
  partitionBytes: number
}

/** The layout of the board `id` of `root`/boards. */
export function boardLayout(root: string, id: string): BoardLayout {
  const { resolveBuildConfig, jsonToDcfg, serializeDcfg } = compiler()
  const architectures = resolveBuildConfig().archs
  const board: any = readBoards(root, architectures).find((b: any) => b.id === id)
  if (board === undefined) throw new RangeError(`board ${id}: no boards/${id}${BOARD_SUFFIX}`)
  const arch = architectures[board.archId]
  return {
    chip: board.archId,
    runtimeOffset: Number(arch.binFlashOffset),
    configurationOffset: Number(arch.dcfgOffset),
    configuration: serializeDcfg(jsonToDcfg(board, true)),
    partitionOffset: Number(arch.fstorOffset),
    partitionBytes: arch.fstorPages * arch.flashPageSize,
  }
}

/** The TypeScript compiler chains messages: a text, or a text with further ones. */
function flatMessage(message: any): string {
  if (typeof message === "string") return message
  return [message.messageText, ...(message.next ?? []).map(flatMessage)].join(" ")
}

/** What the firmware uses of the services that it has roles for, by the service's short name. */
const SERVICE_PACKETS: Record<string, readonly string[]> = {
  button: ["down", "up", "hold", "pressed"],
  control: ["set_status_light"],
  i2c: ["transaction"],
  serial: ["send", "received"],
  settings: ["get", "set"],
  soundplayer: ["volume", "play", "cancel"],
  _base: [],
  _sensor: [],
}

/** Bytecode carries the description of each service that a role has, whole: the rest of it is left out. */
function trimServices(config: { services: { shortId: string; packets: { name: string }[] }[] }): void {
  for (const service of config.services) {
    const used = SERVICE_PACKETS[service.shortId]
    if (used !== undefined) service.packets = service.packets.filter(({ name }) => used.includes(name))
  }
}

/** Declarations of all services there are. */
const ALL_SERVICES = /devicescript-spec\.d\.ts$/
const IMPORTED = /(?:from|import) "([^"]+)"/g

/** Short names for all that `entry` is compiled with. */
function namesFor(
  entry: string,
  textOf: (name: string) => string,
  libraries: Record<string, string>,
): Map<string, string> {
  const files = new Map<string, string>()
  const packages = new Set(["core"])
  const addPackages = (text: string): void => {
    for (const [, path] of text.matchAll(IMPORTED)) {
      const name = path.startsWith("@devicescript/") ? path.split("/")[1] : undefined
      if (name === undefined || packages.has(name)) continue
      packages.add(name)
      for (const inner of textsOf(name)) addPackages(inner)
    }
  }
  const textsOf = (name: string): string[] =>
    Object.keys(libraries)
      .filter((file) => file.startsWith(`${LIBRARIES}${name}/`) && !ALL_SERVICES.test(file))
      .map((file) => libraries[file])
  // Of the hundred services, those that the program has roles for.
  const specs = libraries[`${LIBRARIES}core/src/devicescript-spec.d.ts`]
  const rolesOf = (text: string): string[] =>
    [...text.matchAll(/\bds\.([A-Z]\w+)/g)].flatMap(([, name]) => {
      const start = specs.indexOf(`class ${name} extends`)
      return start < 0 ? [] : [specs.slice(start, specs.indexOf("\n}", start))]
    })
  const add = (name: string): void => {
    if (files.has(name)) return
    const text = textOf(name)
    files.set(name, text)
    addPackages(text)
    for (const [, path] of text.matchAll(IMPORTED)) {
      if (path.startsWith(".")) add(`${posix.join(posix.dirname(name), path)}.ts`)
    }
  }
  add(entry)
  const sources = [...files.values()]
  return shortNames(sources, [...[...packages].flatMap(textsOf), ...sources.flatMap(rolesOf)])
}

function compileOnce(entry: string, options: CompileOptions, shortened: boolean) {
  const { compileWithHost, preludeFiles, resolveBuildConfig } = compiler()
  const root = resolve(options.root)
  const config = resolveBuildConfig({
    hwInfo: { "@name": options.name, "@version": options.version },
    addBoards: readBoards(root, resolveBuildConfig().archs),
  })
  trimServices(config)
  const libraries: Record<string, string> = preludeFiles(config)
  if (!(`${LIBRARIES}core/src/index.ts` in libraries)) throw layoutError("no library @devicescript/core")
  const fromRoot = (path: string): string => relative(root, resolve(root, path)).split(sep).join("/")
  const textOf = (name: string): string => options.files?.[name] ?? readFileSync(resolve(root, name), "utf8")
  const names = shortened ? namesFor(fromRoot(entry), textOf, libraries) : new Map<string, string>()
  const sources: string[] = []
  const diagnostics: Diagnostic[] = []
  const result = compileWithHost(entry, {
    read: (path: string) => {
      const name = fromRoot(path)
      if (name.startsWith(LIBRARIES)) {
        if (name in libraries) return libraries[name]
        throw new Error(`${name}: not among the libraries of @devicescript/cli`)
      }
      const text = textOf(name)
      if (name.includes("node_modules/") || !name.endsWith(".ts")) return text
      sources.push(name)
      return shorten(text, names)
    },
    write: () => {},
    log: () => {},
    resolvePath: (path: string) => resolve(root, path),
    relativePath: fromRoot,
    isBasicOutput: () => true,
    getFlags: () => ({}),
    getConfig: () => config,
    verifyBytecode: () => {},
    error: (d: any) => {
      // 1 is the category "error" of the TypeScript compiler; warnings don't stop a build.
      if (d.category === 1) {
        const { filename: file, line, column } = d
        diagnostics.push({ file, line, column, message: flatMessage(d.messageText) })
      }
    },
  })
  return { result, sources, diagnostics, fromRoot, names }
}

/**
 * Compiles `entry` (a path relative to `options.root`) to verified bytecode; rejects with CompileError.
 *
 * The `@devicescript/*` libraries are served from the bundle, in memory: package managers remove the copies that
 * the command line tool writes into node_modules, and a program compiled without them fails only when it runs.
 */
export async function compile(entry: string, options: CompileOptions): Promise<CompileResult> {
  const { result, sources, diagnostics, fromRoot, names } = compileOnce(entry, options, true)
  if (diagnostics.length > 0) {
    // Errors are told in the names that stand in the files.
    const plain = compileOnce(entry, options, false).diagnostics
    throw new CompileError(entry, plain.length > 0 ? plain : diagnostics)
  }
  if (!result.success || !(result.binary instanceof Uint8Array)) {
    throw new CompileError(entry, [
      { file: entry, line: 1, column: 1, message: "no bytecode, no diagnostics" },
    ])
  }
  const core = result.usedFiles.some((path: string) => fromRoot(path) === `${LIBRARIES}core/src/index.ts`)
  if (!core) throw layoutError(`${entry} was compiled without the library @devicescript/core`)
  const bytecode = new Uint8Array(result.binary)
  const vm = await createVm({ deviceId: "0000000000000000" })
  vm.verify(bytecode)
  return { bytecode, sources: sources.sort(), functions: functionsOf(result.dbg, names) }
}

/** The compiler gives a function's place as an offset into all its sources, one after the other. */
function functionsOf(dbg: any, names: ReadonlyMap<string, string>): ProgramFunction[] {
  const long = new Map([...names].map(([name, short]) => [short, name]))
  const { functions } = new (compiler().Image)(dbg)
  return dbg.functions.map(({ name, location, startpc }: any, i: number) => {
    let from = 0
    const source = dbg.sources.find(({ length }: any) => {
      from += length
      return location[0] < from
    })
    return {
      name: `${source.path}:${name.replace(/[$\w]+/g, (part: string) => long.get(part) ?? part)}`,
      start: startpc,
      opcodes: opcodes(functions[i].parseBytecode()),
    }
  })
}

function opcodes(instructions: any[]): number {
  let count = 0
  for (const { args } of instructions) count += 1 + opcodes(args ?? [])
  return count
}
