// Adaptive playlists for the tests and benches of the board: random tastes over random songs.

import { type Rng, stream } from "../../../host/model/random.js"
import { type PackedAdaptation, packPlaylist } from "../../../host/protocol/playlist.js"

interface AdaptiveOptions {
  items?: number
  size?: number
  lists?: number
  particles?: number
  variables?: number
  worth?: "share" | "seconds"
  after?: number
  /** Thousandths. */
  margin?: number
  epsilon?: number
}

/** Bytes of version `version`; `seed` and version draw what is in it. */
export function adaptivePlaylist(seed: number, version: number, options: AdaptiveOptions = {}): Uint8Array {
  const { items = 50, size = items, lists = 1, particles = 32, variables = 12, worth = "share" } = options
  const { after = 2, margin = 50, epsilon = 0 } = options
  const rng = stream(seed, "adaptive playlist", version)
  const table = Array.from({ length: items }, (_, i) => ({
    song: 100 * version + i + 1,
    lengthMs: 150_000 + rng.int(150_000),
    flags: 0,
  }))
  const adaptation: PackedAdaptation = {
    ...{ size, worth, after, margin, epsilon, seed: rng.int(4294967296) },
    lists: Array.from({ length: lists - 1 }, () => drawn(rng, items, size)),
    constants: { scale: 0.0001220703125, numbers: numbers(rng, particles, 33_000, 4000) },
    sigmas: { scale: 0.000030517578125, numbers: numbers(rng, particles, 30_000, 6000).map(Math.abs) },
    variables: Array.from({ length: variables }, (_, v) => ({
      scale: 2 ** -19,
      // Indicators are 0 for most songs.
      attributes: numbers(rng, items, 0, 40).map((x) =>
        v % 2 === 0 || rng.uniform() < 0.2 ? clamp(x, 127) : 0,
      ),
      coefficients: numbers(rng, particles, 3000, 6000).map((b) => clamp(b, 32767)),
    })),
  }
  adaptation.constants.numbers = adaptation.constants.numbers.map((c) => clamp(c, 32767))
  return packPlaylist(table, version, adaptation)
}

function numbers(rng: Rng, count: number, mean: number, spread: number): number[] {
  return Array.from({ length: count }, () => Math.round(mean + spread * rng.normal()) || 1)
}

function drawn(rng: Rng, items: number, size: number): number[] {
  const all = Array.from({ length: items }, (_, i) => i)
  rng.shuffle(all)
  return all.slice(0, size)
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value))
}
