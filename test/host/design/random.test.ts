import assert from "node:assert/strict"
import { test } from "node:test"
import { type DesignInput, designPlaylist } from "../../../host/design/design.js"
import { slotPropensities } from "../../../host/design/random.js"
import { resolveRules } from "../../../host/design/resolve.js"
import { select } from "../../../host/design/select.js"
import { createParticles, type Particles } from "../../../host/model/particles.js"
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
function compare(fields: Partial<DesignInput>, from: string): void {
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
      assert.equal(item.propensityFrom, from)
      hits[item.song - 1]++
      said[item.song - 1].push(item.propensity!)
    }
  }
  for (let row = 0; row < N; row++) {
    if (said[row].length === 0) continue
    const mean = said[row].reduce((sum, value) => sum + value, 0) / said[row].length
    if (from === "closed form") assert.ok(said[row].every((value) => value === said[row][0]))
    const error = Math.sqrt((mean * (1 - mean)) / RUNS)
    // 4.5 standard errors: one false alarm in ten thousand over all songs; simulated values lie on a grid of 1/2000.
    near(hits[row] / RUNS, mean, 4.5 * error + 1e-3, `song ${row + 1}`)
  }
}

test("propensities in closed form are what many playlists show", () => {
  compare({ epsilon: 0.1 }, "closed form")
  compare({ epsilon: 0.45, constraints: { fixed: [3], excluded: [7, 8] } }, "closed form")
  compare({ epsilon: 1, constraints: { fixed: [1, 2] } }, "closed form")
  compare({ design: "random" }, "closed form")
})

test("propensities under caps are simulated, and are what many playlists show", () => {
  compare({ epsilon: 0.5, constraints: { maxShareGenre: 0.5 } }, "simulation")
  compare({ design: "random", constraints: { maxShareGenre: 0.34 } }, "simulation")
})

test("propensities of Thompson sampling are simulated, and are what many playlists show", () => {
  compare({ design: "thompson", particles: tastes(), size: 4 }, "simulation")
  compare(
    { design: "thompson", particles: tastes(), size: 4, constraints: { maxShareGenre: 0.5 } },
    "simulation",
  )
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
