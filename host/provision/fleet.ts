// Flashing boards, one or many at a time: key from the store, write, read back, compare, start, record. A board whose
// last outcome is the same content is left alone, so a call that is repeated does only what failed before.

import { createHash } from "node:crypto"
import type { Study } from "../study/study.js"
import type { BoardContent, PartitionContent, Wifi } from "./partition.js"
import type { Programmer } from "./programmer.js"

/** What all boards of one call get. */
export interface FleetContent {
  /** Id of the board's definition. */
  board: string
  bytecode: Uint8Array
  /** Address of the host, such as http://10.0.0.5:8137. */
  host: string
  /** Where boards keep what changes; where one answers, FRAM, if absent. */
  store: "fram" | "flash" | undefined
  wifi: Wifi | undefined
  /** The plan as the board reads it, MessagePack. */
  plan: Uint8Array
}

export interface FleetOptions {
  study: Study
  programmer: Programmer
  content: FleetContent
  /** Ports to use, or all that have boards. */
  ports: readonly string[] | "all"
  /** Stop when so many boards hold the content; without it each port has one turn. */
  count?: number
  /** Write boards that hold the content already, too. */
  force?: boolean
  /** Unix milliseconds. */
  now: () => number
  /** A device key for a board that has none. */
  drawKey: () => Uint8Array
  /** Told of each board as it is done. */
  told?: (outcome: BoardOutcome) => void
  /** Waits until it is worth looking at the ports again. */
  pause: () => Promise<void>
}

export interface BoardOutcome {
  port: string
  device: string | null
  mac: string | null
  outcome: "flashed" | "unchanged" | "failed"
  /** What went wrong; empty where nothing did. */
  detail: string
}

/** Flashes boards until every port has had its turn, or `count` boards are done; the outcomes in order. */
export async function flashFleet(options: FleetOptions): Promise<BoardOutcome[]> {
  const { programmer, ports: wanted, count } = options
  const outcomes: BoardOutcome[] = []
  const plugged = async (): Promise<string[]> => {
    const all = await programmer.ports()
    return wanted === "all" ? all : wanted.filter((port) => all.includes(port))
  }
  const turn = async (port: string): Promise<void> => {
    const outcome = await flashBoard(port, options)
    outcomes.push(outcome)
    options.told?.(outcome)
  }
  if (count === undefined) {
    await Promise.all((wanted === "all" ? await plugged() : wanted).map(turn))
    return outcomes
  }
  // A port has its next turn when it has been seen without a board.
  const served = new Set<string>()
  const running = new Set<Promise<void>>()
  const done = (): number => outcomes.filter((o) => o.outcome !== "failed").length
  while (done() < count) {
    const here = await plugged()
    for (const port of served) if (!here.includes(port)) served.delete(port)
    for (const port of here) {
      if (served.has(port) || done() + running.size >= count) continue
      served.add(port)
      const task = turn(port).finally(() => running.delete(task))
      running.add(task)
    }
    await (running.size > 0 ? Promise.race(running) : options.pause())
  }
  return outcomes
}

async function flashBoard(port: string, options: FleetOptions): Promise<BoardOutcome> {
  const { study, programmer, content, now } = options
  const { provisioning, subjects } = study.store
  const firmware = sha256(content.bytecode)
  const known: Pick<BoardOutcome, "port" | "device" | "mac"> = { port, device: null, mac: null }
  const record = async (outcome: "flashed" | "failed", fingerprint: string | null, detail: string) => {
    await provisioning.add({
      ...known,
      at: now(),
      board: content.board,
      firmware,
      fingerprint,
      outcome,
      detail,
    })
    return { ...known, outcome, detail }
  }
  try {
    const { device, mac } = await programmer.identify(port)
    const before = await provisioning.latest(device)
    // The key is on disk before the board has it: never a board with a key that nobody knows.
    const { key } = await subjects.registerDevice(device, options.drawKey(), now())
    known.device = device
    known.mac = mac
    const fingerprint = fingerprintOf(content)
    const same = before?.outcome === "flashed" && before.fingerprint === fingerprint
    if (same && !options.force) return { ...known, outcome: "unchanged", detail: "" }
    const wanted = contentOf(content, key)
    await programmer.write(port, wanted)
    compare(await programmer.readBack(port), wanted, firmware)
    await programmer.start(port)
    return await record("flashed", fingerprint, "")
  } catch (error) {
    return await record("failed", null, (error as Error).message)
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** The settings that the firmware reads (src/main.ts). */
function contentOf(content: FleetContent, key: Uint8Array): BoardContent {
  const settings: Record<string, Uint8Array> = {
    ftkey: key,
    fthost: Buffer.from(content.host),
    ftplan: content.plan,
  }
  if (content.store !== undefined) settings.ftstore = Buffer.from(content.store)
  return { bytecode: content.bytecode, settings, wifi: content.wifi }
}

/** Of everything but secrets: neither key nor Wi-Fi password can be guessed from it. */
function fingerprintOf({ board, bytecode, host, store, wifi, plan }: FleetContent): string {
  const facts = [
    board,
    sha256(bytecode),
    host,
    store ?? "",
    wifi?.ssid ?? "",
    Buffer.from(plan).toString("hex"),
  ]
  return sha256(Buffer.from(JSON.stringify(facts)))
}

/** Throws where the board does not hold what was written; names what differs, never its value. */
function compare(found: PartitionContent, wanted: BoardContent, firmware: string): void {
  const differ = Object.entries(wanted.settings)
    .filter(([name, value]) => !Buffer.from(value).equals(found.settings.get(name) ?? Buffer.alloc(0)))
    .map(([name]) => `setting ${name}`)
  if (found.program !== firmware) differ.push("program")
  if (found.wifi?.ssid !== wanted.wifi?.ssid || found.wifi?.password !== wanted.wifi?.password) {
    differ.push("Wi-Fi network")
  }
  if (differ.length > 0) throw new Error(`read back other than written: ${differ.join(", ")}`)
}
