// fieldtune sync --serial: collects from boards that are plugged into this machine, without a network.

import { randomBytes } from "node:crypto"
import type { Command } from "commander"
import { joinBus } from "../serial/bridge.js"
import { type BoardSync, type Collection, collection } from "../serial/collect.js"
import { buildServer } from "../server/server.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { interrupted } from "./listen.js"

interface Options extends CommonOptions {
  serial?: boolean
  port: string
  device?: string
  wait: number
  watch?: boolean
}

const DEFAULT_PORT = "127.0.0.1:8082"
const DEFAULT_WAIT_S = 30
/** Boards that are done say nothing for so long. */
const QUIET_MS = 4000
const LOOK_MS = 200

export function syncCommand(): Command {
  return command(
    "sync",
    "collect from boards that are plugged in by USB, through the DeviceScript development server (npx devs devtools)",
    "fieldtune sync --serial",
  )
    .option("--serial", "over USB; boards with a network sync by themselves with fieldtune serve")
    .option("--port <host:port>", "TCP port of the development server", DEFAULT_PORT)
    .option("--device <id>", "this board only, 16 hexadecimal digits")
    .option(
      "--wait <seconds>",
      "how long to wait for the first board",
      wholeNumber(1, 86_400),
      DEFAULT_WAIT_S,
    )
    .option("--watch", "stay until interrupted: boards may be plugged in one after the other")
    .action(run)
}

async function run(options: Options): Promise<void> {
  if (!options.serial) {
    throw new CommandError("sync: --serial is needed; boards with a network sync with fieldtune serve")
  }
  const device = options.device?.toLowerCase()
  if (device !== undefined && !/^[0-9a-f]{16}$/.test(device)) {
    throw new CommandError(`--device: must be 16 hexadecimal digits, got ${options.device}`)
  }
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(options.port) ?? []
  if (host === undefined) throw new CommandError(`--port: must be HOST:PORT, got ${options.port}`)
  const study = await openStudy(options.study)
  const now = (): number => Date.now()
  const app = buildServer({ study, now, random: (n) => new Uint8Array(randomBytes(n)) })
  try {
    await app.ready()
    const collected = await collection(study, app, now, device)
    const bridge = await joinBus(host, Number(port), collected.desk)
    try {
      await finished(collected, options, bridge.ended)
    } finally {
      bridge.close()
    }
    const boards = await collected.report()
    if (boards.length === 0) {
      throw new CommandError(
        `sync: no board came in ${options.wait} s; is one plugged in, flashed, and shown by the development server?`,
      )
    }
    answer(options, { boards }, describe(boards))
    if (boards.some(({ outcome }) => outcome !== "synced")) process.exitCode = 1
  } finally {
    await app.close()
    await study.close()
  }
}

/** Resolves when every board that came is done, when none came in time, or when the command is interrupted. */
async function finished(collected: Collection, options: Options, ended: Promise<string>): Promise<void> {
  const began = Date.now()
  let over = false
  const end = (): void => {
    over = true
  }
  void ended.then(end)
  void interrupted().then(end)
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    if (options.watch) continue
    const last = collected.lastAt()
    if (last === undefined ? Date.now() - began > options.wait * 1000 : Date.now() - last > QUIET_MS) return
  }
}

function describe(boards: readonly BoardSync[]): string[] {
  const lines = boards.map(({ device, plays, exchanges, list, outcome }) => {
    const said = list === 0 ? "has no playlist" : `plays list ${list}`
    if (outcome === "refused") return `${device}: refused; the study does not know this board or its key`
    const rest = outcome === "synced" ? "nothing is left on it" : "it did not end: try again"
    return `${device}: ${plays} new plays in ${exchanges} exchanges, ${said}; ${rest}`
  })
  return [...lines, "Next: fieldtune round designs the next playlists; fieldtune status shows the boards"]
}
