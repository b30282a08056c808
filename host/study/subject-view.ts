// One listener, for the page: what was heard, what the model makes of it, and the playlists that followed.

import { END_FINISHED, END_REASONS, FLAG_EXPLORE } from "../../src/record.js"
import { exp, log } from "../model/elementary.js"
import { type FeatureSpec, featureMatrix } from "../model/features.js"
import { hazardCurve } from "../model/hazard.js"
import { normalisedWeights, type Particles } from "../model/particles.js"
import { predictSongs, weightedQuantile } from "../model/predict.js"
import type { TasteModel } from "../model/taste.js"
import { decodeTaste } from "../model/taste-bytes.js"
import { storedPattern, strongestOf } from "../patterns/stored.js"
import { EVERYBODY } from "../store/models.js"
import type { Playlist } from "../store/playlists.js"
import type { Play } from "../store/plays.js"
import type { Song } from "../store/songs.js"
import { armShown, blindItem, isBlind } from "./blind.js"
import { type Diagnosis, diagnose } from "./diagnosis.js"
import type { Study } from "./study.js"
import { SLIP_MS } from "./waves.js"

interface HeardPlay {
  id: number
  /** Unix milliseconds as well as the clocks tell, and how far that may be off; null where they don't. */
  at: number | null
  uncertaintyMs: number | null
  song: number
  title: string
  artist: string
  heardS: number
  /** Of the song, 0 … 1. */
  share: number
  /** How it ended. */
  end: string
  wave: number | null
  /** Whether it was put in to learn from it; null while the study is blind. */
  toLearn: boolean | null
}

interface Coefficient {
  name: string
  mean: number
  /** 95 % interval. */
  low: number
  high: number
  /** Probability that it matters to the listener at all. */
  inclusion: number
}

interface ListedSong {
  song: number
  title: string
  artist: string
  genre: string
  lengthMs: number | null
  tag: string | null
  utility: number | null
  propensity: number | null
  reason: string
  /** Share that the model of before expected to be heard; null without one, and while the study is blind. */
  expected: number | null
  /** Mean share heard in the plays from this list; null without plays. */
  heard: number | null
}

export interface SubjectView {
  subject: { id: number; label: string; arm: string; device: string | null }
  blind: boolean
  /** Plays in all; `plays` are the newest of them, oldest first. */
  playsInAll: number
  plays: HeardPlay[]
  taste: {
    coefficients: Coefficient[]
    /** Residual standard deviation of log time. */
    sigma: { mean: number; low: number; high: number }
    /** Median seconds that a song of average attributes is heard, were it endless. */
    typicalSeconds: number
    plays: number
    censored: number
    diagnosis: Diagnosis[]
  } | null
  /** How likely the listener is to skip within the next second, of a song of average attributes, by time heard. */
  hazard: { seconds: number[]; low: number[]; median: number[]; high: number[] } | null
  /** Plays by hour of the week, Monday 0 h first, and the strongest weekly patterns, as of the newest fit; null before. */
  week: {
    at: number
    standing: string
    plays: number
    weeks: number
    counts: number[]
    strongest: { pattern: number; code: number }[]
  } | null
  /** Newest first. */
  lists: {
    version: number
    wave: number
    design: string | null
    state: string
    at: number
    /** Shares of the highest utility that were given up, 0 … 1. */
    price: { design: number; random: number } | null
    notes: string[]
    plays: number
    /** Means over the songs of which both are known. */
    expected: number | null
    heard: number | null
    songs: ListedSong[]
  }[]
}

const MAX_PLAYS = 2000
const MAX_LISTS = 10
const LOW = 0.025
const HIGH = 0.975
/** Seconds at which the hazard is drawn: 1 s … 10 min, evenly on a log scale. */
const HAZARD_S = Array.from({ length: 40 }, (_, i) => 600 ** (i / 39))

/** Undefined where there is no such subject, or it has withdrawn. */
export async function subjectView(study: Study, id: number): Promise<SubjectView | undefined> {
  const { store } = study
  const subject = await store.subjects.get(id)
  if (subject === undefined || subject.withdrawnAt !== null) return undefined
  const blind = await isBlind(study)
  const songs = new Map((await store.songs.all()).map((song) => [song.id, song]))
  const lists = await store.playlists.of(id)
  const plays = await store.plays.of(id)
  const model = await store.models.latest(id, "taste")
  const taste = model === undefined ? undefined : decodeTaste(model.particles)
  return {
    subject: {
      ...{ id, label: subject.label, arm: (await armShown(study))(subject.arm) },
      device: (await store.subjects.enrolmentOf(id))?.device ?? null,
    },
    blind,
    playsInAll: plays.length,
    plays: plays.slice(-MAX_PLAYS).map((play) => heardPlay(play, songs, lists, blind)),
    taste: taste === undefined ? null : describeTaste(taste),
    hazard: taste === undefined || taste.plays === 0 ? null : hazardOf(taste.particles),
    week: await weekOf(study, id),
    lists: await Promise.all(
      lists
        .slice(-MAX_LISTS)
        .reverse()
        .map((list) => describeList(study, list, plays, songs, blind)),
    ),
  }
}

async function weekOf(study: Study, id: number): Promise<SubjectView["week"]> {
  const stored = await storedPattern(study, id)
  if (stored === undefined) return null
  const { at, standing, plays, weeks, counts, codes } = stored
  return { at, standing, plays, weeks, counts, strongest: strongestOf(codes) }
}

