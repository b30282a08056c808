// Log evidence: log p(plays | prior), what the prior alone foretold of a subject's plays.
//
// Estimated by the particle filter started from the prior (smc.ts): the product of the steps' mean weights. It is
// the fair score of a subject's own model beside models of others, which have not seen the plays either.

import type { Observations } from "./observations.js"
import { createParticles } from "./particles.js"
import type { Hyper } from "./prior.js"
import type { Rng } from "./random.js"
import { absorb } from "./smc.js"
import { drawPrior } from "./sweep.js"

/** Particles of the estimate: its standard error is then about .2 for 50 plays. */
const EVIDENCE_PARTICLES = 500

/** 0 for no plays at all: the probability of nothing is 1. */
export function logEvidence(
  observations: Observations,
  hyper: Hyper,
  rng: Rng,
  m = EVIDENCE_PARTICLES,
): number {
  if (observations.n === 0) return 0
  const particles = createParticles(m, observations.p)
  for (let i = 0; i < m; i++) drawPrior(hyper, particles, i, rng)
  return absorb(particles, observations, 0, hyper, rng, { thin: 1 }).logScore
}
