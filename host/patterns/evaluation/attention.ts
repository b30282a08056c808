// A small self-attention classifier over the raw week: every hour with plays is a token that may look at all others, and
// all activities are told from their mean. It has no dictionary and no smoothing, so it says what those cost.
//
//   E = T·Wₑ   A = softmax(E·W_q(E·W_k)ᵀ/√d)   H = E + A·E·W_v   output = mean(H)·W_o + b
//
// trained by Adam on balanced log losses (Kingma & Ba 2015), stopped where people left out of training get worse. The
// gradient is written out by hand; the tests hold it against finite differences.

import { exp, log1p } from "../../model/elementary.js"
import { type Rng, stream } from "../../model/random.js"
import { type Matrix, rowOf } from "../matrix.js"
import { CHANNELS, HOURS } from "../week.js"
import type { Fold } from "./folds.js"

/** Numbers of a token: two waves of the day, one of the week, whether it is a weekend, four channels, a constant. */
const FEATURES = 12
const WIDTH = 12
/** Hours with the most plays, at most. */
const MOST_TOKENS = 96
const RATE = 0.01
const DECAY = 1e-3
const BATCH = 16
const MOST_EPOCHS = 40
const PATIENCE = 6
/** Every so many of the training people are left out to see when to stop. */
const LEFT_OUT = 5
const ADAM = { first: 0.9, second: 0.999, small: 1e-8 }

/** Hours of a person as tokens, count × FEATURES; hours without plays are none. `hours`: CHANNELS × HOURS. */
export function tokensOf(hours: Float64Array): Float64Array {
  const played = Array.from({ length: HOURS }, (_, hour) => hour).filter((hour) => hours[hour] > 0)
  played.sort((a, b) => hours[b] - hours[a] || a - b)
  const kept = played.slice(0, MOST_TOKENS).sort((a, b) => a - b)
  const tokens = new Float64Array(kept.length * FEATURES)
  for (const [i, hour] of kept.entries()) {
    const day = (2 * Math.PI * (hour % 24)) / 24
    const week = (2 * Math.PI * hour) / HOURS
    const values = [
      ...[Math.sin(day), Math.cos(day), Math.sin(2 * day), Math.cos(2 * day), Math.sin(week), Math.cos(week)],
      ...[hour >= 120 ? 1 : 0, log1p(hours[hour])],
      ...CHANNELS.slice(1).map((_, c) => hours[(c + 1) * HOURS + hour]),
      1,
    ]
    tokens.set(values, i * FEATURES)
  }
  return tokens
}

/** The weights: W_e, W_q, W_k, W_v, W_o, b one after the other. */
export class Attention {
  readonly weights: Float64Array
  private readonly places: number[]

  constructor(
    readonly outputs: number,
    rng: Rng,
  ) {
    const sizes = [FEATURES * WIDTH, WIDTH * WIDTH, WIDTH * WIDTH, WIDTH * WIDTH, WIDTH * outputs, outputs]
    let size = 0
    this.places = sizes.map((own) => {
      size += own
      return size - own
    })
    this.weights = new Float64Array(size)
    for (let i = 0; i < this.places[5]; i++) {
      this.weights[i] = rng.normal() / Math.sqrt(i < this.places[1] ? FEATURES : WIDTH)
    }
  }

