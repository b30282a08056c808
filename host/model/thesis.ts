// First block, profile `thesis`: the literal selection step of Chung 2007 (p. 31-32, eq. 10), for replication.
//
// From the full model, once per iteration a variable is picked at random. Inside the model: propose to set its
// coefficient to zero. Outside: propose to give it the value of a random other coefficient and to set a random
// third to zero (a swap). Metropolis on the likelihood of the plays, censored ones included; then (z, β, S, σ²).
// Nothing ever adds a variable, so the model only shrinks; the empty model is absorbing. The constant's prior
// scale is var(1) = 0, which pins it at 0: the unit of time must make log times centre near 0.

import { log } from "../model/elementary.js"
import type { Condensed } from "./condense.js"
import { addLogLikelihood } from "./likelihood.js"
import type { Observations } from "./observations.js"
import { copyParticle, createParticles, type Particles } from "./particles.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { BURN_IN } from "./select.js"
import { createWorkspace, sweepGivenModel } from "./sweep.js"

/** `data`: the observations condensed about origin 0. One particle per iteration after the burn-in. */
export function sampleThesis(
  observations: Observations,
  data: Condensed,
  hyper: Hyper,
  draws: number,
  rng: Rng,
  onProgress?: (share: number) => void,
): Particles {
  const { p } = data
  const ws = createWorkspace(hyper)
  const kept = createParticles(draws, p)
  const state = createParticles(1, p)
  const proposal = createParticles(1, p)
  for (let q = 0; q < p; q++) {
    state.gamma[q] = q === 0 ? 0 : 1
    state.scale[q] = hyper.s2x[q]
  }
  state.sigma2[0] = hyper.s2y
  const inside = new Int32Array(p)
  const here = new Float64Array(1)
  const there = new Float64Array(1)
  for (let iteration = 0; iteration < BURN_IN + draws; iteration++) {
    if (iteration > 0 && p > 1) {
      copyParticle(state, 0, proposal, 0)
      propose(proposal, inside, rng)
      here[0] = 0
      there[0] = 0
      addLogLikelihood(state, observations, 0, observations.n, here)
      addLogLikelihood(proposal, observations, 0, observations.n, there)
      if (log(rng.uniform()) < there[0] - here[0]) copyParticle(proposal, 0, state, 0)
    }
    sweepGivenModel(ws, data, state, 0, rng)
    if (iteration >= BURN_IN) copyParticle(state, 0, kept, iteration - BURN_IN)
    if (iteration % 500 === 499) onProgress?.((iteration + 1) / (BURN_IN + draws))
  }
  return kept
}

/** Changes a one-particle state into its proposal; `inside` is scratch of length P. */
function propose(particle: Particles, inside: Int32Array, rng: Rng): void {
  const { p, beta, gamma } = particle
  const picked = 1 + rng.int(p - 1)
  if (gamma[picked] === 1) {
    drop(particle, picked)
    return
  }
  let k = 0
  for (let q = 1; q < p; q++) if (gamma[q] === 1) inside[k++] = q
  if (k === 0) return
  beta[picked] = beta[inside[rng.int(k)]]
  gamma[picked] = 1
  drop(particle, inside[rng.int(k)])
}

function drop(particle: Particles, q: number): void {
  particle.beta[q] = 0
  particle.gamma[q] = 0
}
