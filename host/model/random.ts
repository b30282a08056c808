// Random numbers: one stream per purpose, named, so that results depend on the seed and the names alone and
// not on who ran first or on how many workers.
//
// Generator: sfc32 (Doty-Humphrey, PractRand), state = SHA-256 of the seed and the names, which makes streams
// splittable by name. Normal and exponential: ziggurat (Marsaglia & Tsang 2000, with bits of their own for layer and
// place, Doornik 2005). Gamma: Marsaglia & Tsang 2000, with the boost of their section 6 below shape 1. Truncated
// normal: Robert 1995 (exponential rejection far out, plain rejection near the middle).

import { createHash } from "node:crypto"
import { exp, log } from "../model/elementary.js"

export interface Rng {
  /** Uniform on (0, 1): 53 bits, never 0 and never 1. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Exponential with rate 1. */
  exponential(): number
  /** Gamma with the given shape (> 0) and rate 1. */
  gamma(shape: number): number
  /** Uniform integer in 0 … n − 1 (1 ≤ n ≤ 2³²). */
  int(n: number): number
  /** Shuffles the first `n` entries in place. */
  shuffle(items: { [index: number]: unknown; length: number }, n?: number): void
  /** Standard normal conditioned on being above `a`. */
  normalAbove(a: number): number
  /** Replaces the first `count` bounds by draws of `normalAbove`: numbers that stay in an array are never boxed. */
  normalsAbove(bounds: Float64Array, count: number): void
  /** Fills the first `count` places with standard normals. */
  normals(out: Float64Array, count: number): void
}

/** The stream of `names` under `seed`; the same arguments give the same draws on any machine. */
export function stream(seed: number | string, ...names: (string | number)[]): Rng {
  const hash = createHash("sha256")
    .update(JSON.stringify([String(seed), ...names.map(String)]))
    .digest()
  return new Generator(Int32Array.from({ length: 4 }, (_, word) => hash.readInt32LE(4 * word)))
}

/** Draws thrown away first, until every bit of the state has reached every other. */
const MIXING = 15

/** Below this bound plain rejection is the cheaper way to a truncated normal: above 0 two tails serve, so that one
 *  draw in two and a half is kept at worst. */
const PLAIN_BELOW = 0.85

const TWO_TO_MINUS_53 = 1 / 9007199254740992
const TWO_TO_MINUS_55 = 1 / 36028797018963968
const TWO_TO_MINUS_56 = 1 / 72057594037927936

/** Beyond this bound the excess over it is exponential to the last digit; a bound that is no number is handed back. */
const ALL_TAIL = 1e9

class Generator implements Rng {
  /** Three words of state and a counter; in an array they stay machine integers. */
  private readonly state: Int32Array
  private readonly drawn = new Float64Array(1)
  private readonly pair = new Float64Array(2)

  constructor(state: Int32Array) {
    this.state = state
    for (let i = 0; i < MIXING; i++) this.bits()
  }

  /** 32 bits, as a signed integer. */
  private bits(): number {
    const { state } = this
    const b = state[1]
    const c = state[2]
    const counter = state[3]
    const sum = (((state[0] + b) | 0) + counter) | 0
    state[0] = b ^ (b >>> 9)
    state[1] = (c + (c << 3)) | 0
    state[2] = (((c << 21) | (c >>> 11)) + sum) | 0
    state[3] = (counter + 1) | 0
    return sum
  }

  uniform(): number {
    const high = this.bits() >>> 5
    const low = this.bits() >>> 6
    const value = (high * 67108864 + low) * TWO_TO_MINUS_53
    return value > 0 ? value : 0.5 * TWO_TO_MINUS_53
  }

  normal(): number {
    this.normalInto(this.drawn, 0)
    return this.drawn[0]
  }

  /** The draw goes into an array, because a double that a function returns is boxed: an allocation per draw. */
  private normalInto(out: Float64Array, i: number): void {
    for (;;) {
      const word = this.bits()
      const layer = word & 255
      const place = ((word >>> 9) * 4294967296 + (this.bits() >>> 0)) * TWO_TO_MINUS_55
      const x = place * NORMAL_X[layer]
      if (x < NORMAL_X[layer + 1] || this.keepNormal(layer, x)) {
        out[i] = (word & 256) === 0 ? x : -x
        return
      }
      if (layer === 0) {
        const tail = this.normalTail()
        out[i] = (word & 256) === 0 ? tail : -tail
        return
      }
    }
  }

  private keepNormal(layer: number, x: number): boolean {
    if (layer === 0) return false
    const { f } = NORMAL
    return f[layer] + this.uniform() * (f[layer + 1] - f[layer]) < exp(-0.5 * x * x)
  }

  /** Marsaglia 1964: beyond the last layer. */
  private normalTail(): number {
    for (;;) {
      const x = this.exponential() / NORMAL_EDGE
      if (2 * this.exponential() > x * x) return NORMAL_EDGE + x
    }
  }

