// What a rehearsed study finds, as its report would, and what only a rehearsal knows: the truth.
//
//   arms       share heard and share finished per arm and wave: means over the subjects
//   table 8    weights of the other listeners in the averages after the first wave, own model = 1
//   table 9    arms compared by Welch's t-test, in each wave and in the change from the first to the last
//   estimates  the first wave's posterior against the taste that made the plays: bias, coverage of 95 % intervals
//   needs      what the boards have to hold and to last
//   lost       listens that sounded before a board's last contact and are not stored; must be 0, as must duplicated

import { exp } from "../../model/elementary.js"
import { featureMatrix } from "../../model/features.js"
import { normalisedWeights } from "../../model/particles.js"
import { weightedQuantile } from "../../model/predict.js"
import { decodeTaste } from "../../model/taste-bytes.js"
import { readCatalogue, readListener } from "../../round/listeners.js"
import { openPool } from "../../round/pool.js"
import type { Crowd } from "../../round/tasks.js"
import { contentHash } from "../../store/hash.js"
import { EVERYBODY } from "../../store/models.js"
import { type OutcomeValue, outcomeValues } from "../../study/outcomes.js"
import type { Plan } from "../../study/plan.js"
import { type NoTest, type WelchTest, welchTest } from "../../study/statistics/welch.js"
import { matchListens } from "../ledger.js"
import { LOG_RECORDS } from "./board-model.js"
import type { PocketLedger } from "./pocket.js"
import type { Firmware, WholeStudy } from "./run.js"

const MEASURES = ["shareHeard", "shareFinished"] as const
type Measure = (typeof MEASURES)[number]

/** Shorter plays are slips, as in the plan's outcomes. */
const MIN_HEARD_MS = 500

interface ArmFindings {
  subjects: number
  /** One per wave; null where nobody of the arm listened. */
  shareHeard: (number | null)[]
  shareFinished: (number | null)[]
}

/** One line of table 9: the first arm of the plan against another. */
export interface Comparison {
  measure: Measure
  /** Number of the wave, or the change from the first to the last. */
  wave: number | "change"
  arms: [string, string]
  test: WelchTest | NoTest
}

/** Weights of the other subjects' models in a subject's average, as multiples of the weight of its own. */
export interface WeightSpread {
  weights: number
  mean: number
  median: number
  low: number
  high: number
  sd: number
  /** Share of the weights above 1. */
  aboveOwn: number
}

interface Estimates {
  /** Coefficients of the first wave's models that were compared with the truth. */
  coefficients: number
  /** Share of them inside their 95 % interval. */
  coverage: number | null
  /** Mean of estimate less truth in the direction of the truth, of coefficients that matter (log seconds): below 0 =
   *  drawn towards 0. */
  bias: number | null
  /** Mean size of those coefficients. */
  size: number | null
}

interface Needs {
  /** Most records that a board held at once, and how many it has room for. */
  logFill: number
  logRoom: number
  /** Listens that found the log full. */
  notRecorded: number
  /** Hours of music of a subject in a wave, and of the longest outing; hours with power in a wave. */
  listeningHours: { mean: number; most: number }
  longestOutingHours: number
  poweredHours: { mean: number; most: number }
  /** Contacts with the host of a subject in a wave. */
  syncs: { mean: number; most: number }
}

export interface Findings {
  seed: number
  subjects: number
  waves: number
  firmware: Firmware
  effect: number
  arms: Record<string, ArmFindings>
  table8: { used: { weighting: string; spread: WeightSpread | null }; density: WeightSpread | null }
  table9: Comparison[]
  /** Share of utility that the designed lists gave up to learn and to chance, by arm: mean and most. */
  price: Record<string, { lists: number; mean: number; most: number } | null>
  estimates: Estimates
  needs: Needs
  droppedOut: number
  boardsLost: number
  /** Listens that went with a lost board before they reached the host. */
  lostWithBoards: number
  plays: number
  lost: number
  duplicated: number
  panics: number
  /** Content of the database. */
  sha: string
}

