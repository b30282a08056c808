// fieldtune board: where the boards are, and what became of one.

import { randomBytes } from "node:crypto"
import type { Command } from "commander"
import type { Board } from "../store/boards.js"
import { type BoardAction, keyForBoard, moveBoard, replaceBoard } from "../study/devices.js"
import type { Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command } from "./command.js"
import { KEY_FILE_SAYS, keyLines, readKey } from "./enrol.js"
import { ago, table } from "./table.js"
import { withinStudy } from "./within-study.js"

interface MoveOptions extends CommonOptions {
  reason: string
}

interface ReplaceOptions extends CommonOptions {
  by: string
  reason: string
  old: string
  keyFile?: string
}

interface Wording {
  description: string
  /** What is true now. */
  done: string
  next(device: string, subject: number | null): string
}

const WORDING: Record<BoardAction, Wording> = {
  lost: {
    description: "the board is lost: its enrolment ends; what it may still bring is kept and flagged",
    done: "is lost",
    next: (device, subject) =>
      subject === null
        ? `fieldtune board found ${device}, should it turn up`
        : `fieldtune board replace ${device} --by ID --reason lost gives subject ${subject} another one`,
  },
  found: {
    description: "a lost or retired board is here",
    done: "is here and may be handed out",
    next: (device) => `fieldtune enrol N --device ${device}, after it has synced`,
  },
  return: {
    description: "the listener has brought the board back: its enrolment ends",
    done: "is here and may be handed out",
    next: (device) => `fieldtune enrol N --device ${device} gives it to somebody else`,
  },
  retire: {
    description: "the board is broken or no longer used: it is not handed out any more",
    done: "is retired",
    next: (device) => `fieldtune board found ${device}, should it be used again`,
  },
}

const OLD = ["returned", "lost", "retired"] as const

export function boardCommand(): Command {
  const made = command(
    "board",
    "where the boards are; say that one is lost, found, returned, retired, or replaced",
    "fieldtune board status",
  )
    .enablePositionalOptions()
    .addCommand(
      command("status", "every board: where it is and who carries it", "fieldtune board status").action(
        (options: CommonOptions) => withinStudy(options, status),
      ),
    )
  for (const action of Object.keys(WORDING) as BoardAction[]) {
    const { description } = WORDING[action]
    made.addCommand(
      command(action, description, `fieldtune board ${action} 3f2a9c01d4e5b678`)
        .argument("<device>", "id of the board, 16 hexadecimal digits")
        .option("--reason <text>", "what happened; it is kept with the board's history", "")
        .action((device: string, options: MoveOptions) =>
          withinStudy(options, (study) => move(study, action, device.toLowerCase(), options)),
        ),
    )
  }
  return made.addCommand(
    command(
      "replace",
      "give the listener of a board another one, with a copy of the newest playlist",
      "fieldtune board replace 3f2a9c01d4e5b678 --by 3f2a9c01d4e5b679 --reason 'dropped'",
    )
      .argument("<device>", "id of the board that is given up")
      .requiredOption("--by <id>", "id of the other board, 16 hexadecimal digits")
      .requiredOption("--reason <text>", "why; it is kept with the history of both")
      .option(
        "--old <state>",
        `what becomes of the old one: ${OLD.join(", ")}; a lost one stays lost`,
        "returned",
      )
      .option("--key-file <path>", KEY_FILE_SAYS)
      .action((device: string, options: ReplaceOptions) =>
        withinStudy(options, (study) => replace(study, device.toLowerCase(), options)),
      ),
  )
}

async function status(study: Study, options: CommonOptions): Promise<void> {
  const now = Date.now()
  const boards = await study.store.boards.all()
  const rows = boards.map(({ device, state, at, subject, last, lastSync }) => [
    device,
    state,
    ago(at, now),
    subject,
    last,
    ago(lastSync, now),
  ])
  const flagged = boards.filter(syncedSinceGone)
  answer(options, { boards }, [
    ...flagged.map(({ device, state }) => `! ${device} is ${state} and has synced since`),
    ...table(["device", "state", "since", "carried by", "last carried by", "last sync"], rows),
    "",
    "Next: fieldtune enrol N --device ID hands out a board that is in stock or returned",
  ])
}

function syncedSinceGone({ state, at, lastSync }: Board): boolean {
  return (state === "lost" || state === "retired") && (lastSync ?? 0) > at
}

async function move(study: Study, action: BoardAction, device: string, options: MoveOptions): Promise<void> {
  const subject = await moveBoard(study.store, action, device, options.reason, Date.now())
  const { done, next } = WORDING[action]
  answer(options, { device, action, subject }, [
    `Board ${device} ${done}.${subject === null ? "" : ` Subject ${subject} no longer carries it.`}`,
    `Next: ${next(device, subject)}`,
  ])
}

async function replace(study: Study, device: string, options: ReplaceOptions): Promise<void> {
  const to = OLD.find((state) => state === options.old)
  if (to === undefined) throw new CommandError(`--old: must be ${OLD.join(" or ")}, got ${options.old}`)
  const by = options.by.toLowerCase()
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes))
  const { key, held } = await keyForBoard(study.store, by, readKey(options.keyFile), random)
  const swap = { device, by, key, to, reason: options.reason, at: Date.now() }
  const { subject, version } = await replaceBoard(study.store, swap)
  const hex = Buffer.from(key).toString("hex")
  answer(options, { subject, device: by, instead: device, version, ...(held ? {} : { key: hex }) }, [
    `Subject ${subject} carries board ${by} instead of ${device}.`,
    version === null
      ? "The subject had no playlist yet."
      : `The newest playlist is published for it once more, as version ${version}: the same songs.`,
    ...keyLines(key, held, study.plan.port),
    version === null
      ? "Next: fieldtune round makes the first playlist"
      : "Next: the board fetches the playlist at its first sync; fieldtune status shows when it plays it",
  ])
}
