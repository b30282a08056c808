// The least and the worst that a study can bring: every case gives finite numbers or says in words why not.

import assert from "node:assert/strict"
import { test } from "node:test"
import { describeFeatures, featureMatrix, type Song } from "../../../host/model/features.js"
import { type HeardPlay, observePlays } from "../../../host/model/observations.js"
import { predictSongs } from "../../../host/model/predict.js"
import { freezePrior, type PriorOptions } from "../../../host/model/prior.js"
import { stream } from "../../../host/model/random.js"
import {
  fitFirstBlock,
  type Profile,
  summarise,
  type TasteModel,
  type TasteOptions,
  updateTaste,
} from "../../../host/model/taste.js"
import { decodeTaste, encodeTaste } from "../../../host/model/taste-bytes.js"

interface Extreme {
  songs: Song[]
  /** Blocks of plays, the first for the Gibbs sampler, the others for the particles. */
  blocks: HeardPlay[][]
  /** What the notes must say, where there is something to say. */
  notes?: RegExp
  /** What they must say in the default profile. */
  defaultNotes?: RegExp
  /** Named among the columns left out. */
  leftOut?: string[]
  standardise?: boolean
  fit?: Partial<TasteOptions>
  prior?: PriorOptions
}

const rng = stream(71, "extremes")

/** `n` songs; `attributes` and `genre` by index. */
function songsWith(
  n: number,
  attributes: (i: number) => Record<string, number>,
  genre?: (i: number) => string,
  lengthS: (i: number) => number = () => 200,
): Song[] {
  return Array.from({ length: n }, (_, i) => ({
    id: i + 1,
    attributes: attributes(i),
    lengthS: lengthS(i),
    ...(genre === undefined ? {} : { genre: genre(i) }),
  }))
}

/** `n` plays of the songs in turn, about a minute long, every third one heard to the end. */
function playsOf(
  songs: readonly Song[],
  n: number,
  finished = (k: number): boolean => k % 3 === 0,
): HeardPlay[] {
  return Array.from({ length: n }, (_, k) => {
    const song = songs[k % songs.length]
    if (finished(k)) return { song: song.id, heardS: song.lengthS, reason: "finished" }
    const heardS = Math.max(0.5, Math.min(song.lengthS, 60 * Math.exp(0.7 * rng.normal())))
    return { song: song.id, heardS, reason: "skipped" }
  })
}

const skip = (song: number, heardS: number): HeardPlay => ({ song, heardS, reason: "skipped" })
const never = (): boolean => false
const always = (): boolean => true

const plain = songsWith(
  20,
  () => ({ tempo: rng.normal(), mood: rng.normal(), energy: rng.normal() }),
  (i) => ["Rock", "Pop", "Jazz"][i % 3],
)
const scaled = (scale: number, offset = 0): Song[] =>
  songsWith(20, () => ({ a: offset + scale * rng.normal(), b: offset + scale * rng.normal() }))
const lengths = (lengthS: (i: number) => number): Song[] =>
  songsWith(12, () => ({ tempo: rng.normal() }), undefined, lengthS)
const short = lengths(() => 1)
const long = lengths(() => 10_800)
const mixed = lengths((i) => (i % 2 === 0 ? 1 : 10_800))
const twins = songsWith(20, (i) => ({ a: plain[i].attributes.tempo, b: plain[i].attributes.tempo, c: i % 2 }))
const sums = songsWith(
  20,
  (i) => ({ isRock: i % 4 === 0 ? 1 : 0, notRock: i % 4 === 0 ? 0 : 1, twice: i % 4 === 0 ? 2 : 0 }),
  (i) => (i % 4 === 0 ? "Rock" : "Pop"),
)
const single = songsWith(
  1,
  () => ({ tempo: 3 }),
  () => "Rock",
)
const flat = songsWith(
  5,
  () => ({ tempo: 3, mood: 0 }),
  () => "Rock",
)
const lonely = songsWith(
  20,
  () => ({ tempo: rng.normal() }),
  (i) => `genre ${i}`,
)
const wide = songsWith(70, () =>
  Object.fromEntries(Array.from({ length: 60 }, (_, q) => [`a${q}`, rng.normal()])),
)

