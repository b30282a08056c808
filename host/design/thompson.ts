// Thompson sampling over slots: each free slot draws one particle by its weight and takes the song that this
// particle expects to be heard longest, among those not yet chosen (Thompson, Biometrika 25, 1933).

import { normalisedWeights, type Particles } from "../model/particles.js"
import { expectedShare } from "../model/predict.js"
import type { Rng } from "../model/random.js"
import type { Candidates } from "./candidates.js"
import { count, countKinds, fits, type Rules } from "./constraints.js"
import { select } from "./select.js"

export interface Thompson {
  /** One playlist: rows, the fixed ones first. */
  draw(rng: Rng): Int32Array
}

/** Prepares repeated draws; each particle's favourites are worked out when it is first drawn. `fallback`: allowed
 *  rows in the order in which to choose where a particle's favourites run into the caps. */
export function thompson(
  rules: Rules,
  candidates: Candidates,
  particles: Particles,
  fallback: Int32Array,
): Thompson {
  const { m } = particles
  const cumulated = normalisedWeights(particles.logWeights)
  for (let i = 1; i < m; i++) cumulated[i] += cumulated[i - 1]
  const favourites: (Int32Array | undefined)[] = new Array(m)
  const inside = new Uint8Array(rules.allowed.length)

  return {
    draw(rng) {
      const members = new Int32Array(rules.size)
      members.set(rules.fixed)
      inside.fill(0)
      for (const row of rules.fixed) inside[row] = 1
      const counts = countKinds(rules, rules.fixed)
      for (let slot = rules.fixed.length; slot < rules.size; slot++) {
        const particle = draw(cumulated, rng)
        const ranked =
          favourites[particle] ?? rank(rules, candidates, particles, particle, FAVOURITES * rules.size)
        favourites[particle] = ranked
        const open = (r: number): boolean => inside[r] === 0 && fits(rules, counts, r, -1)
        let row = ranked.find(open)
        if (row === undefined && ranked.length < rules.rows.length) {
          favourites[particle] = rank(rules, candidates, particles, particle, rules.rows.length)
          row = favourites[particle].find(open)
        }
        if (row === undefined) return select(rules, members.subarray(0, slot), fallback)
        members[slot] = row
        inside[row] = 1
        count(rules, counts, row, 1)
      }
      return members
    },
  }
}

function draw(cumulated: Float64Array, rng: Rng): number {
  const at = rng.uniform()
  let low = 0
  let high = cumulated.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulated[middle] > at) high = middle
    else low = middle + 1
  }
  return low
}

/** Favourites of a particle that are kept, in playlists; the rest is ranked when they are used up. */
const FAVOURITES = 4

/** The `count` allowed rows, or more where some are equal, of largest expected share under one particle, by falling share,
 *  ties by song number. */
function rank(
  rules: Rules,
  candidates: Candidates,
  particles: Particles,
  particle: number,
  count: number,
): Int32Array {
  const { p, x, logLength } = candidates
  const { beta, sigma2 } = particles
  const sigma = Math.sqrt(sigma2[particle])
  const share = new Float64Array(rules.allowed.length)
  for (const row of rules.rows) {
    let mu = 0
    for (let q = 0; q < p; q++) mu += x[row * p + q] * beta[particle * p + q]
    share[row] = expectedShare(mu, sigma, logLength[row])
  }
  const falling = (rows: Int32Array): Int32Array => rows.sort((a, b) => share[b] - share[a] || a - b)
  if (count >= rules.rows.length) return falling(rules.rows.slice())
  const sorted = Float64Array.from(rules.rows, (row) => share[row]).sort()
  const least = sorted[sorted.length - count]
  return falling(rules.rows.filter((row) => share[row] >= least))
}
