// One pass: plays → model → design → publish. Readable from top to bottom.
//
//   estimate(study, …)   plays that no model has used become a block of their subject's model
//   runRound(study, …)   estimates, fits the song constants, averages, designs, publishes the next wave
//
// Everything random follows from the plan's seed and the names of subject, block and wave, so the same plays give
// the same playlists, whoever runs the pass and in whatever order the subjects come.

import { END_FINISHED, END_REASONS } from "../src/record.js"
import { describeCandidates } from "./design/candidates.js"
import { type Design, type DesignItem, designPlaylist } from "./design/design.js"
import { knowledgeOf } from "./design/information.js"
import { reasonText } from "./design/reason.js"
import {
  type Aggregate,
  type AggregatePlay,
  aggregateLogLikelihood,
  fitAggregate,
  predictAggregate,
} from "./model/aggregate.js"
import { encodeAggregate, summariseAggregate } from "./model/aggregate-bytes.js"
import {
  averagePredictions,
  averagingWeights,
  type Contribution,
  scoreMatrix,
  scoreModel,
} from "./model/average.js"
import { borrow } from "./model/borrow.js"
import { describeFeatures, type FeatureSpec, featureMatrix, type Song } from "./model/features.js"
import { type Observations, observePlays } from "./model/observations.js"
import { type Predictions, predictSongs } from "./model/predict.js"
import { freezePrior } from "./model/prior.js"
import { stream } from "./model/random.js"
import { fitFirstBlock, summarise, type TasteModel, updateTaste } from "./model/taste.js"
import { decodeTaste, encodeTaste } from "./model/taste-bytes.js"
import { EVERYBODY, type Model, UsedPlaysError } from "./store/models.js"
import type { Play } from "./store/plays.js"
import type { Subject } from "./store/subjects.js"
import { publish } from "./study/publish.js"
import type { Study } from "./study/study.js"

export interface RoundOptions {
  /** Unix milliseconds. */
  now: number
  /** Only these subjects; all (for an estimate: all with new plays) where absent. */
  subjects?: readonly number[]
  /** Told how many subjects are done. */
  progress?: (done: number) => void
}

export interface EstimateRow {
  subject: number
  /** Rows that the model has taken in by now; 0 where there is no model. */
  plays: number
  /** Rows of the new block. */
  added: number
  ess: number | null
  khat: number | null
  refitted: boolean
  note?: string
}

interface RoundRow {
  subject: number
  plays: number
  ess: number | null
  design: string
  /** Version published; null where none was. */
  version: number | null
  /** Share of utility given up to learn; null where the design has no utility. */
  price: number | null
  note?: string
}

export interface RoundReport {
  wave: number
  subjects: RoundRow[]
}

/** The catalogue as the model reads it, measured with the study's frozen yardstick. */
interface Catalogue {
  spec: FeatureSpec
  songs: (Song & { artist: string })[]
  byId: Map<number, Song>
}

/** A subject with what the store and the models know of it. */
interface Listener {
  subject: Subject
  plays: Play[]
  observations: Observations
  /** Undefined before the first estimate. */
  stored?: Model
  taste?: TasteModel
}

/** Takes new plays into the models of their subjects; a subject without new plays is left as it is. */
export async function estimate(study: Study, options: RoundOptions): Promise<EstimateRow[]> {
  const wanted = options.subjects ?? (await study.store.subjects.dirty())
  if (wanted.length === 0) return []
  const catalogue = await readCatalogue(study, options.now)
  const rows: EstimateRow[] = []
  for (const id of wanted) {
    const listener = await readListener(study, catalogue, id)
    try {
      rows.push(await estimateOne(study, catalogue, listener, options.now))
    } catch (error) {
      // A server beside this command estimates too: whichever commits first has done the work of both.
      if (!(error instanceof UsedPlaysError)) throw error
      rows.push({ ...untouched(listener), note: "estimated by another process in the meantime" })
    }
    options.progress?.(rows.length)
  }
  return rows
}

