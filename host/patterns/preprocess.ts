// From weeks to the rows of a matrix: every channel smoothed over three hours, centred and scaled to at most 1, the
// channels side by side, and the whole matrix scaled to a standard deviation of 1 (PACE).

import { type Matrix, rowOf, zeros } from "./matrix.js"
import { CHANNELS, type Channel, HOURS } from "./week.js"

/** `valid`: sums of three hours that lie within the week, 166 of them (PACE); `circular`: Sunday goes on with Monday. */
export type Smoothing = "valid" | "circular"

export function pointsOf(smoothing: Smoothing): number {
  return smoothing === "valid" ? HOURS - 2 : HOURS
}

/** Hour at the middle of the three that the first point sums. */
export function firstHourOf(smoothing: Smoothing): number {
  return smoothing === "valid" ? 1 : 0
}

/** A flat channel has spread no larger than this and stays zero: what remains of rounding is no pattern. */
const FLAT = 1e-12

/** A channel's week as the matrix has it; false where it is flat. */
export function normaliseWeek(hours: Float64Array, smoothing: Smoothing, out: Float64Array): boolean {
  const points = pointsOf(smoothing)
  const first = firstHourOf(smoothing)
  let mean = 0
  for (let i = 0; i < points; i++) {
    const hour = i + first
    out[i] = hours[(hour + HOURS - 1) % HOURS] + hours[hour] + hours[(hour + 1) % HOURS]
    mean += out[i] / points
  }
  let most = 0
  for (let i = 0; i < points; i++) {
    out[i] -= mean
    if (Math.abs(out[i]) > most) most = Math.abs(out[i])
  }
  if (most < FLAT) {
    out.fill(0, 0, points)
    return false
  }
  for (let i = 0; i < points; i++) out[i] /= most
  return true
}

/** One row a listener, not scaled yet, and the channels that are flat for it. `weeks`: CHANNELS × HOURS each. */
export function normaliseWeeks(
  weeks: readonly Float64Array[],
  channels: readonly Channel[],
  smoothing: Smoothing,
): { x: Matrix; flat: Channel[][] } {
  const points = pointsOf(smoothing)
  const x = zeros(weeks.length, channels.length * points)
  const flat = weeks.map((week, row) =>
    channels.filter((channel, i) => {
      const from = CHANNELS.indexOf(channel) * HOURS
      const to = rowOf(x, row).subarray(i * points, (i + 1) * points)
      return !normaliseWeek(week.subarray(from, from + HOURS), smoothing, to)
    }),
  )
  return { x, flat }
}

/** Standard deviation of all entries; 0 where they are all the same. */
export function spreadOf({ values }: Matrix): number {
  if (values.length === 0) return 0
  let mean = 0
  for (let i = 0; i < values.length; i++) mean += values[i] / values.length
  let square = 0
  for (let i = 0; i < values.length; i++) square += (values[i] - mean) * (values[i] - mean)
  return Math.sqrt(square / values.length)
}

/** Divides every entry, in place. */
export function divideBy({ values }: Matrix, by: number): void {
  for (let i = 0; i < values.length; i++) values[i] /= by
}
