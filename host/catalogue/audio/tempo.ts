// Tempo from onsets: the period at which they repeat best, among those near which people tap.
//
// The autocorrelation of the onsets is weighted by how readily people tap at a tempo: a bell over the logarithm of
// the tempo around 120 beats per minute (the idea and the width are those of Ellis 2007, "Beat tracking by dynamic
// programming", Journal of New Music Research 36). What a person would call the tempo may be half or twice of it.

export interface Tempo {
  /** Beats per minute. */
  bpm: number
  /** Autocorrelation of the onsets at that period, 0 … 1: below about 0.1 there is no beat to speak of. */
  clarity: number
}

const SLOWEST = 40
const FASTEST = 220
const PREFERRED = 120
/** Width of the preference, octaves. */
const WIDTH = 0.9
/** Onsets are seen against their mean over so many seconds on both sides. */
const SURROUNDINGS_S = 0.5
/** The period is refined at its multiples up to this one. */
const LONGEST_MULTIPLE = 16
/** Less than this has no tempo, s. */
const SHORTEST_S = 6

/**
 * @param onsets strength per frame
 * @param perSecond frames per second
 * @returns undefined where the sound is too short or has no onsets at all
 */
export function tempoOf(onsets: Float64Array, perSecond: number): Tempo | undefined {
  if (onsets.length < SHORTEST_S * perSecond) return undefined
  const x = aboveSurroundings(onsets, Math.round(SURROUNDINGS_S * perSecond))
  const total = autocorrelation(x, 0)
  if (!(total > 0)) return undefined
  const from = Math.floor((60 * perSecond) / FASTEST)
  const to = Math.ceil((60 * perSecond) / SLOWEST)
  const correlation = new Float64Array(to + 2)
  for (let lag = from - 1; lag <= to + 1; lag++) correlation[lag] = autocorrelation(x, lag) / total
  let best = 0
  let score = 0
  for (let lag = from; lag <= to; lag++) {
    if (correlation[lag] < correlation[lag - 1] || correlation[lag] < correlation[lag + 1]) continue
    const octaves = Math.log2((60 * perSecond) / lag / PREFERRED) / WIDTH
    const weighted = correlation[lag] * Math.exp(-0.5 * octaves * octaves)
    if (weighted > score) {
      score = weighted
      best = lag
    }
  }
  if (best === 0) return undefined
  const period = refine(x, best)
  return { bpm: (60 * perSecond) / period, clarity: Math.min(1, correlation[best]) }
}

/** A whole lag is too coarse: at its multiples the same error is a smaller share. */
function refine(x: Float64Array, lag: number): number {
  let period = peak(x, lag)
  for (let multiple = 2; multiple <= LONGEST_MULTIPLE; multiple *= 2) {
    const at = Math.round(multiple * period)
    if (at + 3 >= x.length / 2) break
    const around = [-1, 0, 1].map((d) => autocorrelation(x, at + d))
    const local = around.indexOf(Math.max(...around)) - 1 + at
    if (autocorrelation(x, local) <= 0) break
    period = peak(x, local) / multiple
  }
  return period
}

/** Top of the parabola through three neighbouring values. */
function peak(x: Float64Array, lag: number): number {
  const [a, b, c] = [-1, 0, 1].map((d) => autocorrelation(x, lag + d))
  const bend = a - 2 * b + c
  return bend >= 0 ? lag : lag + Math.max(-0.5, Math.min(0.5, (a - c) / (2 * bend)))
}

function autocorrelation(x: Float64Array, lag: number): number {
  let sum = 0
  for (let i = lag; i < x.length; i++) sum += x[i] * x[i - lag]
  return sum / (x.length - lag)
}

/** What exceeds the mean of the surroundings, less its own mean. */
function aboveSurroundings(onsets: Float64Array, reach: number): Float64Array {
  const sums = new Float64Array(onsets.length + 1)
  for (let i = 0; i < onsets.length; i++) sums[i + 1] = sums[i] + onsets[i]
  const above = Float64Array.from(onsets, (value, i) => {
    const from = Math.max(0, i - reach)
    const to = Math.min(onsets.length, i + reach + 1)
    return Math.max(0, value - (sums[to] - sums[from]) / (to - from))
  })
  const mean = above.reduce((sum, value) => sum + value, 0) / above.length
  for (let i = 0; i < above.length; i++) above[i] -= mean
  return above
}
