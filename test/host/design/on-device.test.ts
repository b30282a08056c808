// What a board is sent to choose by itself, how near its arithmetic is to the model's, and what it gains.

import assert from "node:assert/strict"
import { test } from "node:test"
import { describeCandidates } from "../../../host/design/candidates.js"
import { type DesignInput, designPlaylist } from "../../../host/design/design.js"
import {
  type BoardPlaylist,
  fitToBoard,
  type OnDeviceOptions,
  prepareForBoard,
} from "../../../host/design/on-device.js"
import { describeFeatures, type Song } from "../../../host/model/features.js"
import { addLogLikelihood } from "../../../host/model/likelihood.js"
import { type HeardPlay, observePlays } from "../../../host/model/observations.js"
import { normalisedWeights, takeParticles } from "../../../host/model/particles.js"
import { predictSongs } from "../../../host/model/predict.js"
import { freezePrior, type Hyper } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import { systematic } from "../../../host/model/resample.js"
import { fitFirstBlock } from "../../../host/model/taste.js"
import { packPlaylist } from "../../../host/protocol/playlist.js"
import { Adaptation } from "../../../src/adapt.js"
import { END_FINISHED, END_REASONS, END_SKIPPED } from "../../../src/record.js"
import { MAX_FRAM_PLAYLIST_BYTES, MAX_PLAYLIST_BYTES } from "../../../src/wire.js"

const SONGS = 300
const ATTRIBUTES = ["tempo", "energy", "mood", "voice", "size", "volume"]
const GENRES = ["rock", "pop", "soul", "jazz"]
const SIGMA = 0.8

const OPTIONS: OnDeviceOptions = {
  ...{ margin: 0.1, alternates: 20, lists: 1, after: 3, epsilon: 0, particles: 32, variables: 12 },
}

const catalogue: Song[] = Array.from({ length: SONGS }, (_, i) => {
  const rng = stream(1, "song", i)
  return {
    id: i + 1,
    genre: GENRES[rng.int(GENRES.length)],
    lengthS: 150 + 150 * rng.uniform(),
    attributes: Object.fromEntries(ATTRIBUTES.map((name) => [name, rng.normal()])),
  }
})
const spec = describeFeatures(catalogue)
const candidates = describeCandidates(spec, catalogue)
const byId = new Map(catalogue.map((song) => [song.id, song]))

/** A listener with a taste of three attributes and one genre; every song has one listening time in all worlds. */
class Planted {
  private readonly beta: number[]

  constructor(readonly name: number) {
    const rng = stream(2, "listener", name)
    this.beta = spec.names.map((_, p) => (p === 0 ? 4.2 + 0.3 * rng.normal() : 0))
    const columns = [1, 2, 3, 4, 5, 6]
    rng.shuffle(columns)
    for (const p of columns.slice(0, 3)) this.beta[p] = 0.7 * rng.normal()
    this.beta[7 + rng.int(GENRES.length - 1)] = rng.normal()
  }

  hear(id: number): HeardPlay {
    const { lengthS } = byId.get(id)!
    let y = SIGMA * stream(3, "heard", this.name, id).normal()
    for (const [p, beta] of this.beta.entries()) y += beta * candidates.x[(id - 1) * spec.names.length + p]
    const time = Math.exp(y)
    return time >= lengthS
      ? { song: id, heardS: lengthS, reason: "finished" }
      : { song: id, heardS: time, reason: "skipped" }
  }

  share(id: number): number {
    return this.hear(id).heardS / byId.get(id)!.lengthS
  }
}

interface World {
  listener: Planted
  input: DesignInput & Required<Pick<DesignInput, "particles" | "utility">>
}

/** The listener's model after 25 plays of random songs, and the design's input. */
function worldOf(name: number, size = 40): World {
  const listener = new Planted(name)
  const rng = stream(4, "first wave", name)
  const ids = catalogue.map((song) => song.id)
  rng.shuffle(ids)
  const heard = ids.slice(0, 25)
  const observations = observePlays(
    heard.map((id) => listener.hear(id)),
    spec,
    byId,
  )
  const hyper = freezePrior(observations, spec) as Hyper
  const model = fitFirstBlock(observations, hyper, { seed: 5, stream: ["subject", name], draws: 200 })
  const { share } = predictSongs(model.particles, candidates.x, candidates.logLength)
  return {
    listener,
    input: {
      ...{ design: "utility", size, candidates, utility: share, particles: model.particles, epsilon: 0.1 },
      ...{ constraints: { resting: [heard] }, seed: 6, stream: ["subject", name, "wave", 2] },
    },
  }
}

