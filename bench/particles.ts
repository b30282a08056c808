// A second block of 500 plays by particles, against a new fit of all 1,000.

import { condense } from "../host/model/condense.js"
import type { Particles } from "../host/model/particles.js"
import { stream } from "../host/model/random.js"
import { sampleFirstBlock } from "../host/model/select.js"
import { absorb, reweigh } from "../host/model/smc.js"
import { observationsOf, priorOf } from "../test/host/model/reference.js"
import { type Claim, time } from "./report.js"

const SUBJECTS = [1, 2, 3, 4, 5]
const LONG_RUN = 20_000

export function particles(): Claim[] {
  const cases = SUBJECTS.map((subject) => {
    const observations = observationsOf(subject, "12")
    const hyper = priorOf(subject)
    const half = condense(
      observations,
      hyper.constantMean,
      Int32Array.from({ length: 500 }, (_, k) => k),
    )
    const all = condense(observations, hyper.constantMean)
    const fit = (data: typeof all, seed: number, draws = 500) =>
      sampleFirstBlock(data, hyper, { rngs: [stream(seed, "bench", subject)], draws })
    return { observations, hyper, all, first: fit(half, 1).particles, fit }
  })
  const [one] = cases
  const refit = time(() => void one.fit(one.all, 2), 5)
  const without = time(() => void reweigh(one.first, one.observations, 500, stream(3, "bench")), 15)
  const moved = time(() => void absorb(one.first, one.observations, 500, one.hyper, stream(4, "bench")), 9)
  // Distance to a long run, in posterior standard deviations, over all coefficients of all subjects.
  const squares = { refit: 0, without: 0, moved: 0, refitDraws: 0, movedDraws: 0 }
  let terms = 0
  for (const { observations, hyper, all, first, fit } of cases) {
    const long = fit(all, 5, LONG_RUN).posterior
    const fresh = fit(all, 6)
    const updated = absorb(first, observations, 500, hyper, stream(7, "bench"))
    const weighed = reweigh(first, observations, 500, stream(8, "bench"))
    const means = {
      refit: fresh.posterior.mean,
      moved: updated.posterior.mean,
      without: meansOf(weighed.particles),
      refitDraws: meansOf(fresh.particles),
      movedDraws: meansOf(updated.particles),
    }
    long.mean.forEach((mean, q) => {
      terms++
      for (const name of Object.keys(squares) as (keyof typeof squares)[]) {
        squares[name] += ((means[name][q] - mean) / long.sd[q]) ** 2
      }
    })
  }
  const error = (name: keyof typeof squares): string => Math.sqrt(squares[name] / terms).toFixed(3)
  return [
    {
      what: "500 new plays on 500 by particles without moves",
      ours: without,
      theirs: refit,
      peer: "fit again from all plays",
      ratio: refit / without,
      goal: 100,
      note: `error of the means, in posterior sd: ${error("without")} against ${error("refitDraws")}`,
    },
    {
      what: "500 new plays on 500 by particles with moves",
      ours: moved,
      theirs: refit,
      peer: "fit again from all plays",
      ratio: refit / moved,
      goal: 4,
      note:
        `error of the 500 particles' means, in posterior sd: ${error("movedDraws")} against ${error("refitDraws")}; ` +
        `of the reported means over all sweeps: ${error("moved")} against ${error("refit")}`,
    },
  ]
}

function meansOf({ m, p, beta, logWeights }: Particles): number[] {
  let total = 0
  for (let i = 0; i < m; i++) total += Math.exp(logWeights[i] - logWeights[0])
  return Array.from({ length: p }, (_, q) => {
    let sum = 0
    for (let i = 0; i < m; i++) sum += Math.exp(logWeights[i] - logWeights[0]) * beta[i * p + q]
    return sum / total
  })
}
