// fieldtune round: estimate every subject from its plays, design playlists, publish them.

import { availableParallelism } from "node:os"
import type { Command } from "commander"
import type { RoundReport } from "../round.js"
import { blindRound, isBlind } from "../study/blind.js"
import { preview } from "../study/preview.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command } from "./command.js"
import { withProgress } from "./progress.js"
import { previewLines, roundLines } from "./round-text.js"

interface Options extends CommonOptions {
  subject?: number[]
  workers: number
  dryRun?: boolean
}

export function roundCommand(): Command {
  return command(
    "round",
    "estimate, design and publish playlists: the missing ones of the open wave, or the next wave's",
    "fieldtune round --subject 3,7",
  )
    .option("--subject <numbers>", "only these subjects, separated by commas", subjectList)
    .option("--dry-run", "show what every board would play next, and publish nothing")
    .option(
      "--workers <n>",
      "threads that compute; the result does not depend on it",
      workerCount,
      availableParallelism(),
    )
    .action(async (options: Options) => {
      const study = await openStudy(options.study)
      try {
        const people = (await study.store.subjects.all()).filter(({ withdrawnAt }) => withdrawnAt === null)
        const wanted = options.subject ?? people.map((subject) => subject.id)
        if (wanted.length === 0)
          throw new CommandError("round: the study has no subjects: fieldtune enrol 1 --device ID")
        for (const subject of wanted) {
          if ((await study.store.subjects.get(subject)) === undefined) {
            throw new CommandError(`--subject: must be a subject of the study, got ${subject}`)
          }
        }
        // The estimation is heavy to load, and no other command needs it.
        const { runRound } = await import("../round.js")
        const work = (of: Study): Promise<RoundReport> =>
          withProgress("subjects", wanted.length, (done) =>
            runRound(of, {
              now: Date.now(),
              subjects: options.subject,
              progress: done,
              workers: Math.min(options.workers, MOST_WORKERS),
            }),
          )
        const blind = await isBlind(study)
        if (options.dryRun) {
          const { result, boards } = await preview(study, work, (report) => report)
          const shown = blind ? blindRound(result) : result
          answer(options, { dryRun: true, ...shown, boards }, [
            `Wave ${result.wave}: nothing was published. This is what every board would play next.`,
            ...previewLines(boards),
            "",
            "Next: fieldtune round publishes exactly this, as long as no new plays arrive",
          ])
          return
        }
        const made = await work(study)
        const report = blind ? blindRound(made) : made
        answer(options, report, [
          ...roundLines(report, blind),
          "",
          "Next: boards fetch them at their next sync; fieldtune status shows who plays what",
        ])
      } finally {
        await study.close()
      }
    })
}

/** More threads than this wait for each other's memory. */
export const MOST_WORKERS = 64

export function workerCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new CommandError(`--workers: must be a whole number from 1, got ${JSON.stringify(text)}`)
  }
  return Number(text)
}

function subjectList(text: string): number[] {
  return text.split(",").map((part) => {
    if (!/^\s*[1-9]\d*\s*$/.test(part)) {
      throw new CommandError(`--subject: must be numbers separated by commas, got ${JSON.stringify(text)}`)
    }
    return Number(part)
  })
}
