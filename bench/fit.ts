// First-block fit of one subject: n = 500, P = 18, 2,500 sweeps, one draw kept per sweep after 2,000.

import { condense } from "../host/model/condense.js"
import { stream } from "../host/model/random.js"
import { sampleFirstBlock } from "../host/model/select.js"
import { observationsOf, priorOf } from "../test/host/model/reference.js"
import { effectiveDraws } from "./effective.js"
import { dataFile, python, r } from "./peers.js"
import { type Claim, type Skipped, time } from "./report.js"

const SWEEPS = { burnIn: 2000, draws: 500 }

export function fit(): (Claim | Skipped)[] {
  const observations = observationsOf(1, "1")
  const hyper = priorOf(1)
  const data = condense(observations, hyper.constantMean)
  const sample = (seed: number, draws = SWEEPS.draws) =>
    sampleFirstBlock(data, hyper, { rngs: [stream(seed, "bench")], draws, sweepsPerDraw: 1, burnIn: 2000 })
  let seed = 0
  const ours = time(() => void sample(seed++))
  const { n, p, x, y, censored } = observations
  const file = dataFile("fit.json", {
    ...{ n, p, x: [...x], y: [...y], censored: [...censored] },
    ...{ s2x: hyper.s2x, s2y: hyper.s2y, v: hyper.v, pi: hyper.pi, constantMean: hyper.constantMean },
    ...SWEEPS,
  })
  return [
    againstNumpy(ours, file, () => sample(1, 5000)),
    againstTobit(ours, file, p, (s) => sample(s).particles),
  ]
}

function againstNumpy(
  ours: number,
  file: string,
  long: () => ReturnType<typeof sampleFirstBlock>,
): Claim | Skipped {
  const what = "first block, 500 plays, 18 coefficients, 2,500 sweeps with selection"
  const peer = python("fit.py", file)
  if ("skipped" in peer) return { what, ...peer }
  const { mean, sd, ms } = peer.answer as { mean: number[]; sd: number[]; ms: number }
  // Posterior means over several of numpy's runs, within Monte Carlo error of our long run.
  const { posterior } = long()
  mean.forEach((value, q) => {
    const apart = Math.abs(value - posterior.mean[q]) / Math.max(posterior.sd[q], sd[q])
    if (!(apart < 0.25)) throw new Error(`numpy's mean of coefficient ${q} is ${apart} sd from ours`)
  })
  return { what, ours, theirs: ms, peer: "the same in numpy", ratio: ms / ours, goal: 15 }
}

function againstTobit(
  ours: number,
  file: string,
  p: number,
  sample: (seed: number) => { m: number; beta: Float64Array },
): Claim | Skipped {
  const what = "effective draws per second of the coefficients, median over them"
  const peer = r("tobit.R", file)
  if ("skipped" in peer) return { what, ...peer }
  const { ms, draws } = peer.answer as { ms: number; draws: number[][] }
  const chains = [1, 2, 3, 4, 5].map((seed) => sample(seed))
  const perSecond = (q: number): number => {
    const sizes = chains.map(({ m, beta }) =>
      effectiveDraws(Float64Array.from({ length: m }, (_, i) => beta[i * p + q])),
    )
    return sizes.reduce((sum, size) => sum + size / sizes.length, 0) / (ours / 1000)
  }
  const own = Array.from({ length: p }, (_, q) => perSecond(q)).sort((a, b) => a - b)
  const other = draws.map((chain) => effectiveDraws(chain) / (ms / 1000)).sort((a, b) => a - b)
  const middle = (values: number[]): number => values[values.length >> 1]
  return {
    what,
    ours: middle(own),
    theirs: middle(other),
    unit: "per s",
    peer: "MCMCtobit (C++, no selection)",
    ratio: middle(own) / middle(other),
    goal: 1,
    note: `smallest: ${own[0].toFixed(0)} against ${other[0].toFixed(0)} per s; ${ours.toFixed(1)} against ${ms.toFixed(1)} ms`,
  }
}
