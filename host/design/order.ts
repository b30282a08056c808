// The order in which a playlist is played: a random permutation, by seed.
//
// Songs early in a playlist are heard by a fresher listener, and what came just before colours what comes next.
// With a random order neither effect leans on any song, and both can be estimated from the plays afterwards.

import type { Rng } from "../model/random.js"

/** `members` in playing order. */
export function playingOrder<T>(members: readonly T[], rng: Rng): T[] {
  const order = [...members]
  rng.shuffle(order)
  return order
}