const EXTREMES: Record<string, Extreme> = {
  "one play": { songs: plain, blocks: [playsOf(plain, 1, never)], notes: /one play gives no variance/ },
  "one censored play": { songs: plain, blocks: [playsOf(plain, 1)], notes: /all 1 plays are censored/ },
  "two plays, then one, then one": {
    songs: plain,
    blocks: [playsOf(plain, 2), playsOf(plain, 1), playsOf(plain, 1)],
    notes: /4 plays for 6 coefficients/,
  },
  "fewer plays than coefficients": {
    songs: plain,
    blocks: [playsOf(plain, 4), playsOf(plain, 30)],
  },
  "60 attributes and 10 plays": {
    songs: wide,
    blocks: [playsOf(wide, 10), playsOf(wide, 10)],
    notes: /20 plays for 61 coefficients/,
  },
  "all censored, then all censored": {
    songs: plain,
    blocks: [playsOf(plain, 30, always), playsOf(plain, 30, always)],
    notes: /all 60 plays are censored/,
  },
  "all censored, then none": {
    songs: plain,
    blocks: [playsOf(plain, 30, always), playsOf(plain, 30, never)],
  },
  "none censored, then all": {
    songs: plain,
    blocks: [playsOf(plain, 30, never), playsOf(plain, 30, always)],
  },
  "a catalogue of one song": {
    songs: single,
    blocks: [playsOf(single, 20), playsOf(single, 5)],
    leftOut: ["tempo", "genre"],
  },
  "attributes and genre the same for every song": {
    songs: flat,
    blocks: [playsOf(flat, 20), playsOf(flat, 5)],
    leftOut: ["tempo", "mood", "genre"],
  },
  "columns that are copies of each other": { songs: twins, blocks: [playsOf(twins, 40), playsOf(twins, 20)] },
  "indicators that sum to the constant and repeat the genre": {
    songs: sums,
    blocks: [playsOf(sums, 40), playsOf(sums, 20)],
  },
  "copies, and the times an exact function of them": {
    songs: twins,
    blocks: [0, 1].map(() => twins.map((song) => skip(song.id, 60 * Math.exp(0.5 * song.attributes.a)))),
  },
  "a genre for every song": { songs: lonely, blocks: [playsOf(lonely, 40), playsOf(lonely, 20)] },
  "songs of one second": { songs: short, blocks: [playsOf(short, 24), playsOf(short, 12)] },
  "songs of three hours": { songs: long, blocks: [playsOf(long, 24), playsOf(long, 12)] },
  "songs of one second and of three hours, heard to the end": {
    songs: mixed,
    blocks: [playsOf(mixed, 24, always), playsOf(mixed, 12, always)],
    notes: /all 36 plays are censored/,
  },
  "songs of three hours skipped after half a second": {
    songs: long,
    blocks: [playsOf(long, 24, always), long.map((song) => skip(song.id, 0.5))],
  },
  "every play the same": {
    songs: plain,
    blocks: [Array.from({ length: 40 }, () => skip(1, 60)), Array.from({ length: 20 }, () => skip(1, 60))],
    notes: /all 40 plays have the same length/,
  },
  "one long play of one song among slips that are left out": {
    songs: plain,
    blocks: [
      [...Array.from({ length: 5 }, () => skip(2, 0.1)), skip(1, 60)],
      [skip(2, 0.1), skip(3, 30)],
    ],
    notes: /6 plays under 0.5 s left out/,
  },
  "a listener who turns: calm at first, then skipping at once": {
    songs: plain,
    blocks: [
      Array.from({ length: 40 }, (_, k) => skip(1 + (k % 20), 60 + 0.001 * k)),
      [skip(1, 0.5), skip(2, 0.5)],
    ],
    defaultNotes: /fitted again from all plays/,
  },
  "50 chains": {
    songs: plain,
    blocks: [playsOf(plain, 30), playsOf(plain, 10)],
    fit: { chains: 50, draws: 100 },
  },
  "one draw": { songs: plain, blocks: [playsOf(plain, 30), playsOf(plain, 10)], fit: { draws: 1 } },
  "a model-size prior of less than one attribute": {
    songs: plain,
    blocks: [playsOf(plain, 3), playsOf(plain, 30)],
    prior: { expectedSize: 0.01 },
  },
  "every attribute certain to be in, columns that are copies": {
    songs: twins,
    blocks: [playsOf(twins, 10), playsOf(twins, 10)],
    prior: { pi: 1 },
  },
  "hardly any attribute ever in": {
    songs: plain,
    blocks: [playsOf(plain, 30), playsOf(plain, 30)],
    prior: { pi: 1e-300 },
  },
  "nearly all forgotten, resampled the other way": {
    songs: plain,
    blocks: [1, 2, 3].map((wave) => playsOf(plain, 30).map((play) => ({ ...play, wave }))),
    fit: { forgetting: 1e-6, resampling: "ssp" },
  },
  "as many chains as draws": { songs: plain, blocks: [playsOf(plain, 30)], fit: { chains: 4, draws: 4 } },
}
for (const scale of [1e-12, 1e-6, 1e6, 1e12]) {
  for (const standardise of [true, false]) {
    const songs = scaled(scale)
    EXTREMES[`attributes of scale ${scale}, ${standardise ? "standardised" : "as they stand"}`] = {
      songs,
      blocks: [playsOf(songs, 40), playsOf(songs, 20)],
      standardise,
    }
  }
}
for (const standardise of [true, false]) {
  const songs = scaled(1, 1e6)
  EXTREMES[`attributes a million away from 0, ${standardise ? "standardised" : "as they stand"}`] = {
    songs,
    blocks: [playsOf(songs, 40), playsOf(songs, 20)],
    standardise,
  }
}

