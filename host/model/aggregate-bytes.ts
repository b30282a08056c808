// The bytes of an aggregate's draws, for the store: delta M×J f64, then sigma2 M f64, little endian. The songs stand
// in the summary beside them.

import type { Aggregate } from "./aggregate.js"

export function encodeAggregate(aggregate: Aggregate): Uint8Array {
  const { delta, sigma2 } = aggregate
  const bytes = new Uint8Array(8 * (delta.length + sigma2.length))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const values of [delta, sigma2]) {
    for (let i = 0; i < values.length; i++, at += 8) view.setFloat64(at, values[i], true)
  }
  return bytes
}

/** Mean and standard deviation of each song's constant, in the order of `aggregate.songs`. */
export function summariseAggregate(aggregate: Aggregate): Record<string, unknown> {
  const { songs, m, delta, plays } = aggregate
  const mean = Array.from(songs, () => 0)
  const sd = Array.from(songs, () => 0)
  for (let draw = 0; draw < m; draw++) {
    for (let j = 0; j < songs.length; j++) mean[j] += delta[draw * songs.length + j] / m
  }
  for (let draw = 0; draw < m; draw++) {
    for (let j = 0; j < songs.length; j++) {
      const apart = delta[draw * songs.length + j] - mean[j]
      sd[j] += apart * apart
    }
  }
  return { songs: [...songs], mean, sd: sd.map((sum) => Math.sqrt(sum / Math.max(1, m - 1))), plays }
}
