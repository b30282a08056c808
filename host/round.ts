// One pass: plays → model → design → publish. Readable from top to bottom.
//
//   estimate(study, …)   plays that no model has used become a block of their subject's model
//   runRound(study, …)   estimates, fits the song constants, scores the weightings, averages, designs, publishes
//
// Everything random follows from the plan's seed and the names of subject, block and wave, so the same plays give
// the same playlists, whoever runs the pass, with however many threads, and in whatever order the subjects come. The
// heavy parts are tasks (round/tasks.ts) that a pool of threads computes; this file alone writes to the store.
//
// A pass sees the plays there were when it began (`through`), whatever arrives meanwhile, and notes what else it went
// by (round/journal.ts), so that it can be repeated exactly (round/replay.ts).

import { describeCandidates } from "./design/candidates.js"
import { type Design, type DesignInput, type DesignItem, designPlaylist } from "./design/design.js"
import { knowledgeOf } from "./design/information.js"
import { type BoardPlaylist, prepareForBoard } from "./design/on-device.js"
import { reasonText } from "./design/reason.js"
import type { AggregatePlay } from "./model/aggregate.js"
import { encodeAggregate, summariseAggregate } from "./model/aggregate-bytes.js"
import { DRIFT_LIMIT } from "./model/drift.js"
import { log } from "./model/elementary.js"
import { featureMatrix } from "./model/features.js"
import { newestWave } from "./model/forget.js"
import { takeRows } from "./model/observations.js"
import { type BlockScore, CANDIDATES, type Candidate, type Choice, choose } from "./model/prequential.js"
import { freezePrior } from "./model/prior.js"
import { summarise } from "./model/taste.js"
import { decodeTaste, encodeTaste } from "./model/taste-bytes.js"
import { RoundError } from "./round/error.js"
import { noteRound, noteRounded } from "./round/journal.js"
import { type Catalogue, type Listener, readCatalogue, readListener } from "./round/listeners.js"
import { designsOf, finishedBefore, listsBefore } from "./round/lists.js"
import {
  DELTAS,
  type Delta,
  decideForgetting,
  decideWeighting,
  type ForgettingPolicy,
  forgettingOf,
  sumBlocks,
  type WeightingPolicy,
  weightingOf,
} from "./round/policy.js"
import { openPool, type Pool } from "./round/pool.js"
import { type PrequentialRecord, readRecord, saveRecord } from "./round/record.js"
import { type Scope, scopeOf } from "./round/scope.js"
import type { SongRange } from "./round/songs.js"
import type { AggregateInput, Average, Crowd, ForetellInput, TasteInput, TasteOutput } from "./round/tasks.js"
import { type Estimate, EVERYBODY, UsedPlaysError } from "./store/models.js"
import { OvertakenError } from "./store/playlists.js"
import type { Store } from "./store/store.js"
import { WithdrawnError } from "./store/withdrawn.js"
import { startPlan } from "./study/amend.js"
import { hasWithdrawn } from "./study/cohorts.js"
import { songsOf } from "./study/listener-songs.js"
import type { Plan } from "./study/plan.js"
import { type Carrier, carrierOf, type Published, publish } from "./study/publish.js"
import { remarkOnChoices } from "./study/repeat-choices.js"
import type { Study } from "./study/study.js"

/** Log prior that `donor`'s taste is the one of `subject`, from what is known besides their plays (where they grew
 *  up, what else they own, …): natural log, unnormalised, −∞ = certainly not; undefined where nothing is known. */
type Likeness = (subject: number, donor: number) => number | undefined

interface PassOptions {
  /** Unix milliseconds. */
  now: number
  /** Only these subjects; all (for an estimate: all with new plays) where absent. */
  subjects?: readonly number[]
  /** Largest play.id that counts; left out: all plays there are. */
  through?: number
  /** Told how many subjects are done. */
  progress?: (done: number) => void
  /** Threads that compute; 1, the default, is this one. */
  workers?: number
}