const prepared = ({ input }: World, options: Partial<OnDeviceOptions> = {}): BoardPlaylist =>
  prepareForBoard(input, designPlaylist(input), { ...OPTIONS, ...options }, "share")

function packed({ songs, adaptation }: NonNullable<ReturnType<typeof fitToBoard>>): Uint8Array {
  const items = songs.map((song) => {
    return { song, lengthMs: Math.round(1000 * byId.get(song)!.lengthS), flags: 0 }
  })
  return packPlaylist(items, 1, adaptation)
}

test("what does not fit drops alternates first, then particles, then lists, and says so", () => {
  const world = worldOf(1, 50)
  const few = fitToBoard(prepared(world, { alternates: 3 }), MAX_PLAYLIST_BYTES)!
  assert.deepEqual(few.notes, [])
  assert.deepEqual([few.songs.length, few.adaptation.constants.numbers.length], [53, 32])
  const whole = fitToBoard(prepared(world, { alternates: 200 }), MAX_FRAM_PLAYLIST_BYTES)!
  assert.deepEqual([whole.songs.length, whole.notes], [250, []])
  assert.equal(whole.adaptation.constants.numbers.length, 32)
  const fitted = fitToBoard(prepared(world, { alternates: 200 }), MAX_PLAYLIST_BYTES)!
  const spare = MAX_PLAYLIST_BYTES - packed(fitted).length
  assert.ok(spare >= 0 && spare < 6 + fitted.adaptation.variables.length)
  assert.match(fitted.notes.join("; "), /^on the device: \d+ of 200 alternates fit 2000 bytes$/)
  const tight = fitToBoard(prepared(world), 1400)!
  assert.match(tight.notes.join("; "), /0 of 20 alternates fit 1400 bytes; .* \d+ of 32 particles fit/)
  const particles = tight.adaptation.constants.numbers.length
  assert.ok(particles >= 8 && particles < 32)
  assert.ok(
    packed(tight).length <= 1400 && packed(tight).length + 2 * (tight.adaptation.variables.length + 2) > 1400,
  )
  const lists = prepared(world, { lists: 3 })
  assert.equal(lists.lists.length, 3)
  const dropped = fitToBoard(lists, 1250)!
  assert.match(dropped.notes.join("; "), /[12] of 3 lists fit 1250 bytes/)
  const all = fitToBoard(lists, MAX_FRAM_PLAYLIST_BYTES)!
  const songs = all.adaptation.lists.map((list) => list.map((item) => all.songs[item]))
  assert.deepEqual([all.songs.slice(0, 50), ...songs], lists.lists)
  assert.equal(fitToBoard(prepared(world), 700), undefined)
})

test("alternates are the most useful songs that the rules allow and no list has", () => {
  const world = worldOf(2)
  const { input } = world
  const { lists, alternates } = prepared(world, { lists: 2 })
  const out = new Set([...lists.flat(), ...input.constraints!.resting![0]])
  const rest = catalogue.map((song) => song.id).filter((id) => !out.has(id))
  rest.sort((a, b) => input.utility[b - 1] - input.utility[a - 1])
  assert.deepEqual(alternates, rest.slice(0, 20))
})

test("further lists suit one half of the particles each, and a choice among them is worth something", () => {
  const world = worldOf(3)
  const { lists } = prepared(world, { lists: 3 })
  const { particles } = world.input
  const worth = lists.map((list) =>
    Array.from({ length: particles.m }, (_, i) => {
      const { share } = predictSongs(takeParticles(particles, [i]), candidates.x, candidates.logLength)
      return list.reduce((sum, song) => sum + share[song - 1], 0)
    }),
  )
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const best = sum(worth[0].map((value, i) => Math.max(value, worth[1][i], worth[2][i])))
  assert.ok(best > 1.01 * sum(worth[0]), `${best} and ${sum(worth[0])}`)
  const apart = worth[1].filter((value, i) => value > worth[2][i]).length
  assert.ok(apart > 0.3 * particles.m && apart < 0.7 * particles.m, `${apart}`)
})

