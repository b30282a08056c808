// Loudness: integrated loudness by ITU-R BS.1770-4 and loudness range by EBU Tech 3342, as EBU R 128 asks for.
//
// The sound passes two filters (a shelf for the head, a high pass; "K-weighting"), whose analogue prototypes are
// transformed to the sample rate at hand. Energies of 100 ms are kept; blocks of 400 ms (integrated) and 3 s (range)
// are sums of them. One channel counts as two that are alike: a board plays it on both speakers.

/** LUFS of a mean square of 1 in one channel. */
const OFFSET = -0.691
const ABSOLUTE_GATE = -70
const RELATIVE_GATE = -10
const RANGE_GATE = -20
/** Steps of 100 ms in a block. */
const MOMENTARY = 4
const SHORT_TERM = 30
/** A filter of second order: b0, b1, b2, a1, a2 with a0 = 1. */
type Biquad = readonly [number, number, number, number, number]

export class LoudnessMeter {
  private readonly step: number
  private readonly filters: readonly [Biquad, Biquad]
  /** Two delayed values per filter and channel. */
  private readonly state = new Float64Array(8)
  private energies = new Float64Array(1024)
  private steps = 0
  private sum = 0
  private filled = 0

  /** @param rate samples per second */
  constructor(rate: number) {
    this.step = Math.round(rate / 10)
    this.filters = [shelf(rate), highPass(rate)]
  }

  /** Takes samples of two channels. */
  take(left: Float32Array, right: Float32Array): void {
    const [[b0, b1, b2, a1, a2], [c0, c1, c2, d1, d2]] = this.filters
    const s = this.state
    for (let i = 0; i < left.length; i++) {
      // Transposed direct form II, first the left channel, then the right.
      const x = left[i]
      const u = b0 * x + s[0]
      s[0] = b1 * x - a1 * u + s[1]
      s[1] = b2 * x - a2 * u
      const v = c0 * u + s[2]
      s[2] = c1 * u - d1 * v + s[3]
      s[3] = c2 * u - d2 * v
      const y = right[i]
      const w = b0 * y + s[4]
      s[4] = b1 * y - a1 * w + s[5]
      s[5] = b2 * y - a2 * w
      const z = c0 * w + s[6]
      s[6] = c1 * w - d1 * z + s[7]
      s[7] = c2 * w - d2 * z
      this.sum += v * v + z * z
      if (++this.filled === this.step) this.keep()
    }
  }

  private keep(): void {
    if (this.steps === this.energies.length) {
      const longer = new Float64Array(2 * this.energies.length)
      longer.set(this.energies)
      this.energies = longer
    }
    this.energies[this.steps++] = this.sum / this.step
    this.sum = 0
    this.filled = 0
  }

  /** LUFS; undefined where nothing is louder than the gate of −70 LUFS. */
  integrated(): number | undefined {
    const loud = this.blocks(MOMENTARY).filter((energy) => lufs(energy) > ABSOLUTE_GATE)
    if (loud.length === 0) return undefined
    const gate = lufs(mean(loud)) + RELATIVE_GATE
    return lufs(mean(loud.filter((energy) => lufs(energy) > gate)))
  }

  /** LU between the 10th and the 95th percentile; undefined for less than 3 s of sound. */
  range(): number | undefined {
    const loud = this.blocks(SHORT_TERM).filter((energy) => lufs(energy) > ABSOLUTE_GATE)
    if (loud.length === 0) return undefined
    const gate = lufs(mean(loud)) + RANGE_GATE
    const sorted = loud.filter((energy) => lufs(energy) > gate).sort()
    const at = (share: number): number => lufs(sorted[Math.round(share * (sorted.length - 1))])
    return at(0.95) - at(0.1)
  }

  /** Mean squares of all blocks of so many steps, one begun every 100 ms. */
  private blocks(length: number): Float64Array {
    const blocks = new Float64Array(Math.max(0, this.steps - length + 1))
    for (let i = 0; i < blocks.length; i++) {
      let sum = 0
      for (let k = 0; k < length; k++) sum += this.energies[i + k]
      blocks[i] = sum / length
    }
    return blocks
  }
}

function lufs(energy: number): number {
  return OFFSET + 10 * Math.log10(energy)
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** First filter of BS.1770: +4 dB above about 1,700 Hz. The constants give the printed coefficients at 48 kHz. */
function shelf(rate: number): Biquad {
  const k = Math.tan((Math.PI * 1681.974450955533) / rate)
  const q = 0.7071752369554196
  const high = 10 ** (3.999843853973347 / 20)
  const band = high ** 0.4996667741545416
  const a0 = 1 + k / q + k * k
  return [
    (high + (band * k) / q + k * k) / a0,
    (2 * (k * k - high)) / a0,
    (high - (band * k) / q + k * k) / a0,
    (2 * (k * k - 1)) / a0,
    (1 - k / q + k * k) / a0,
  ]
}

/** Second filter of BS.1770: a high pass at about 38 Hz. */
function highPass(rate: number): Biquad {
  const k = Math.tan((Math.PI * 38.13547087602444) / rate)
  const q = 0.5003270373238773
  const a0 = 1 + k / q + k * k
  return [1, -2, 1, (2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0]
}