function heardPlay(
  play: Play,
  songs: ReadonlyMap<number, Song>,
  lists: readonly Playlist[],
  blind: boolean,
): HeardPlay {
  const song = songs.get(play.song)
  return {
    ...{ id: play.id, at: play.startedAt, uncertaintyMs: play.uncertaintyMs, song: play.song },
    ...{ title: song?.title ?? "", artist: song?.artist ?? "", heardS: play.heardMs / 1000 },
    share: shareOf(play, song),
    end: END_REASONS[play.reason] ?? "unknown",
    wave: lists.find((list) => list.id === play.playlist)?.wave ?? null,
    toLearn: blind ? null : (play.flags & FLAG_EXPLORE) !== 0,
  }
}

function shareOf(play: Play, song: Song | undefined): number {
  if (play.reason === END_FINISHED) return 1
  return song === undefined ? 0 : Math.min(1, play.heardMs / song.lengthMs)
}

function describeTaste({ particles, posterior, hyper, plays, censored, ...rest }: TasteModel) {
  const { m, p, beta, sigma2 } = particles
  const weights = normalisedWeights(particles.logWeights)
  const interval = (value: (particle: number) => number): { low: number; high: number } => {
    const values = Float64Array.from({ length: m }, (_, i) => value(i))
    return { low: weightedQuantile(values, weights, LOW), high: weightedQuantile(values, weights, HIGH) }
  }
  return {
    coefficients: hyper.names.slice(1).map((name, i) => ({
      ...{ name, mean: posterior.mean[i + 1], inclusion: posterior.inclusion[i + 1] },
      ...interval((particle) => beta[particle * p + i + 1]),
    })),
    sigma: { mean: posterior.sigma, ...interval((particle) => Math.sqrt(sigma2[particle])) },
    typicalSeconds: exp(posterior.mean[0]),
    ...{ plays, censored },
    diagnosis: diagnose({ plays, particles: m, ...rest }),
  }
}

function hazardOf(particles: Particles): SubjectView["hazard"] {
  const x = Float64Array.from({ length: particles.p }, (_, i) => (i === 0 ? 1 : 0))
  const [low, median, high] = hazardCurve(particles, x, HAZARD_S, [LOW, 0.5, HIGH])
  return { seconds: HAZARD_S, low: [...low], median: [...median], high: [...high] }
}

async function describeList(
  study: Study,
  list: Playlist,
  plays: readonly Play[],
  songs: ReadonlyMap<number, Song>,
  blind: boolean,
): Promise<SubjectView["lists"][number]> {
  const items = await study.store.playlists.items(list.id)
  const own = plays.filter((play) => play.playlist === list.id && play.heardMs >= SLIP_MS)
  const expected = blind ? new Map<number, number>() : await expectedShares(study, list, items, songs)
  const heard = new Map<number, number[]>()
  for (const play of own) {
    heard.set(play.song, [...(heard.get(play.song) ?? []), shareOf(play, songs.get(play.song))])
  }
  const listed = items.map((item): ListedSong => {
    const song = songs.get(item.song)
    const shown = blind ? blindItem(item) : item
    return {
      ...{ song: item.song, title: song?.title ?? "", artist: song?.artist ?? "", genre: song?.genre ?? "" },
      ...{ lengthMs: song?.lengthMs ?? null, tag: shown.tag, utility: shown.utility },
      propensity: shown.propensity,
      reason: (shown.reason as { text?: string } | null)?.text ?? "",
      expected: expected.get(item.song) ?? null,
      heard: mean(heard.get(item.song) ?? []),
    }
  })
  const both = listed.filter((song) => song.expected !== null && song.heard !== null)
  const { summary } = list
  return {
    ...{ version: list.version, wave: list.wave, design: blind ? null : list.design, state: list.state },
    at: list.at,
    price: blind ? null : ((summary.price as { design: number; random: number } | undefined) ?? null),
    notes: blind ? [] : ((summary.notes as string[] | undefined) ?? []),
    plays: own.length,
    expected: mean(both.map((song) => song.expected ?? 0)),
    heard: mean(both.map((song) => song.heard ?? 0)),
    songs: listed,
  }
}

/** By song, from the newest model that was there when the list was made and had no play from it. */
async function expectedShares(
  { store }: Study,
  list: Playlist,
  items: readonly { song: number }[],
  songs: ReadonlyMap<number, Song>,
): Promise<Map<number, number>> {
  const features = await store.models.latest(EVERYBODY, "features")
  const first = (await store.plays.of(list.subject)).find((play) => play.playlist === list.id)
  const model = await store.models.tasteThrough(
    list.subject,
    first === undefined ? Number.MAX_SAFE_INTEGER : first.id - 1,
  )
  if (features === undefined || model === undefined || model.at > list.at) return new Map()
  const spec = features.summary as unknown as FeatureSpec
  const { particles } = decodeTaste(model.particles)
  if (particles.p !== spec.names.length) return new Map()
  const known = items.flatMap(({ song }) => songs.get(song) ?? [])
  const x = featureMatrix(
    spec,
    known.map((song) => ({ ...song, lengthS: song.lengthMs / 1000 })),
  )
  const { share } = predictSongs(
    particles,
    x,
    Float64Array.from(known, (song) => log(song.lengthMs / 1000)),
  )
  return new Map(known.map((song, i) => [song.id, share[i]]))
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}
