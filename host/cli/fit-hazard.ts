// The hazard curve of `fit --hazard`: how likely a listener is to skip a song in the next moment, over the range of
// times at which listeners of the file have stopped.

import { type FeatureSpec, featureMatrix } from "../model/features.js"
import { hazardCurve } from "../model/hazard.js"
import type { Particles } from "../model/particles.js"
import { CommandError } from "./command.js"
import type { FitInput } from "./fit-input.js"
import { table } from "./table.js"

export interface HazardRequest {
  song: string
  /** Length P: the song's columns. */
  x: Float64Array
  /** Increasing, in the unit of the plays. */
  times: number[]
}

/** The middle of the posterior and a central 80 %. */
const PROBABILITIES = [0.1, 0.5, 0.9]
const POINTS = 61
/** A table shows every sixth point. */
const TABLE_STEP = 6
/** The curve goes this far beyond the shortest and the longest play: a factor. */
const MARGIN = 2
/** Significant digits: beyond them is Monte Carlo noise. */
const DIGITS = 6

/** Undefined where no curve is asked for. */
export function hazardRequest(
  { hazard: song, songs: file }: { hazard?: string; songs: string },
  { byLabel, plays }: FitInput,
  spec: FeatureSpec,
): HazardRequest | undefined {
  if (song === undefined) return undefined
  const found = byLabel.get(song)
  if (found === undefined) throw new CommandError(`--hazard: ${file} has no song ${JSON.stringify(song)}`)
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { y } of plays) {
    low = Math.min(low, y)
    high = Math.max(high, y)
  }
  if (low > high) low = high = 0
  low -= Math.log(MARGIN)
  high += Math.log(MARGIN)
  const times = Array.from({ length: POINTS }, (_, k) => Math.exp(low + ((high - low) * k) / (POINTS - 1)))
  const strange = times.find((t) => !(t > 0 && t < Number.POSITIVE_INFINITY))
  if (strange !== undefined)
    throw new CommandError(`--hazard: log durations reach exp = ${strange}: use another unit`)
  return { song, x: featureMatrix(spec, [found]), times }
}

/** For JSON and as text. */
export function describeHazard(
  particles: Particles,
  { song, x, times }: HazardRequest,
): { json: object; lines: string[] } {
  const quantiles = hazardCurve(particles, x, times, PROBABILITIES)
  const shown = (values: ArrayLike<number>): number[] =>
    Array.from(values, (value) => Number(value.toPrecision(DIGITS)))
  const middle = quantiles[1]
  const top = middle.reduce((best, value, k) => (value > middle[best] ? k : best), 0)
  const where =
    top === 0
      ? "falls from the start"
      : top === POINTS - 1
        ? "still rises at the end"
        : `peaks at ${brief(times[top])}`
  return {
    json: { song, times: shown(times), probabilities: PROBABILITIES, quantiles: quantiles.map(shown) },
    lines: [
      `Hazard of song ${song} per unit of time, with its central 80 %: ${where}`,
      ...table(
        ["time", "hazard", "low", "high"],
        times
          .map((t, k) => [brief(t), brief(middle[k]), brief(quantiles[0][k]), brief(quantiles[2][k])])
          .filter((_, k) => k % TABLE_STEP === 0),
      ),
    ],
  }
}

const brief = (value: number): string => String(Number(value.toPrecision(3)))
