// The spectrum of a song over time: its brightness (spectral centroid) and the strength of its onsets.

/** Frames are about 23 ms long and begin every 12 ms: 1,024 samples at 44.1 or 48 kHz, 512 at half of that. */
function frameLength(rate: number): number {
  return rate > 64_000 ? 2048 : rate > 32_000 ? 1024 : rate > 16_000 ? 512 : 256
}
/** Frames below this mean square are silence: −70 dB of full scale. */
const SILENCE = 1e-7
/** Bands per octave that onsets are looked for in, and the lowest one's frequency, Hz. */
const BANDS_PER_OCTAVE = 4
const LOWEST_HZ = 60
/** Magnitudes are compressed as log(1 + C·m): quiet onsets count, and strong ones more. */
const COMPRESSION = 100

export class Spectrum {
  /** Samples between frames. */
  readonly hop: number
  private readonly size: number
  private readonly window: Float64Array
  private readonly cos: Float64Array
  private readonly sin: Float64Array
  private readonly reversed: Uint16Array
  private readonly re: Float64Array
  private readonly im: Float64Array
  /** The newest samples, mono: three halves of a frame, which are two frames. */
  private readonly samples: Float64Array
  private filled = 0
  /** Band of every bin. */
  private readonly band: Int16Array
  private readonly before: Float64Array
  private readonly now: Float64Array
  private readonly bins: Float64Array
  private flux = new Float64Array(4096)
  private frames = 0
  private centroidSum = 0
  private centroids = 0

  /** @param rate samples per second */
  constructor(private readonly rate: number) {
    const size = frameLength(rate)
    this.size = size
    this.hop = size / 2
    this.window = Float64Array.from(
      { length: size },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size),
    )
    this.cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
    this.sin = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size))
    const bits = Math.log2(size)
    this.reversed = Uint16Array.from({ length: size }, (_, i) => {
      let r = 0
      for (let bit = 0; bit < bits; bit++) r |= ((i >> bit) & 1) << (bits - 1 - bit)
      return r
    })
    this.re = new Float64Array(size)
    this.im = new Float64Array(size)
    this.samples = new Float64Array(size + this.hop)
    this.band = Int16Array.from({ length: size / 2 + 1 }, (_, i) => {
      const hz = (i * rate) / size
      return hz < LOWEST_HZ ? -1 : Math.floor(BANDS_PER_OCTAVE * Math.log2(hz / LOWEST_HZ))
    })
    const bands = this.band[size / 2] + 1
    this.before = new Float64Array(bands)
    this.now = new Float64Array(bands)
    this.bins = Float64Array.from({ length: bands }, (_, b) => this.band.filter((band) => band === b).length)
  }

  take(left: Float32Array, right: Float32Array): void {
    for (let i = 0; i < left.length; i++) {
      this.samples[this.filled++] = (left[i] + right[i]) / 2
      if (this.filled < this.samples.length) continue
      this.twoFrames()
      this.samples.copyWithin(0, 2 * this.hop)
      this.filled -= 2 * this.hop
    }
  }

  /** Mean over the frames that are not silent of the mean frequency weighted by magnitude, Hz. */
  brightness(): number | undefined {
    return this.centroids === 0 ? undefined : this.centroidSum / this.centroids
  }

  /** Rise of the compressed magnitudes from one frame to the next, summed over the bands: one value per hop. */
  onsets(): Float64Array {
    return this.flux.subarray(0, this.frames)
  }

  /** One transform for two real frames: the first is its real part, the second its imaginary part. */
  private twoFrames(): void {
    const { size, hop, re, im, window, samples } = this
    let first = 0
    let second = 0
    for (let i = 0; i < size; i++) {
      const a = samples[i]
      const b = samples[i + hop]
      first += a * a
      second += b * b
      const at = this.reversed[i]
      re[at] = window[i] * a
      im[at] = window[i] * b
    }
    this.transform()
    this.frame(first / size, 1)
    this.frame(second / size, -1)
  }

  /** Fast Fourier transform in place, radix 2, input in bit-reversed order. */
  private transform(): void {
    const { size, re, im, cos, sin } = this
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half)
      for (let k = 0; k < half; k++) {
        const c = cos[k * stride]
        const s = sin[k * stride]
        for (let i = k; i < size; i += 2 * half) {
          const j = i + half
          const x = c * re[j] - s * im[j]
          const y = c * im[j] + s * re[j]
          re[j] = re[i] - x
          im[j] = im[i] - y
          re[i] += x
          im[i] += y
        }
      }
    }
  }

  /** @param part 1 for the frame in the real part, −1 for that in the imaginary part */
  private frame(meanSquare: number, part: 1 | -1): void {
    const { size, re, im, band, now, before } = this
    now.fill(0)
    let sum = 0
    let weighted = 0
    for (let k = 0; k <= size / 2; k++) {
      const m = (size - k) % size
      // Real frames have conjugate-symmetric spectra: the even part is the first frame's, the odd part the second's.
      const a = part === 1 ? re[k] + re[m] : im[k] + im[m]
      const b = part === 1 ? im[k] - im[m] : re[m] - re[k]
      const magnitude = Math.sqrt(a * a + b * b) / size
      sum += magnitude
      weighted += k * magnitude
      if (band[k] >= 0) now[band[k]] += magnitude
    }
    if (meanSquare > SILENCE && sum > 0) {
      this.centroidSum += (weighted / sum / size) * this.rate
      this.centroids++
    }
    let rise = 0
    for (let b = 0; b < now.length; b++) {
      // Low bands of a short frame may hold no bin.
      if (this.bins[b] === 0) continue
      const level = Math.log(1 + (COMPRESSION * now[b]) / this.bins[b])
      if (this.frames > 0 && level > before[b]) rise += level - before[b]
      before[b] = level
    }
    if (this.frames === this.flux.length) {
      const longer = new Float64Array(2 * this.flux.length)
      longer.set(this.flux)
      this.flux = longer
    }
    this.flux[this.frames++] = rise
  }
}
