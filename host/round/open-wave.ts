// Opening a wave: the period in the store, and a playlist for every subject of the cohort.

import { type RoundOptions, type RoundReport, runRound } from "../round.js"
import { startPlan } from "../study/amend.js"
import type { Study } from "../study/study.js"
import { prepareOpening } from "../study/wave-periods.js"

export interface WaveOpening {
  wave: number
  cohort: string
  /** What the researcher should know; nothing of it keeps the wave from being opened. */
  warnings: string[]
  round: RoundReport
}

interface OpeningOptions extends Pick<RoundOptions, "now" | "workers" | "progress"> {
  wave: number
  cohort: string
}

/** Opens the wave and makes its playlists; one that was opened and then interrupted is completed. Throws WaveError. */
export async function openWave(study: Study, options: OpeningOptions): Promise<WaveOpening> {
  const { wave, cohort, now, workers, progress } = options
  await startPlan(study, now)
  const { subjects, warnings, begun, detail } = await prepareOpening(study, wave, cohort, now)
  // A server or a second command may have been faster: then its lists stand.
  if (!begun) await study.store.waves.open(wave, cohort, now, { ...detail, warnings })
  const round = await runRound(study, { now, workers, progress, wave, subjects })
  return { wave, cohort, warnings, round }
}