/** `workers`: threads; the findings do not depend on them. */
export async function findingsOf(whole: WholeStudy, workers: number): Promise<Findings> {
  const { study, options, participants, happenings } = whole
  const { plan, store } = study
  const subjects = await store.subjects.all()
  const armOf = new Map(subjects.map(({ id, arm }) => [id, arm]))
  const plays = await store.plays.all()
  const playlists = await store.playlists.all()
  const lengths = new Map((await store.songs.all()).map(({ id, lengthMs }) => [id, lengthMs]))
  const waves = Array.from({ length: plan.waves.count }, (_, i) => i + 1)
  const outcomes: Plan["outcomes"] = MEASURES.map((measure) => ({
    name: measure,
    measure,
    waves,
    minHeardMs: MIN_HEARD_MS,
    primary: false,
  }))
  const values = outcomeValues({ outcomes, plays, playlists, lengths })
  const arms = plan.arms.map(({ name }) => name)
  const of = (measure: Measure, wave: number, arm: string): number[] =>
    values.flatMap((row) =>
      row.measure === measure && row.wave === wave && armOf.get(row.subject) === arm && row.value !== null
        ? [row.value]
        : [],
    )
  const counted = await countPlays(whole)
  return {
    seed: options.seed,
    subjects: options.subjects,
    waves: waves.length,
    firmware: options.firmware,
    effect: options.effect,
    arms: Object.fromEntries(
      arms.map((arm) => [
        arm,
        {
          subjects: subjects.filter((subject) => subject.arm === arm).length,
          shareHeard: waves.map((wave) => meanOf(of("shareHeard", wave, arm))),
          shareFinished: waves.map((wave) => meanOf(of("shareFinished", wave, arm))),
        },
      ]),
    ),
    table8: await table8(whole, workers),
    table9: compare(arms, waves, of, changes(values, waves, armOf)),
    price: prices(whole, armOf),
    estimates: await compareWithTruth(whole),
    needs: await needsOf(whole, participants.length * waves.length),
    ...happenings,
    ...counted,
    plays: plays.length,
    sha: await contentHash(store),
  }
}

type Samples = (measure: Measure, wave: number, arm: string) => number[]
type Changes = (measure: Measure, arm: string) => number[]

function compare(
  arms: readonly string[],
  waves: readonly number[],
  of: Samples,
  change: Changes,
): Comparison[] {
  const [first, ...others] = arms
  return others.flatMap((other) =>
    MEASURES.flatMap((measure) => [
      ...waves.map((wave): Comparison => {
        const test = welchTest(of(measure, wave, first), of(measure, wave, other))
        return { measure, wave, arms: [first, other], test }
      }),
      ...(waves.length > 1
        ? [
            {
              measure,
              wave: "change" as const,
              arms: [first, other] as [string, string],
              test: welchTest(change(measure, first), change(measure, other)),
            },
          ]
        : []),
    ]),
  )
}

/** Last wave less first, of subjects with both. */
function changes(
  values: readonly OutcomeValue[],
  waves: readonly number[],
  armOf: ReadonlyMap<number, string>,
): Changes {
  return (measure, arm) => {
    const rows = values.filter((row) => row.measure === measure && armOf.get(row.subject) === arm)
    const at = (wave: number): Map<number, number | null> =>
      new Map(rows.filter((row) => row.wave === wave).map(({ subject, value }) => [subject, value]))
    const before = at(waves[0])
    return [...at(waves[waves.length - 1])].flatMap(([subject, value]) => {
      const earlier = before.get(subject) ?? null
      return value === null || earlier === null ? [] : [value - earlier]
    })
  }
}

// ── table 8 ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The weights of the first designed wave: as the study used them, and as the thesis reports them (density). */
async function table8(whole: WholeStudy, workers: number): Promise<Findings["table8"]> {
  const { study } = whole
  const designed = whole.waves.find(({ wave }) => wave === 2)
  const nothing = { used: { weighting: designed?.weighting ?? "none", spread: null }, density: null }
  if (designed === undefined) return nothing
  const { store } = study
  const used: number[] = []
  const members: Crowd["members"] = []
  const targets = []
  const catalogue = await readCatalogue(study, 0)
  for (const { id } of await store.subjects.all()) {
    const first = await store.models.at(id, "taste", 1)
    if (first === undefined) continue
    used.push(...ratios(await store.models.weights(first.id), id))
    const through = (await store.models.blocks(id))[0].toPlay
    const { observations } = await readListener(study, catalogue, id, through)
    const { particles } = decodeTaste(first.particles)
    members.push({ id, particles, heard: new Uint32Array(new Set(observations.song)) })
    targets.push({ subject: id, observations })
  }
  // Predictions of no song: only the weights are wanted.
  const songs = {
    ids: new Uint32Array(0),
    x: featureMatrix(catalogue.spec, []),
    logLength: new Float64Array(0),
  }
  const crowd: Crowd = { members, aggregates: [], of: new Map(), everybody: EVERYBODY }
  const pool = openPool(Math.min(workers, Math.max(1, targets.length)))
  const density: number[] = []
  try {
    const inputs = targets.map((target) => ({
      ...target,
      weighting: "density" as const,
      evidence: 0,
      all: true,
    }))
    for (const [i, { weights }] of (
      await Promise.all(pool.run("average", { crowd, songs }, inputs))
    ).entries()) {
      density.push(...ratios(weights, targets[i].subject))
    }
  } finally {
    await pool.close()
  }
  return { used: { weighting: designed.weighting, spread: spreadOf(used) }, density: spreadOf(density) }
}

/** Other subjects' weights as multiples of the own one; song constants left out. */
function ratios(logWeights: ReadonlyMap<number, number>, own: number): number[] {
  const base = logWeights.get(own)
  if (base === undefined || !Number.isFinite(base)) return []
  return [...logWeights].flatMap(([id, value]) => (id === own || id === EVERYBODY ? [] : [exp(value - base)]))
}