  /** Outputs for a person; without a token, the constants. Where `gradient` is given, adds the one of
   *  Σ loss(output), whose derivatives by the outputs `slope` writes. */
  run(
    tokens: Float64Array,
    slope?: (outputs: Float64Array, into: Float64Array) => void,
    gradient?: Float64Array,
  ): Float64Array {
    const { weights, places, outputs } = this
    const [we, wq, wk, wv, wo, b] = places
    const n = tokens.length / FEATURES
    const e = times(tokens, n, FEATURES, weights, we, WIDTH)
    const q = times(e, n, WIDTH, weights, wq, WIDTH)
    const k = times(e, n, WIDTH, weights, wk, WIDTH)
    const v = times(e, n, WIDTH, weights, wv, WIDTH)
    const a = attention(q, k, n)
    const mean = new Float64Array(WIDTH)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const share = a[i * n + j] / n
        for (let c = 0; c < WIDTH; c++) mean[c] += share * v[j * WIDTH + c]
      }
      for (let c = 0; c < WIDTH; c++) mean[c] += e[i * WIDTH + c] / n
    }
    const out = weights.slice(b, b + outputs)
    for (let c = 0; c < WIDTH; c++)
      for (let o = 0; o < outputs; o++) out[o] += mean[c] * weights[wo + c * outputs + o]
    if (slope === undefined || gradient === undefined) return out
    const dOut = new Float64Array(outputs)
    slope(out, dOut)
    const dMean = new Float64Array(WIDTH)
    for (let c = 0; c < WIDTH; c++) {
      for (let o = 0; o < outputs; o++) {
        gradient[wo + c * outputs + o] += mean[c] * dOut[o]
        dMean[c] += weights[wo + c * outputs + o] * dOut[o]
      }
    }
    for (let o = 0; o < outputs; o++) gradient[b + o] += dOut[o]
    if (n === 0) return out
    // Every row of H has the same derivative, dMean/n.
    const dE = new Float64Array(n * WIDTH)
    const dQ = new Float64Array(n * WIDTH)
    const dK = new Float64Array(n * WIDTH)
    const dV = new Float64Array(n * WIDTH)
    const pull = new Float64Array(n)
    for (let j = 0; j < n; j++) for (let c = 0; c < WIDTH; c++) pull[j] += (v[j * WIDTH + c] * dMean[c]) / n
    const scale = 1 / Math.sqrt(WIDTH)
    for (let i = 0; i < n; i++) {
      let level = 0
      for (let j = 0; j < n; j++) level += a[i * n + j] * pull[j]
      for (let j = 0; j < n; j++) {
        const share = a[i * n + j]
        const bend = share * (pull[j] - level) * scale
        for (let c = 0; c < WIDTH; c++) {
          dV[j * WIDTH + c] += (share * dMean[c]) / n
          dQ[i * WIDTH + c] += bend * k[j * WIDTH + c]
          dK[j * WIDTH + c] += bend * q[i * WIDTH + c]
        }
      }
      for (let c = 0; c < WIDTH; c++) dE[i * WIDTH + c] += dMean[c] / n
    }
    for (const [d, at] of [
      [dQ, wq],
      [dK, wk],
      [dV, wv],
    ] as const) {
      backThrough(e, d, n, weights, at, gradient, dE)
    }
    for (let i = 0; i < n; i++) {
      for (let f = 0; f < FEATURES; f++) {
        const value = tokens[i * FEATURES + f]
        for (let c = 0; c < WIDTH; c++) gradient[we + f * WIDTH + c] += value * dE[i * WIDTH + c]
      }
    }
    return out
  }
}

/** x·W, n × width, W standing at `at`. */
function times(
  x: Float64Array,
  n: number,
  inner: number,
  weights: Float64Array,
  at: number,
  width: number,
): Float64Array {
  const out = new Float64Array(n * width)
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < inner; f++) {
      const value = x[i * inner + f]
      for (let c = 0; c < width; c++) out[i * width + c] += value * weights[at + f * width + c]
    }
  }
  return out
}

/** softmax(q·kᵀ/√d) by rows. */
function attention(q: Float64Array, k: Float64Array, n: number): Float64Array {
  const a = new Float64Array(n * n)
  const scale = 1 / Math.sqrt(WIDTH)
  for (let i = 0; i < n; i++) {
    let most = Number.NEGATIVE_INFINITY
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let c = 0; c < WIDTH; c++) sum += q[i * WIDTH + c] * k[j * WIDTH + c]
      a[i * n + j] = sum * scale
      if (a[i * n + j] > most) most = a[i * n + j]
    }
    let all = 0
    for (let j = 0; j < n; j++) {
      a[i * n + j] = exp(a[i * n + j] - most)
      all += a[i * n + j]
    }
    for (let j = 0; j < n; j++) a[i * n + j] /= all
  }
  return a
}

