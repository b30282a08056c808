// What may be asked for on the page, done as the commands do it.

import { CatalogueError } from "../catalogue/columns.js"
import { type RoundReport, runRound } from "../round.js"
import { EnrolmentError } from "../store/boards.js"
import { blindRound, isBlind } from "../study/blind.js"
import { WaveError } from "../study/cohorts.js"
import { moveBoard } from "../study/devices.js"
import type { Study } from "../study/study.js"
import { closeWave } from "../study/wave-periods.js"
import { RoundError } from "./error.js"
import { openWave } from "./open-wave.js"

export type Action =
  | { action: "open-wave"; wave: number; cohort: string }
  | { action: "close-wave"; wave: number; cohort: string }
  | { action: "round" }
  | { action: "return-board"; device: string }

/** What came of it: lines to show, or why it could not be done. */
export interface ActionResult {
  done: boolean
  lines: string[]
}

/** Their messages say what to do. */
const SAID = [CatalogueError, EnrolmentError, RoundError, WaveError]

/** @param now Unix milliseconds */
export async function act(study: Study, action: Action, now: number): Promise<ActionResult> {
  try {
    return { done: true, lines: await perform(study, action, now) }
  } catch (error) {
    if (SAID.some((kind) => error instanceof kind)) {
      return { done: false, lines: [(error as Error).message] }
    }
    throw error
  }
}

async function perform(study: Study, action: Action, now: number): Promise<string[]> {
  if (action.action === "open-wave") {
    const { wave, cohort } = action
    const { warnings, round } = await openWave(study, { wave, cohort, now, workers: 1 })
    return [...warnings, `Wave ${wave} is open.`, ...published(await shown(study, round))]
  }
  if (action.action === "close-wave") {
    const { wave, cohort } = action
    const { warnings, plays } = await closeWave(study, wave, cohort, now)
    return [...warnings, `Wave ${wave} is closed: ${plays} plays so far; plays that come later still count.`]
  }
  if (action.action === "round")
    return published(await shown(study, await runRound(study, { now, workers: 1 })))
  const subject = await moveBoard(study.store, "return", action.device, "said on the page", now)
  return [
    `Board ${action.device} is here and may be handed out.`,
    ...(subject === null ? [] : [`Subject ${subject} no longer carries it.`]),
  ]
}

async function shown(study: Study, round: RoundReport): Promise<RoundReport> {
  return (await isBlind(study)) ? blindRound(round) : round
}

function published({ wave, subjects, left }: RoundReport): string[] {
  const lists = subjects.filter(({ version }) => version !== null).length
  return [
    `Wave ${wave}: ${lists} playlists published; boards fetch them at their next sync.`,
    ...left.map(({ subject, note }) => `Subject ${subject} was left out: ${note}`),
  ]
}
