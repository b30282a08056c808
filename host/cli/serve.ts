// fieldtune serve: the server that boards sync with and people look at, until it is interrupted.

import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import type { Command } from "commander"
import { destination, pino } from "pino"
import { isLoopback } from "../server/access.js"
import { Limits } from "../server/limits.js"
import { buildServer, stopServer } from "../server/server.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { startEstimator } from "./estimator.js"
import { interrupted, listen } from "./listen.js"

interface Options extends CommonOptions {
  port?: number
  host: string
  logLevel: string
  tokenFile?: string
  actions?: boolean
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"]
/** File descriptor of stderr: stdout carries what the command answers. */
const STDERR = 2
/** What is under way at the end may take so long; a board gives up after 10 s. */
const GRACE_MS = 10_000
/** A token is guessed less easily than a password, because nobody has to remember it. */
const MIN_TOKEN = 16
const TOKEN_VARIABLE = "FIELDTUNE_TOKEN"

export function serveCommand(): Command {
  return command(
    "serve",
    "serve boards and the dashboard; new plays are estimated beside it",
    "fieldtune serve --host 0.0.0.0 --port 8137",
  )
    .option("--port <n>", "port (default: the plan's)", wholeNumber(0, 65535))
    .option("--host <address>", "address to listen on; 0.0.0.0 lets boards on the network in", "127.0.0.1")
    .option("--log-level <level>", LOG_LEVELS.join(", "), "info")
    .option(
      "--token-file <file>",
      `file with the token (at least ${MIN_TOKEN} characters) that opens page and API to other machines; or the environment's ${TOKEN_VARIABLE}`,
    )
    .option("--actions", "let the page open and close waves, publish playlists and take boards back")
    .addHelpText(
      "after",
      `
Boards may sync from wherever the address lets them in: their requests are sealed. The page and the API are for this
machine (http://localhost); other machines need the token, once, as ?token=TOKEN. SIGINT or SIGTERM stops it after
the exchanges that are under way; a second one stops it at once, which loses nothing that was acknowledged.`,
    )
    .action(async (options: Options) => {
      if (!LOG_LEVELS.includes(options.logLevel)) {
        throw new CommandError(`--log-level: must be ${LOG_LEVELS.join(", ")}, got ${options.logLevel}`)
      }
      await serve(options)
    })
}

async function serve(options: Options): Promise<void> {
  const token = tokenOf(options)
  const study = await openStudy(options.study)
  const to = destination({ dest: STDERR, sync: true })
  // A log that can't be written (its disk is full, its reader has gone) must not end the server.
  to.on("error", () => {})
  const log = pino({ level: options.logLevel }, to)
  const now = (): number => Date.now()
  const estimator = startEstimator(study.dir, now, log)
  const app = buildServer({
    study,
    now,
    random: (n) => new Uint8Array(randomBytes(n)),
    log,
    committed: (device) => estimator.wake(device),
    ...(options.actions ? { act: (action) => estimator.act(action) } : {}),
    token,
    limits: new Limits(now),
  })
  const close = async (): Promise<void> => {
    await stopServer(app, GRACE_MS)
    await estimator.close()
    await study.close()
  }
  const stopped = interrupted()
  const port = options.port ?? study.plan.port
  let url: string
  try {
    if (!(await study.store.writable(1))) {
      log.error("the database can't be written to: boards keep their records until it can")
    }
    url = await listen(app, port, options.host)
  } catch (cause) {
    await close()
    throw cause
  }
  const reached = reachedAt(url)
  answer(options, { study: study.dir, url, boards: reached, token: token !== undefined }, [
    `Serving "${study.plan.name}" on ${url}; boards post to ${url}/v1/sync/<device id>.`,
    reached.length > 0
      ? `Boards on the network reach it at ${reached.join(" or ")}.`
      : "Only this machine reaches it: --host 0.0.0.0 lets boards on the network in.",
    ...(port === study.plan.port || reached.length === 0
      ? []
      : [
          `! Boards are flashed with the plan's port ${study.plan.port} unless --address said another, not ${port}.`,
        ]),
    token === undefined
      ? "The page and the API are for this machine; --token-file opens them to others."
      : "The page and the API open to other machines with ?token=TOKEN.",
    options.actions
      ? "The page may act: it asks once before it does, and the event log keeps who asked."
      : "The page may only read; --actions lets it open waves, publish and take boards back.",
    "Interrupt to stop. Next: fieldtune status in another terminal",
  ])
  // Plays that came before the last stop may still wait for their estimate.
  estimator.wake()
  await stopped
  await close()
}

/** The token of a file or of the environment, never of the command line, which every user of the machine can see. */
function tokenOf({ tokenFile }: Options): string | undefined {
  const place = tokenFile === undefined ? TOKEN_VARIABLE : `--token-file ${tokenFile}`
  const token = tokenFile === undefined ? process.env[TOKEN_VARIABLE] : readFileSync(tokenFile, "utf8").trim()
  if (token === undefined || (tokenFile === undefined && token === "")) return undefined
  if (token.length < MIN_TOKEN || !/^[\x21-\x7e]+$/.test(token)) {
    throw new CommandError(
      `${place}: a token must be at least ${MIN_TOKEN} characters without spaces, got ${token.length}; one comes from: openssl rand -hex 16`,
    )
  }
  return token
}

/** Addresses under which other machines reach what listens at `url`; none where it listens to this one alone. */
function reachedAt(url: string): string[] {
  const { hostname, port } = new URL(url)
  if (isLoopback(hostname.replace(/^\[|\]$/g, ""))) return []
  if (hostname !== "0.0.0.0" && hostname !== "[::]") return [url]
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => `http://${address}:${port}`)
}