function spreadOf(values: readonly number[]): WeightSpread | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const mean = meanOf(values)!
  const middle = (sorted.length - 1) / 2
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    weights: values.length,
    mean,
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    low: sorted[0],
    high: sorted[sorted.length - 1],
    sd: Math.sqrt(squares / Math.max(1, values.length - 1)),
    aboveOwn: values.filter((value) => value > 1).length / values.length,
  }
}

// ── prices, truth, needs ─────────────────────────────────────────────────────────────────────────────────────────

function prices({ study, waves }: WholeStudy, armOf: ReadonlyMap<number, string>): Findings["price"] {
  const rows = waves.flatMap((wave) => wave.rows)
  return Object.fromEntries(
    study.plan.arms.map(({ name }) => {
      const paid = rows.flatMap(({ subject, price }) =>
        price !== null && armOf.get(subject) === name ? [price] : [],
      )
      const mean = meanOf(paid)
      return [name, mean === null ? null : { lists: paid.length, mean, most: Math.max(...paid) }]
    }),
  )
}

const INTERVAL = 0.95

async function compareWithTruth({ study, participants }: WholeStudy): Promise<Estimates> {
  let coefficients = 0
  let inside = 0
  const towards: number[] = []
  const sizes: number[] = []
  for (const { subject, life } of participants) {
    const stored = await study.store.models.at(subject, "taste", 1)
    if (stored === undefined) continue
    const { particles, posterior } = decodeTaste(stored.particles)
    const { m, p, beta, logWeights } = particles
    const weights = normalisedWeights(logWeights)
    const truth = life.waves[0].taste.beta
    for (let q = 0; q < p; q++) {
      const draws = Float64Array.from({ length: m }, (_, i) => beta[i * p + q])
      const low = weightedQuantile(draws, weights, (1 - INTERVAL) / 2)
      const high = weightedQuantile(draws, weights, (1 + INTERVAL) / 2)
      coefficients++
      if (low <= truth[q] && truth[q] <= high) inside++
      if (q === 0 || truth[q] === 0) continue
      sizes.push(Math.abs(truth[q]))
      towards.push(Math.sign(truth[q]) * (posterior.mean[q] - truth[q]))
    }
  }
  return {
    coefficients,
    coverage: coefficients > 0 ? inside / coefficients : null,
    bias: meanOf(towards),
    size: meanOf(sizes),
  }
}

async function needsOf({ study, participants, ledgers }: WholeStudy, subjectWaves: number): Promise<Needs> {
  const { store } = study
  const bySubject = participants.map(({ pockets }) =>
    pockets.map(({ options }) => ledgers.get(options.device)!),
  )
  const sum = (of: (ledger: PocketLedger) => number): { mean: number; most: number } => {
    const totals = bySubject.map((own) => own.reduce((total, ledger) => total + of(ledger), 0))
    const perWave = study.plan.waves.count
    const total = totals.reduce((all, value) => all + value, 0)
    return { mean: total / Math.max(1, subjectWaves), most: Math.max(0, ...totals) / perWave }
  }
  let logFill = 0
  let notRecorded = 0
  for (const device of ledgers.keys()) {
    const syncs = await store.syncs.of(device)
    for (const { health } of syncs) logFill = Math.max(logFill, health.log)
    notRecorded += syncs.at(-1)?.health.full ?? 0
  }
  const outings = [...ledgers.values()].flatMap(({ hours }) => hours.map(({ listening }) => listening))
  return {
    logFill,
    logRoom: LOG_RECORDS,
    notRecorded,
    listeningHours: sum(({ hours }) => hours.reduce((total, { listening }) => total + listening, 0)),
    longestOutingHours: Math.max(0, ...outings),
    poweredHours: sum(({ hours }) => hours.reduce((total, { powered }) => total + powered, 0)),
    syncs: sum(({ contacts }) => contacts),
  }
}

/** Truth against store: what sounded before the last contact must be there once. */
async function countPlays({ study, ledgers }: WholeStudy) {
  const all = await study.store.plays.all()
  const counted = { lost: 0, duplicated: 0, lostWithBoards: 0, panics: 0 }
  for (const [device, { sounded, bootAt, contactAt, panics }] of ledgers) {
    const own = all.filter((play) => play.device === device)
    const { lost, duplicated } = matchListens(sounded, own, bootAt)
    const reported = (await study.store.syncs.of(device)).at(-1)?.health.full ?? 0
    const before = lost.filter(({ from }) => from < contactAt).length
    counted.lost += Math.max(0, before - reported)
    counted.lostWithBoards += lost.length - before
    counted.duplicated += duplicated.length
    counted.panics += panics
  }
  return counted
}

function meanOf(values: readonly number[]): number | null {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null
}
