import assert from "node:assert/strict"
import { test } from "node:test"
import { borrow } from "../../../host/model/borrow.js"
import { condense } from "../../../host/model/condense.js"
import { tasteDonor } from "../../../host/model/donors.js"
import { logEvidence } from "../../../host/model/evidence.js"
import { type Observations, takeRows } from "../../../host/model/observations.js"
import { cloneParticles, normalisedWeights, type Particles } from "../../../host/model/particles.js"
import {
  type BlockScore,
  CANDIDATES,
  type Candidate,
  choose,
  foretellBlock,
} from "../../../host/model/prequential.js"
import { stream } from "../../../host/model/random.js"
import { scoreModel } from "../../../host/model/score.js"
import { sampleFirstBlock } from "../../../host/model/select.js"
import { fitFirstBlock, type TasteModel } from "../../../host/model/taste.js"
import { near } from "./reference.js"
import { simulate, smallHyper } from "./simulate.js"

const hyper = smallHyper(5)
const CENSORED = { censoring: true, collinear: false }
const NOTHING = { rows: 0, evidence: 0 }
/** Every simulated play is of a song of its own, numbered from 0. */
const EVERY_SONG = new Set(Array(401).keys())

function fit(plays: Observations, seed: number): Particles {
  const rngs = [stream(seed, "fit")]
  return sampleFirstBlock(condense(plays, hyper.constantMean), hyper, { rngs, draws: 150, burnIn: 250 })
    .particles
}

/** A model of `plays` plays that are all of one wave. */
function modelOf(particles: Particles, plays: number): TasteModel {
  const { observations } = simulate(hyper, plays, stream(60, "any"), CENSORED)
  const model = fitFirstBlock(observations, hyper, { seed: 1, stream: ["any"], draws: 10 })
  return { ...model, particles }
}

/** Listeners with `n` plays each, whose tastes are one taste up to `spread` per coefficient, or draws of the prior
 *  where it is undefined; each is foretold with all others as donors. */
function study(listeners: number, n: number, spread?: number): BlockScore<Candidate>[] {
  const rng = stream(61, listeners, n, spread ?? "unlike")
  const common = simulate(hyper, 1, rng, CENSORED).truth
  common.gamma.fill(1)
  const plays = Array.from({ length: listeners }, () => {
    if (spread === undefined) return simulate(hyper, n, rng, CENSORED).observations
    const taste = cloneParticles(common)
    for (let q = 0; q < taste.p; q++) taste.beta[q] += spread * rng.normal()
    return simulate(hyper, n, rng, CENSORED, taste).observations
  })
  const models = plays.map((own, i) => tasteDonor(fit(own, i), EVERY_SONG))
  return plays.map((own, i) => {
    const donors = models.filter((_, j) => j !== i)
    return foretellBlock(NOTHING, own, { hyper, draws: 150 }, donors, stream(62, i)).block
  })
}

test("few plays of like listeners: averaging foretells them better than the own model", () => {
  const { scores, errors, ...choice } = choose(CANDIDATES, study(6, 12, 0.1))!
  assert.deepEqual([choice.subjects, choice.plays], [6, 42])
  assert.notEqual(choice.best, "own")
  assert.equal(scores.switch, scores.marginal)
  assert.ok(scores.own < scores[choice.best] - 2 * errors.own, JSON.stringify({ scores, errors }))
})

test("many plays of unlike listeners: what keeps to the own model is chosen", () => {
  const { scores, errors, ...choice } = choose(CANDIDATES, study(6, 160))!
  assert.equal(choice.plays, 6 * 155)
  assert.ok(choice.best !== "stacking", choice.best)
  // Nobody's model helps, so no weighting can do better than the own one by more than chance.
  assert.ok(scores.own > scores[choice.best] - 2 * errors.own - 1e-9, JSON.stringify({ scores, errors }))
})

