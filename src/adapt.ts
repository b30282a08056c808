// Choosing on the board what to play next: a playlist of layout 2 (wire.ts) carries particles of the listener's taste,
// and every listen reweighs them by the censored lognormal likelihood of host/model/likelihood.ts.
//
// The board runs this while the music plays, and the host repeats it from the listen records; both must get the same
// choice. So this file imports nothing, uses only + − × ÷ and functions that are exact on both sides, brings its own
// exp, log and log Φ, and rounds the log weights to multiples of 2⁻¹⁰ after every listen, the largest being 0.
//
// The choice for the listen with sequence s uses the weights of the listens up to s − 2 (the one that has just ended
// is weighed while the next song plays) and leaves out what was played up to s − 1.
//
// Exp and log: reduction and coefficients of fdlibm (Sun Microsystems 1993, e_exp and e_log). Mills' ratio: a
// polynomial in (x − K)/(x + K), the form of Shepherd & Laframboise (Math. Comp. 36, 1981), through Chebyshev points;
// relative error below 3e-10.

/** A byte buffer of either side. */
interface Bytes {
  readonly length: number
  [index: number]: number
}

/** Where the items of a playlist begin, and the size of one: wire.ts. */
const ITEMS_AT = 16
const ITEM_BYTES = 6
/** The section behind the items: its fixed part, of which wire.ts shows the layout. */
export const ADAPT_HEADER_BYTES = 24
export const MAX_PARTICLES = 32
export const MAX_VARIABLES = 12
export const MAX_LISTS = 3
/** Flag of the section: a song is worth the seconds that are heard of it, not the share. */
export const WORTH_SECONDS = 1
/** Margin and epsilon are stored in thousandths. */
export const PER_MILLE = 1000

/** A listen shorter than this is a slip of the finger. */
const MIN_HEARD_MS = 500
/** Codes of record.ts: 0 finished; the ends that the listener chose are 1 skipped to 3 previous. */
const FINISHED = 0
const FIRST_CHOSEN = 1
const LAST_CHOSEN = 3

const WEIGHT_UNITS = 1024
/** Log weights are 16-bit numbers: the smallest is e⁻³² of the largest. */
const SMALLEST_WEIGHT = -32768
/** Particles below e⁻¹⁶ of the largest do not count in what is expected of a song. */
const NEGLIGIBLE_WEIGHT = -16384

// biome-ignore lint/suspicious/noApproximativeNumericConstant: a number of ours, the same on both sides
const SQRT1_2 = 0.7071067811865476
const INV_SQRT_2PI = 0.3989422804014327
const HALF_LOG_2PI = 0.9189385332046727
// biome-ignore lint/suspicious/noApproximativeNumericConstant: a number of ours, the same on both sides
const INV_LN2 = 1.4426950408889634
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
/** Beyond it exp is 0 here, or its argument is not one that occurs. */
const EXP_LIMIT = 700

/** y·2^k. */
function scaled(y: number, k: number): number {
  let factor = k < 0 ? 0.5 : 2
  let value = y
  for (let rest = k < 0 ? -k : k; rest > 0; rest = rest >> 1) {
    if ((rest & 1) === 1) value *= factor
    factor *= factor
  }
  return value
}

/** e^x, x ≤ 700. */
export function exp(x: number): number {
  if (x < -EXP_LIMIT) return 0
  const k = Math.floor(x * INV_LN2 + 0.5)
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  return scaled(1 + (high - (low - (r * c) / (2 - c))), k)
}

/** Natural logarithm of x > 0. */
export function log(x: number): number {
  let m = x
  let k = 0
  while (m >= 65536) {
    m /= 65536
    k += 16
  }
  while (m < 1 / 65536) {
    m *= 65536
    k -= 16
  }
  while (m > 2 * SQRT1_2) {
    m *= 0.5
    k++
  }
  while (m < SQRT1_2) {
    m *= 2
    k--
  }
  const f = m - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const half = 0.5 * f * f
  return k * LN2_HIGH - (half - (s * (half + even + odd) + k * LN2_LOW) - f)
}

/** Mills' ratio Φ(−x)/φ(x), x ≥ 0. */
function mills(x: number): number {
  const t = (x - 3.5) / (x + 3.5)
  let p = 1.02284138807e-5
  p = p * t + 5.66396220664e-6
  p = p * t - 8.65773248561e-5
  p = p * t - 6.4769799466e-5
  p = p * t + 5.27388849734e-4
  p = p * t + 3.71066861255e-4
  p = p * t - 3.56956346747e-3
  p = p * t + 6.58376264258e-4
  p = p * t + 0.0260193122926
  p = p * t - 0.0758405216351
  p = p * t + 0.0953712315293
  p = p * t + 1.97229263083e-3
  p = p * t - 0.244929088733
  p = p * t + 1.19955496039
  return p / (x + 1)
}

