// Every model on every subject's plays: 86 subjects, 98 plays each, 500 particles.

import { type Observations, observeRows } from "../host/model/observations.js"
import { createParticles, type Particles } from "../host/model/particles.js"
import { stream } from "../host/model/random.js"
import { scorerOf } from "../host/model/score.js"
import { songs, spec } from "../test/host/model/reference.js"
import { c, dataFile, python } from "./peers.js"
import { type Claim, type Skipped, time } from "./report.js"

const SUBJECTS = 86
const PLAYS = 98
const PARTICLES = 500
/** Unit of the times: about a third of the plays are then heard to the end. */
const SPREAD = 2

export function pairs(): (Claim | Skipped)[] {
  const models = Array.from({ length: SUBJECTS }, (_, i) => model(i))
  const targets = Array.from({ length: SUBJECTS }, (_, i) => plays(i))
  const joint = new Float64Array(SUBJECTS * SUBJECTS)
  const ours = time(() => {
    models.forEach((particles, i) => {
      const score = scorerOf(particles)
      targets.forEach((target, t) => {
        joint[t * SUBJECTS + i] = score(target).joint
      })
    })
  }, 3)
  const file = dataFile("pairs.json", {
    ...{ subjects: SUBJECTS, plays: PLAYS, particles: PARTICLES, p: spec.names.length },
    beta: models.map(({ beta }) => [...beta]),
    sigma2: models.map(({ sigma2 }) => [...sigma2]),
    targets: targets.map(({ x, y, censored }) => ({ x: [...x], y: [...y], censored: [...censored] })),
  })
  const what = `weights of ${SUBJECTS} subjects × ${PLAYS} plays × ${PARTICLES} particles, all pairs`
  const note = "ours computes what a song's plays share once per model; the others do it play by play"
  const compared = (peer: string, found: ReturnType<typeof c>, goal: number): Claim | Skipped => {
    if ("skipped" in found) return { what: `${what}, ${peer}`, ...found }
    const { ms, weights } = found.answer as { ms: number; weights: number[] }
    weights.forEach((value, at) => {
      if (!(Math.abs(value - joint[at]) <= 1e-9 * Math.abs(value))) {
        throw new Error(`${peer}: weight ${at} is ${value}, ours ${joint[at]}`)
      }
    })
    return { what, ours, theirs: ms, peer, ratio: ms / ours, goal, note }
  }
  return [
    compared("numpy, one core", python("pairs.py", file), 8),
    compared("the loop in C (-O3 -march=native)", c("pairs.c", flatFile(models, targets)), 0.5),
  ]
}

/** About half of the coefficients are out of a model. */
function model(i: number): Particles {
  const rng = stream(11, "bench", "model", i)
  const p = spec.names.length
  const particles = createParticles(PARTICLES, p)
  for (let at = 0; at < PARTICLES * p; at++) {
    const inside = at % p === 0 || rng.uniform() < 0.5
    particles.gamma[at] = inside ? 1 : 0
    particles.beta[at] = inside ? 0.3 * rng.normal() : 0
  }
  for (let k = 0; k < PARTICLES; k++) particles.sigma2[k] = 1 + 8 * rng.uniform()
  return particles
}

function plays(i: number): Observations {
  const rng = stream(11, "bench", "plays", i)
  const drawn = Array.from(songs.keys())
  rng.shuffle(drawn)
  return observeRows(
    drawn.slice(0, PLAYS).map((index, source) => {
      const song = songs[index]
      const y = SPREAD * rng.normal()
      const end = Math.log(song.lengthS / 137)
      return { song, y: Math.min(y, end), censored: y >= end, source }
    }),
    spec,
  )
}

/** The same for C: counts, then doubles, as text. */
function flatFile(models: readonly Particles[], targets: readonly Observations[]): string {
  const numbers = [
    ...[SUBJECTS, PLAYS, PARTICLES, spec.names.length],
    ...models.flatMap(({ beta }) => [...beta]),
    ...models.flatMap(({ sigma2 }) => [...sigma2]),
    ...targets.flatMap(({ x }) => [...x]),
    ...targets.flatMap(({ y }) => [...y]),
    ...targets.flatMap(({ censored }) => [...censored]),
  ]
  return dataFile("pairs.txt", numbers)
}
