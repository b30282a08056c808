// What the catalogue's attributes are good for: what is missing, what says the same as something else.
//
// The columns looked at are those the model sees (host/model/features.ts): attributes scaled to variance 1 with missing
// values at the mean, and indicators of genres. Collinear columns cost nothing in prediction, but which of them a
// listener's taste goes by can't be told: their inclusion probabilities share what belongs to both.

import { describeFeatures, featureMatrix } from "../model/features.js"
import type { Song } from "../store/songs.js"

interface AttributeSummary {
  name: string
  /** Songs that have it. */
  songs: number
  /** Numbers of the first songs that lack it. */
  missing: number[]
  min: number
  mean: number
  max: number
  /** Songs more than 6 robust standard deviations (1.4826 × median absolute deviation) from the median. */
  outliers: number[]
}

export interface CatalogueReport {
  songs: number
  attributes: AttributeSummary[]
  /** Songs of each genre, most first; "" = none given. */
  genres: { genre: string; songs: number }[]
  /** Songs without title. */
  untitled: number[]
  /** Columns that the model leaves out, and why. */
  leftOut: { name: string; reason: string }[]
  /** 1 / (1 − R²) of each column by all the others; undefined where another column says it exactly. */
  inflation: { name: string; factor: number }[]
  /** Pairs with a correlation of at least 0.9 in size. */
  pairs: { a: string; b: string; correlation: number }[]
  /** Columns that others give exactly. */
  dependent: { name: string; of: string[] }[]
}

const NAMED = 20
const OUTLYING = 6
const ROBUST = 1.4826
const ALIKE = 0.9
/** A column of which the others leave less than this share of its variance is given by them. */
const NOTHING_LEFT = 1e-9
/** A coefficient below this is rounding. */
const NO_PART = 1e-6

export function describeCatalogue(songs: readonly Song[]): CatalogueReport {
  const names = [...new Set(songs.flatMap((song) => Object.keys(song.attributes)))]
  const counts = new Map<string, number>()
  for (const { genre } of songs) counts.set(genre, (counts.get(genre) ?? 0) + 1)
  const known = songs.map(({ id, genre, attributes, lengthMs }) => ({
    ...{ id, genre, attributes, lengthS: lengthMs / 1000 },
  }))
  const spec = describeFeatures(known)
  const columns = spec.names.slice(1)
  return {
    songs: songs.length,
    attributes: names.map((name) => summarise(name, songs)),
    genres: [...counts]
      .map(([genre, n]) => ({ genre, songs: n }))
      .sort((a, b) => b.songs - a.songs || (a.genre < b.genre ? -1 : 1)),
    untitled: songs.filter((song) => song.title === "").map((song) => song.id),
    leftOut: spec.leftOut,
    ...collinearity(columns, featureMatrix(spec, known), songs.length),
  }
}

function summarise(name: string, songs: readonly Song[]): AttributeSummary {
  const having = songs.filter((song) => song.attributes[name] !== undefined)
  const values = having.map((song) => song.attributes[name])
  const middle = median(values)
  const spread = ROBUST * median(values.map((value) => Math.abs(value - middle)))
  return {
    name,
    songs: having.length,
    missing: songs
      .filter((song) => song.attributes[name] === undefined)
      .slice(0, NAMED)
      .map((song) => song.id),
    min: values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    max: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    outliers:
      spread > 0
        ? having
            .filter((song) => Math.abs(song.attributes[name] - middle) > OUTLYING * spread)
            .slice(0, NAMED)
            .map((song) => song.id)
        : [],
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/**
 * Correlations, and a Cholesky decomposition that passes over columns which those before it give.
 * @param x n × (1 + columns), row-major, the constant first
 */
function collinearity(
  columns: readonly string[],
  x: Float64Array,
  n: number,
): Pick<CatalogueReport, "inflation" | "pairs" | "dependent"> {
  const p = columns.length
  const r = correlations(x, n, p)
  const pairs: CatalogueReport["pairs"] = []
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < i; j++) {
      const correlation = r[i * p + j]
      if (Math.abs(correlation) >= ALIKE) pairs.push({ a: columns[j], b: columns[i], correlation })
    }
  }
  // L of the columns kept, row by row; `kept` numbers them.
  const l = new Float64Array(p * p)
  const kept: number[] = []
  const dependent: CatalogueReport["dependent"] = []
  for (let i = 0; i < p; i++) {
    const row = new Float64Array(kept.length)
    let left = 1
    for (let k = 0; k < kept.length; k++) {
      let sum = r[i * p + kept[k]]
      for (let m = 0; m < k; m++) sum -= row[m] * l[k * p + m]
      row[k] = sum / l[k * p + k]
      left -= row[k] * row[k]
    }
    if (left < NOTHING_LEFT) {
      const part = backward(l, row, p)
      dependent.push({
        name: columns[i],
        of: kept.filter((_, k) => Math.abs(part[k]) > NO_PART).map((k) => columns[k]),
      })
      continue
    }
    l.set(row, kept.length * p)
    l[kept.length * p + kept.length] = Math.sqrt(left)
    kept.push(i)
  }
  // The j-th diagonal element of the inverse is the squared length of the j-th column of the inverse of L.
  const given = new Set(dependent.flatMap(({ name, of }) => [name, ...of]))
  const inflation = kept.map((column, j) => {
    const y = new Float64Array(kept.length)
    let factor = 0
    for (let i = j; i < kept.length; i++) {
      let sum = i === j ? 1 : 0
      for (let m = j; m < i; m++) sum -= l[i * p + m] * y[m]
      y[i] = sum / l[i * p + i]
      factor += y[i] * y[i]
    }
    return { name: columns[column], factor }
  })
  return { inflation: inflation.filter(({ name }) => !given.has(name)), pairs, dependent }
}

/** Solves Lᵀ·b = row. */
function backward(l: Float64Array, row: Float64Array, p: number): Float64Array {
  const b = row.slice()
  for (let k = b.length - 1; k >= 0; k--) {
    for (let m = k + 1; m < b.length; m++) b[k] -= l[m * p + k] * b[m]
    b[k] /= l[k * p + k]
  }
  return b
}

function correlations(x: Float64Array, n: number, p: number): Float64Array {
  const stride = p + 1
  const centred = new Float64Array(n * p)
  for (let j = 0; j < p; j++) {
    let mean = 0
    for (let i = 0; i < n; i++) mean += x[i * stride + j + 1] / n
    let squares = 0
    for (let i = 0; i < n; i++) squares += (x[i * stride + j + 1] - mean) ** 2
    for (let i = 0; i < n; i++) centred[i * p + j] = (x[i * stride + j + 1] - mean) / Math.sqrt(squares)
  }
  const r = new Float64Array(p * p)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < p; j++) {
      for (let k = 0; k <= j; k++) r[j * p + k] += centred[i * p + j] * centred[i * p + k]
    }
  }
  for (let j = 0; j < p; j++) for (let k = j + 1; k < p; k++) r[j * p + k] = r[k * p + j]
  return r
}