/** Estimates, then designs and publishes the next playlist of every wanted subject. */
export async function runRound(study: Study, options: RoundOptions): Promise<RoundReport> {
  const { store } = study
  const all = (await store.subjects.all()).map((subject) => subject.id)
  const wanted = options.subjects ?? all
  const dirty = await store.subjects.dirty()
  await estimate(study, { now: options.now, subjects: dirty })
  const catalogue = await readCatalogue(study, options.now)
  const listeners: Listener[] = []
  for (const id of all) listeners.push(await readListener(study, catalogue, id))
  await fitSongConstants(study, listeners, options.now)
  const wave = await nextWave(study, wanted)
  const subjects: RoundRow[] = []
  for (const id of wanted) {
    const listener = listeners.find((l) => l.subject.id === id)
    if (listener === undefined) throw new Error(`round: subject ${id} is not in the study`)
    subjects.push(await designAndPublish(study, catalogue, listeners, listener, wave, options.now))
    options.progress?.(subjects.length)
  }
  return { wave, subjects }
}

// ── plays → model ────────────────────────────────────────────────────────────────────────────────────────────

async function estimateOne(
  study: Study,
  catalogue: Catalogue,
  listener: Listener,
  now: number,
): Promise<EstimateRow> {
  const { subject, plays, observations, stored, taste } = listener
  const row = untouched(listener)
  const newest = plays.at(-1)
  if (newest === undefined || newest.id <= subject.estimatedPlay) return { ...row, note: "no new plays" }
  const { plan } = study
  const { profile, seed } = plan
  const named = ["subject", subject.id]
  const cycle = await designCycle(study, subject.id)
  // After designsBeforeRefit designs the subject starts again from all its plays (thesis p. 38).
  const again = taste !== undefined && cycle > Number(stored?.summary.cycle ?? 0)
  let model: TasteModel
  if (taste === undefined || again) {
    const hyper = taste?.hyper ?? freezePrior(observations, catalogue.spec)
    if ("reason" in hyper) return { ...row, note: hyper.reason }
    const streams = again ? [...named, "cycle", cycle] : named
    model = fitFirstBlock(observations, hyper, { profile, seed, stream: streams, draws: plan.draws })
  } else {
    model = updateTaste(taste, observations, taste.plays, { seed, stream: named })
  }
  await study.store.models.save({
    subject: subject.id,
    kind: "taste",
    at: now,
    particles: encodeTaste(model),
    summary: { ...summarise(model), blocks: model.blocks, cycle },
    diagnostics: { ...model.diagnostics },
    block: { toPlay: newest.id, plays: model.plays - row.plays },
  })
  const { ess, khat, refitted } = model.diagnostics
  const note = model.warnings.length > 0 ? model.warnings.join("; ") : undefined
  return { ...row, plays: model.plays, added: model.plays - row.plays, ess, khat, refitted, note }
}

function untouched({ subject, taste }: Listener): EstimateRow {
  return { subject: subject.id, plays: taste?.plays ?? 0, added: 0, ess: null, khat: null, refitted: false }
}

/** How often the subject has used up its designs. */
async function designCycle(study: Study, subject: number): Promise<number> {
  const made = (await study.store.playlists.of(subject)).filter((list) => list.design !== "random").length
  return Math.floor(made / study.plan.designsBeforeRefit)
}

async function fitSongConstants(study: Study, listeners: readonly Listener[], now: number): Promise<void> {
  const latest = await study.store.models.latest(EVERYBODY, "aggregate")
  const plays = listeners.flatMap(aggregatePlays)
  const through = Math.max(0, ...listeners.map((l) => l.plays.at(-1)?.id ?? 0))
  if (plays.length === 0 || Number(latest?.diagnostics.through ?? 0) === through) return
  const aggregate = fitAggregate(plays, stream(study.plan.seed, "aggregate"), study.plan.draws)
  await study.store.models.save({
    subject: EVERYBODY,
    kind: "aggregate",
    at: now,
    particles: encodeAggregate(aggregate),
    summary: summariseAggregate(aggregate),
    diagnostics: { through },
  })
}

