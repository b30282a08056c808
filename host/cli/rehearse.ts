// fieldtune rehearse: the planned study, run in advance on virtual listeners; and, as subcommands, what can go wrong in
// the field, tried beforehand on simulated boards.

import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Command } from "commander"
import { InvalidArgumentError } from "commander"
import type { RehearsedStudy } from "../rehearsal/whole-study/rehearse.js"
import type { Firmware, WholeStudyOptions } from "../rehearsal/whole-study/run.js"
import type { Plan } from "../study/plan.js"
import { openStudy, readPlanFile } from "../study/study.js"
import { answer, CommandError, command, simulation, wholeNumber } from "./command.js"
import { withSteps } from "./progress.js"
import { hostileInputCommand } from "./rehearse-hostile-input.js"
import { networkFaultsCommand } from "./rehearse-network-faults.js"
import { powerCutsCommand } from "./rehearse-power-cuts.js"
import { serverKillsCommand } from "./rehearse-server-kills.js"
import { rehearsalLines } from "./rehearse-text.js"

interface Options {
  study?: string
  subjects?: number
  arms?: Plan["arms"]
  waves?: number
  effect: number
  repeat: number
  firmware: Firmware
  keep?: string
  seed: number
  workers: number
  json?: boolean
}

const MAX_SUBJECTS = 2000
const MAX_REPEATS = 10_000
const MAX_EFFECT = 10
const DESIGNS: readonly string[] = ["model", "gower", "random", "utility", "thompson"]

export function rehearseCommand(): Command {
  return simulation(
    command(
      "rehearse",
      "run the planned study in advance on virtual listeners: what it would find, how surely, and what its boards need",
      "fieldtune rehearse --subjects 86 --seed 1",
      { standalone: true },
    ),
  )
    .option(
      "--study <dir>",
      "rehearse the plan and the songs of the study in this folder, which stays as it is (default: the thesis's experiment)",
    )
    .option("--subjects <number>", "virtual listeners (default: 86)", wholeNumber(2, MAX_SUBJECTS))
    .option(
      "--arms <list>",
      "arms instead of the plan's: NAME, NAME=DESIGN, or NAME=DESIGN:SHARE, separated by commas; a name alone is its design; designs: " +
        `${DESIGNS.join(", ")} (default: model:2,gower:1)`,
      armList,
    )
    .option("--waves <number>", "waves instead of the plan's; the first is random", wholeNumber(1, 100))
    .option(
      "--effect <number>",
      "size of the tastes: 1 = as the population has them, 2 = twice as much depends on the song, 0 = every song is heard for as long as any other, so that no design can know a taste; designs that prefer shorter songs are then heard to a larger share, and --arms a=gower,b=gower shows how often nothing is taken for something",
      effectSize,
      1,
    )
    .option(
      "--repeat <number>",
      "rehearse so many times, with seeds from --seed on: power, and coverage of the intervals",
      wholeNumber(1, MAX_REPEATS),
      1,
    )
    .option(
      "--firmware <kind>",
      "model: a fast stand-in that gives the same listen records; vm: the real firmware in the real VM",
      firmwareKind,
      "model",
    )
    .option(
      "--keep <dir>",
      "keep the rehearsed study (the first one) in this new folder, for the page and the report",
    )
    .addHelpText(
      "after",
      "\nThe listeners are drawn from a stated population, which the results name. Boards sync in the evening, not by" +
        "\nthemselves; the calendar, --seed and what was blind are the rehearsal's, everything else is the plan's.",
    )
    .action(run)
    .addCommand(powerCutsCommand())
    .addCommand(networkFaultsCommand())
    .addCommand(hostileInputCommand())
    .addCommand(serverKillsCommand())
}