  exponential(): number {
    this.exponentialInto(this.drawn, 0)
    return this.drawn[0]
  }

  private exponentialInto(out: Float64Array, i: number): void {
    let far = 0
    for (;;) {
      const word = this.bits()
      const layer = word & 255
      const place = ((word >>> 8) * 4294967296 + (this.bits() >>> 0)) * TWO_TO_MINUS_56
      const x = place * EXPONENTIAL_X[layer]
      if (x < EXPONENTIAL_X[layer + 1] || this.keepExponential(layer, x)) {
        out[i] = far + x
        return
      }
      // Beyond the last layer an exponential is an exponential again.
      if (layer === 0) far += EXPONENTIAL_EDGE
    }
  }

  private keepExponential(layer: number, x: number): boolean {
    if (layer === 0) return false
    const { f } = EXPONENTIAL
    return f[layer] + this.uniform() * (f[layer + 1] - f[layer]) < exp(-x)
  }

  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * exp(log(this.uniform()) / shape)
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = this.normal()
      const t = 1 + c * x
      if (t <= 0) continue
      const v = t * t * t
      const u = this.uniform()
      const x2 = x * x
      if (u < 1 - 0.0331 * x2 * x2 || log(u) < 0.5 * x2 + d - d * v + d * log(v)) return d * v
    }
  }

  int(n: number): number {
    // Rejection keeps it exactly uniform.
    const limit = 4294967296 - (4294967296 % n)
    for (;;) {
      const value = this.bits() >>> 0
      if (value < limit) return value % n
    }
  }

  shuffle(items: { [index: number]: unknown; length: number }, n = items.length): void {
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const kept = items[i]
      items[i] = items[j]
      items[j] = kept
    }
  }

  normalAbove(a: number): number {
    this.drawn[0] = a
    this.normalsAbove(this.drawn, 1)
    return this.drawn[0]
  }

  normalsAbove(bounds: Float64Array, count: number): void {
    const { pair } = this
    for (let i = 0; i < count; i++) {
      const a = bounds[i]
      if (a < PLAIN_BELOW) {
        for (;;) {
          this.normalInto(bounds, i)
          if (bounds[i] > a) break
          // By symmetry, where the mirror image of what is wanted was thrown away.
          if (a > 0 && -bounds[i] > a) {
            bounds[i] = -bounds[i]
            break
          }
        }
        continue
      }
      if (!(a < ALL_TAIL)) {
        this.exponentialInto(pair, 0)
        bounds[i] = a + pair[0] / a
        continue
      }
      const rate = (a + Math.sqrt(a * a + 4)) / 2
      for (;;) {
        this.exponentialInto(pair, 0)
        this.exponentialInto(pair, 1)
        bounds[i] = a + pair[0] / rate
        const gap = bounds[i] - rate
        if (2 * pair[1] > gap * gap) break
      }
    }
  }

  normals(out: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) this.normalInto(out, i)
  }
}

/** Layers of equal area under a falling density: x (length 257) falls from the width of the base to 0, f (same
 *  length) = density at x. Layer i holds x[i + 1] < x whole and x[i + 1] … x[i] in part. */
interface Ziggurat {
  x: Float64Array
  f: Float64Array
}

const LAYERS = 256

/** Layers under exp(−x²/2) and exp(−x): edge of the last one, and the area of each, for which the stack of 256 ends
 *  at the density's top. */
const NORMAL_EDGE = 3.6541528853610088
const NORMAL_AREA = 0.004928673233974655
const EXPONENTIAL_EDGE = 7.69711747013105
const EXPONENTIAL_AREA = 0.003949659822581557
const NORMAL = stack(
  NORMAL_EDGE,
  NORMAL_AREA,
  (x) => exp(-0.5 * x * x),
  (f) => Math.sqrt(-2 * log(f)),
)
const EXPONENTIAL = stack(
  EXPONENTIAL_EDGE,
  EXPONENTIAL_AREA,
  (x) => exp(-x),
  (f) => -log(f),
)

const NORMAL_X = NORMAL.x
const EXPONENTIAL_X = EXPONENTIAL.x

function stack(
  edge: number,
  area: number,
  density: (x: number) => number,
  inverse: (f: number) => number,
): Ziggurat {
  const x = new Float64Array(LAYERS + 1)
  const f = new Float64Array(LAYERS + 1)
  x[0] = area / density(edge)
  x[1] = edge
  f[1] = density(edge)
  for (let i = 2; i < LAYERS; i++) {
    f[i] = f[i - 1] + area / x[i - 1]
    x[i] = inverse(f[i])
  }
  // The top layer ends at 0, where both densities are 1.
  f[LAYERS] = 1
  return { x, f }
}