interface EstimateOptions extends PassOptions {
  /** As an earlier estimate was made, to make it again; left out: as the study stands. */
  repeat?: Pick<Estimate, "cycle" | "forgetting">
}

export interface RoundOptions extends PassOptions {
  likeness?: Likeness
  /** Number of the wave; left out: the open one, or the next of these subjects (round/scope.ts). */
  wave?: number
  /** false: the models are taken as they are. */
  estimate?: boolean
  /** As if these were the songs, and these the boards, instead of what the study has now. */
  songs?: readonly SongRange[]
  boards?: readonly (Carrier & { subject: number })[]
  /** Told what every design chose from. */
  designed?: Designed
}

export type Designed = (subject: number, input: DesignInput, design: Design) => void

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
  /** The board and the version published for it; null where none was. */
  device: string | null
  version: number | null
  /** Share of utility given up to learn; null where the design has no utility. */
  price: number | null
  /** Probability of so bad a score of the newest plays if the taste has not changed; null where it was not judged. */
  drift: number | null
  note?: string
}

export interface RoundReport {
  wave: number
  /** The weighting of this wave's averages. */
  weights: WeightingPolicy
  /** What every weighting scored on the plays since the last round; null where none were foretold. */
  foretold: Choice<Candidate> | null
  /** Power that the plays of a wave keep from each wave to the next. */
  forgetting: ForgettingPolicy
  subjects: RoundRow[]
  /** Who was left out from the start, and why. */
  left: Scope["left"]
  /** Whether it completed a round that was interrupted. */
  completes: boolean
}

/** Takes new plays into the models of their subjects; a subject without new plays is left as it is. */
export async function estimate(study: Study, options: EstimateOptions): Promise<EstimateRow[]> {
  const wanted = options.subjects ?? (await study.store.subjects.dirty())
  if (wanted.length === 0) return []
  const through = options.through ?? (await newestPlay(study.store))
  const catalogue = await readCatalogue(study, options.now)
  return withPool(options, (pool) => estimateAll(study, catalogue, wanted, { ...options, through }, pool))
}

/** Estimates, then designs and publishes the next playlist of every wanted subject. */
export async function runRound(study: Study, options: RoundOptions): Promise<RoundReport> {
  return withPool(options, async (pool) => {
    const { store } = study
    const { now } = options
    await startPlan(study, now)
    const { wave, subjects: wanted, left, completes } = await scopeOf(study, options)
    // Who has withdrawn speaks for nobody.
    const people = (await store.subjects.all()).filter((subject) => !hasWithdrawn(subject))
    const through = options.through ?? (await newestPlay(store))
    const catalogue = await readCatalogue(study, now, options.songs)
    if (options.estimate !== false) {
      await estimateAll(study, catalogue, await store.subjects.dirty(), { now, through }, pool)
    }
    const listeners: Listener[] = []
    for (const { id } of people) listeners.push(settled(await readListener(study, catalogue, id, through)))
    const boards = options.boards ?? (await boardsOf(store, wanted))
    const aggregates = await fitSongConstants(study, listeners, now, pool)
    const crowd = crowdOf(listeners, aggregates)
    const likenessOf = likenesses(listeners, options.likeness)
    const foretold = await foretellPlays(study, listeners, crowd, likenessOf, wave, now, pool)
    const scored = [...foretold.records.values()].map(({ blocks }) => sumBlocks(CANDIDATES, blocks))
    const weights = await decideWeighting(study, scored, wave - 1, now)
    const forgetting = await decideForgetting(study, listeners.flatMap(forgettingScores), wave - 1, now)
    const averages = averageAll(study, catalogue, listeners, crowd, likenessOf, {
      weights,
      records: foretold.records,
      wanted: boards.map(({ subject }) => subject),
      pool,
    })
    const lists = await store.playlists.newest()
    await noteRound(store, {
      at: now,
      wave,
      subjects: wanted,
      through,
      lists,
      tastes: listeners.flatMap(({ subject, stored }) => (stored ? [[subject.id, stored.version]] : [])),
      boards: [...boards],
      songs: catalogue.ranges,
      catalogue: catalogue.hash,
      weighting: weights.weighting,
      forgetting: forgetting.forgetting,
      likeness: options.likeness !== undefined,
    })
    const subjects: RoundRow[] = []
    for (const id of wanted) {
      const listener = listeners.find((l) => l.subject.id === id)!
      const board = boards.find(({ subject }) => subject === id)
      // What is to be repeated goes to the board that the subject carried then.
      const carries = options.boards !== undefined || (await stillCarries(store, id, board))
      const carrier = carries ? board : undefined
      try {
        const averaged = await averages.get(id)
        subjects.push(await designAndPublish(study, catalogue, listener, averaged, carrier, wave, options))
      } catch (cause) {
        throw interrupted(wave, wanted.slice(subjects.length), subjects, cause)
      }
      options.progress?.(subjects.length)
    }
    const published = subjects.flatMap(({ subject, device, version }) =>
      device === null || version === null ? [] : [{ subject, device, version }],
    )
    await noteRounded(store, { wave, through, lists, published }, now)
    const best = choose(CANDIDATES, foretold.blocks) ?? null
    return { wave, weights, foretold: best, forgetting, subjects, left, completes }
  })
}