for (const [name, extreme] of Object.entries(EXTREMES)) {
  for (const profile of ["default", "thesis"] as const) {
    test(`${name}, profile ${profile}: finite estimates, diagnostics and predictions after every block`, () => {
      // The thesis profile refuses to forget, and says so (forget.test.ts).
      const fit = profile === "thesis" ? { ...extreme.fit, forgetting: undefined } : extreme.fit
      const notes = runThrough({ ...extreme, fit }, profile)
      if (extreme.notes !== undefined) assert.match(notes.join("\n"), extreme.notes)
      if (extreme.defaultNotes !== undefined && profile === "default") {
        assert.match(notes.join("\n"), extreme.defaultNotes)
      }
    })
  }
}

/** Fits and updates, checking every model; all notes on the way. */
function runThrough(
  { songs, blocks, leftOut, standardise, fit, prior }: Extreme,
  profile: Profile,
): string[] {
  const spec = describeFeatures(songs, { standardise })
  assert.deepEqual(
    spec.leftOut.map((column) => column.name),
    leftOut ?? [],
  )
  const byId = new Map(songs.map((song) => [song.id, song]))
  const options = { seed: 72, stream: ["extreme"] }
  const heard: HeardPlay[] = []
  const notes: string[] = []
  let model: TasteModel | undefined
  for (const block of blocks) {
    heard.push(...block)
    const observations = observePlays(heard, spec, byId)
    if (model === undefined) {
      const hyper = freezePrior(observations, spec, prior)
      if ("reason" in hyper) assert.fail(hyper.reason)
      model = fitFirstBlock(observations, hyper, { ...options, draws: 100, ...fit, profile })
    } else {
      model = updateTaste(model, observations, model.plays, { ...options, ...fit })
    }
    assertSound(model, featureMatrix(spec, songs), songs)
    notes.push(...model.warnings)
  }
  return notes
}

function assertFinite(values: ArrayLike<number>, what: string): void {
  for (let k = 0; k < values.length; k++) {
    assert.ok(Number.isFinite(values[k]), `${what}[${k}] is ${values[k]}`)
  }
}

/** Numbers are finite at every depth; null is an answer, undefined is none. */
function assertSaid(value: unknown, what: string): void {
  if (typeof value === "number") assert.ok(Number.isFinite(value), `${what} is ${value}`)
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) assertSaid(inner, `${what}.${key}`)
  } else assert.notEqual(value, undefined, what)
}

