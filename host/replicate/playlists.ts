// Table 6: utility and precision of four playlists of 50 songs: the most useful, the optimal, the benchmark's, random ones.

import { describeCandidates } from "../design/candidates.js"
import { type Design, type DesignKind, designPlaylist } from "../design/design.js"
import { createDeterminant, logDetOf } from "../design/determinant.js"
import { informationRows, type Knowledge, knowledgeOf } from "../design/information.js"
import { exp } from "../model/elementary.js"
import type { Predictions } from "../model/predict.js"
import type { Profile } from "../model/taste.js"
import type { Fitted } from "./errors.js"
import { type Play, type Study, trueMinutes, UNIT_S } from "./simulate.js"

type Kind = "maximum" | "optimal" | "gower" | "random"

/** One number per subject. Precision: log|X'WX/σ² + R|, R the posterior precision. Minutes: what the songs would truly be
 *  heard for if they had no end. */
export interface Playlists {
  utility: Record<Kind, number[]>
  precision: Record<Kind, number[]>
  minutes: Record<Kind, number[]>
}

export const SIZE = 50
export const PLANNED = 10
/** Random playlists that are averaged. */
const RANDOM_LISTS = 50

export function playlistsOf(
  study: Study,
  plays: readonly Play[][],
  averaged: readonly Predictions[],
  models: readonly Fitted[],
  profile: Profile,
  seed: number,
  named: readonly (string | number)[],
): Playlists {
  const result: Playlists = {
    utility: { maximum: [], optimal: [], gower: [], random: [] },
    precision: { maximum: [], optimal: [], gower: [], random: [] },
    minutes: { maximum: [], optimal: [], gower: [], random: [] },
  }
  const candidates = describeCandidates(study.spec, study.songs)
  models.forEach(({ model, observations }, subject) => {
    const knowledge = knowledgeOf(model, observations)
    const utility = utilityOf(averaged[subject], profile)
    const finished = plays[subject].filter((play) => play.block === 2 && play.censored)
    const input = {
      ...{ size: SIZE, candidates, utility, knowledge, profile, seed, made: 0, planned: PLANNED, epsilon: 0 },
      finished: [...new Set(finished.map((play) => play.song.id))].sort((a, b) => a - b),
    }
    const make = (design: DesignKind, list = 0): Design =>
      designPlaylist({ ...input, design, stream: [...named, "subject", subject + 1, design, list] })
    const put = (kind: Kind, designs: readonly Design[]): void => {
      const rows = designs.map((design) => measure(design, averaged[subject], knowledge, candidates, profile))
      const mean = (of: (row: (typeof rows)[number]) => number): number =>
        rows.reduce((sum, row) => sum + of(row) / rows.length, 0)
      result.utility[kind].push(mean((row) => row.utility))
      result.precision[kind].push(mean((row) => row.precision))
      const minutes = trueMinutes(study, subject)
      const total = ({ items }: Design): number => items.reduce((sum, { song }) => sum + minutes[song - 1], 0)
      result.minutes[kind].push(designs.reduce((sum, design) => sum + total(design) / designs.length, 0))
    }
    put("maximum", [make("utility")])
    put("optimal", [make("model")])
    put("gower", [make("gower")])
    put(
      "random",
      Array.from({ length: RANDOM_LISTS }, (_, list) => make("random", list)),
    )
  })
  return result
}

/** What a design maximises: E[log T] in the thesis, the expected share heard by default. */
export function utilityOf(predictions: Predictions, profile: Profile): Float64Array {
  return profile === "thesis" ? predictions.logTime : predictions.share
}

/** Total utility in the unit of the table, and precision. */
function measure(
  { items }: Design,
  predictions: Predictions,
  knowledge: Knowledge,
  candidates: ReturnType<typeof describeCandidates>,
  profile: Profile,
): { utility: number; precision: number } {
  const rows = items.map((item) => item.song - 1)
  const worth = (row: number): number =>
    profile === "thesis" ? (UNIT_S / 60) * exp(predictions.logTime[row]) : predictions.share[row]
  const determinant = createDeterminant(informationRows(candidates, knowledge, profile), knowledge.precision)
  return {
    utility: rows.reduce((sum, row) => sum + worth(row), 0),
    precision: logDetOf(determinant, rows),
  }
}
