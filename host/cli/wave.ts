// fieldtune wave: open a wave with its playlists, close it, see how the waves stand.

import { availableParallelism } from "node:os"
import type { Command } from "commander"
import type { WaveOpening } from "../round/open-wave.js"
import { blindRound, isBlind } from "../study/blind.js"
import { cohortNamed } from "../study/cohorts.js"
import { preview } from "../study/preview.js"
import type { Study } from "../study/study.js"
import { closeWave } from "../study/wave-periods.js"
import { waveStates } from "../study/wave-status.js"
import { answer, type CommonOptions, command, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"
import { MOST_WORKERS, workerCount } from "./round.js"
import { previewLines, roundLines } from "./round-text.js"
import { ago, table } from "./table.js"
import { withinStudy } from "./within-study.js"

interface CohortOptions extends CommonOptions {
  cohort?: string
}

interface OpenOptions extends CohortOptions {
  dryRun?: boolean
  workers: number
}

const MAX_WAVE = 1000

export function waveCommand(): Command {
  const wave = wholeNumber(1, MAX_WAVE)
  return command("wave", "open and close the waves of the plan; how they stand", "fieldtune wave status")
    .enablePositionalOptions()
    .addCommand(
      command("open", "begin a wave: design and publish its playlists", "fieldtune wave open 2 --dry-run")
        .argument("<wave>", "number of the wave", wave)
        .option("--cohort <name>", "cohort of the plan, where it has some")
        .option("--dry-run", "show what every board would play next, and change nothing")
        .option(
          "--workers <n>",
          "threads that compute; the result does not depend on it",
          workerCount,
          availableParallelism(),
        )
        .action((number: number, options: OpenOptions) =>
          withinStudy(options, (study) => open(study, number, options)),
        ),
    )
    .addCommand(
      command("close", "end a wave; what its boards still bring counts", "fieldtune wave close 2")
        .argument("<wave>", "number of the wave", wave)
        .option("--cohort <name>", "cohort of the plan, where it has some")
        .action((number: number, options: CohortOptions) =>
          withinStudy(options, (study) => close(study, number, options)),
        ),
    )
    .addCommand(
      command("status", "planned, opened, closed; lists, boards and plays", "fieldtune wave status").action(
        (options: CommonOptions) => withinStudy(options, (study) => status(study, options)),
      ),
    )
}

async function open(study: Study, wave: number, options: OpenOptions): Promise<void> {
  const cohort = cohortNamed(study.plan, options.cohort)
  // The estimation is heavy to load, and only this needs it.
  const { openWave } = await import("../round/open-wave.js")
  const subjects = (await study.store.subjects.all()).length
  const workers = Math.min(options.workers, MOST_WORKERS)
  const work = (of: Study): Promise<WaveOpening> =>
    withProgress("subjects", subjects, (progress) =>
      openWave(of, { wave, cohort, now: Date.now(), workers, progress }),
    )
  const blind = await isBlind(study)
  const shown = (opening: WaveOpening): WaveOpening =>
    blind ? { ...opening, round: blindRound(opening.round) } : opening
  if (options.dryRun) {
    const { result, boards } = await preview(study, work, ({ round }) => round)
    answer(options, { dryRun: true, ...shown(result), boards }, [
      ...result.warnings.map((warning) => `! ${warning}`),
      `Wave ${wave}${named(cohort)} was not opened. This is what every board would play next.`,
      ...previewLines(boards),
      "",
      `Next: fieldtune wave open ${wave} publishes exactly this, as long as no new plays arrive`,
    ])
    return
  }
  const opening = shown(await work(study))
  answer(options, opening, [
    ...opening.warnings.map((warning) => `! ${warning}`),
    `Wave ${wave}${named(cohort)} is open.`,
    ...roundLines(opening.round, blind),
    "",
    "Next: boards fetch them at their next sync; fieldtune wave status shows which have",
  ])
}

async function close(study: Study, wave: number, options: CohortOptions): Promise<void> {
  const cohort = cohortNamed(study.plan, options.cohort)
  const closing = await closeWave(study, wave, cohort, Date.now())
  const last = wave >= study.plan.waves.count
  answer(options, closing, [
    ...closing.warnings.map((warning) => `! ${warning}`),
    `Wave ${wave}${named(cohort)} is closed: ${closing.plays} plays so far; plays that come later still count.`,
    last
      ? "Next: that was the last wave of the plan; fieldtune wave status shows what came of them"
      : `Next: fieldtune wave open ${wave + 1} --dry-run shows what the boards would play in the next wave`,
  ])
}

async function status(study: Study, options: CommonOptions): Promise<void> {
  const now = Date.now()
  const waves = await waveStates(study, now)
  const cohorts = study.plan.cohorts.length > 0
  const percent = (share: number | null): string | undefined =>
    share === null ? undefined : `${Math.round(100 * share)} %`
  const day = (at: number | null): string | undefined =>
    at === null ? undefined : new Date(at).toISOString().slice(0, 16).replace("T", " ")
  const rows = waves.map((w) => [
    ...(cohorts ? [w.cohort] : []),
    ...[
      w.wave,
      w.state,
      w.plannedFrom ?? undefined,
      w.plannedTo ?? undefined,
      day(w.openedAt),
      day(w.closedAt),
    ],
    ...[w.subjects, w.lists.published, w.lists.sent, w.lists.confirmed, w.lists.refused, w.missed.length],
    ...[w.plays, percent(w.meanShareHeard), percent(w.shareFinished)],
  ])
  const header = [
    ...(cohorts ? ["cohort"] : []),
    ...["wave", "state", "planned from", "to", "opened (UTC)", "closed (UTC)"],
    ...["subjects", "waiting", "sent", "confirmed", "refused", "missed", "plays", "heard", "finished"],
  ]
  answer(options, { waves }, [
    ...waves.flatMap((w) =>
      w.missed.map(
        ({ subject, device, version, plays, lastSync }) =>
          `! subject ${subject}, ${device}: keeps playlist ${plays}, version ${version} waits for its sync (last ${lastSync === null ? "never" : `${ago(lastSync, now)} ago`})`,
      ),
    ),
    ...table(header, rows),
    "",
    nextStep(waves),
  ])
}

function nextStep(waves: Awaited<ReturnType<typeof waveStates>>): string {
  const open = waves.find(({ state }) => state === "open")
  const cohort = (name: string): string => (name === "" ? "" : ` --cohort ${JSON.stringify(name)}`)
  if (open) return `Next: fieldtune wave close ${open.wave}${cohort(open.cohort)} when it is over`
  const planned = waves.find(({ state }) => state === "planned")
  if (planned) return `Next: fieldtune wave open ${planned.wave}${cohort(planned.cohort)} --dry-run`
  return "Next: every wave of the plan is over"
}

function named(cohort: string): string {
  return cohort === "" ? "" : ` of cohort ${cohort}`
}