async function run(options: Options): Promise<void> {
  const { seed, workers, effect, repeat, firmware, keep } = options
  if (keep !== undefined && existsSync(join(keep, "study.json"))) {
    throw new CommandError(`--keep: ${keep} holds a study already`)
  }
  // The estimation is heavy to load, and only this needs it.
  const { rehearse } = await import("../rehearsal/whole-study/rehearse.js")
  const { THESIS_SUBJECTS, checkWholeStudy, thesisPlan } = await import("../rehearsal/whole-study/run.js")
  const { songs, plan: planned } = await given(options)
  const plan = withChanges(planned ?? thesisPlan(), options)
  const subjects = options.subjects ?? roomOf(plan) ?? THESIS_SUBJECTS
  const common = { plan, songs, subjects, seed, effect, firmware, workers }
  try {
    checkWholeStudy({ ...common, dir: "" })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(error.message, { cause: error })
  }
  const found = await withSteps((progress) => rehearse({ ...common, repeats: repeat, keep, progress }))
  const { first, ...repeats } = found
  const { lost, duplicated } = repeats
  answer(
    options,
    { ...first, ...(repeat > 1 ? { repeat, comparisons: repeats.comparisons } : {}), lost, duplicated },
    rehearsalLines(found, { repeat, keep, thesis: planned === undefined }),
  )
  if (failed(found)) process.exitCode = 1
}

function failed({ lost, duplicated, panics }: RehearsedStudy): boolean {
  return lost + duplicated + panics > 0
}

/** The plan and the songs of --study; nothing without it. */
async function given({ study: dir }: Options): Promise<{ plan?: Plan; songs?: WholeStudyOptions["songs"] }> {
  if (dir === undefined) return {}
  const study = await openStudy(dir)
  try {
    const songs = await study.store.songs.all()
    // What is about to be decided, where study.json was edited and not yet put in force.
    const plan = study.edited === null ? study.plan : readPlanFile(dir)
    return { plan, ...(songs.length > 0 ? { songs } : {}) }
  } finally {
    await study.close()
  }
}

function withChanges(plan: Partial<Plan>, { arms, waves }: Options): Partial<Plan> {
  const count = waves ?? plan.waves?.count ?? 1
  return {
    ...plan,
    ...(arms === undefined ? {} : { arms }),
    ...(waves === undefined ? {} : { waves: { ...plan.waves!, count } }),
    // Waves that are not rehearsed have no outcomes.
    ...(plan.outcomes === undefined
      ? {}
      : {
          outcomes: plan.outcomes.map((outcome) => ({
            ...outcome,
            waves: outcome.waves.filter((wave) => wave <= count),
          })),
        }),
  }
}

/** How many subjects the plan's cohorts have room for, where all of them say so. */
function roomOf({ cohorts = [] }: Partial<Plan>): number | undefined {
  let room = 0
  for (const { subjects } of cohorts) {
    if (subjects === undefined) return undefined
    room += subjects
  }
  return room > 1 ? room : undefined
}

function armList(text: string): Plan["arms"] {
  const arms = text.split(",").map((part) => {
    const [, name, design = name, share = "1"] =
      /^([^=:]+)(?:=([^=:]+))?(?::(\d+(?:\.\d+)?))?$/.exec(part.trim()) ?? []
    if (name === undefined) throw new InvalidArgumentError(`must be like model:2,gower:1, got ${part}.`)
    if (!DESIGNS.includes(design)) {
      throw new InvalidArgumentError(`design must be ${DESIGNS.join(" or ")}, got ${design}.`)
    }
    return { name, design: design as Plan["arms"][number]["design"], share: Number(share) }
  })
  const bad = arms.find(({ share }) => !(share > 0))
  if (bad !== undefined) throw new InvalidArgumentError(`share of ${bad.name} must be above 0.`)
  return arms
}

function effectSize(text: string): number {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || value > MAX_EFFECT) {
    throw new InvalidArgumentError(`must be a number from 0 to ${MAX_EFFECT}.`)
  }
  return value
}

function firmwareKind(text: string): Firmware {
  if (text !== "vm" && text !== "model") throw new InvalidArgumentError("must be vm or model.")
  return text
}
