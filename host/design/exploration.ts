// How much information is worth: the weight λ_k of the log determinant in a subject's k-th designed playlist.
//
// Profile `thesis` (Chung 2007, eq. 21): λ_k = [log((N_d − k) Q + 1)]², which stays high for nine playlists and then
// falls off a cliff, and knows nothing of the unit of the utility.
// Default: λ_k = λ* (1 − k/N_d)², where λ* is the largest weight (by bisection) whose playlist gives up no more than
// the cap of the highest utility that the constraints allow. So the first playlist explores as much as the study
// permits, the last one not at all, and the price is a number the researcher chose. Sets are discrete, so the loss
// rises in steps; λ* is the last one found below the cap.

/** `made`: k ≥ 0 playlists already made; `planned`: N_d; `size`: Q. */
export function thesisWeight(made: number, planned: number, size: number): number {
  return Math.log(Math.max(0, planned - made) * size + 1) ** 2
}

/** Share of λ* left after `made` of `planned` playlists. */
export function decay(made: number, planned: number): number {
  return Math.max(0, 1 - made / planned) ** 2
}

/** Doublings of the first guess: at 2⁴⁰ times it utility no longer counts. */
const DOUBLINGS = 40
const BISECTIONS = 30
/** Losses this close below the cap (as a share of it) are at the cap. */
const CLOSE = 0.02

/**
 * λ*, given the loss of the playlist designed with a weight (a share of the highest utility, ≥ 0, rising with the
 * weight) and `guess` > 0 in the unit of the utility.
 */
export function largestWeight(loss: (lambda: number) => number, cap: number, guess: number): number {
  if (cap <= 0) return 0
  let low = 0
  let high = guess
  for (let i = 0; ; i++) {
    if (loss(high) > cap) break
    if (i === DOUBLINGS) return high
    low = high
    high *= 2
  }
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2
    const lost = loss(middle)
    if (lost > cap) high = middle
    else low = middle
    if (lost <= cap && lost >= (1 - CLOSE) * cap) break
  }
  return low
}