function assertSound(model: TasteModel, x: Float64Array, songs: readonly Song[]): void {
  const { particles, posterior, diagnostics, hyper } = model
  const { m, p, beta, gamma, sigma2, scale, logWeights } = particles
  assert.ok(m >= 1 && p === hyper.names.length)
  assert.deepEqual([beta.length, gamma.length, sigma2.length, scale.length], [m * p, m * p, m, m * p])
  assertFinite(beta, "beta")
  assertFinite(logWeights, "logWeights")
  assertFinite(scale, "scale")
  assertFinite(sigma2, "sigma2")
  assert.ok(
    sigma2.every((value) => value > 0),
    "sigma2 must be above 0",
  )
  for (let k = 0; k < m * p; k++) assert.equal(gamma[k] === 0, beta[k] === 0, `gamma and beta at ${k}`)
  for (const [key, value] of Object.entries(posterior)) {
    assertFinite(typeof value === "number" ? [value] : value, `posterior.${key}`)
    if (typeof value !== "number") assert.equal(value.length, p, key)
  }
  for (const q of hyper.names.keys()) {
    const share = posterior.inclusion[q]
    assert.ok(share >= 0 && share <= 1 + 1e-12, `inclusion of ${hyper.names[q]} is ${share}`)
    assert.ok(posterior.sd[q] >= 0 && posterior.meanError[q] >= 0 && posterior.inclusionError[q] >= 0)
  }
  assert.ok(posterior.sigma > 0)
  assertSaid(diagnostics, "diagnostics")
  assert.ok(diagnostics.ess > 0, `ess is ${diagnostics.ess}`)
  const summary = summarise(model)
  assert.deepEqual(JSON.parse(JSON.stringify(summary)), summary, "the summary as JSON")
  assert.deepEqual(decodeTaste(encodeTaste(model)), model, "the model from its bytes")
  const predictions = predictSongs(
    particles,
    x,
    Float64Array.from(songs, (song) => Math.log(song.lengthS)),
  )
  for (const [key, values] of Object.entries(predictions)) assertFinite(values, `predictions.${key}`)
  for (const share of predictions.share) assert.ok(share >= 0 && share <= 1, `share is ${share}`)
}

test("attributes too large or too small to be squared are left out and named, with what to do", () => {
  for (const scale of [1e-200, 1e-100, 1e100, 1e200]) {
    const songs = scaled(scale).map((song) => ({
      ...song,
      attributes: { ...song.attributes, c: rng.normal() },
    }))
    for (const standardise of [true, false]) {
      runThrough({ songs, blocks: [playsOf(songs, 20)], leftOut: ["a", "b"], standardise }, "default")
      for (const { reason } of describeFeatures(songs, { standardise }).leftOut) {
        assert.match(reason, /^reaches \d\.\d+e[+-]\d+: give it in another unit$/)
      }
    }
  }
})

test("no plays: the prior cannot be set, and says why", () => {
  const spec = describeFeatures(plain)
  const byId = new Map(plain.map((song) => [song.id, song]))
  for (const plays of [[], [skip(1, 0.2)], [skip(999, 60)]]) {
    const hyper = freezePrior(observePlays(plays, spec, byId), spec)
    assert.ok("reason" in hyper)
    assert.match(hyper.reason, /no plays/)
  }
})

test("no songs: only the constant is left, and there is nothing to fit from", () => {
  const spec = describeFeatures([])
  assert.deepEqual(spec.names, ["Constant"])
  const hyper = freezePrior(observePlays([skip(1, 60)], spec, new Map()), spec)
  assert.ok("reason" in hyper)
})

test("a first block without plays is the prior of its listener; a later one takes in the first plays", () => {
  const spec = describeFeatures(plain)
  const byId = new Map(plain.map((song) => [song.id, song]))
  const others = freezePrior(observePlays(playsOf(plain, 50), spec, byId), spec)
  if ("reason" in others) assert.fail(others.reason)
  for (const profile of ["default", "thesis"] as const) {
    const options = { seed: 73, stream: ["none"] }
    const model = fitFirstBlock(observePlays([], spec, byId), others, { ...options, draws: 200, profile })
    assertSound(model, featureMatrix(spec, plain), plain)
    assert.match(model.warnings.join("\n"), /no plays: the estimate is the prior/)
    const next = updateTaste(model, observePlays(playsOf(plain, 20), spec, byId), 0, options)
    assertSound(next, featureMatrix(spec, plain), plain)
    assert.equal(next.plays, 20)
  }
})

test("attributes missing from some songs count as average, and none is a NaN", () => {
  const gaps = songsWith(
    20,
    (i): Record<string, number> =>
      i % 3 === 0 ? {} : i % 3 === 1 ? { tempo: i } : { tempo: Number.NaN, mood: i },
  )
  runThrough({ songs: gaps, blocks: [playsOf(gaps, 40), playsOf(gaps, 20)] }, "default")
})
