// Plays of a listener whose taste is a draw of the prior, or given, and how far ranks are from uniform.

import type { Observations } from "../../../host/model/observations.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import type { Hyper } from "../../../host/model/prior.js"
import type { Rng } from "../../../host/model/random.js"
import { drawPrior } from "../../../host/model/sweep.js"

/** A prior fixed in advance: one taken from the data would not be calibrated. */
export function smallHyper(p: number): Hyper {
  return {
    names: Array.from({ length: p }, (_, q) => (q === 0 ? "Constant" : `x${q}`)),
    v: 5,
    pi: 0.5,
    s2x: Array.from({ length: p }, (_, q) => (q === 0 ? 0.5 : 0.3 + 0.2 * q)),
    s2y: 0.5,
    constantMean: 1,
    notes: [],
  }
}

/** `collinear`: the last column is mostly the one before; `censoring`: songs have lengths around the constant. */
export function simulate(
  hyper: Hyper,
  n: number,
  rng: Rng,
  { censoring, collinear }: { censoring: boolean; collinear: boolean },
  taste?: Particles,
): { observations: Observations; truth: Particles } {
  const p = hyper.names.length
  const truth = taste ?? createParticles(1, p)
  if (taste === undefined) drawPrior(hyper, truth, 0, rng)
  const observations: Observations = {
    n,
    p,
    x: new Float64Array(n * p),
    y: new Float64Array(n),
    censored: new Uint8Array(n),
    song: Uint32Array.from({ length: n }, (_, row) => row + 1),
    source: Uint32Array.from({ length: n }, (_, k) => k),
    tooShort: 0,
    unknownSong: 0,
  }
  for (let k = 0; k < n; k++) {
    let mu = truth.beta[0]
    observations.x[k * p] = 1
    for (let q = 1; q < p; q++) {
      let value = rng.normal()
      if (collinear && q === p - 1 && q > 1) value = 0.9 * observations.x[k * p + q - 1] + 0.3 * value
      observations.x[k * p + q] = value
      mu += value * truth.beta[q]
    }
    const z = mu + Math.sqrt(truth.sigma2[0]) * rng.normal()
    const bound = censoring ? hyper.constantMean + 0.3 + 0.5 * rng.normal() : Number.POSITIVE_INFINITY
    observations.y[k] = Math.min(z, bound)
    observations.censored[k] = z > bound ? 1 : 0
  }
  return { observations, truth }
}

/** Pearson's statistic of ranks 0 … `values` − 1 in equal bins, against the uniform distribution. */
export function chiSquare(ranks: readonly number[], values: number, bins: number): number {
  const counts = new Float64Array(bins)
  for (const rank of ranks) counts[Math.floor((rank * bins) / values)]++
  const expected = ranks.length / bins
  let statistic = 0
  for (const count of counts) statistic += (count - expected) ** 2 / expected
  return statistic
}
