// fieldtune withdraw: forget a listener.

import { createInterface } from "node:readline/promises"
import type { Command } from "commander"
import type { WithdrawalCounts } from "../store/withdrawals.js"
import { openStudy, type Study } from "../study/study.js"
import { previewWithdrawal, withdraw } from "../study/withdraw.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"

interface Options extends CommonOptions {
  reason?: string
  yes?: boolean
  dryRun?: boolean
}

export function withdrawCommand(): Command {
  return command(
    "withdraw",
    "delete what a listener has left in the study, for good, and record that it was deleted",
    "fieldtune withdraw 7 --reason 'asked for it on the phone'",
  )
    .argument("<subject>", "number of the listener", wholeNumber(1, 2 ** 31))
    .option("--reason <text>", "why; it is kept for good: write no names")
    .option("--dry-run", "only say what would be deleted")
    .option("--yes", "do not ask")
    .action(async (subject: number, options: Options) => {
      const study = await openStudy(options.study)
      try {
        await (options.dryRun ? preview(study, subject, options) : run(study, subject, options))
      } finally {
        await study.close()
      }
    })
}

async function preview(study: Study, subject: number, options: Options): Promise<void> {
  const counts = await previewWithdrawal(study, subject)
  answer(options, { subject, dryRun: true, counts }, [
    `A withdrawal of subject ${subject} would delete:`,
    ...countLines(counts),
    `Next: fieldtune withdraw ${subject} --reason TEXT does it`,
  ])
}

async function run(study: Study, subject: number, options: Options): Promise<void> {
  if (options.reason === undefined) throw new CommandError("withdraw: --reason is needed")
  const person = await study.store.subjects.get(subject)
  if (!options.yes && person?.withdrawnAt === null) await confirm(study, subject)
  const { counts, again, forgotten, exports } = await withdraw(study, subject, options.reason, Date.now())
  const carried = (await study.store.boards.all()).filter(
    ({ state, last }) => state === "handed-out" && last === subject,
  )
  answer(options, { subject, again, counts, forgotten, exports, boards: carried.map((b) => b.device) }, [
    again
      ? `Subject ${subject} has withdrawn before; the files of the database were written anew.`
      : `Subject ${subject} has withdrawn. Deleted:`,
    ...(again ? [] : countLines(counts)),
    ...(forgotten
      ? []
      : [
          `! Another program holds the database, so its files may still have deleted bytes: end it and run fieldtune withdraw ${subject} again.`,
        ]),
    ...(exports.length > 0
      ? [`! Written before, look through them yourself: exports/${exports.join(", exports/")}`]
      : []),
    "! Copies of the study folder and backups are out of reach of this command.",
    ...carried.map(
      ({ device }) =>
        `Next: fieldtune board return ${device} when it is back; until then it plays its last list, and what it records is not kept`,
    ),
    ...(carried.length > 0 ? [] : ["Next: fieldtune round makes the models again without this listener"]),
  ])
}

async function confirm(study: Study, subject: number): Promise<void> {
  const lines = countLines(await previewWithdrawal(study, subject))
  if (!process.stdin.isTTY) {
    throw new CommandError("withdraw: nobody is there to confirm it; --yes does without")
  }
  process.stderr.write(`${[`This deletes of subject ${subject}, for good:`, ...lines].join("\n")}\n`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const said = await terminal.question(`Type ${subject} to do it: `)
    if (said.trim() !== String(subject))
      throw new CommandError("withdraw: not confirmed, nothing was deleted")
  } finally {
    terminal.close()
  }
}

function countLines(counts: WithdrawalCounts): string[] {
  return [
    `  ${counts.play} plays, ${counts.quarantine} records in quarantine, ${counts.survey} surveys`,
    `  ${counts.model} models, ${counts.block} blocks`,
    `  the bytes of ${counts.bodies} requests, the songs and reasons of ${counts.playlists} playlists, the label`,
    `  ${counts.ranges} ranges of sequences are named as gone`,
    `  ${counts.markedPlaylists} playlists of others and ${counts.markedModels} models are marked: they can't be made again`,
  ]
}
