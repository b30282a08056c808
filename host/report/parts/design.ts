// What the designs of the playlists gave up to learn and to chance. Tells of arms, so a blind study has no answer.

import { rowsIn } from "../../archive/collect.js"
import { drawByArm, type Standing } from "../by-arm.js"
import { noAnswer, type Part } from "../part.js"
import type { ReportData } from "../study-data.js"

export function price(data: ReportData): Part {
  const { arms, waves, plan, blind, subjects, tables } = data
  const title = "Price of exploration"
  const head = {
    id: "price",
    title,
    says: `Share of the expected utility that a playlist gives up against the one of highest utility under the same constraints: to learn, and to chance (the plan fills a share of ${plan.epsilon} of the slots at random). The dashed line is the cap that the plan sets on what is given up to learn (explorationCap ${plan.explorationCap}). An arm whose design does not aim at utility, such as a benchmark, gives up what it gives up. First waves have no model and no price.`,
  }
  if (blind) return noAnswer(head, "the study is blind, and what a design gave up tells which it was")
  const standings = rowsIn(tables, "playlists").flatMap((row): Standing[] => {
    const total = (row.summary as { price?: { total?: number } | null } | null)?.price?.total
    if (total === undefined || row.copy_of !== null) return []
    const subject = row.subject as number
    return [{ wave: row.wave as number, arm: subjects.get(subject) ?? "?", subject, value: total, n: null }]
  })
  if (standings.length === 0) {
    return noAnswer(head, "no playlist has been designed with a model yet: first waves are random")
  }
  const drawn = drawByArm({
    title,
    subtitle: `${standings.length} playlists; mean with its 95 % interval beside them; dashed: the plan's cap`,
    label: "utility given up, %",
    arms,
    waves: waves.filter((wave) => standings.some((row) => row.wave === wave)),
    limit: plan.explorationCap,
    standings,
  })
  return { kind: "figure", ...head, ...drawn }
}