function aggregatePlays({ subject, observations }: Listener): AggregatePlay[] {
  return Array.from(observations.y, (y, k) => ({
    subject: subject.id,
    song: observations.song[k],
    y,
    censored: observations.censored[k] === 1,
  }))
}

// ── models → predictions ─────────────────────────────────────────────────────────────────────────────────────

/** What the averaged models expect of every song, and who had what say in it. */
function average(
  study: Study,
  catalogue: Catalogue,
  listeners: readonly Listener[],
  target: Listener,
): { predictions: Predictions; weights: Map<number, number> } | undefined {
  const { taste, observations } = target
  if (taste === undefined) return undefined
  const { songs, spec } = catalogue
  const x = featureMatrix(spec, songs)
  const logLength = Float64Array.from(songs, (song) => Math.log(song.lengthS))
  const donors = listeners.filter((l) => l !== target && l.taste !== undefined)
  const parts: Contribution[] = [{ predictions: predictSongs(taste.particles, x, logLength) }]
  const scores = donors.map((donor) => scoreModel(donor.taste!.particles, observations))
  const ids = [target.subject.id, ...donors.map((donor) => donor.subject.id)]
  for (const donor of donors) {
    const heard = new Set(donor.observations.song)
    const known = Uint8Array.from(songs, (song) => (heard.has(song.id) ? 1 : 0))
    parts.push({ predictions: predictSongs(donor.taste!.particles, x, logLength), known })
  }
  const others = listeners.filter((l) => l !== target).flatMap(aggregatePlays)
  if (others.length > 0) {
    // The target's own plays are left out, or the aggregate would be judged by what it was fitted to.
    const rng = stream(study.plan.seed, "aggregate", "without", target.subject.id)
    const aggregate: Aggregate = fitAggregate(others, rng, study.plan.draws)
    const equal = new Float64Array(aggregate.m)
    scores.push(scoreMatrix(aggregateLogLikelihood(aggregate, observations), equal, observations.n))
    const ofSongs = predictAggregate(
      aggregate,
      songs.map((song) => song.id),
      logLength,
    )
    parts.push({ predictions: ofSongs, known: ofSongs.known })
    ids.push(EVERYBODY)
  }
  const logWeights =
    study.plan.profile === "thesis"
      ? averagingWeights("density", scoreModel(taste.particles, observations), scores)
      : borrow(
          taste.particles,
          observations,
          taste.hyper,
          scores,
          stream(study.plan.seed, "subject", target.subject.id, "evidence", observations.n),
        ).logWeights
  return {
    predictions: averagePredictions(parts, logWeights),
    weights: new Map(ids.map((id, i) => [id, logWeights[i]])),
  }
}

// ── predictions → playlist ───────────────────────────────────────────────────────────────────────────────────

