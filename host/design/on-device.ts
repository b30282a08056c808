// What a board needs to choose by itself (thesis p. 61): a few particles over the variables that matter, the songs'
// attributes, alternates that may take a listed song's place, and whole lists to choose among.
//
//   prepareForBoard(input, design, options) → BoardPlaylist     the songs of lists and alternates
//   fitToBoard(playlist, maxBytes) → numbers of layout 2        as much of it as a slot holds
//
// A further list is the most useful playlist for one half of what is believed possible: the particles on one side of
// the song-to-song pattern in which they differ most. What does not fit leaves out alternates first, then particles,
// then lists. A variable beyond the most important ones counts with its mean: the last variable that is sent is then
// the sum of all those, the same under every particle.

import { MAX_PARTICLES, MAX_VARIABLES, PER_MILLE } from "../../src/adapt.js"
import { MAX_PLAYLIST_ITEMS } from "../../src/wire.js"
import { normalisedWeights, type Particles, takeParticles } from "../model/particles.js"
import { expectedShare, predictSongs } from "../model/predict.js"
import { stream } from "../model/random.js"
import { systematic } from "../model/resample.js"
import { adaptivePlaylistBytes, type PackedAdaptation } from "../protocol/playlist.js"
import type { Candidates } from "./candidates.js"
import { type Design, type DesignInput, designPlaylist } from "./design.js"
import { resolveRules } from "./resolve.js"

export interface OnDeviceOptions {
  /** Relative rise of what is expected at which the board leaves the published order, ≥ 0. */
  margin: number
  /** Songs beyond the lists that may take the place of listed ones. */
  alternates: number
  /** Whole playlists to choose among, 1 … 3. */
  lists: number
  /** Listens before the first choice, 0 … 255. */
  after: number
  /** Probability that a choice is drawn uniformly, 0 … 1. */
  epsilon: number
  /** 1 … 32. */
  particles: number
  /** 1 … 12. */
  variables: number
}

/** What the board is to have, before it is known how much of it fits. */
export interface BoardPlaylist {
  options: OnDeviceOptions
  worth: "share" | "seconds"
  /** Song numbers; list 0 is the designed playlist. */
  lists: number[][]
  /** Song numbers, the most useful first. */
  alternates: number[]
  candidates: Candidates
  particles: Particles
  /** Name the random stream of the particles that are taken. */
  seed: number | string
  stream: readonly (string | number)[]
}

interface FittedPlaylist {
  /** The table of items, song numbers: list 0 in playing order, what other lists have besides, alternates. */
  songs: number[]
  adaptation: PackedAdaptation
  notes: string[]
}

/** Fewer particles than these are no picture of what is believed. */
const LEAST_PARTICLES = 8

/** `input`: the one that `design` was made of, with particles and utilities. */
export function prepareForBoard(
  input: DesignInput & Required<Pick<DesignInput, "particles" | "utility">>,
  design: Design,
  options: OnDeviceOptions,
  worth: "share" | "seconds",
): BoardPlaylist {
  const { candidates, particles, utility } = input
  const first = design.items.map((item) => item.song)
  const others = options.lists > 1 ? listsForHalves(input, first, options.lists - 1) : []
  const lists = [first, ...others]
  const listed = new Set(lists.flat())
  const { rules } = resolveRules(candidates, input.constraints ?? {}, input.size)
  const alternates = Array.from(rules.rows)
    .filter((row) => !listed.has(candidates.ids[row]))
    .sort((a, b) => utility[b] - utility[a] || a - b)
    .slice(0, options.alternates)
    .map((row) => candidates.ids[row])
  const { seed } = input
  return { options, worth, lists, alternates, candidates, particles, seed, stream: input.stream }
}

