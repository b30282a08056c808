import assert from "node:assert/strict"
import { test } from "node:test"
import { type DesignInput, designPlaylist } from "../../../host/design/design.js"
import { simulatedPropensities, slotPropensities } from "../../../host/design/random.js"
import { resolveRules } from "../../../host/design/resolve.js"
import { byUtility, select } from "../../../host/design/select.js"
import { thompson } from "../../../host/design/thompson.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
import { expectedShare } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import { near } from "../model/reference.js"

const N = 14
const candidates = {
  ids: Int32Array.from({ length: N }, (_, row) => row + 1),
  p: 2,
  x: Float64Array.from({ length: 2 * N }, (_, i) => (i % 2 === 0 ? 1 : Math.sin(i))),
  numeric: Int32Array.of(1),
  logLength: new Float64Array(N).fill(5),
  genre: Int32Array.from({ length: N }, (_, row) => row % 3),
  artist: new Int32Array(N).fill(-1),
}
const utility = Float64Array.from({ length: N }, (_, row) => ((row * 5) % N) + 1)

/** A few tastes that differ, with unequal weights. */
function tastes(): Particles {
  const particles = createParticles(4, 2)
  for (let i = 0; i < 4; i++) {
    particles.beta.set([3, 1.5 * (i - 1)], 2 * i)
    particles.gamma.fill(1)
    particles.sigma2[i] = 0.5
    particles.logWeights[i] = Math.log(i + 1)
  }
  return particles
}

const RUNS = 3000

/** Share of playlists with each song over many streams, against what the playlists say it is. */
function compare(fields: Partial<DesignInput>): void {
  const hits = new Float64Array(N)
  const said = Array.from({ length: N }, () => [] as number[])
  for (let run = 0; run < RUNS; run++) {
    const { items } = designPlaylist({
      design: "utility",
      size: 6,
      candidates,
      seed: 9,
      stream: ["run", run],
      utility,
      ...fields,
    })
    for (const item of items) {
      assert.equal(item.propensityFrom, "closed form")
      hits[item.song - 1]++
      said[item.song - 1].push(item.propensity!)
    }
  }
  for (let row = 0; row < N; row++) {
    if (said[row].length === 0) continue
    const propensity = said[row][0]
    assert.ok(said[row].every((value) => value === propensity))
    // 4.5 standard errors: one false alarm in ten thousand over all songs.
    near(
      hits[row] / RUNS,
      propensity,
      4.5 * Math.sqrt((propensity * (1 - propensity)) / RUNS),
      `song ${row + 1}`,
    )
  }
}

test("propensities in closed form are what many playlists show", () => {
  compare({ epsilon: 0.1 })
  compare({ epsilon: 0.45, constraints: { fixed: [3], excluded: [7, 8] } })
  compare({ epsilon: 1, constraints: { fixed: [1, 2] } })
  compare({ design: "random" })
})

/** Largest standard error of 2000 repetitions, times 4.5. */
const SIMULATION = 4.5 * Math.sqrt(0.25 / 2000)

test("propensities under caps are simulated, and agree with following every draw", () => {
  const { rules } = resolveRules(candidates, { fixed: [5], maxShareGenre: 0.4 }, 5)
  const design = select(rules, rules.fixed, rules.rows)
  const genre = (row: number): number => candidates.genre[row]
  // 4 free slots at ε = .6: two are emptied with probability .6, three with .4.
  const exact = new Float64Array(N)
  const follow = (members: number[], weight: number): void => {
    if (members.length === rules.size) {
      for (const row of members) exact[row] += weight
      return
    }
    const open = [...rules.rows].filter(
      (row) => !members.includes(row) && members.filter((other) => genre(other) === genre(row)).length < 2,
    )
    for (const row of open) follow([...members, row], weight / open.length)
  }
  for (let mask = 0; mask < 16; mask++) {
    const kept = [0, 1, 2, 3].filter((slot) => (mask >> slot) & 1)
    const weight = kept.length === 2 ? 0.6 / 6 : kept.length === 1 ? 0.4 / 4 : 0
    if (weight > 0) follow([design[0], ...kept.map((slot) => design[slot + 1])], weight)
  }
  const { probability, from } = slotPropensities(rules, design, 0.6, stream(1, "slots"))
  assert.equal(from, "simulation")
  exact.forEach((value, row) => {
    near(probability[row], value, SIMULATION, `song ${row + 1}`)
  })
  assert.equal(probability[4], 1, "the fixed song")
})

test("propensities of Thompson sampling are simulated, and agree with following every particle", () => {
  const particles = tastes()
  const { rules } = resolveRules(candidates, { maxShareGenre: 0.5 }, 4)
  const exact = new Float64Array(N)
  const favourites = [0, 1, 2, 3].map((i) => {
    const worth = Array.from(candidates.ids, (_, row) => {
      const mu =
        candidates.x[2 * row] * particles.beta[2 * i] + candidates.x[2 * row + 1] * particles.beta[2 * i + 1]
      return expectedShare(mu, Math.sqrt(0.5), 5)
    })
    return Array.from(worth.keys()).sort((a, b) => worth[b] - worth[a] || a - b)
  })
  const follow = (members: number[], weight: number): void => {
    if (members.length === 4) {
      for (const row of members) exact[row] += weight
      return
    }
    favourites.forEach((order, i) => {
      const row = order.find(
        (r) =>
          !members.includes(r) &&
          members.filter((other) => candidates.genre[other] === candidates.genre[r]).length < 2,
      )
      follow([...members, row!], (weight * (i + 1)) / 10)
    })
  }
  follow([], 1)
  const sampler = thompson(rules, candidates, particles, byUtility(rules, utility))
  const rng = stream(3, "thompson")
  simulatedPropensities(rules, () => sampler.draw(rng)).forEach((value, row) => {
    near(value, exact[row], SIMULATION, `song ${row + 1}`)
  })
  const { items, summary } = designPlaylist({
    design: "thompson",
    size: 4,
    candidates,
    constraints: { maxShareGenre: 0.5 },
    seed: 9,
    stream: ["one"],
    utility,
    particles,
  })
  for (const item of items) near(item.propensity!, exact[item.song - 1], SIMULATION, `song ${item.song}`)
  assert.equal(summary.randomSlots, 0)
})

test("probabilities of all songs add up to the number of slots", () => {
  for (const epsilon of [0.05, 0.3, 0.77, 1]) {
    for (const constraints of [{}, { fixed: [2, 9] }, { maxShareGenre: 0.5 }]) {
      const { rules } = resolveRules(candidates, constraints, 7)
      const design = select(rules, rules.fixed, rules.rows)
      const { probability, from } = slotPropensities(rules, design, epsilon, stream(1, "slots"))
      const sum = probability.reduce((a, b) => a + b, 0)
      // (hits + ½)/(runs + 1) adds half a hit per song.
      near(sum, 7, from === "simulation" ? 0.01 : 1e-12, `ε = ${epsilon}`)
    }
  }
})

test("the number of random slots is the share asked for, on average exactly", () => {
  let slots = 0
  for (let run = 0; run < 2000; run++) {
    const { summary } = designPlaylist({
      design: "utility",
      size: 6,
      candidates,
      seed: 2,
      stream: ["run", run],
      utility,
      epsilon: 0.25,
    })
    assert.ok(summary.randomSlots === 1 || summary.randomSlots === 2)
    slots += summary.randomSlots
  }
  near(slots / 2000, 1.5, 4 * Math.sqrt(0.25 / 2000), "mean")
})
