// The serial programmer against an esptool of our own, which keeps each port's flash in a file and writes down what it
// was given: arguments, environment, and what it could read on its standard input.

import assert from "node:assert/strict"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { loadFirmware } from "../../../host/firmware/build.js"
import { boardLayout } from "../../../host/firmware/bundle.js"
import { packageRoot } from "../../../host/firmware/manifest.js"
import { flashFleet } from "../../../host/provision/fleet.js"
import { readPartition } from "../../../host/provision/partition.js"
import { fetchRuntime, findEsptool, SerialProgrammer } from "../../../host/provision/serial.js"
import { initStudy } from "../../../host/study/study.js"
import { fieldtune } from "../cli/run.js"
import { START, withFolder } from "../study/folder.js"

const BOARD = "esp32_devkitc_jacdac"
const PASSWORD = "the secret of the field"
const FLASH_BYTES = 2 * 1024 * 1024

/** Two ports read at once wait for each other, so that one after the other would never end. */
const ESPTOOL = `#!${process.execPath}
const fs = require("node:fs"), path = require("node:path")
const home = path.dirname(process.argv[1]), args = process.argv.slice(2)
const stdin = fs.readFileSync(0, "latin1")
const value = (name) => args[args.indexOf(name) + 1]
const port = path.basename(value("--port"))
const modes = args.filter((a) => a.endsWith(".bin") && fs.existsSync(a)).map((a) => fs.statSync(a).mode & 0o777)
fs.appendFileSync(path.join(home, "calls.jsonl"), JSON.stringify({ port, args, env: process.env, stdin, modes }) + "\\n")
if (args[0] === "version") { console.log("esptool.py v4.7.0"); process.exit(0) }
const memory = path.join(home, "memory-" + port)
const flash = fs.existsSync(memory) ? fs.readFileSync(memory) : Buffer.alloc(${FLASH_BYTES}, 0xff)
const wait = (file) => { while (!fs.existsSync(path.join(home, file))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20) }
if (args.includes("write_flash")) {
  fs.writeFileSync(path.join(home, "writing-" + port), "")
  if (fs.existsSync(path.join(home, "together"))) for (const p of fs.readFileSync(path.join(home, "together"), "utf8").split(",")) wait("writing-" + p)
  if (fs.existsSync(path.join(home, "broken-" + port))) { console.error("A fatal error occurred: Serial data stream stopped"); process.exit(2) }
  const parts = args.slice(args.indexOf("write_flash") + 1)
  for (let i = 0; i < parts.length; i += 2) { fs.readFileSync(parts[i + 1]).copy(flash, Number(parts[i])); console.log("Hash of data verified.") }
  if (fs.existsSync(path.join(home, "flips-" + port))) flash[0x1c0000 + 64 * 1024 - 1] ^= 1
  fs.writeFileSync(memory, flash)
} else if (args.includes("read_flash")) {
  const [from, size, file] = args.slice(args.indexOf("read_flash") + 1)
  fs.writeFileSync(file, flash.subarray(Number(from), Number(from) + Number(size)))
} else if (args.includes("read_mac")) {
  console.log("MAC: 24:0A:C4:00:00:0" + port.slice(-1))
}
`

interface Call {
  port: string
  args: string[]
  env: Record<string, string>
  stdin: string
  modes: number[]
}

