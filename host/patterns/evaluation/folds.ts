// Parts of people for cross-validation, drawn from the seed.

import { stream } from "../../model/random.js"

export interface Fold {
  train: number[]
  test: number[]
}

/** `count` parts of 0 … n − 1, each the test of one fold; all ascending. */
export function foldsOf(n: number, count: number, seed: number): Fold[] {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  stream(seed, "folds", n, count).shuffle(order)
  const part = new Uint32Array(n)
  for (let i = 0; i < n; i++) part[order[i]] = i % count
  return toFolds(part, count)
}

/** The same with either label shared out evenly. */
export function stratifiedFolds(labels: ArrayLike<number>, count: number, seed: number): Fold[] {
  const n = labels.length
  const part = new Uint32Array(n)
  let next = 0
  for (const label of [0, 1]) {
    const own = Uint32Array.from({ length: n }, (_, i) => i).filter((i) => labels[i] === label)
    stream(seed, "stratified folds", n, count, label).shuffle(own)
    for (const i of own) part[i] = next++ % count
  }
  return toFolds(part, count)
}

function toFolds(part: Uint32Array, count: number): Fold[] {
  return Array.from({ length: count }, (_, fold) => {
    const all = [...part.keys()]
    return { train: all.filter((i) => part[i] !== fold), test: all.filter((i) => part[i] === fold) }
  })
}