async function designAndPublish(
  study: Study,
  catalogue: Catalogue,
  listeners: readonly Listener[],
  listener: Listener,
  wave: number,
  now: number,
): Promise<RoundRow> {
  const { plan, store } = study
  const { subject, taste } = listener
  const arm = plan.arms.find((candidate) => candidate.name === subject.arm)
  if (arm === undefined) throw new Error(`subject ${subject.id}: arm ${subject.arm} is not in the plan`)
  const row = {
    subject: subject.id,
    plays: taste?.plays ?? 0,
    ess: taste?.diagnostics.ess ?? null,
    design: arm.design as string,
    version: null,
    price: null,
  }
  if ((await store.subjects.enrolmentOf(subject.id)) === undefined) {
    return { ...row, note: "carries no board: fieldtune enrol" }
  }
  const averaged = average(study, catalogue, listeners, listener)
  if (averaged !== undefined) await store.models.saveWeights(listener.stored!.id, averaged.weights)
  const lists = await store.playlists.of(subject.id)
  const resting: number[][] = []
  for (const list of lists.slice(-plan.coolDownWaves || lists.length).reverse()) {
    resting.push((await store.playlists.items(list.id)).map((item) => item.song))
  }
  const made = lists.filter((list) => list.design !== "random").length
  const { predictions } = averaged ?? {}
  const design = designPlaylist({
    design: taste === undefined ? "random" : arm.design,
    size: plan.playlistSize,
    candidates: describeCandidates(catalogue.spec, catalogue.songs),
    constraints: { resting, maxShareGenre: plan.maxShareGenre },
    seed: plan.seed,
    stream: ["subject", subject.id, "wave", wave],
    utility: plan.profile === "thesis" ? predictions?.logTime : predictions?.share,
    knowledge: taste === undefined ? undefined : knowledgeOf(taste, listener.observations),
    particles: taste?.particles,
    names: catalogue.spec.names,
    finished: finishedOf(listener, lists.at(-1)?.id),
    profile: plan.profile,
    made: made % plan.designsBeforeRefit,
    planned: plan.designsBeforeRefit,
    explorationCap: plan.explorationCap,
    epsilon: plan.epsilon,
  })
  const published = await publish(store, {
    subject: subject.id,
    wave,
    design: design.summary.design,
    at: now,
    items: design.items.map((item) => playlistItem(item, design)),
    summary: { ...design.summary },
  })
  const note = design.summary.notes.length > 0 ? design.summary.notes.join("; ") : undefined
  const price = design.summary.price?.total ?? null
  return { ...row, design: design.summary.design, version: published.version, price, note }
}

function playlistItem(item: DesignItem, design: Design) {
  const { slot, terms, propensityFrom, rank, ...rest } = item
  return { ...rest, rank, reason: { text: reasonText(item, design.summary), slot, propensityFrom, terms } }
}

/** Songs of the subject's last playlist that were heard to the end. */
function finishedOf({ plays }: Listener, playlist: number | undefined): number[] {
  const finished = plays.filter((play) => play.playlist === playlist && play.reason === END_FINISHED)
  return [...new Set(finished.map((play) => play.song))].sort((a, b) => a - b)
}

async function nextWave(study: Study, subjects: readonly number[]): Promise<number> {
  let last = 0
  for (const id of subjects) {
    for (const list of await study.store.playlists.of(id)) last = Math.max(last, list.wave)
  }
  return last + 1
}

// ── store → memory ───────────────────────────────────────────────────────────────────────────────────────────

/** The features are frozen when they are first needed, so that a coefficient keeps its meaning as songs are added. */
async function readCatalogue(study: Study, now: number): Promise<Catalogue> {
  const { store } = study
  const rows = await store.songs.all()
  if (rows.length === 0) throw new Error("the catalogue is empty: fieldtune catalogue add FILE.csv")
  const songs = rows.map(({ id, genre, artist, attributes, lengthMs }) => ({
    id,
    genre: genre || undefined,
    artist,
    attributes,
    lengthS: lengthMs / 1000,
  }))
  const byId = new Map(songs.map((song) => [song.id, song]))
  const frozen = await store.models.latest(EVERYBODY, "features")
  if (frozen !== undefined) return { spec: frozen.summary as unknown as FeatureSpec, songs, byId }
  const spec = describeFeatures(songs)
  await store.models.save({
    subject: EVERYBODY,
    kind: "features",
    at: now,
    particles: new Uint8Array(0),
    summary: { ...spec },
    diagnostics: {},
  })
  return { spec, songs, byId }
}

async function readListener(study: Study, catalogue: Catalogue, id: number): Promise<Listener> {
  const { store } = study
  const subject = await store.subjects.get(id)
  if (subject === undefined) throw new Error(`subject ${id} is not in the study`)
  const plays = await store.plays.of(id)
  const heard = plays.map((play) => ({
    song: play.song,
    heardS: play.heardMs / 1000,
    reason: END_REASONS[play.reason],
  }))
  const observations = observePlays(heard, catalogue.spec, catalogue.byId)
  const stored = await store.models.latest(id, "taste")
  return { subject, plays, observations, stored, taste: stored && decodeTaste(stored.particles) }
}
