// Random numbers: one stream per purpose, named, so that results depend on the seed and the names alone and
// not on who ran first or on how many workers.
//
// Generator: xoroshiro128+ (pure-rand), state = SHA-256 of the seed and the names. Normal: polar method
// (Marsaglia & Bray 1964). Gamma: Marsaglia & Tsang 2000, with the boost of their section 6 below shape 1.
// Truncated normal: Robert 1995 (exponential rejection far out, plain rejection near the middle).

import { createHash } from "node:crypto"
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus"

export interface Rng {
  /** Uniform on (0, 1): 53 bits, never 0 and never 1. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Exponential with rate 1. */
  exponential(): number
  /** Gamma with the given shape (> 0) and rate 1. */
  gamma(shape: number): number
  /** Uniform integer in 0 … n − 1 (n ≥ 1). */
  int(n: number): number
  /** Shuffles the first `n` entries in place. */
  shuffle(items: { [index: number]: unknown; length: number }, n?: number): void
  /** Standard normal conditioned on being above `a`. */
  normalAbove(a: number): number
  /** Everything that decides the next draws, for a stream that must survive a restart. */
  state(): readonly number[]
}

/** The stream of `names` under `seed`; the same arguments give the same draws on any machine. */
export function stream(seed: number | string, ...names: (string | number)[]): Rng {
  const hash = createHash("sha256")
    .update(JSON.stringify([String(seed), ...names.map(String)]))
    .digest()
  return fromState([hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12)])
}

/** Resumes a stream from what `state()` gave. */
export function fromState(state: readonly number[]): Rng {
  const generator = xoroshiro128plusFromState(state.slice(0, 4))
  let spare = state.length > 4 ? state[4] : Number.NaN

  const uniform = (): number => {
    const high = generator.next() >>> 5
    const low = generator.next() >>> 6
    const value = (high * 67108864 + low) / 9007199254740992
    return value > 0 ? value : 1 / 18014398509481984
  }
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s)
        spare = v * scale
        return u * scale
      }
    }
  }
  const exponential = (): number => -Math.log(uniform())
  const gamma = (shape: number): number => {
    if (shape < 1) return gamma(shape + 1) * Math.exp(Math.log(uniform()) / shape)
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = normal()
      const t = 1 + c * x
      if (t <= 0) continue
      const v = t * t * t
      if (Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
    }
  }
  const int = (n: number): number => {
    // Rejection keeps it exactly uniform; n stays below 2³².
    const limit = 4294967296 - (4294967296 % n)
    for (;;) {
      const value = generator.next() >>> 0
      if (value < limit) return value % n
    }
  }
  const shuffle = (items: { [index: number]: unknown; length: number }, n = items.length): void => {
    for (let i = n - 1; i > 0; i--) {
      const j = int(i + 1)
      const kept = items[i]
      items[i] = items[j]
      items[j] = kept
    }
  }
  const normalAbove = (a: number): number => {
    if (a < 0.45) {
      for (;;) {
        const x = normal()
        if (x > a) return x
      }
    }
    const rate = (a + Math.sqrt(a * a + 4)) / 2
    for (;;) {
      const x = a + exponential() / rate
      const gap = x - rate
      if (Math.log(uniform()) < -0.5 * gap * gap) return x
    }
  }
  return {
    uniform,
    normal,
    exponential,
    gamma,
    int,
    shuffle,
    normalAbove,
    state: () => [...generator.getState(), spare],
  }
}
