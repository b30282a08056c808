// Where the thesis's figures cannot be had again, and why, in numbers of this run.

import { describeCandidates } from "../design/candidates.js"
import { designPlaylist } from "../design/design.js"
import type { Profile } from "../model/taste.js"
import { NAMES, PRINTED, TRUTH } from "./printed.js"
import type { ProfileTables, Run } from "./replicate.js"
import type { Study } from "./simulate.js"

export function notesOf(
  found: Record<Profile, Run[]>,
  study: Study,
  tables: Record<Profile, ProfileTables>,
): string[] {
  return [
    "time counts in units of 137 s: the thesis's constant of 0 and its 25 to 35 % of censored plays fit together in that unit only",
    "plays are simulated anew with our seeds: single numbers differ by their sampling error; sd, min and max show it over the runs",
    selection(found),
    shrinking(tables),
    averaging(tables),
    lossOfUtility(found, study),
    "table 4 of the thesis is not printed in our sources; given are the means after the second block by the particle path, with moves by default and without them in the thesis's profile",
    "figures 2 and 3 of the thesis are curves without printed numbers; given are true total minutes and log precision of ten designs in a row",
    `table 6: the thesis's precision of ${PRINTED.table6.precision.optimal[0]} and the like depends on the number of selected variables and of plays behind R; compare the playlists of one subject, not the level`,
  ]
}

/** How often the literal selection loses true variables, and what it keeps. */
function selection(found: Record<Profile, Run[]>): string {
  const rates = (profile: Profile): { lost: number; kept: number; wrong: number } => {
    let lost = 0
    let kept = 0
    let wrong = 0
    for (const { study1 } of found[profile]) {
      study1.table2.forEach(({ inclusion }, subject) => {
        NAMES.forEach((_, q) => {
          if (q === 0) return
          const inside = inclusion[q] > 0.5
          if (TRUTH[subject][q] === 0) wrong += inside ? 1 : 0
          else if (inside) kept++
          else lost++
        })
      })
    }
    return { lost, kept, wrong }
  }
  const thesis = rates("thesis")
  const ours = rates("default")
  const share = ({ lost, kept }: { lost: number; kept: number }): string => `${lost} of ${lost + kept}`
  return (
    `the thesis's selection step can only take variables out: in this run it lost ${share(thesis)} true ones ` +
    `(default: ${share(ours)}) and kept ${thesis.wrong} that are none (default: ${ours.wrong})`
  )
}

/** Table 2 prints coefficients that no estimate of these data gives. */
function shrinking(tables: Record<Profile, ProfileTables>): string {
  const size = NAMES.indexOf("Size")
  const jazz = NAMES.indexOf("Jazz")
  return (
    `table 2 prints ${PRINTED.table2[3].mean[size]} for subject 4's Size, whose true value is ${TRUTH[3][size]}, and ` +
    `${PRINTED.table2[2].mean[jazz]} for subject 3's Jazz, whose true value is ${TRUTH[2][jazz]}: here they are ` +
    `${tables.default.table2[3].mean[size].toFixed(2)} and ${tables.default.table2[2].mean[jazz].toFixed(2)} (thesis profile ` +
    `${tables.thesis.table2[3].mean[size].toFixed(2)} and ${tables.thesis.table2[2].mean[jazz].toFixed(2)}), so its own sample lay far out`
  )
}

function averaging(tables: Record<Profile, ProfileTables>): string {
  const row = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(", ")
  const { table5 } = tables.default
  return (
    `table 5 prints errors of ${row(PRINTED.table5.own)} without and ${row(PRINTED.table5.averaged)} with averaging; with 500 or ` +
    `more plays and a sampler that keeps the true variables the own model has ${row(table5.own)}, stacking ${row(table5.stacking)}, ` +
    `and the thesis's kind of weights ${row(table5.density)}: they help only models that were badly estimated`
  )
}

/** The price of the first design depends on what stands behind R. */
function lossOfUtility(found: Record<Profile, Run[]>, study: Study): string {
  const { maximum, optimal } = found.thesis[0].playlists.utility
  const posterior = maximum.map((value, s) => 1 - optimal[s] / value)
  const candidates = describeCandidates(study.spec, study.songs)
  const prior = TRUTH.map((beta, subject) => {
    const columns = Int32Array.from(NAMES.keys()).filter((q) => q === 0 || beta[q] !== 0)
    const precision = new Float64Array(columns.length * columns.length)
    columns.forEach((q, a) => {
      precision[a * columns.length + a] = 1 / (q === 0 ? 1 : study.spec.variances[q])
    })
    const utility = Float64Array.from(study.songs, (_, j) =>
      beta.reduce((sum, b, q) => sum + b * study.x[j * NAMES.length + q], 0),
    )
    const { summary } = designPlaylist({
      ...{ design: "model", size: 50, candidates, utility, seed: 1, stream: ["prior", subject] },
      ...{ profile: "thesis", made: 0, planned: 10, epsilon: 0 },
      knowledge: { columns, precision, sigma2: 0.25, beta },
    })
    return summary.price?.total ?? 0
  })
  const range = (values: readonly number[]): string =>
    `${(100 * Math.min(...values)).toFixed(1)} to ${(100 * Math.max(...values)).toFixed(1)} %`
  return (
    `the first optimal design gives up ${range(posterior)} of the utility where R is the posterior of all plays, as the thesis ` +
    `reports (3 %), and ${range(prior)} where R is the prior alone: table 6 needs the former`
  )
}