/** What the researcher has to know where a playlist could not be made: every board has a whole list, old or new. */
function interrupted(
  wave: number,
  missing: readonly number[],
  done: readonly RoundRow[],
  cause: unknown,
): RoundError {
  const published = done.flatMap((row) => (row.version === null ? [] : [row.subject]))
  const whom = published.length > 0 ? `subjects ${published.join(", ")}` : "nobody"
  return new RoundError(
    `round: subject ${missing[0]}: ${(cause as Error).message}; wave ${wave} is published for ${whom}, ` +
      `all others keep the list they have; fieldtune round --subject ${missing.join(",")} completes it`,
    { cause },
  )
}

async function newestPlay(store: Store): Promise<number> {
  return (await store.plays.latest(1))[0]?.id ?? 0
}

async function boardsOf(
  store: Store,
  subjects: readonly number[],
): Promise<(Carrier & { subject: number })[]> {
  const boards = []
  for (const subject of subjects) {
    const carrier = await carrierOf(store, subject)
    if (carrier !== undefined) boards.push({ subject, ...carrier })
  }
  return boards
}

/** Boards change hands while a round computes. */
async function stillCarries(store: Store, subject: number, board: Carrier | undefined): Promise<boolean> {
  return (await store.subjects.enrolmentOf(subject))?.device === board?.device
}

async function withPool<T>({ workers = 1 }: PassOptions, body: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openPool(workers)
  try {
    return await body(pool)
  } finally {
    await pool.close()
  }
}

// ── plays → model ────────────────────────────────────────────────────────────────────────────────────────────

async function estimateAll(
  study: Study,
  catalogue: Catalogue,
  wanted: readonly number[],
  options: EstimateOptions & { through: number },
  pool: Pool,
): Promise<EstimateRow[]> {
  const rows: EstimateRow[] = []
  const { through, repeat } = options
  const policy = repeat?.forgetting ?? (await forgettingOf(study))
  const prepared: Prepared[] = []
  for (const id of wanted) {
    prepared.push(await prepareBlock(study, catalogue, id, through, policy, repeat?.cycle))
  }
  const models = pool.run(
    "taste",
    null,
    prepared.flatMap(({ input }) => (input === undefined ? [] : [input])),
  )
  for (const { listener, input, note, cycle } of prepared) {
    const row = untouched(listener)
    if (input === undefined) {
      rows.push({ ...row, note })
    } else {
      try {
        rows.push(await saveBlock(study, listener, await models.shift()!, { cycle, policy }, options.now))
      } catch (error) {
        // A server beside this command estimates too: whichever commits first has done the work of both.
        if (error instanceof WithdrawnError) rows.push({ ...row, note: "has withdrawn in the meantime" })
        else if (error instanceof UsedPlaysError)
          rows.push({ ...row, note: "estimated by another process in the meantime" })
        else throw error
      }
    }
    options.progress?.(rows.length)
  }
  const estimated = rows.flatMap(({ subject, added }) => (added > 0 ? [subject] : []))
  if (estimated.length > 0) {
    const detail = { through, subjects: estimated, catalogue: catalogue.hash }
    await study.store.events.append({
      at: options.now,
      kind: "estimated",
      subject: null,
      device: null,
      detail,
    })
  }
  return rows
}