/** The most useful playlist for each half of the particles; of one only, for the half that `first` suits less. */
function listsForHalves(
  input: DesignInput & Required<Pick<DesignInput, "particles">>,
  first: readonly number[],
  count: number,
): number[][] {
  const { candidates, particles, size } = input
  const found = halves(particles, candidates).map((half, k) => {
    const { share } = predictSongs(takeParticles(particles, half), candidates.x, candidates.logLength)
    const list = designPlaylist({
      ...input,
      design: "utility",
      utility: share,
      size,
      stream: [...input.stream, "list", k + 1],
    })
    const songs = list.items.map((item) => item.song)
    const worth = (list: readonly number[]): number =>
      list.reduce((sum, song) => sum + share[candidates.ids.indexOf(song)], 0)
    return { songs, gain: worth(songs) - worth(first) }
  })
  return found
    .sort((a, b) => b.gain - a.gain)
    .slice(0, count)
    .map(({ songs }) => songs)
}

/** Steps of the power method: a direction that splits the particles need not be exact. */
const POWER_STEPS = 30

/** Indices of the particles below and above the median along their first principal component, by expected shares. */
function halves(particles: Particles, { x, p, logLength }: Candidates): [number[], number[]] {
  const { m, beta, sigma2 } = particles
  const n = logLength.length
  const rows = Array.from({ length: m }, (_, i) => {
    const sigma = Math.sqrt(sigma2[i])
    return Float64Array.from(logLength, (length, song) => {
      let mu = 0
      for (let q = 0; q < p; q++) mu += x[song * p + q] * beta[i * p + q]
      return expectedShare(mu, sigma, length)
    })
  })
  for (let song = 0; song < n; song++) {
    let mean = 0
    for (const row of rows) mean += row[song] / m
    for (const row of rows) row[song] -= mean
  }
  let along = rows.map((_, i) => 1 + i / m)
  for (let step = 0; step < POWER_STEPS; step++) {
    const direction = new Float64Array(n)
    for (const [i, row] of rows.entries()) for (let s = 0; s < n; s++) direction[s] += along[i] * row[s]
    along = rows.map((row) => row.reduce((sum, value, s) => sum + value * direction[s], 0))
    const length = Math.sqrt(along.reduce((sum, value) => sum + value * value, 0)) || 1
    along = along.map((value) => value / length)
  }
  const order = along.map((_, i) => i).sort((a, b) => along[a] - along[b] || a - b)
  const middle = Math.ceil(m / 2)
  return [order.slice(0, middle), order.slice(m > 1 ? middle : 0)]
}

/** The numbers of layout 2 within `maxBytes`; undefined where not even the least of it fits. */
export function fitToBoard(playlist: BoardPlaylist, maxBytes: number): FittedPlaylist | undefined {
  const { options, candidates } = playlist
  const size = playlist.lists[0].length
  const asked = Math.min(options.particles, MAX_PARTICLES, playlist.particles.m)
  const chosen = importantVariables(playlist)
  for (let lists = playlist.lists.length; lists >= 1; lists--) {
    const listed = [...new Set(playlist.lists.slice(0, lists).flat())]
    for (let particles = asked; particles >= Math.min(asked, LEAST_PARTICLES); particles--) {
      const bytes = (items: number) =>
        adaptivePlaylistBytes(items, size, lists, particles, chosen.sent.length)
      const perItem = bytes(listed.length + 1) - bytes(listed.length)
      const room = Math.floor((maxBytes - bytes(listed.length)) / perItem)
      const places = Math.min(room, MAX_PLAYLIST_ITEMS - listed.length)
      if (places < 0) continue
      const songs = [...listed, ...playlist.alternates.slice(0, places)]
      const place = new Map(songs.map((song, i) => [song, i]))
      const notes: string[] = []
      const lacks = (what: string, left: number, of: number): void => {
        if (left < of) notes.push(`on the device: ${left} of ${of} ${what} fit ${maxBytes} bytes`)
      }
      lacks("alternates", songs.length - listed.length, playlist.alternates.length)
      lacks("particles", particles, asked)
      lacks("lists", lists, playlist.lists.length)
      const rows = songs.map((song) => candidates.ids.indexOf(song))
      const others = playlist.lists
        .slice(1, lists)
        .map((list) => list.map((song) => place.get(song) as number))
      return { songs, adaptation: quantise(playlist, rows, size, others, particles, chosen), notes }
    }
  }
  return undefined
}