/** A folder with the tool, ports p1, p2, p3, and a runtime image without configuration. */
function bench(dir: string) {
  mkdirSync(dir, { recursive: true })
  const tool = join(dir, "esptool.py")
  writeFileSync(tool, ESPTOOL)
  chmodSync(tool, 0o755)
  const runtime = Buffer.alloc(0x20000, 0)
  runtime.write("runtime", 0x10000)
  writeFileSync(join(dir, "runtime.bin"), runtime)
  const calls = (): Call[] =>
    readFileSync(join(dir, "calls.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  const mark = (name: string, text = ""): void => writeFileSync(join(dir, name), text)
  return { tool, runtime, calls, mark, unmark: (name: string) => rmSync(join(dir, name)) }
}

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("fieldtune-flash-"))

test("a fleet is flashed over several ports at once; the next call does only what failed; no secret is in sight", () =>
  withFolder(async (dir) => {
    const { tool, runtime, calls, mark, unmark } = bench(join(dir, "bench"))
    const study = await initStudy(join(dir, "study"), { seed: 1 })
    const layout = boardLayout(packageRoot(), BOARD)
    const ports = ["p1", "p2", "p3"]
    const programmer = new SerialProgrammer({
      layout,
      esptool: [tool],
      runtime,
      env: { PATH: process.env.PATH },
      listPorts: async () => ports,
    })
    let keys = 0
    const flash = () =>
      flashFleet({
        study,
        programmer,
        content: {
          board: BOARD,
          bytecode: loadFirmware(),
          host: "http://10.0.0.5:8137",
          store: "fram",
          wifi: { ssid: "field", password: PASSWORD },
          plan: new Uint8Array([0x80]),
        },
        ports: "all",
        now: () => START,
        drawKey: () => new Uint8Array(32).fill(++keys),
        pause: () => assert.fail("without a count nobody waits"),
      })
    const of = (outcomes: Awaited<ReturnType<typeof flash>>) =>
      Object.fromEntries(outcomes.map((o) => [o.port, o.outcome]))

    const before = leftovers()
    mark("together", ports.join(","))
    mark("broken-p2")
    const first = await flash()
    assert.deepEqual(of(first), { p1: "flashed", p2: "failed", p3: "flashed" })
    assert.match(
      first.find((o) => o.port === "p2")!.detail,
      /^p2: esptool write_flash: ended with 2: A fatal error/,
    )
    unmark("together")
    unmark("broken-p2")
    const earlier = calls().length
    assert.deepEqual(of(await flash()), { p1: "unchanged", p2: "flashed", p3: "unchanged" })
    const written = calls()
      .slice(earlier)
      .filter((call) => call.args.includes("write_flash"))
    assert.deepEqual(
      written.map((call) => call.port),
      ["p2"],
    )

    const rows = await study.store.provisioning.all()
    assert.deepEqual(rows.map((row) => `${row.port} ${row.outcome}`).sort(), [
      "p1 flashed",
      "p2 failed",
      "p2 flashed",
      "p3 flashed",
    ])
    const row = rows.find((r) => r.port === "p1")!
    assert.deepEqual(
      [row.device, row.mac, row.board, row.at],
      ["fe240ac4000001ff", "24:0a:c4:00:00:01", BOARD, START],
    )
    assert.match(row.firmware, /^[0-9a-f]{64}$/)

    // Each board holds the key that the store has for it, its own configuration, and the network.
    const devices = await study.store.subjects.devices()
    assert.equal(devices.length, 3)
    for (const { id, key } of devices) {
      const memory = readFileSync(join(dir, "bench", `memory-p${id.slice(13, 14)}`))
      const held = readPartition(
        memory.subarray(layout.partitionOffset, layout.partitionOffset + layout.partitionBytes),
      )
      assert.deepEqual(Buffer.from(held.settings.get("ftkey")!), Buffer.from(key))
      assert.deepEqual(held.wifi, { ssid: "field", password: PASSWORD })
      const configuration = memory.subarray(layout.configurationOffset)
      assert.ok(configuration.subarray(0, layout.configuration.length).equals(layout.configuration))
      assert.equal(memory.toString("latin1", 0x11000, 0x11007), "runtime")
    }

    const secrets = [
      PASSWORD,
      ...devices.flatMap(({ key }) => ["hex", "base64", "latin1"].map((e) => text(key, e))),
    ]
    const seen = JSON.stringify([calls(), rows, await study.store.events.latest(100), first])
    for (const secret of secrets) assert.ok(!seen.includes(JSON.stringify(secret).slice(1, -1)))
    const files = calls().flatMap((call) => call.modes)
    assert.ok(files.length === 11 && files.every((mode) => mode === 0o600), `modes ${files}`)
    assert.ok(calls().every((call) => call.stdin === ""))
    assert.deepEqual(leftovers(), before)
    await study.close()
  }))

const text = (key: Uint8Array, encoding: string): string =>
  Buffer.from(key).toString(encoding as BufferEncoding)

test("a board that does not hold what was written counts as failed, and the difference is named without its value", () =>
  withFolder(async (dir) => {
    const { tool, runtime, mark } = bench(join(dir, "bench"))
    const study = await initStudy(join(dir, "study"), { seed: 1 })
    const layout = boardLayout(packageRoot(), BOARD)
    const programmer = new SerialProgrammer({
      layout,
      esptool: [tool],
      runtime,
      env: {},
      listPorts: async () => ["p1"],
    })
    mark("flips-p1")
    const [outcome] = await flashFleet({
      study,
      programmer,
      content: {
        board: BOARD,
        bytecode: loadFirmware(),
        host: "http://10.0.0.5:8137",
        store: undefined,
        wifi: undefined,
        plan: new Uint8Array([0x80]),
      },
      ports: ["p1"],
      now: () => START,
      drawKey: () => new Uint8Array(32).fill(5),
      pause: async () => {},
    })
    assert.equal(outcome.outcome, "failed")
    assert.equal(outcome.detail, "read back other than written: program")
    await study.close()
  }))

test("an unattended fleet: each port takes the next board that is plugged in, until there are enough", () =>
  withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), { seed: 1 })
    // Boards 1, 2, 3 come to the same port one after the other; the second one fails and comes again at the end.
    const queue = [1, 2, 3, 2]
    let at = 0
    let out = false
    let failures = 1
    const content = {
      board: BOARD,
      bytecode: new Uint8Array([1]),
      host: "http://10.0.0.5:8137",
      store: undefined,
      wifi: undefined,
      plan: new Uint8Array([0x80]),
    }
    const flashed: string[] = []
    const outcomes = await flashFleet({
      study,
      content,
      programmer: {
        ports: async () => (out ? [] : ["p1"]),
        identify: async () => ({
          device: `fe0000000000${queue[at]}0ff`.slice(-16),
          mac: `00:00:00:00:00:0${queue[at]}`,
        }),
        write: async () => {
          if (queue[at] === 2 && failures-- > 0) throw new Error("p1: cable")
        },
        readBack: async () => ({
          program: "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
          settings: new Map<string, Uint8Array>([
            ["ftkey", (await study.store.subjects.devices()).at(-1)!.key],
            ["fthost", Buffer.from(content.host)],
            ["ftplan", content.plan],
          ]),
          wifi: undefined,
        }),
        start: async () => {
          flashed.push(String(queue[at]))
        },
      },
      ports: "all",
      count: 3,
      now: () => START,
      drawKey: () => new Uint8Array(32).fill(9),
      pause: async () => {
        if (out) at++
        out = !out
      },
    })
    assert.deepEqual(
      outcomes.map((o) => o.outcome),
      ["flashed", "failed", "flashed", "flashed"],
    )
    assert.deepEqual(flashed, ["1", "3", "2"])
    await study.close()
  }))