/** Adds what y = e·W passes back: to the gradient of W at `at`, and to that of e. */
function backThrough(
  e: Float64Array,
  dY: Float64Array,
  n: number,
  weights: Float64Array,
  at: number,
  gradient: Float64Array,
  dE: Float64Array,
): void {
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < WIDTH; f++) {
      let sum = 0
      for (let c = 0; c < WIDTH; c++) {
        gradient[at + f * WIDTH + c] += e[i * WIDTH + f] * dY[i * WIDTH + c]
        sum += weights[at + f * WIDTH + c] * dY[i * WIDTH + c]
      }
      dE[i * WIDTH + f] += sum
    }
  }
}

/** Balanced log loss of labels of 1 and 0 and its derivative; weights by class. */
class Losses {
  private readonly cost: [number, number][]

  constructor(
    private readonly labels: readonly Uint8Array[],
    train: readonly number[],
  ) {
    this.cost = labels.map((own) => {
      const ones = train.reduce((sum, row) => sum + own[row], 0)
      return [train.length / (2 * Math.max(1, train.length - ones)), train.length / (2 * Math.max(1, ones))]
    })
  }

  of(row: number, outputs: Float64Array): number {
    let sum = 0
    for (const [o, own] of this.labels.entries()) {
      const margin = own[row] === 1 ? outputs[o] : -outputs[o]
      sum += this.cost[o][own[row]] * (margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin)
    }
    return sum
  }

  slopes(row: number, outputs: Float64Array, into: Float64Array): void {
    for (const [o, own] of this.labels.entries()) {
      const sign = own[row] === 1 ? 1 : -1
      into[o] = (-sign * this.cost[o][own[row]]) / (1 + exp(sign * outputs[o]))
    }
  }
}

/**
 * Trains on the fold's training people; gives the scores of its test people, one list an activity.
 * @param hours people × (CHANNELS × HOURS), as weekOf gives them
 */
export function attentionScores(
  hours: Matrix,
  labels: readonly Uint8Array[],
  { train, test }: Fold,
  seed: number,
): Float64Array[] {
  const rng = stream(seed, "attention", test.length, test[0] ?? 0)
  const tokens = Array.from({ length: hours.rows }, (_, row) => tokensOf(rowOf(hours, row)))
  const order = [...train]
  rng.shuffle(order)
  const watched = order.filter((_, i) => i % LEFT_OUT === 0)
  const learnt = order.filter((_, i) => i % LEFT_OUT !== 0)
  const losses = new Losses(labels, train)
  const model = new Attention(labels.length, rng)
  const { weights } = model
  const gradient = new Float64Array(weights.length)
  const first = new Float64Array(weights.length)
  const second = new Float64Array(weights.length)
  let [power1, power2] = [1, 1]
  let best = { loss: Number.POSITIVE_INFINITY, weights: weights.slice(), epoch: 0 }
  for (let epoch = 0; epoch < MOST_EPOCHS && epoch - best.epoch <= PATIENCE; epoch++) {
    rng.shuffle(learnt)
    for (let from = 0; from < learnt.length; from += BATCH) {
      const batch = learnt.slice(from, from + BATCH)
      gradient.fill(0)
      for (const row of batch) {
        model.run(tokens[row], (out, into) => losses.slopes(row, out, into), gradient)
      }
      power1 *= ADAM.first
      power2 *= ADAM.second
      for (let i = 0; i < weights.length; i++) {
        const slope = gradient[i] / batch.length + DECAY * weights[i]
        first[i] = ADAM.first * first[i] + (1 - ADAM.first) * slope
        second[i] = ADAM.second * second[i] + (1 - ADAM.second) * slope * slope
        weights[i] -= (RATE * first[i]) / (1 - power1) / (Math.sqrt(second[i] / (1 - power2)) + ADAM.small)
      }
    }
    const loss = watched.reduce((sum, row) => sum + losses.of(row, model.run(tokens[row])), 0)
    if (loss < best.loss) best = { loss, weights: weights.slice(), epoch }
  }
  weights.set(best.weights)
  const out = test.map((row) => model.run(tokens[row]))
  return labels.map((_, o) => Float64Array.from(out, (outputs) => outputs[o]))
}
