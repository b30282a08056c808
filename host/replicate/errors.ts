// Table 5: mean squared error of predicted durations, by the own model and by averages over all subjects and the aggregate.
//
// Durations are predicted as the thesis does (eq. 15), exp(E[log T] + ½E[σ²]), and averaged in minutes; the truth is
// exp(x'β + δ + ½σ²).

import { fitAggregate } from "../model/aggregate.js"
import { type Averaging, averagePredictions, type Contribution } from "../model/average.js"
import { borrow } from "../model/borrow.js"
import { aggregateDonor, type Donor, tasteDonor } from "../model/donors.js"
import { exp } from "../model/elementary.js"
import { logEvidence } from "../model/evidence.js"
import type { Observations } from "../model/observations.js"
import { type Predictions, predictSongs } from "../model/predict.js"
import { stream } from "../model/random.js"
import { fitFirstBlock, type Profile, type TasteModel } from "../model/taste.js"
import { observe, priorOf } from "./estimates.js"
import { type Play, type Study, trueMinutes, UNIT_S } from "./simulate.js"

const KINDS: readonly Averaging[] = ["density", "geometric", "bayes", "stacking", "marginal"]

/** Per subject, square minutes. `averaged`: by the profile's own weights, density for thesis and stacking for default. */
export type Errors = Record<"own" | "averaged" | Averaging, number[]>

/** A subject's model of all of its plays. */
export interface Fitted {
  model: TasteModel
  observations: Observations
}

export function predictionErrors(
  study: Study,
  plays: readonly Play[][],
  profile: Profile,
  seed: number,
  named: readonly (string | number)[],
): { errors: Errors; averaged: Predictions[]; models: Fitted[]; logWeights: Record<Averaging, number[]> } {
  const models = plays.map((all, subject): Fitted => {
    const observations = observe(study, all)
    const options = { seed, stream: [...named, "study", 2, "subject", subject + 1], profile }
    return { observations, model: fitFirstBlock(observations, priorOf(observations, study), options) }
  })
  const aggregate = fitAggregate(
    plays.flatMap((all, subject) =>
      all.map(({ song, y, censored }) => ({ subject, song: song.id, y, censored })),
    ),
    stream(seed, ...named, "aggregate"),
  )
  const ids = Uint32Array.from(study.songs, (song) => song.id)
  const songs = { ids, x: study.x, logLength: study.logLength }
  const donors: Donor[] = [
    ...plays.map((all, subject) =>
      tasteDonor(models[subject].model.particles, new Set(all.map((play) => play.song.id))),
    ),
    aggregateDonor(aggregate),
  ]
  // Per model: ½E[σ²], by which a log time becomes a duration.
  const spreads = [
    ...models.map(({ model }) => 0.5 * (model.posterior.sigma ** 2 + model.posterior.sigmaSd ** 2)),
    0.5 * mean(aggregate.sigma2),
  ]
  const predictions = [
    ...models.map(({ model }) => predictSongs(model.particles, study.x, study.logLength)),
    donors[models.length].predict(songs),
  ]
  const minutes = predictions.map(({ logTime }, m) =>
    logTime.map((value) => (UNIT_S / 60) * exp(value + spreads[m])),
  )
  const known = donors.map((donor) => donor.knows(ids))
  const errors = Object.fromEntries(
    ["own", "averaged", ...KINDS].map((kind) => [kind, []]),
  ) as unknown as Errors
  const averaged: Predictions[] = []
  const logWeights: Record<Averaging, number[]> = {
    ...{ density: [], geometric: [], bayes: [], stacking: [], marginal: [] },
  }
  models.forEach(({ model, observations }, subject) => {
    const truth = trueMinutes(study, subject)
    const others = donors.map((_, d) => d).filter((d) => d !== subject)
    const scores = others.map((d) => donors[d].score(observations))
    errors.own.push(squaredError(minutes[subject], truth))
    for (const kind of KINDS) {
      const evidence = stream(seed, ...named, "evidence", subject + 1)
      const own = {
        ...{ particles: model.particles, observations },
        evidence: kind === "marginal" ? logEvidence(observations, model.hyper, evidence) : 0,
      }
      const weights = borrow(kind, own, scores).logWeights
      logWeights[kind].push(...weights.subarray(1))
      const average = (values: readonly Predictions[]): Predictions =>
        averagePredictions(
          [
            { predictions: values[subject] },
            ...others.map((d): Contribution => ({ predictions: values[d], known: known[d] })),
          ],
          weights,
        )
      const error = squaredError(average(minutes.map(asPredictions)).logTime, truth)
      errors[kind].push(error)
      if (kind !== (profile === "thesis" ? "density" : "stacking")) continue
      errors.averaged.push(error)
      averaged.push(average(predictions))
    }
  })
  return { errors, averaged, models, logWeights }
}

/** Any row of numbers can be averaged by the same weights. */
const asPredictions = (values: Float64Array): Predictions => ({
  logTime: values,
  seconds: values,
  share: values,
})

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value / values.length, 0)
}

function squaredError(found: Float64Array, truth: Float64Array): number {
  return found.reduce((sum, value, j) => sum + ((value - truth[j]) * (value - truth[j])) / truth.length, 0)
}
