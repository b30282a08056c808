// fieldtune serve: the server that boards sync with and people look at, until it is interrupted.

import { randomBytes } from "node:crypto"
import type { Command } from "commander"
import { destination, pino } from "pino"
import { buildServer } from "../server/server.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { startEstimator } from "./estimator.js"
import { interrupted, listen } from "./listen.js"

interface Options extends CommonOptions {
  port?: number
  host: string
  logLevel: string
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"]
/** File descriptor of stderr: stdout carries what the command answers. */
const STDERR = 2

export function serveCommand(): Command {
  return command(
    "serve",
    "serve boards and the dashboard; new plays are estimated beside it",
    "fieldtune serve --host 0.0.0.0 --port 8137",
  )
    .option("--port <n>", "port (default: the plan's)", wholeNumber(0, 65535))
    .option("--host <address>", "address to listen on; 0.0.0.0 lets boards on the network in", "127.0.0.1")
    .option("--log-level <level>", LOG_LEVELS.join(", "), "info")
    .action(async (options: Options) => {
      if (!LOG_LEVELS.includes(options.logLevel)) {
        throw new CommandError(`--log-level: must be ${LOG_LEVELS.join(", ")}, got ${options.logLevel}`)
      }
      await serve(options)
    })
}

async function serve(options: Options): Promise<void> {
  const study = await openStudy(options.study)
  const log = pino({ level: options.logLevel }, destination({ dest: STDERR, sync: true }))
  const now = (): number => Date.now()
  const estimator = startEstimator(study.dir, now, log)
  const app = buildServer({
    study,
    now,
    random: (n) => new Uint8Array(randomBytes(n)),
    log,
    committed: () => estimator.wake(),
  })
  const close = async (): Promise<void> => {
    await app.close()
    await estimator.close()
    await study.close()
  }
  const stopped = interrupted()
  let url: string
  try {
    url = await listen(app, options.port ?? study.plan.port, options.host)
  } catch (cause) {
    await close()
    throw cause
  }
  answer(options, { study: study.dir, url }, [
    `Serving "${study.plan.name}" on ${url}; boards post to ${url}/v1/sync/<device id>.`,
    "Interrupt to stop. Next: fieldtune status in another terminal",
  ])
  // Plays that came before the last stop may still wait for their estimate.
  if ((await study.store.subjects.dirty()).length > 0) estimator.wake()
  await stopped
  await close()
}