interface Variables {
  /** Columns that are sent each for itself. */
  own: number[]
  /** Columns that are sent as their sum in the mean. */
  summed: number[]
  /** All that are sent: columns, and −1 for the sum. */
  sent: number[]
}

/** Which columns make songs differ most: E[β²] times the column's mean square over the candidates. */
function importantVariables({ particles, candidates, options }: BoardPlaylist): Variables {
  const { m, p, beta } = particles
  const weights = normalisedWeights(particles.logWeights)
  const importance = Array.from({ length: p }, (_, column) => {
    let squares = 0
    for (let i = 0; i < m; i++) squares += weights[i] * beta[i * p + column] * beta[i * p + column]
    let size = 0
    for (let song = 0; song < candidates.ids.length; song++) {
      size += candidates.x[song * p + column] * candidates.x[song * p + column]
    }
    return squares * size
  })
  const order = importance
    .map((_, column) => column)
    .filter((column) => column > 0 && importance[column] > 0)
    .sort((a, b) => importance[b] - importance[a] || a - b)
  const most = Math.min(options.variables, MAX_VARIABLES)
  if (order.length <= most) return { own: order, summed: [], sent: order }
  const own = order.slice(0, most - 1)
  return { own, summed: order.slice(most - 1), sent: [...own, -1] }
}

const MAX_I8 = 127
const MAX_I16 = 32767
const MAX_U16 = 65535

function quantise(
  playlist: BoardPlaylist,
  rows: readonly number[],
  size: number,
  lists: number[][],
  count: number,
  { own, summed }: Variables,
): PackedAdaptation {
  const { options, worth, candidates, particles } = playlist
  const { p, beta } = particles
  const rng = stream(playlist.seed, ...playlist.stream, "on the device")
  const weights = normalisedWeights(particles.logWeights)
  const taken = takeParticles(particles, systematic(weights, count, rng.uniform()))
  const column = (q: number): number[] => Array.from({ length: count }, (_, i) => taken.beta[i * p + q])
  const attribute = (q: number): number[] => rows.map((row) => candidates.x[row * p + q])
  const variable = (values: number[], coefficients: number[]): PackedAdaptation["variables"][number] => {
    const x = scaledTo(values, MAX_I8)
    const b = scaledTo(coefficients, MAX_I16)
    return { scale: single(x.scale * b.scale), attributes: x.numbers, coefficients: b.numbers }
  }
  const variables = own.map((q) => variable(attribute(q), column(q)))
  if (summed.length > 0) {
    const means = summed.map((q) => weights.reduce((sum, w, i) => sum + w * beta[i * p + q], 0))
    const sums = rows.map((row) =>
      summed.reduce((sum, q, k) => sum + candidates.x[row * p + q] * means[k], 0),
    )
    variables.push(variable(sums, new Array(count).fill(1)))
  }
  const sigmas = scaledTo(
    Array.from(taken.sigma2, (s2) => Math.sqrt(s2)),
    MAX_U16,
  )
  return {
    size,
    lists,
    worth,
    after: options.after,
    margin: Math.min(MAX_U16, Math.round(options.margin * PER_MILLE)),
    epsilon: Math.round(options.epsilon * PER_MILLE),
    seed: Math.floor(rng.uniform() * 4294967296),
    constants: scaledTo(column(0), MAX_I16),
    sigmas: { scale: sigmas.scale, numbers: sigmas.numbers.map((value) => Math.max(1, value)) },
    variables,
  }
}

/** Whole numbers up to `largest` in absolute value, and their unit. */
function scaledTo(values: readonly number[], largest: number): { scale: number; numbers: number[] } {
  const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const scale = reach > SMALLEST_REACH ? single(reach / largest) : 1
  const numbers = values.map((value) => Math.max(-largest, Math.min(largest, Math.round(value / scale))))
  return { scale, numbers }
}

/** Below it values are as good as 0, and their unit would be no normal 32-bit number. */
const SMALLEST_REACH = 1e-15

/** The 32-bit float next to `value`. */
function single(value: number): number {
  return new Float32Array([value])[0]
}
