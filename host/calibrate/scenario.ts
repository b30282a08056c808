// What a calibration is run on: a catalogue, a prior fixed in advance, listeners drawn from that prior, their plays.
//
// Hyperparameters taken from the plays would make the prior depend on the data, and no such procedure is calibrated
// by construction; so the spread of log time and the middle of the constant are numbers here. The catalogue has
// what makes selection hard: attributes that stand in for each other, rare genres, and an attribute that nearly
// repeats two of them.

import { exp, log } from "../model/elementary.js"
import { describeFeatures, type FeatureSpec, featureMatrix, type Song } from "../model/features.js"
import { type Observations, observeRows } from "../model/observations.js"
import { createParticles, type Particles } from "../model/particles.js"
import { type Hyper, PRIOR_DF } from "../model/prior.js"
import { type Rng, stream } from "../model/random.js"
import { drawPrior } from "../model/sweep.js"

export interface Scenario {
  songs: Song[]
  spec: FeatureSpec
  hyper: Hyper
  /** Plays per block: the first, then those that arrive later. */
  blocks: number[]
}

/** Songs per genre; the first is the baseline. */
const GENRES: readonly [string, number][] = [
  ["Rock", 30],
  ["Pop", 24],
  ["Jazz", 12],
  ["Classical", 8],
  ["Folk", 6],
]
const ACOUSTIC: ReadonlySet<string> = new Set(["Classical", "Folk"])
const PLAYS_PER_BLOCK = [60, 60, 60]
/** Median listening time of the prior's listener, in seconds: with the songs' lengths a third is censored. */
const MIDDLE_S = 137
const LOG_TIME_VARIANCE = 0.6
const MIDDLE_LENGTH_S = 240
const LENGTH_SPREAD = 0.3
/** Share of plays that end for a reason that is not the listener's: the power goes at a random place. */
const CUT_SHARE = 0.05

export function createScenario(seed: number | string): Scenario {
  const rng = stream(seed, "calibrate", "catalogue")
  const songs: Song[] = []
  for (const [genre, count] of GENRES) {
    for (let k = 0; k < count; k++) {
      const energy = rng.normal()
      songs.push({
        id: songs.length + 1,
        genre,
        lengthS: MIDDLE_LENGTH_S * exp(LENGTH_SPREAD * rng.normal()),
        attributes: {
          tempo: rng.normal(),
          energy,
          calm: -0.9 * energy + 0.4 * rng.normal(),
          mood: rng.normal(),
          acoustic: (ACOUSTIC.has(genre) ? 2 : 0) + 0.5 * rng.normal(),
        },
      })
    }
  }
  const spec = describeFeatures(songs)
  const hyper: Hyper = {
    names: [...spec.names],
    v: PRIOR_DF,
    pi: 0.5,
    s2x: [LOG_TIME_VARIANCE, ...spec.variances.slice(1)],
    s2y: LOG_TIME_VARIANCE,
    constantMean: log(MIDDLE_S),
    notes: [],
  }
  return { songs, spec, hyper, blocks: PLAYS_PER_BLOCK }
}

/** A listener from the prior: one particle. */
export function drawListener(scenario: Scenario, rng: Rng): Particles {
  const truth = createParticles(1, scenario.hyper.names.length)
  drawPrior(scenario.hyper, truth, 0, rng)
  return truth
}

/** Plays of songs drawn at random, all blocks in a row, censored where the song ends or the power goes. */
export function simulatePlays(scenario: Scenario, listener: Particles, rng: Rng): Observations {
  const { songs, spec, blocks } = scenario
  const { p, beta } = listener
  const sigma = Math.sqrt(listener.sigma2[0])
  const x = featureMatrix(spec, songs)
  const n = blocks.reduce((sum, count) => sum + count, 0)
  const rows = Array.from({ length: n }, (_, source) => {
    const index = rng.int(songs.length)
    const song = songs[index]
    let mu = 0
    for (let q = 0; q < p; q++) mu += x[index * p + q] * beta[q]
    const chosen = mu + sigma * rng.normal()
    const reach = rng.uniform() < CUT_SHARE ? rng.uniform() : 1
    const bound = log(reach * song.lengthS)
    return { song, y: Math.min(chosen, bound), censored: chosen > bound, source }
  })
  return observeRows(rows, spec)
}