test("a later block scores the log density that the models before it gave its plays", () => {
  const rng = stream(63, "block")
  const { observations } = simulate(hyper, 25, rng, CENSORED)
  const before = takeRows(
    observations,
    Array.from({ length: 15 }, (_, row) => row),
  )
  const after = takeRows(
    observations,
    Array.from({ length: 10 }, (_, row) => 15 + row),
  )
  const particles = fit(before, 1)
  const donors = [2, 3].map((seed) =>
    tasteDonor(fit(simulate(hyper, 30, rng, CENSORED).observations, seed), EVERY_SONG),
  )
  const evidence = -20
  const model = modelOf(particles, 15)
  const own = { model }
  const { block, foretold } = foretellBlock(
    { rows: 15, evidence },
    observations,
    own,
    donors,
    stream(64, "later"),
  )
  const seen = { particles, observations: before, evidence }
  const past = donors.map((donor) => donor.score(before))
  for (const candidate of CANDIDATES) {
    const weights = normalisedWeights(borrow(candidate, seen, past).logWeights)
    const models = [scoreModel(particles, after), ...donors.map((donor) => donor.score(after))]
    let expected = 0
    for (let k = 0; k < 10; k++) {
      expected += Math.log(
        models.reduce((sum, { pointwise }, m) => sum + weights[m] * Math.exp(pointwise[k]), 0),
      )
    }
    near(block.scores[candidate], expected, 1e-9, candidate)
  }
  assert.deepEqual([block.plays, foretold.rows], [10, 25])
})

test("the evidence that goes on is the prior's, however the plays came in blocks", () => {
  const { observations } = simulate(hyper, 24, stream(65, "evidence"), CENSORED)
  const first = takeRows(
    observations,
    Array.from({ length: 13 }, (_, row) => row),
  )
  const start = { hyper, draws: 2000 }
  const one = foretellBlock(NOTHING, observations, start, [], stream(66, "one")).foretold
  const half = foretellBlock(NOTHING, first, start, [], stream(66, "half")).foretold
  const data = condense(first, hyper.constantMean)
  const { particles } = sampleFirstBlock(data, hyper, { rngs: [stream(66, "fit")], draws: 2000 })
  const two = foretellBlock(
    half,
    observations,
    { model: modelOf(particles, 13) },
    [],
    stream(66, "two"),
  ).foretold
  const expected = logEvidence(observations, hyper, stream(66, "whole"), 4000)
  // The standard error of each is about .1.
  near(one.evidence, expected, 0.4, "in one block")
  near(two.evidence, expected, 0.4, "in two blocks")
})

test("only donors who know the song have a say in its density", () => {
  const { observations, truth } = simulate(hyper, 12, stream(67, "known"), CENSORED)
  const donor = fit(simulate(hyper, 30, stream(67, "donor"), CENSORED, truth).observations, 3)
  const scoresWith = (heard: Set<number>) =>
    foretellBlock(NOTHING, observations, { hyper, draws: 100 }, [tasteDonor(donor, heard)], stream(68, "k"))
      .block.scores
  const unknown = scoresWith(new Set([999]))
  near(unknown.stacking, unknown.own, 1e-9, "stacking")
  near(unknown.marginal, unknown.own, 1e-9, "marginal")
  assert.ok(Math.abs(scoresWith(EVERY_SONG).marginal - unknown.own) > 0.01)
})

test("a block of fewer plays than are ever scored is taken in and scores nothing", () => {
  const { observations } = simulate(hyper, 4, stream(69, "few"), CENSORED)
  const { foretold, block } = foretellBlock(NOTHING, observations, { hyper, draws: 50 }, [], stream(69, "f"))
  assert.deepEqual([foretold.rows, block.plays, block.scores.own], [4, 0, 0])
  assert.equal(choose(CANDIDATES, [block]), undefined)
})

test("the best sum is chosen, of equal ones the first, with the spread of the differences over subjects", () => {
  const block = (own: number, marginal: number): BlockScore<Candidate> => ({
    plays: 10,
    scores: { switch: marginal, stacking: -30, marginal, own },
  })
  const choice = choose(CANDIDATES, [block(-20, -16), block(-20, -18), block(-20, -17)])!
  assert.equal(choice.best, "switch")
  assert.deepEqual(choice.scores, { switch: -51, stacking: -90, marginal: -51, own: -60 })
  // Differences −4, −2, −3: mean −3, sd 1, so their sum has standard error √3.
  near(choice.errors.own, Math.sqrt(3), 1e-12, "standard error")
  assert.deepEqual([choice.errors.switch, choice.errors.marginal], [0, 0])
  assert.equal(choose(CANDIDATES, [block(-15, -16), block(-17, -16.5)])!.best, "own")
})
