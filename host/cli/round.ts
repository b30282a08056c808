// fieldtune round: estimate every subject from its plays, design the next wave's playlists, publish them.

import { availableParallelism } from "node:os"
import type { Command } from "commander"
import type { RoundReport } from "../round.js"
import { blindRound, isBlind } from "../study/blind.js"
import { openStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command } from "./command.js"
import { withProgress } from "./progress.js"
import { table } from "./table.js"

interface Options extends CommonOptions {
  subject?: number[]
  workers: number
}

interface Column {
  name: string
  /** Tells of the arm. */
  reveals?: boolean
  cell(row: RoundReport["subjects"][number]): unknown
}

const COLUMNS: Column[] = [
  { name: "subject", cell: (row) => row.subject },
  { name: "plays", cell: (row) => row.plays },
  { name: "ess", cell: (row) => (row.ess === null ? undefined : Math.round(row.ess)) },
  { name: "design", reveals: true, cell: (row) => row.design },
  { name: "playlist", cell: (row) => row.version ?? undefined },
  {
    name: "price",
    reveals: true,
    cell: (row) => (row.price === null ? undefined : `${(100 * row.price).toFixed(1)} %`),
  },
  { name: "note", cell: (row) => row.note },
]

export function roundCommand(): Command {
  return command(
    "round",
    "estimate, design and publish the next wave's playlists",
    "fieldtune round --subject 3,7",
  )
    .option("--subject <numbers>", "only these subjects, separated by commas", subjectList)
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
        const made = await withProgress("subjects", wanted.length, (done) =>
          runRound(study, {
            now: Date.now(),
            subjects: options.subject,
            progress: done,
            workers: Math.min(options.workers, MOST_WORKERS),
          }),
        )
        const blind = await isBlind(study)
        const report = blind ? blindRound(made) : made
        const columns: Column[] = blind ? COLUMNS.filter(({ reveals }) => !reveals) : COLUMNS
        const rows = report.subjects.map((row) => columns.map(({ cell }) => cell(row)))
        const header = columns.map(({ name }) => name)
        const published = report.subjects.filter((row) => row.version !== null).length
        answer(options, report, [
          `Wave ${report.wave}: ${published} playlists published. ess = effective sample size${blind ? "; the study is blind." : "; price = share of utility given up, by the design to learn and by random slots."}`,
          "",
          ...table(header, rows),
          "",
          ...policyLines(report),
          "",
          "Next: boards fetch them at their next sync; fieldtune status shows who plays what",
        ])
      } finally {
        await study.close()
      }
    })
}

/** What this wave's averages are made of, and how its weighting did on the plays of the last one. */
function policyLines({ weights, forgetting, foretold }: RoundReport): string[] {
  const reason = (from: string, wave?: number): string =>
    ({
      plan: "as the plan says",
      profile: "as the profile says",
      rule: "nothing is decided yet",
      wave: `it foretold the plays after wave ${wave} best`,
    })[from] ?? from
  const scores = foretold
    ? Object.entries(foretold.scores).map(([name, sum]) => `${name} ${(sum / foretold.plays).toFixed(3)}`)
    : []
  return [
    `Averaging: ${weights.weighting} (${reason(weights.from, weights.decision?.wave)}). Forgetting: ${forgetting.forgetting} (${reason(forgetting.from, forgetting.decision?.wave)}).`,
    ...(foretold
      ? [
          `Log score of a play, ${foretold.plays} of them foretold since the last round: ${scores.join(", ")}.`,
        ]
      : []),
  ]
}

/** More threads than this wait for each other's memory. */
const MOST_WORKERS = 64

function workerCount(text: string): number {
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
