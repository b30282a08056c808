// The heavy work of a pass, as pure functions of plain data: a thread can run them, and gives what this thread would.
//
//   taste      one subject's model: first block, update, or all plays again
//   aggregate  the song constants of a set of plays
//   foretell   prequential score of one subject's new plays under every candidate weighting
//   average    what the averaged models expect of every song, for one subject

import { type Aggregate, type AggregatePlay, fitAggregate } from "../model/aggregate.js"
import { averagePredictions, type Contribution } from "../model/average.js"
import { borrow, type Weighting } from "../model/borrow.js"
import {
  aggregateDonor,
  type Centre,
  centreOf,
  DONOR_LIMIT,
  type Donor,
  donorPrior,
  nearestDonors,
  type SongTable,
  tasteDonor,
} from "../model/donors.js"
import type { Observations } from "../model/observations.js"
import type { Particles } from "../model/particles.js"
import { type Predictions, predictSongs } from "../model/predict.js"
import {
  type BlockScore,
  type Candidate,
  type Foretold,
  foretellBlock,
  type Own,
} from "../model/prequential.js"
import type { Hyper } from "../model/prior.js"
import { stream } from "../model/random.js"
import { fitFirstBlock, foretell, type TasteModel, type TasteOptions, updateTaste } from "../model/taste.js"

export interface TasteInput {
  observations: Observations
  options: TasteOptions
  /** A new model with this prior … */
  hyper?: Hyper
  /** … or this model, brought up to date. */
  model?: TasteModel
  /** Forgetting factors under which the new plays are to be foretold before the model takes them in. */
  deltas?: number[]
}

export interface TasteOutput {
  model: TasteModel
  /** log p(new plays | all before) under each of `deltas`. */
  foretold: number[]
}

export interface AggregateInput {
  plays: AggregatePlay[]
  seed: number
  stream: (string | number)[]
  draws: number
}

/** The models that can speak for a subject. */
export interface Crowd {
  /** One per subject with a model, ascending id. */
  members: { id: number; particles: Particles; heard: Uint32Array }[]
  /** Song constants without the plays of some subjects; `of`: which one is without a subject's own. */
  aggregates: Aggregate[]
  of: Map<number, number>
  /** The id under which the constants speak. */
  everybody: number
}

/** The subject whose models are to be averaged. */
interface Target {
  subject: number
  observations: Observations
  /** Log prior of each donor where a representation gives one: by subject id. */
  likeness?: Map<number, number>
}

export interface ForetellInput extends Target {
  before: Foretold
  /** The model of the rows before, for a first block the prior. */
  own: Own
  seed: number
  stream: (string | number)[]
}

export interface AverageInput extends Target {
  weighting: Weighting
  evidence: number
  /** Score every donor, however many there are. */
  all: boolean
}

export interface Average {
  predictions: Predictions
  /** Natural logs by subject, `everybody` for the song constants; who has no say is left out. */
  weights: Map<number, number>
}

export const TASKS = {
  taste(_: null, { observations, options, hyper, model, deltas = [] }: TasteInput): TasteOutput {
    if (model === undefined) return { model: fitFirstBlock(observations, hyper!, options), foretold: [] }
    const scores = deltas.length > 0 ? foretell(model, observations, model.plays, deltas, options) : []
    return { model: updateTaste(model, observations, model.plays, options), foretold: scores }
  },

  aggregate: (_: null, { plays, seed, stream: names, draws }: AggregateInput): Aggregate =>
    fitAggregate(plays, stream(seed, ...names), draws),

  foretell(crowd: Crowd, input: ForetellInput): { foretold: Foretold; block: BlockScore<Candidate> } {
    const { donors, logLikeness } = donorsFor(crowd, input, false)
    const rng = stream(input.seed, ...input.stream)
    return foretellBlock(input.before, input.observations, input.own, donors, rng, logLikeness)
  },

  average({ crowd, songs }: { crowd: Crowd; songs: SongTable }, input: AverageInput): Average {
    const { subject, observations, weighting, evidence } = input
    const own = crowd.members.find((member) => member.id === subject)!.particles
    const { ids, donors, logLikeness } = donorsFor(crowd, input, input.all)
    const scores = donors.map((donor) => donor.score(observations))
    const logPrior = logLikeness && donorPrior(logLikeness)
    const { logWeights } = borrow(weighting, { particles: own, observations, evidence }, scores, logPrior)
    const parts: Contribution[] = [{ predictions: predictSongs(own, songs.x, songs.logLength) }]
    const weights = new Map([[subject, logWeights[0]]])
    const heard = [logWeights[0]]
    donors.forEach((donor, d) => {
      const weight = logWeights[d + 1]
      if (weight === Number.NEGATIVE_INFINITY) return
      parts.push({ predictions: predictionsOf(donor, songs), known: donor.knows(songs.ids) })
      weights.set(ids[d], weight)
      heard.push(weight)
    })
    return { predictions: averagePredictions(parts, heard), weights }
  },
}

/** The other members that are near enough to be asked, and the song constants without the target's plays. */
function donorsFor(
  crowd: Crowd,
  { subject, observations, likeness }: Target,
  all: boolean,
): { ids: number[]; donors: Donor[]; logLikeness?: (number | undefined)[] } {
  const others = crowd.members.filter((member) => member.id !== subject)
  const likenessOf = others.map((member) => likeness?.get(member.id))
  const near =
    all || others.length <= DONOR_LIMIT
      ? Int32Array.from(others.keys())
      : nearestDonors(observations, others.map(centreOfMember), likenessOf)
  const ids = Array.from(near, (i) => others[i].id)
  const donors = Array.from(near, (i) => donorOf(others[i]))
  const logLikeness: (number | undefined)[] = Array.from(near, (i) => likenessOf[i])
  const aggregate = crowd.aggregates[crowd.of.get(subject) ?? -1]
  if (aggregate !== undefined && aggregate.plays > 0) {
    ids.push(crowd.everybody)
    donors.push(aggregateDonor(aggregate))
    logLikeness.push(undefined)
  }
  return { ids, donors, logLikeness: likeness && logLikeness }
}

/** Made once for all targets of a crowd. */
const donorsMade = new WeakMap<Particles, Donor>()

function donorOf({ particles, heard }: Crowd["members"][number]): Donor {
  const donor = donorsMade.get(particles) ?? tasteDonor(particles, new Set(heard))
  donorsMade.set(particles, donor)
  return donor
}

/** What a donor expects of the songs is the same whoever asks. */
const expected = new WeakMap<Donor, { songs: SongTable; predictions: Predictions }>()

function predictionsOf(donor: Donor, songs: SongTable): Predictions {
  const known = expected.get(donor)
  if (known?.songs === songs) return known.predictions
  const predictions = donor.predict(songs)
  expected.set(donor, { songs, predictions })
  return predictions
}

/** Made once for all targets of a crowd. */
const centres = new WeakMap<Particles, Centre>()

function centreOfMember({ particles }: Crowd["members"][number]): Centre {
  const centre = centres.get(particles) ?? centreOf(particles)
  centres.set(particles, centre)
  return centre
}
