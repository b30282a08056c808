// fieldtune sync --serial: collects from boards that are plugged into this machine, without a network.

import { randomBytes } from "node:crypto"
import type { Command } from "commander"
import { BRIDGE_ADDRESS, BridgeError, connectBridge } from "../serial/bridge.js"
import { type CollectedBoard, Collection } from "../serial/collect.js"
import { answerSync } from "../server/sync.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { interrupted } from "./listen.js"
import { table } from "./table.js"

interface Options extends CommonOptions {
  serial?: boolean
  port: string
  device?: string
  wait: number
  watch?: boolean
}

const DEFAULT_WAIT_S = 30
const DEVICE_ID = /^[0-9a-f]{16}$/
const ID_BYTES = 8

export function syncCommand(): Command {
  return command(
    "sync",
    "collect from boards that are plugged in by USB, through the DeviceScript development server (npx devs devtools)",
    "fieldtune sync --serial",
  )
    .option("--serial", "over USB; boards with a network sync by themselves with fieldtune serve")
    .option("--port <host:port>", "TCP port of the development server", BRIDGE_ADDRESS)
    .option("--device <id>", "this board only, 16 hexadecimal digits")
    .option(
      "--wait <seconds>",
      "how long to wait for the first board",
      wholeNumber(1, 86_400),
      DEFAULT_WAIT_S,
    )
    .option("--watch", "stay until interrupted: boards may be plugged in one after the other")
    .action(async (options: Options) => {
      if (!options.serial) {
        throw new CommandError("sync: --serial is needed; boards with a network sync with fieldtune serve")
      }
      const study = await openStudy(options.study)
      try {
        await sync(study, { ...options, device: options.device?.toLowerCase() })
      } finally {
        await study.close()
      }
    })
}

async function sync(study: Study, options: Options): Promise<void> {
  const { device, port, wait, watch } = options
  if (device !== undefined) await checkDevice(study, device)
  const carriers = await carriersOf(study)
  let boards: CollectedBoard[]
  try {
    boards = await collect(study, options, carriers)
  } catch (error) {
    if (error instanceof BridgeError) throw new CommandError(`--port: ${error.message}`, { cause: error })
    throw error
  }
  if (boards.length === 0 && !watch) {
    const who = device === undefined ? "no board came" : `board ${device} did not come`
    throw new CommandError(
      `sync: ${who} in ${wait} s; is it plugged in, flashed, and shown by the development server at ${port}?`,
    )
  }
  report(options, boards, carriers)
}

async function checkDevice(study: Study, device: string): Promise<void> {
  if (!DEVICE_ID.test(device))
    throw new CommandError(`--device: must be 16 hexadecimal digits, got ${device}`)
  if ((await study.store.subjects.device(device)) === undefined) {
    throw new CommandError(`--device: the study has no board ${device}: fieldtune enrol N --device ${device}`)
  }
}

/** Who carries a board, by device. */
async function carriersOf({ store }: Study): Promise<Map<string, string>> {
  const carriers = new Map<string, string>()
  for (const { id } of await store.subjects.devices()) {
    const carrier = await store.subjects.carrierOf(id)
    if (carrier !== undefined) carriers.set(id, `subject ${carrier.subject}`)
  }
  return carriers
}

async function collect(
  study: Study,
  { port, device, wait, watch, json }: Options,
  carriers: ReadonlyMap<string, string>,
): Promise<CollectedBoard[]> {
  let collection: Collection | undefined
  const bridge = await connectBridge(port, {
    frame: (bytes) => collection?.hear(bytes),
    lost: (error) => collection?.stop(error),
  })
  const now = (): number => Date.now()
  const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
  collection = new Collection({
    id: randomBytes(ID_BYTES).toString("hex"),
    clock: { now, setTimeout, clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout) },
    send: bridge.send,
    exchange: (from, body) => answerSync({ study, now, random }, from, body),
    only: device,
    waitMs: wait * 1000,
    watch,
    told: json ? undefined : (board) => tell(board, carriers.get(board.device)),
  })
  void interrupted().then(() => collection?.stop())
  try {
    return await collection.done
  } finally {
    bridge.close()
  }
}

function tell(board: CollectedBoard, carrier = "nobody's"): void {
  const { device, plays, exchanges, outcome, reason } = board
  const came =
    exchanges === 0 ? "on the bus" : `${counted(plays, "new play")} in ${counted(exchanges, "exchange")}`
  process.stderr.write(`${device} (${carrier}): ${outcome ?? reason ?? came}\n`)
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`
}

function report(options: Options, boards: CollectedBoard[], carriers: ReadonlyMap<string, string>): void {
  const rows = boards.map((b) => [
    b.device,
    carriers.get(b.device),
    b.plays,
    b.exchanges,
    b.list === 0 ? undefined : b.list,
    b.next === 0 ? undefined : b.next,
    b.outcome,
  ])
  const open = boards.filter((board) => board.outcome !== "synced")
  const plays = boards.reduce((sum, board) => sum + board.plays, 0)
  answer(options, { boards }, [
    ...table(["device", "carried by", "plays", "exchanges", "playing", "next", "outcome"], rows),
    "",
    ...open.map((board) => `! ${board.device}: ${advice(board)}`),
    plays > 0
      ? "Next: fieldtune round designs the next playlists; sync again to bring them to the boards"
      : "No new plays. Next: fieldtune status shows the boards",
  ])
  if (open.length > 0) process.exitCode = 1
}

/** What to do about a board that was not synced. */
function advice({ device, outcome, code, reason }: CollectedBoard): string {
  if (outcome === "silent") return "it asked for nothing; fieldtune flash gives it firmware and key"
  if (outcome === "interrupted") return "it stopped in between; what came is kept: plug it in and sync again"
  if (code === "device") return `the study does not know it: fieldtune enrol N --device ${device}`
  if (code === "seal") return "its key is not the study's: fieldtune flash --force gives it the right one"
  return `refused: ${reason}`
}
