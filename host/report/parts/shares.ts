// Share heard and share finished by arm and wave: every listener, and the mean with its interval.

import { drawByArm } from "../by-arm.js"
import { noAnswer, type Part } from "../part.js"
import type { Measure, ReportData } from "../study-data.js"
import { groupBy } from "../summary.js"

interface Meaning {
  id: string
  name: string
  says: string
  /** Between 0 and 1. */
  share: boolean
}

export const MEASURES: Record<Measure["measure"], Meaning> = {
  shareHeard: {
    id: "share-heard",
    name: "share heard",
    says: "mean over the plays of min(1, time heard / length of the song)",
    share: true,
  },
  shareFinished: {
    id: "share-finished",
    name: "share finished",
    says: "share of the plays that were heard to the end",
    share: true,
  },
  secondsHeard: {
    id: "seconds-heard",
    name: "seconds heard",
    says: "mean time heard of a play",
    share: false,
  },
  plays: { id: "plays-counted", name: "plays", says: "number of plays", share: false },
}

/** A figure for each measure that is a share. */
export function sharesByArm(data: ReportData): Part[] {
  return data.measures.filter(({ measure }) => MEASURES[measure].share).map((measure) => byArm(data, measure))
}

function byArm({ arms, waves }: ReportData, { measure, values, minHeardMs }: Measure): Part {
  const { id, name, says } = MEASURES[measure]
  const title = `${name[0].toUpperCase()}${name.slice(1)} by arm and wave`
  const head = {
    id: `${id}-by-arm`,
    title,
    says: `Each mark is a listener: ${says}, of plays of ${minHeardMs / 1000} s or more. Beside them the mean over the listeners of the arm with its 95 % interval (Student's t). First waves are random in every arm, so there arms can differ by chance only.`,
  }
  const standings = values.flatMap(({ wave, arm, subject, plays, value }) =>
    value === null ? [] : [{ wave, arm, subject, n: plays, value }],
  )
  if (standings.length === 0) return noAnswer(head, "no play of a playlist has arrived yet")
  const people = groupBy(standings, ({ subject }) => subject).size
  const subtitle = `${people} listeners; mean with its 95 % interval beside them`
  const label = `${name}, %`
  return {
    kind: "figure",
    ...head,
    ...drawByArm({ title, subtitle, label, arms, waves, domain: [0, 100], standings }),
  }
}