/** Standard normal density. */
function density(x: number): number {
  return INV_SQRT_2PI * exp(-0.5 * x * x)
}

/** log Φ(z). */
export function logNormalCdf(z: number): number {
  if (z < 0) return log(mills(-z)) - 0.5 * z * z - HALF_LOG_2PI
  return log(1 - density(z) * mills(z))
}

/** E[min(T, ℓ)]/ℓ of a lognormal T with log mean `mu` and log standard deviation `sigma` > 0. */
export function expectedShare(mu: number, sigma: number, logLength: number): number {
  const a = (logLength - mu) / sigma
  const b = a - sigma
  // exp(μ − log ℓ + σ²/2)·Φ(b) is φ(a)·mills(−b), so that nothing overflows.
  if (a <= 0) return 1 - density(a) * (mills(-a) - mills(-b))
  if (b <= 0) return density(a) * (mills(-b) + mills(a))
  return exp(sigma * (0.5 * sigma - a)) - density(a) * (mills(b) - mills(a))
}

/** Uniform on [0, 1) in steps of 2⁻²⁴: the finaliser of MurmurHash3 (Appleby, public domain). */
function uniform(seed: number, sequence: number): number {
  let h = seed ^ Math.imul(sequence, -1640531535)
  h = Math.imul(h ^ (h >>> 16), -2048144789)
  h = Math.imul(h ^ (h >>> 13), -1028477387)
  return ((h ^ (h >>> 16)) >>> 8) / 16777216
}

function u16(bytes: Bytes, at: number): number {
  return bytes[at] + bytes[at + 1] * 256
}

function i16(bytes: Bytes, at: number): number {
  const value = bytes[at] + bytes[at + 1] * 256
  return value < 32768 ? value : value - 65536
}

/** Biased exponent of the 32-bit float at `at`, with the sign as bit 8. */
function exponent(bytes: Bytes, at: number): number {
  return bytes[at + 3] * 2 + (bytes[at + 2] >> 7)
}

/** A positive normal 32-bit float. */
function f32(bytes: Bytes, at: number): number {
  const mantissa = bytes[at] + bytes[at + 1] * 256 + (bytes[at + 2] & 127) * 65536
  return scaled(1 + mantissa / 8388608, exponent(bytes, at) - 127)
}

/** The section of a playlist of layout 2: places of its parts. */
class Section {
  readonly items: number
  readonly header: number
  readonly particles: number
  readonly variables: number
  readonly lists: number
  /** Songs per list. */
  readonly size: number
  readonly scales: number
  readonly orders: number
  readonly attributes: number
  readonly constants: number
  readonly sigmas: number
  readonly coefficients: number
  readonly end: number

  /** `bytes`: at least ITEMS_AT + items·ITEM_BYTES + ADAPT_HEADER_BYTES long. */
  constructor(bytes: Bytes) {
    this.items = u16(bytes, 8)
    this.header = ITEMS_AT + this.items * ITEM_BYTES
    this.particles = bytes[this.header]
    this.variables = bytes[this.header + 1]
    this.lists = bytes[this.header + 2]
    this.size = u16(bytes, this.header + 4)
    this.scales = this.header + ADAPT_HEADER_BYTES
    this.orders = this.scales + 4 * this.variables
    this.attributes = this.orders + (this.lists > 1 ? (this.lists - 1) * this.size : 0)
    this.constants = this.attributes + this.items * this.variables
    this.sigmas = this.constants + 2 * this.particles
    this.coefficients = this.sigmas + 2 * this.particles
    this.end = this.coefficients + 2 * this.particles * this.variables
  }
}

/** True where a playlist of layout 2 is as long as it says. `bytes`: ITEMS_AT at least. */
export function adaptLengthFits(bytes: Bytes): boolean {
  if (u16(bytes, 10) !== bytes.length) return false
  if (ITEMS_AT + u16(bytes, 8) * ITEM_BYTES + ADAPT_HEADER_BYTES > bytes.length) return false
  return new Section(bytes).end === bytes.length
}