interface Prepared {
  listener: Listener
  /** How often the subject has used up its designs. */
  cycle: number
  /** Left out where there is nothing to estimate, and why. */
  input?: TasteInput
  note?: string
}

async function prepareBlock(
  study: Study,
  catalogue: Catalogue,
  id: number,
  through: number,
  { forgetting, from }: Estimate["forgetting"],
  given?: number,
): Promise<Prepared> {
  const listener = await readListener(study, catalogue, id, through)
  const { subject, plays, observations, stored, taste } = listener
  const { profile, seed, draws, designsBeforeRefit, expectedModelSize } = study.plan
  const made = designsOf(await study.store.playlists.of(id))
  const cycle = given ?? Math.floor(made / designsBeforeRefit)
  const newest = plays.at(-1)
  if (newest === undefined || newest.id <= subject.estimatedPlay)
    return { listener, cycle, note: "no new plays" }
  const named = ["subject", id]
  // After designsBeforeRefit designs the subject starts again from all its plays (thesis p. 38).
  const again = taste !== undefined && cycle > Number(stored?.summary.cycle ?? 0)
  if (taste !== undefined && !again) {
    // Before the study has decided, the first plays of a later wave are foretold under every factor.
    const older = observations
      .wave!.subarray(0, taste.plays)
      .some((wave) => wave > 0 && wave < newestWave(observations, observations.n))
    const deltas = from === "rule" && older ? DELTAS.map(Number) : []
    const options = { seed, stream: named, forgetting }
    return { listener, cycle, input: { observations, model: taste, options, deltas } }
  }
  const hyper = taste?.hyper ?? freezePrior(observations, catalogue.spec, { expectedSize: expectedModelSize })
  if ("reason" in hyper) return { listener, cycle, note: hyper.reason }
  const options = { profile, seed, stream: again ? [...named, "cycle", cycle] : named, draws, forgetting }
  return { listener, cycle, input: { observations, hyper, options } }
}

async function saveBlock(
  study: Study,
  listener: Listener,
  { model, foretold }: TasteOutput,
  { cycle, policy }: { cycle: number; policy: Estimate["forgetting"] },
  now: number,
): Promise<EstimateRow> {
  const row = untouched(listener)
  const { forgetting, from } = policy
  const blocks = forgettingScores(listener)
  if (foretold.length > 0) {
    const scores = Object.fromEntries(DELTAS.map((delta, i) => [delta, foretold[i]])) as Record<Delta, number>
    blocks.push({ plays: model.plays - row.plays, scores })
  }
  await study.store.models.save({
    subject: row.subject,
    kind: "taste",
    at: now,
    particles: encodeTaste(model),
    summary: {
      ...summarise(model),
      blocks: model.blocks,
      cycle,
      ...(blocks.length > 0 ? { forgetting: sumBlocks(DELTAS, blocks) } : {}),
    },
    diagnostics: { ...model.diagnostics, forgetting: { forgetting, from } },
    block: {
      fromPlay: listener.subject.estimatedPlay,
      toPlay: listener.plays.at(-1)!.id,
      plays: model.plays - row.plays,
    },
  })
  const { ess, khat, refitted } = model.diagnostics
  const note = model.warnings.length > 0 ? model.warnings.join("; ") : undefined
  return { ...row, plays: model.plays, added: model.plays - row.plays, ess, khat, refitted, note }
}