test("the runtime image comes from the DeviceScript command line tool once, then from the study's folder", () =>
  withFolder(async (dir) => {
    const devs = join(dir, "devs")
    const folder = join(dir, "runtime")
    writeFileSync(
      devs,
      `#!${process.execPath}
const fs = require("node:fs")
fs.writeFileSync("argv.json", JSON.stringify([process.argv.slice(2), fs.readdirSync("boards")]))
fs.mkdirSync(".devicescript/cache", { recursive: true })
fs.writeFileSync(".devicescript/cache/devicescript-esp32-${BOARD}-0x1000.bin", "image")
console.log("flash firmware instructions:\\n-  open https://example.org\\n.devicescript/cache/devicescript-esp32-${BOARD}-0x1000.bin\\n-  click")
`,
    )
    chmodSync(devs, 0o755)
    const fetch = () => fetchRuntime([devs], packageRoot(), BOARD, folder, { PATH: process.env.PATH })
    assert.equal(Buffer.from(await fetch()).toString(), "image")
    assert.deepEqual(JSON.parse(readFileSync(join(folder, "argv.json"), "utf8")), [
      ["--ci", "flash", "esp32", "--remote", "--board", BOARD],
      [`${BOARD}.board.json`],
    ])
    rmSync(devs)
    assert.equal(Buffer.from(await fetch()).toString(), "image")
  }))

