// Double-blind mode: until `fieldtune unblind`, nobody who looks at the study learns who is in which arm.

import type { RoundReport } from "../round.js"
import { planNow, type Study } from "./study.js"

/** Whether arms have to be hidden. */
export async function isBlind(study: Study): Promise<boolean> {
  if ((await planNow(study)).blind !== "double") return false
  return (await study.store.events.latest(1, "unblinded")).length === 0
}

/** The report of a round as it may be shown in a blind study. */
export function blindRound(report: RoundReport): RoundReport {
  const subjects = report.subjects.map((row) => {
    // Notes of a design tell of the design; that nothing was made tells only of the board.
    const note = row.version === null ? row.note : undefined
    return { ...row, design: "", price: null, note }
  })
  return { ...report, subjects }
}