/** What the forgetting factors have scored on the subject's plays so far: one block or none. */
function forgettingScores({ stored }: Listener): BlockScore<Delta>[] {
  const block = stored?.summary.forgetting as BlockScore<Delta> | undefined
  return block === undefined ? [] : [block]
}

function untouched({ subject, taste }: Listener): EstimateRow {
  return { subject: subject.id, plays: taste?.plays ?? 0, added: 0, ess: null, khat: null, refitted: false }
}

/** The listener without plays that came after the last estimate, so that every part of a round sees the same. */
function settled(listener: Listener): Listener {
  const { observations, taste } = listener
  if (taste === undefined || observations.n <= taste.plays) return listener
  const rows = Array.from({ length: taste.plays }, (_, row) => row)
  return { ...listener, observations: takeRows(observations, rows) }
}

// ── song constants ───────────────────────────────────────────────────────────────────────────────────────────

/** Groups of subjects that the constants are fitted without; with fewer subjects, each is a group. */
const AGGREGATE_FOLDS = 10

/** Stores the constants of all plays; gives those without each group's plays, by which its subjects are foretold:
 *  with a subject's own plays in them the constants would be judged by what they were fitted to. */
async function fitSongConstants(
  study: Study,
  listeners: readonly Listener[],
  now: number,
  pool: Pool,
): Promise<Pick<Crowd, "aggregates" | "of">> {
  const { seed, draws } = study.plan
  const latest = await study.store.models.latest(EVERYBODY, "aggregate")
  const through = Math.max(0, ...listeners.map((l) => l.plays.at(-1)?.id ?? 0))
  const of = new Map(listeners.map((l, i) => [l.subject.id, i % AGGREGATE_FOLDS]))
  const plays = listeners.flatMap(aggregatePlays)
  if (plays.length === 0) return { aggregates: [], of }
  const folds = Math.min(AGGREGATE_FOLDS, listeners.length)
  const inputs = Array.from({ length: folds }, (_, fold): AggregateInput => {
    const others = plays.filter((play) => of.get(play.subject) !== fold)
    return { plays: others, seed, stream: ["aggregate", "without", fold], draws }
  })
  const known = !latest?.withdrawnData && Number(latest?.diagnostics.through ?? 0) === through
  if (!known) inputs.push({ plays, seed, stream: ["aggregate"], draws })
  const fitted = await Promise.all(pool.run("aggregate", null, inputs))
  const aggregate = fitted[folds]
  if (aggregate !== undefined) {
    await study.store.models.save({
      subject: EVERYBODY,
      kind: "aggregate",
      at: now,
      particles: encodeAggregate(aggregate),
      summary: summariseAggregate(aggregate),
      diagnostics: { through },
    })
  }
  return { aggregates: fitted.slice(0, folds), of }
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

function crowdOf(listeners: readonly Listener[], aggregates: Pick<Crowd, "aggregates" | "of">): Crowd {
  const members = listeners.flatMap(({ subject, taste, observations }) =>
    taste === undefined
      ? []
      : [{ id: subject.id, particles: taste.particles, heard: new Uint32Array(new Set(observations.song)) }],
  )
  return { members, ...aggregates, everybody: EVERYBODY }
}

type LikenessOf = (subject: number) => Map<number, number> | undefined

/** What is known of all donors of a subject besides the plays. */
function likenesses(listeners: readonly Listener[], likeness?: Likeness): LikenessOf {
  return (subject) => {
    if (likeness === undefined) return undefined
    const found = new Map<number, number>()
    for (const { subject: donor } of listeners) {
      const value = donor.id === subject ? undefined : likeness(subject, donor.id)
      if (value !== undefined) found.set(donor.id, value)
    }
    return found
  }
}

/** Scores every candidate weighting on the plays that came since the last round, where the study needs to know. */
async function foretellPlays(
  study: Study,
  listeners: readonly Listener[],
  crowd: Crowd,
  likenessOf: LikenessOf,
  wave: number,
  now: number,
  pool: Pool,
): Promise<{ records: Map<number, PrequentialRecord>; blocks: BlockScore<Candidate>[] }> {
  const { plan, store } = study
  const records = new Map<number, PrequentialRecord>()
  const blocks: BlockScore<Candidate>[] = []
  const { weighting, from } = await weightingOf(study)
  if (from === "plan" && weighting !== "marginal") return { records, blocks }
  if (from === "profile") return { records, blocks }
  const fresh: { listener: Listener; record: PrequentialRecord; input: ForetellInput }[] = []
  for (const listener of listeners) {
    const { subject, taste, observations } = listener
    if (taste === undefined) continue
    const record = await readRecord(study, subject.id)
    records.set(subject.id, record)
    if (observations.n <= record.rows) continue
    const made = record.rows > 0 ? await store.models.at(subject.id, "taste", record.taste) : undefined
    const input: ForetellInput = {
      subject: subject.id,
      observations,
      likeness: likenessOf(subject.id),
      before: { rows: record.rows, evidence: record.evidence },
      own: made ? { model: decodeTaste(made.particles) } : { hyper: taste.hyper, draws: plan.draws },
      seed: plan.seed,
      stream: ["subject", subject.id, "foretell", record.rows],
    }
    fresh.push({ listener, record, input })
  }
  const results = pool.run(
    "foretell",
    crowd,
    fresh.map(({ input }) => input),
  )
  for (const [i, { listener, record }] of fresh.entries()) {
    const { foretold, block } = await results[i]
    const next = {
      ...foretold,
      taste: listener.stored!.version,
      blocks: [...record.blocks, { wave: wave - 1, ...block }],
    }
    await saveRecord(study, listener.subject.id, next, now)
    records.set(listener.subject.id, next)
    blocks.push(block)
  }
  return { records, blocks }
}

/** What the averaged models expect of every song, and who had what say in it, for each wanted subject with a model. */
function averageAll(
  study: Study,
  catalogue: Catalogue,
  listeners: readonly Listener[],
  crowd: Crowd,
  likenessOf: LikenessOf,
  how: {
    weights: WeightingPolicy
    records: ReadonlyMap<number, PrequentialRecord>
    wanted: readonly number[]
    pool: Pool
  },
): Map<number, Promise<Average>> {
  const { weights, records, wanted, pool } = how
  const { songs, spec } = catalogue
  const table = {
    ids: Uint32Array.from(songs, (song) => song.id),
    x: featureMatrix(spec, songs),
    logLength: Float64Array.from(songs, (song) => log(song.lengthS)),
  }
  const targets = listeners.filter(({ subject, taste }) => taste !== undefined && wanted.includes(subject.id))
  const averages = pool.run(
    "average",
    { crowd, songs: table },
    targets.map(({ subject, observations }) => ({
      subject: subject.id,
      observations,
      likeness: likenessOf(subject.id),
      weighting: weights.weighting,
      evidence: records.get(subject.id)?.evidence ?? 0,
      all: study.plan.profile === "thesis",
    })),
  )
  return new Map(targets.map(({ subject }, i) => [subject.id, averages[i]]))
}

// ── predictions → playlist ───────────────────────────────────────────────────────────────────────────────────

const DRIFT_ALARM = "drift: the newest plays are not what the model expected"

async function designAndPublish(
  study: Study,
  catalogue: Catalogue,
  listener: Listener,
  averaged: Average | undefined,
  carrier: Carrier | undefined,
  wave: number,
  { now, designed }: RoundOptions,
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
    device: null,
    version: null,
    price: null,
    drift: taste?.diagnostics.drift?.p ?? null,
  }
  if (carrier === undefined) return { ...row, note: "carries no board: fieldtune enrol" }
  if (averaged !== undefined) await store.models.saveWeights(listener.stored!.id, averaged.weights)
  const lists = await store.playlists.of(subject.id)
  const resting: number[][] = []
  for (const before of listsBefore(lists, wave, plan.coolDownWaves)) {
    const items = await Promise.all(before.map((list) => store.playlists.items(list.id)))
    resting.push(items.flat().map((item) => item.song))
  }
  const songs = songsOf(plan, catalogue.songs, subject.id)
  const utility = averaged?.predictions[utilityOf(plan)]
  const input: DesignInput = {
    design: taste === undefined ? "random" : arm.design,
    size: plan.playlistSize,
    candidates: describeCandidates(catalogue.spec, songs),
    constraints: {
      resting,
      maxShareGenre: plan.maxShareGenre,
      maxShareArtist: plan.maxShareArtist,
      utilityFloor: plan.utilityFloor,
    },
    seed: plan.seed,
    stream: ["subject", subject.id, "wave", wave],
    utility: utility && valuesOf(catalogue, songs, utility),
    knowledge: taste === undefined ? undefined : knowledgeOf(taste, listener.observations),
    particles: taste?.particles,
    names: catalogue.spec.names,
    finished: finishedBefore(lists, listener.plays, wave),
    profile: plan.profile,
    made: designsOf(lists) % plan.designsBeforeRefit,
    planned: plan.designsBeforeRefit,
    explorationCap: plan.explorationCap,
    epsilon: plan.epsilon,
  }
  const design = designPlaylist(input)
  designed?.(subject.id, input, design)
  const publication = {
    subject: subject.id,
    carrier,
    wave,
    design: design.summary.design,
    at: now,
    items: design.items.map((item) => playlistItem(item, design)),
    summary: { ...design.summary },
    onDevice: forBoard(plan, input, design),
    follows: lists.at(-1)?.id ?? 0,
  }
  let published: Published
  try {
    published = await publish(store, publication)
  } catch (error) {
    if (!(error instanceof OvertakenError)) throw error
    return { ...row, note: "another process has published for it in the meantime" }
  }
  const alarm = row.drift !== null && row.drift <= DRIFT_LIMIT ? [DRIFT_ALARM] : []
  const latest = lists.at(-1)
  const repeated = latest && remarkOnChoices(latest, listener.plays)
  const chosen = repeated === undefined ? [] : [repeated]
  const notes = [...alarm, ...chosen, ...design.summary.notes, ...published.notes]
  const note = notes.length > 0 ? notes.join("; ") : undefined
  const price = design.summary.price?.total ?? null
  const { device, version } = published
  return { ...row, design: design.summary.design, device, version, price, note }
}