/** The weights of `count` exact particles after the plays, and the board's, as the shares that they expect. */
function bothShares(world: World, options: Partial<OnDeviceOptions>, plays: number): [number[], number[]] {
  const playlist = prepared(world, options)
  const fitted = fitToBoard(playlist, MAX_FRAM_PLAYLIST_BYTES)!
  const count = fitted.adaptation.constants.numbers.length
  const rng = stream(playlist.seed, ...playlist.stream, "on the device")
  const indices = systematic(normalisedWeights(playlist.particles.logWeights), count, rng.uniform())
  const exact = takeParticles(playlist.particles, indices)
  const heard = fitted.songs.slice(0, plays).map((song) => world.listener.hear(song))
  const observations = observePlays(heard, spec, byId)
  addLogLikelihood(exact, observations, 0, observations.n, exact.logWeights)
  const { share } = predictSongs(exact, candidates.x, candidates.logLength)
  const board = new Adaptation(packed(fitted))
  for (const [item, { heardS, reason }] of heard.entries()) {
    board.weigh(item, Math.floor(1000 * heardS), END_REASONS.indexOf(reason))
  }
  const scores = fitted.songs.map((_, item) => {
    board.rescore(item)
    return board.score(item)
  })
  return [fitted.songs.map((song) => share[song - 1]), scores]
}

test("the board's quantised posterior expects what the exact one does", (t) => {
  for (const variables of [12, 5]) {
    let largest = 0
    let squares = 0
    let n = 0
    for (let name = 10; name < 20; name++) {
      const [exact, board] = bothShares(worldOf(name), { variables }, 30)
      for (const [i, value] of exact.entries()) {
        largest = Math.max(largest, Math.abs(board[i] - value))
        squares += (board[i] - value) ** 2
        n++
      }
    }
    const rms = Math.sqrt(squares / n)
    t.diagnostic(
      `${variables} variables, 30 listens: expected share differs by ${rms.toFixed(5)} rms, ${largest.toFixed(5)} at most`,
    )
    // With fewer variables than the taste has, the others count with their mean.
    assert.ok(rms < (variables === 12 ? 0.003 : 0.05), `${rms}`)
    assert.ok(largest < (variables === 12 ? 0.02 : 0.3), `${largest}`)
  }
})

/** Shares heard of the first `count` songs that a listener gets: in the published order, chosen by the published
 *  weights alone, and chosen with reweighing. */
function heardShares(name: number, count: number): [number, number, number] {
  const world = worldOf(name)
  const fitted = fitToBoard(prepared(world), MAX_PLAYLIST_BYTES)!
  const bytes = packed(fitted)
  const mean = (play: (board: Adaptation) => void, songs: number[]): number => {
    const board = new Adaptation(bytes)
    while (songs.length < count) {
      play(board)
    }
    return songs.reduce((sum, song) => sum + world.listener.share(song), 0) / count
  }
  const run = (choose: boolean, weigh: boolean): number => {
    const songs: number[] = []
    let before: number | undefined
    return mean((board) => {
      for (let item = 0; item < board.items; item++) if (choose) board.rescore(item)
      const ready = choose && songs.length > board.after
      const item = ready ? board.choose(songs.length + 1) : board.published()
      if (weigh && before !== undefined) {
        const { heardS, reason } = world.listener.hear(fitted.songs[before])
        board.weigh(before, Math.floor(1000 * heardS), reason === "finished" ? END_FINISHED : END_SKIPPED)
      }
      board.mark(item)
      before = item
      songs.push(fitted.songs[item])
    }, songs)
  }
  return [run(false, false), run(true, false), run(true, true)]
}

test("a board that chooses raises the share heard of planted tastes, and reweighing is part of it", (t) => {
  const listeners = 80
  const fixed: number[] = []
  const learnt: number[] = []
  for (let name = 100; name < 100 + listeners; name++) {
    const [published, frozen, reweighed] = heardShares(name, 25)
    fixed.push(reweighed - published)
    learnt.push(reweighed - frozen)
  }
  const interval = (values: number[]): [number, number, number] => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
    const half = 1.96 * Math.sqrt(variance / values.length)
    return [mean, mean - half, mean + half]
  }
  const told = (values: number[]): string => {
    const [mean, low, high] = interval(values)
    return `${mean.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`
  }
  t.diagnostic(`share heard, 25 songs of 40, ${listeners} listeners: ${told(fixed)} against the fixed order`)
  t.diagnostic(`${told(learnt)} against choosing by the published weights, never reweighed`)
  assert.ok(interval(fixed)[1] > 0)
  assert.ok(interval(learnt)[1] > 0)
})