/** True where every value behind the items of a playlist whose length fits is within its range. */
export function adaptValuesFit(bytes: Bytes): boolean {
  const s = new Section(bytes)
  const h = s.header
  if (s.particles === 0 || s.particles > MAX_PARTICLES || s.variables > MAX_VARIABLES) return false
  if (s.lists === 0 || s.lists > MAX_LISTS || s.size === 0 || s.size > s.items) return false
  if (bytes[h + 3] > WORTH_SECONDS || bytes[h + 7] !== 0) return false
  if (u16(bytes, h + 10) > PER_MILLE) return false
  for (let at = h + 16; at < s.orders; at += 4) {
    const e = exponent(bytes, at)
    // Negative, zero, denormal, infinite or not a number.
    if (e === 0 || e > 254) return false
  }
  for (let list = 1; list < s.lists; list++) {
    const seen: number[] = []
    for (let i = 0; i < s.items; i++) seen.push(0)
    const from = s.orders + (list - 1) * s.size
    for (let i = from; i < from + s.size; i++) {
      if (bytes[i] >= s.items || seen[bytes[i]] === 1) return false
      seen[bytes[i]] = 1
    }
  }
  for (let at = s.sigmas; at < s.coefficients; at += 2) if (u16(bytes, at) === 0) return false
  return true
}

/** What is believed of a listener, and what of a playlist has been played. Each call is one small step of work. */
export class Adaptation {
  /** Songs in the table of items. */
  readonly items: number
  /** Songs in a list. */
  readonly size: number
  /** Listens that must be weighed before a song is chosen. */
  readonly after: number
  readonly epsilon: number
  /** Listens weighed so far, those too short to count included. */
  heard = 0
  /** The list that plays. */
  list = 0

  private section: Section
  private margin: number
  private seed: number
  private seconds: boolean
  private sigma: number[] = []
  /** Log weights in units of 1/WEIGHT_UNITS, and the weights themselves; 0 = negligible. */
  private logWeights: number[] = []
  private weights: number[] = []
  private total: number
  /** Expected log time of one song under each particle; one array for all songs, which would litter the heap. */
  private mu: number[] = []
  private scores: number[] = []
  private played: number[] = []
  /** Songs played of the present pass through the list, and the last one of all; −1 = none. */
  private passed = 0
  private last = -1
  /** Items that no list has. */
  private alternates: number[] = []

  /** `bytes`: a playlist of layout 2 that has been checked. */
  constructor(private bytes: Bytes) {
    const s = new Section(bytes)
    const h = s.header
    this.section = s
    this.items = s.items
    this.size = s.size
    this.seconds = bytes[h + 3] === WORTH_SECONDS
    this.after = bytes[h + 6]
    this.margin = u16(bytes, h + 8) / PER_MILLE
    this.epsilon = u16(bytes, h + 10) / PER_MILLE
    this.seed = bytes[h + 12] | (bytes[h + 13] << 8) | (bytes[h + 14] << 16) | (bytes[h + 15] << 24)
    const sigmaScale = f32(bytes, h + 20)
    for (let m = 0; m < s.particles; m++) {
      this.sigma.push(u16(bytes, s.sigmas + 2 * m) * sigmaScale)
      this.logWeights.push(0)
      this.weights.push(1)
      this.mu.push(0)
    }
    this.total = s.particles
    for (let i = 0; i < s.items; i++) {
      this.scores.push(0)
      this.played.push(i < s.size ? 1 : 0)
    }
    for (let at = s.orders; at < s.attributes; at++) this.played[bytes[at]] = 1
    for (let i = 0; i < s.items; i++) {
      if (this.played[i] === 0) this.alternates.push(i)
      this.played[i] = 0
    }
  }

  /** Item `place` of list `list`. */
  itemAt(list: number, place: number): number {
    return list === 0 ? place : this.bytes[this.section.orders + (list - 1) * this.size + place]
  }

  /** True where the record of a listen names an item of this playlist. */
  has(item: number, song: number): boolean {
    return item < this.items && u16(this.bytes, ITEMS_AT + item * ITEM_BYTES) === song
  }

  /** Takes a listen into the weights. `reason`: code of record.ts. */
  weigh(item: number, heardMs: number, reason: number): void {
    this.heard++
    if (heardMs < MIN_HEARD_MS) return
    const length = this.lengthMs(item)
    const y = log((reason === FINISHED && heardMs > length ? length : heardMs) / 1000)
    const chosen = reason >= FIRST_CHOSEN && reason <= LAST_CHOSEN
    const values = this.mu
    this.computeMeans(item)
    let largest = 0
    for (let m = 0; m < values.length; m++) {
      const sigma = this.sigma[m]
      const e = (y - values[m]) / sigma
      // The constant of the density is the same for all.
      const likelihood = chosen ? -log(sigma) - 0.5 * e * e : logNormalCdf(-e)
      values[m] = this.logWeights[m] / WEIGHT_UNITS + likelihood
      if (m === 0 || values[m] > largest) largest = values[m]
    }
    this.total = 0
    for (let m = 0; m < values.length; m++) {
      const below = (values[m] - largest) * WEIGHT_UNITS
      const units = below > SMALLEST_WEIGHT ? Math.floor(below + 0.5) : SMALLEST_WEIGHT
      const weight = units > NEGLIGIBLE_WEIGHT ? exp(units / WEIGHT_UNITS) : 0
      this.logWeights[m] = units
      this.weights[m] = weight
      this.total += weight
    }
  }