test("esptool is found by its usual name", () =>
  withFolder(async (dir) => {
    bench(dir)
    assert.deepEqual(await findEsptool({ PATH: dir }), ["esptool.py"])
    assert.equal(await findEsptool({ PATH: join(dir, "empty") }), undefined)
  }))

test("the command: flash, enrol without a key in sight, simulate, and what it refuses", () =>
  withFolder(async (dir) => {
    const { tool, calls } = bench(join(dir, "bench"))
    const run = async (args: string[]) => fieldtune([...args, "--study", "s"], dir)
    assert.equal((await run(["init"])).code, 0)
    writeFileSync(join(dir, "wifi.env"), `WIFI_SSID="field"\nWIFI_PWD='${PASSWORD}'\n`)
    const image = join(packageRoot(), "dist", "firmware", "fieldtune.devs")
    const flash = [
      "flash",
      "--board",
      BOARD,
      "--port",
      "p1,p2",
      "--wifi-file",
      "wifi.env",
      "--firmware-image",
      image,
    ]
    const tools = [
      "--runtime-image",
      "bench/runtime.bin",
      "--esptool",
      tool,
      "--address",
      "http://10.0.0.5:8137",
    ]
    const done = await run([...flash, ...tools, "--json"])
    assert.equal(done.code, 0, done.stderr)
    const { boards } = JSON.parse(done.stdout)
    assert.deepEqual(
      boards.map((b: { outcome: string }) => b.outcome),
      ["flashed", "flashed"],
    )
    const enrolled = await run(["enrol", "1", "--device", boards[0].device, "--json"])
    assert.equal(enrolled.code, 0, enrolled.stderr)
    assert.deepEqual(Object.keys(JSON.parse(enrolled.stdout)), [
      "subject",
      "device",
      "arm",
      "allocated",
      "syncPath",
    ])
    const simulated = await run([
      "flash",
      "--board",
      BOARD,
      "--simulate",
      "--count",
      "2",
      "--wifi-file",
      "wifi.env",
    ])
    assert.equal(simulated.code, 0, simulated.stderr)
    assert.match(simulated.stdout, /simulated-2 .* flashed/)
    const seen = [JSON.stringify(calls()), done, enrolled, simulated].map((x) => JSON.stringify(x)).join()
    assert.ok(!seen.includes(PASSWORD))

    writeFileSync(join(dir, "long.env"), `WIFI_SSID=field\nWIFI_PWD=${"x".repeat(64)}\n`)
    for (const [args, why] of [
      [
        ["flash", "--board", "toaster", "--simulate"],
        /--board: board toaster: must be one of esp32_devkitc_jacdac/,
      ],
      [["flash", "--board", BOARD, "--firmware-image", image], /needs --port or --all-ports, or --simulate/],
      [
        ["flash", "--board", BOARD, "--simulate", "--store", "disk"],
        /--store: must be fram or flash, got disk/,
      ],
      [
        ["flash", "--board", BOARD, "--simulate", "--wifi-file", "long.env"],
        /must have at most 63 bytes, has 64/,
      ],
    ] as const) {
      const refused = await run([...args])
      assert.equal(refused.code, 2, refused.stderr)
      assert.match(refused.stderr, why)
      assert.ok(!refused.stderr.includes("xxxx"))
    }
    assert.ok(existsSync(join(dir, "bench", "memory-p2")))
  }))
