// Weeks that are mixtures of known patterns, and how well learnt ones match them.

import { stream } from "../../../host/model/random.js"
import { type Matrix, rowOf, zeros } from "../../../host/patterns/matrix.js"

const POINTS = 166
const CHANNELS = 4

/** `count` signed patterns over four channels, bumps at some hour of some days, each of length 1. */
export function plantedAtoms(count: number, seed: number): Matrix {
  const rng = stream(seed, "planted atoms")
  const atoms = zeros(count, CHANNELS * POINTS)
  for (let k = 0; k < count; k++) {
    const atom = rowOf(atoms, k)
    for (let c = 0; c < CHANNELS; c++) {
      const own = atom.subarray(c * POINTS, (c + 1) * POINTS)
      const days = [0, 1, 2, 3, 4, 5, 6]
      rng.shuffle(days)
      const hour = rng.int(24)
      const width = 1 + 2 * rng.uniform()
      const size = c === 0 ? Math.abs(rng.normal()) + 0.5 : rng.normal()
      for (const day of days.slice(0, 2 + rng.int(4))) {
        for (let i = 0; i < POINTS; i++) {
          own[i] += size * Math.exp(-0.5 * ((i + 1 - (day * 24 + hour)) / width) ** 2)
        }
      }
      const mean = own.reduce((sum, value) => sum + value, 0) / POINTS
      for (let i = 0; i < POINTS; i++) own[i] -= mean
    }
    const norm = Math.hypot(...atom)
    for (let i = 0; i < atom.length; i++) atom[i] /= norm
  }
  return atoms
}

/** Rows that mix `each` of the atoms with gamma(3) weights, with noise of `noise` standard deviations; scaled to 1. */
export function mixturesOf(atoms: Matrix, rows: number, each: number, noise: number, seed: number): Matrix {
  const rng = stream(seed, "mixtures")
  const x = zeros(rows, atoms.columns)
  for (let row = 0; row < rows; row++) {
    const order = Array.from({ length: atoms.rows }, (_, k) => k)
    rng.shuffle(order)
    for (const k of order.slice(0, each)) {
      const weight = rng.gamma(3)
      for (let j = 0; j < x.columns; j++)
        x.values[row * x.columns + j] += weight * atoms.values[k * x.columns + j]
    }
  }
  const sd = spread(x.values)
  for (let i = 0; i < x.values.length; i++) x.values[i] += noise * sd * rng.normal()
  const all = spread(x.values)
  for (let i = 0; i < x.values.length; i++) x.values[i] /= all
  return x
}

function spread(values: Float64Array): number {
  let sum = 0
  let square = 0
  for (const value of values) {
    sum += value
    square += value * value
  }
  const mean = sum / values.length
  return Math.sqrt(square / values.length - mean * mean)
}

/** For every planted atom the cosine of the learnt one that is matched with it, best pairs first. */
export function matchedCosines(learnt: Matrix, planted: Matrix): number[] {
  const pairs: { k: number; l: number; cosine: number }[] = []
  for (let k = 0; k < planted.rows; k++) {
    for (let l = 0; l < learnt.rows; l++) {
      const [a, b] = [rowOf(planted, k), rowOf(learnt, l)]
      const dot = a.reduce((sum, value, j) => sum + value * b[j], 0)
      pairs.push({ k, l, cosine: dot / (Math.hypot(...a) * Math.hypot(...b) || 1) })
    }
  }
  pairs.sort((a, b) => b.cosine - a.cosine)
  const [usedK, usedL] = [new Set<number>(), new Set<number>()]
  return pairs.flatMap(({ k, l, cosine }) => {
    if (usedK.has(k) || usedL.has(l)) return []
    usedK.add(k)
    usedL.add(l)
    return [cosine]
  })
}