  /** Computes what is expected of an item under the present weights. */
  rescore(item: number): void {
    const s = this.lengthMs(item) / 1000
    const logLength = log(s)
    const mu = this.mu
    this.computeMeans(item)
    let sum = 0
    for (let m = 0; m < mu.length; m++) {
      const weight = this.weights[m]
      if (weight > 0) sum += weight * expectedShare(mu[m], this.sigma[m], logLength)
    }
    const share = sum / this.total
    this.scores[item] = this.seconds ? share * s : share
  }

  /** What is expected of an item, as of its last `rescore`. */
  score(item: number): number {
    return this.scores[item]
  }

  /** True where every item must be rescored and `decide` called before another listen is weighed. */
  deciding(): boolean {
    return this.heard === this.after && this.section.lists > 1
  }

  /** After the first listens, with every item rescored: chooses the list that plays from now on. */
  decide(): void {
    if (!this.deciding()) return
    let best = this.worth(0) * (1 + this.margin)
    for (let list = 1; list < this.section.lists; list++) {
      const worth = this.worth(list)
      if (worth > best) {
        best = worth
        this.list = list
      }
    }
  }

  /** Notes that an item has been played. After as many songs as a list has, a new pass begins. */
  mark(item: number): void {
    this.last = item
    if (this.played[item] === 1) return
    this.played[item] = 1
    this.passed++
    if (this.passed < this.size) return
    this.passed = 0
    for (let i = 0; i < this.items; i++) this.played[i] = 0
  }

  /** What may come next: the songs that are left of the list, in its order, then the alternates that are left. */
  candidates(): number[] {
    const found: number[] = []
    for (let place = 0; place < this.size; place++) {
      const item = this.itemAt(this.list, place)
      if (this.free(item)) found.push(item)
    }
    if (found.length === 0) found.push(this.itemAt(this.list, 0))
    for (const item of this.alternates) if (this.free(item)) found.push(item)
    return found
  }

  /** What the published order has next. */
  published(): number {
    return this.candidates()[0]
  }

  /** The candidate of highest expectation, where that is above the published one's by the margin. */
  preferred(candidates: number[]): number {
    const published = candidates[0]
    let best = published
    for (const item of candidates) if (this.scores[item] > this.scores[best]) best = item
    return this.scores[best] > this.scores[published] * (1 + this.margin) ? best : published
  }

  /** The item that the listen with this sequence plays. */
  choose(sequence: number): number {
    const candidates = this.candidates()
    const u = uniform(this.seed, sequence)
    if (u < this.epsilon) return candidates[Math.floor((u / this.epsilon) * candidates.length)]
    return this.preferred(candidates)
  }

  private free(item: number): boolean {
    return this.played[item] === 0 && item !== this.last
  }

  /** What is expected of a list as a whole. */
  private worth(list: number): number {
    let sum = 0
    for (let place = 0; place < this.size; place++) sum += this.scores[this.itemAt(list, place)]
    return sum
  }

  private lengthMs(item: number): number {
    const at = ITEMS_AT + item * ITEM_BYTES + 2
    return u16(this.bytes, at) + this.bytes[at + 2] * 65536
  }

  private computeMeans(item: number): void {
    const bytes = this.bytes
    const s = this.section
    const scale = f32(bytes, s.header + 16)
    const mu = this.mu
    for (let m = 0; m < s.particles; m++) mu[m] = i16(bytes, s.constants + 2 * m) * scale
    let at = s.coefficients
    for (let v = 0; v < s.variables; v++) {
      const attribute = bytes[s.attributes + item * s.variables + v]
      if (attribute !== 0) {
        const x = (attribute < 128 ? attribute : attribute - 256) * f32(bytes, s.scales + 4 * v)
        for (let m = 0; m < s.particles; m++) mu[m] += x * i16(bytes, at + 2 * m)
      }
      at += 2 * s.particles
    }
  }
}