/** What the board needs to choose by itself, where the plan lets it and there is a model to choose by. */
function forBoard(plan: Plan, input: DesignInput, design: Design): BoardPlaylist | undefined {
  const { particles, utility } = input
  if (plan.onDevice === undefined || particles === undefined || utility === undefined) return undefined
  const worth = utilityOf(plan) === "seconds" ? "seconds" : "share"
  return prepareForBoard({ ...input, particles, utility }, design, plan.onDevice, worth)
}

function playlistItem(item: DesignItem, design: Design) {
  const { slot, terms, propensityFrom, rank, ...rest } = item
  return { ...rest, rank, reason: { text: reasonText(item, design.summary), slot, propensityFrom, terms } }
}

function utilityOf({ utility, profile }: Plan): Exclude<Plan["utility"], "auto"> {
  if (utility !== "auto") return utility
  return profile === "thesis" ? "logTime" : "share"
}

/** Of `values`, one per song of the catalogue, those of `songs`. */
function valuesOf(
  catalogue: Catalogue,
  songs: readonly { id: number }[],
  values: Float64Array,
): Float64Array {
  const rowOf = new Map(catalogue.songs.map(({ id }, row) => [id, row]))
  return Float64Array.from(songs, ({ id }) => values[rowOf.get(id)!])
}
