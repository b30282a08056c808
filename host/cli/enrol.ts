// fieldtune enrol: which listener carries which board, and the key that both sides hold.

import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Command } from "commander"
import { KEY_BYTES } from "../../src/wire.js"
import { END_OF_ENROLMENT } from "../store/boards.js"
import { keyForBoard } from "../study/devices.js"
import { enrolSubject } from "../study/enrol.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"

interface Options extends CommonOptions {
  device?: string
  stratum?: Record<string, string>
  cohort?: string
  arm?: string
  reason?: string
  label?: string
  keyFile?: string
  end?: boolean
}

/** Ends that are said here; a replacement and a withdrawal have commands of their own. */
const ENDS = END_OF_ENROLMENT.filter((end) => end !== "replaced" && end !== "withdrawn")

export function enrolCommand(): Command {
  return command(
    "enrol",
    "give a listener a board and, the first time, an arm; or end that with --end",
    "fieldtune enrol 7 --device 3f2a9c01d4e5b678 --stratum site=north,sex=f --label P07",
  )
    .argument("<subject>", "number of the listener, 1, 2, 3, …", wholeNumber(1, 2 ** 31))
    .option("--device <id>", "id of the board, 16 hexadecimal digits")
    .option("--stratum <name=level,…>", "what the plan asks of a listener before the arm is drawn", levels)
    .option("--cohort <name>", "cohort of the plan")
    .option("--arm <name>", "set the arm by hand (default: drawn as the plan says); needs --reason")
    .option("--reason <text>", `why the arm is set by hand; with --end: ${ENDS.join(", ")}`)
    .option("--label <text>", "what you call the listener")
    .option("--key-file <path>", KEY_FILE_SAYS)
    .option("--end", "end the listener's enrolment instead")
    .action(async (subject: number, options: Options) => {
      const study = await openStudy(options.study)
      try {
        await (options.end ? end(study, subject, options) : begin(study, subject, options))
      } finally {
        await study.close()
      }
    })
}

function levels(text: string, before: Record<string, string> = {}): Record<string, string> {
  const found = text.split(",").map((part): [string, string] => {
    const at = part.indexOf("=")
    if (at < 1) throw new CommandError(`--stratum: must be name=level, got ${JSON.stringify(part)}`)
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
  })
  return { ...before, ...Object.fromEntries(found) }
}

const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes))

/** What the option is for; a key on the command line would stay in the shell's history and show in lists of processes. */
export const KEY_FILE_SAYS = `file with the key that the board holds already, ${KEY_BYTES * 2} hexadecimal digits; - reads it from standard input (default: a new one is drawn)`

/** Most that a key's file may hold, bytes: the digits and what an editor adds. */
const KEY_FILE_BYTES = 1024

/** The key in the file of --key-file; undefined where it is left out. */
export function readKey(path: string | undefined): Uint8Array | undefined {
  if (path === undefined) return undefined
  let text: string
  try {
    // 0 = standard input.
    text = readFileSync(path === "-" ? 0 : path, "latin1")
      .slice(0, KEY_FILE_BYTES)
      .trim()
  } catch (error) {
    throw new CommandError(`--key-file: ${(error as Error).message}`)
  }
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new CommandError(
      `--key-file: ${path}: must hold ${KEY_BYTES * 2} hexadecimal digits and nothing else`,
    )
  }
  return new Uint8Array(Buffer.from(text, "hex"))
}

/** What the board has to be told; nothing where it was flashed by this study. */
export function keyLines(key: Uint8Array, held: boolean, port: number): string[] {
  if (held) return ["The board holds its key and the host's address since it was flashed."]
  return [
    "Write these to the board's settings, and keep the key secret (fieldtune.db holds it too):",
    `  ftkey   ${Buffer.from(key).toString("hex")}   (as ${KEY_BYTES} raw bytes)`,
    `  fthost  http://ADDRESS:${port}   (the machine that runs fieldtune serve)`,
  ]
}

async function begin(study: Study, subject: number, options: Options): Promise<void> {
  if (options.device === undefined) throw new CommandError("enrol: --device is needed: the id of the board")
  const { stratum: strata, cohort, arm: wanted, reason, label } = options
  const device = options.device.toLowerCase()
  const { key, held } = await keyForBoard(study.store, device, readKey(options.keyFile), random)
  const wish = { subject, device, key, at: Date.now(), label, arm: wanted, reason, cohort, strata }
  const { arm, allocated } = await enrolSubject(study, wish, random)
  const enrolled = { subject, device, arm, allocated, syncPath: `/v1/sync/${device}` }
  const hex = Buffer.from(key).toString("hex")
  answer(options, held ? enrolled : { ...enrolled, key: hex }, [
    `Subject ${subject} carries board ${device} in arm ${arm} (${allocated}).`,
    ...keyLines(key, held, study.plan.port),
    "Next: fieldtune round makes the first playlist, fieldtune serve lets the board fetch it",
  ])
}

async function end(study: Study, subject: number, options: Options): Promise<void> {
  const reason = ENDS.find((end) => end === (options.reason ?? "returned"))
  if (reason === undefined) {
    throw new CommandError(`--reason: an enrolment ends as ${ENDS.join(", ")}, got ${options.reason}`)
  }
  const open = await study.store.subjects.enrolmentOf(subject)
  if (open === undefined) throw new CommandError(`subject ${subject}: has no open enrolment to end`)
  await study.store.subjects.release(open.device, Date.now(), reason)
  const { device } = open
  const here = reason !== "lost" && reason !== "retired"
  answer(options, { subject, device, ended: true, reason }, [
    `Subject ${subject} no longer carries board ${device} (${reason}); plays it still brings go to this subject.`,
    here
      ? `Next: fieldtune enrol N --device ${device} gives the board to somebody else`
      : `Next: fieldtune enrol ${subject} --device ID gives the listener another board`,
  ])
}
