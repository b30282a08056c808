// Tables 2 to 4: a subject's coefficients after the first block, with selection and without, and after the second by particles.

import { type Observations, observeRows } from "../model/observations.js"
import { freezePrior, type Hyper } from "../model/prior.js"
import { fitFirstBlock, type Profile, type TasteModel, updateTaste } from "../model/taste.js"
import type { Play, Study } from "./simulate.js"

interface Estimate {
  /** Length P each. */
  mean: number[]
  inclusion: number[]
}

export interface Estimates {
  /** One per subject each. */
  table2: Estimate[]
  table3: Estimate[]
  table4: Estimate[]
}

/** The thesis has no constant: a prior this narrow holds it at 0. */
const PINNED = 1e-12

export function observe(study: Study, plays: readonly Play[]): Observations {
  return observeRows(
    plays.map((play, source) => ({ ...play, source, wave: play.block })),
    study.spec,
  )
}

export function priorOf(observations: Observations, study: Study, pi?: number): Hyper {
  const hyper = freezePrior(observations, study.spec, { pi })
  if ("reason" in hyper) throw new Error(hyper.reason)
  return hyper
}

/** `plays`: per subject, blocks 1 and 2; `named`: names the random streams. */
export function estimateStudy(
  study: Study,
  plays: readonly Play[][],
  profile: Profile,
  seed: number,
  named: readonly (string | number)[],
): Estimates {
  const result: Estimates = { table2: [], table3: [], table4: [] }
  plays.forEach((all, subject) => {
    const first = observe(
      study,
      all.filter((play) => play.block === 1),
    )
    const both = observe(study, all)
    const options = { seed, stream: [...named, "subject", subject + 1] }
    const model = fitFirstBlock(first, priorOf(first, study), { ...options, profile })
    result.table2.push(estimateOf(model))
    result.table3.push(estimateOf(fitWithout(first, study, profile, options)))
    result.table4.push(estimateOf(updateTaste(model, both, first.n, options)))
  })
  return result
}

/** Every variable in. The thesis's selection step has nothing to choose then, so both profiles run the same sampler;
 *  theirs without a constant. */
function fitWithout(
  observations: Observations,
  study: Study,
  profile: Profile,
  options: { seed: number; stream: (string | number)[] },
): TasteModel {
  const hyper = priorOf(observations, study, 1)
  const prior =
    profile === "thesis" ? { ...hyper, constantMean: 0, s2x: [PINNED, ...hyper.s2x.slice(1)] } : hyper
  return fitFirstBlock(observations, prior, { ...options, stream: [...options.stream, "all in"] })
}

const estimateOf = ({ posterior }: TasteModel): Estimate => ({
  mean: posterior.mean,
  inclusion: posterior.inclusion,
})
