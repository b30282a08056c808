// The real server in a process of its own, as a researcher starts it, to be stopped in every way there is.

import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const PROGRAM = fileURLToPath(new URL("../cli/main.js", import.meta.url))
/** Text of stderr that is kept: the end of it. */
const MAX_LOG = 20_000

export class ServerProcess {
  /** The newest lines of its log. */
  log = ""
  /** Where it listens; rejects where it ends before. */
  readonly port: Promise<number>
  /** Exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>

  private constructor(readonly child: ChildProcess) {
    child.stderr?.on("data", (text) => {
      this.log = (this.log + text).slice(-MAX_LOG)
    })
    this.ended = new Promise((resolve) => child.once("close", (code) => resolve(code)))
    this.port = new Promise((resolve, reject) => {
      let line = ""
      child.stdout?.on("data", (text) => {
        line += text
        if (line.includes("\n")) resolve(Number(new URL(JSON.parse(line).url).port))
      })
      child.once("error", reject)
      child.once("close", () => reject(new Error(`the server ended before it listened: ${this.log}`)))
    })
    // Whoever kills it while it starts does not ask.
    this.port.catch(() => {})
  }

  /** `wrap`: a program with its arguments that is to start it, such as a shell with limits. */
  static start(dir: string, { level = "warn", wrap = [] as readonly string[] } = {}): ServerProcess {
    const [file, ...args] = [
      ...wrap,
      process.execPath,
      PROGRAM,
      "serve",
      "--study",
      dir,
      "--port",
      "0",
      "--log-level",
      level,
      "--json",
    ]
    return new ServerProcess(spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] }))
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }
}
