import assert from "node:assert/strict"
import { test } from "node:test"
import {
  createDeterminant,
  cross,
  logDetOf,
  measure,
  project,
  swap,
  swapGain,
} from "../../../host/design/determinant.js"
import {
  censoredInformation,
  informationRows,
  knowledgeOf,
  observedInformation,
} from "../../../host/design/information.js"
import { logDensity, logSurvival } from "../../../host/model/likelihood.js"
import { stream } from "../../../host/model/random.js"
import { fitFirstBlock } from "../../../host/model/taste.js"
import { near, observationsOf, priorOf } from "../model/reference.js"
import { candidates, knownOf, names, readDesign } from "./reference.js"

test("the information of a censored play has the digits of 40-digit arithmetic, from −30 to 38", () => {
  for (const { a, w, observed } of readDesign("information.json").rows) {
    near(censoredInformation(a), w, 1e-13 * w, `w(${a})`)
    // h is known to a²/2 roundings, and far above h(h − a) is the difference of two numbers near a².
    near(observedInformation(a), observed, Math.max(1e-13 * observed, 1e-16 * a ** 4), `observed at ${a}`)
  }
})

test("w is the variance of the score of simulated plays", () => {
  const rng = stream(4, "score")
  const DRAWS = 200_000
  for (const a of [-1.5, -0.4, 0.5, 1.6]) {
    const hazard = Math.exp(logDensity(a, 0, 1) - logSurvival(a, 0, 1))
    let squares = 0
    let fourths = 0
    for (let i = 0; i < DRAWS; i++) {
      const e = rng.normal()
      const square = e < a ? e * e : hazard * hazard
      squares += square
      fourths += square * square
    }
    const found = squares / DRAWS
    const error = Math.sqrt((fourths / DRAWS - found * found) / DRAWS)
    near(found, censoredInformation(a), 4 * error, `a = ${a}`)
  }
})

test("the observed information is minus the second difference of the likelihood", () => {
  const step = 1e-4
  for (const y of [-2, -0.5, 0, 1, 2.5]) {
    const curve = (mu: number): number => logSurvival(y, mu, 1)
    const second = (curve(step) - 2 * curve(0) + curve(-step)) / (step * step)
    near(observedInformation(y), -second, 1e-6, `y = ${y}`)
  }
})

test("a disliked song teaches all that a play can, a song liked beyond its length hardly anything", () => {
  const known = knownOf(readDesign("exchange.json").subjects.s1, "selected", "prior")
  const sized = (constant: number): Float64Array => {
    const beta = new Float64Array(names.length)
    beta[0] = constant
    return informationRows(candidates, { ...known, beta }, "default")
  }
  const thesis = informationRows(candidates, known, "thesis")
  assert.equal(thesis[0], 1 / Math.sqrt(known.sigma2))
  for (let row = 0; row < candidates.ids.length; row++) {
    const at = row * known.columns.length
    near(sized(0)[at], thesis[at], 1e-8 * thesis[at], "nobody hears exp(0) s to the end of a song")
    assert.ok(sized(20)[at] < 1e-6 * thesis[at], "everybody who would go on for years hears it to the end")
  }
})

test("the thesis profile knows the prior plus every play", () => {
  const exchange = readDesign("exchange.json")
  const subject = exchange.subjects.s3
  const observations = observationsOf(3, "12")
  const inclusion = names.map((name) => (subject.selected.includes(name) ? 1 : 0.2))
  const posterior = { ...fitOf(3).posterior, inclusion, sigma: Math.sqrt(subject.sigma2) }
  const hyper = { ...priorOf(3), s2x: subject.priorPrecision.map((value: number) => 1 / value) }
  const known = knowledgeOf({ posterior, hyper, profile: "thesis" }, observations)
  assert.deepEqual(
    [...known.columns].map((column) => names[column]),
    subject.selected,
  )
  const expected = knownOf(subject, "selected", "posterior").precision
  known.precision.forEach((value, i) => {
    near(value, expected[i], 1e-7 * Math.abs(expected[0]), `entry ${i}`)
  })
})

test("the default profile counts a censored play for less, and an event in full", () => {
  const observations = observationsOf(3, "12")
  const model = fitOf(3)
  const events = { ...observations, censored: new Uint8Array(observations.n) }
  const full = knowledgeOf(model, events).precision
  const known = knowledgeOf(model, observations).precision
  assert.deepEqual(full, knowledgeOf({ ...model, profile: "thesis" }, observations).precision)
  const censored = observations.censored.reduce((sum, value) => sum + value, 0)
  const lost = 1 - known[0] / full[0]
  assert.ok(
    lost > 0 && lost < censored / observations.n,
    `lost ${lost} of ${censored / observations.n} censored`,
  )
})

const fits = new Map<number, ReturnType<typeof fitFirstBlock>>()
function fitOf(subject: number): ReturnType<typeof fitFirstBlock> {
  const found =
    fits.get(subject) ??
    fitFirstBlock(observationsOf(subject, "1"), priorOf(subject), {
      seed: 1,
      stream: ["subject", subject],
      draws: 200,
    })
  fits.set(subject, found)
  return found
}

test("determinants change by the closed forms, and V and all d stay what a fresh start gives", () => {
  const known = knownOf(readDesign("exchange.json").subjects.s4, "full18", "prior")
  const state = createDeterminant(informationRows(candidates, known, "thesis"), known.precision)
  const members = Int32Array.from({ length: 12 }, (_, i) => 7 * i)
  measure(state, members)
  const before = state.logDet
  near(logDetOf(state, [...members, 399]) - before, Math.log1p(state.leverage[399]), 1e-12, "add")
  near(logDetOf(state, members.slice(1)) - before, Math.log1p(-state.leverage[0]), 1e-12, "remove")
  const rng = stream(2, "swaps")
  for (let step = 0; step < 40; step++) {
    const slot = rng.int(members.length)
    const out = members[slot]
    let into = rng.int(candidates.ids.length)
    while (members.includes(into)) into = rng.int(candidates.ids.length)
    project(state, out)
    const gain = swapGain(state.leverage[into], state.leverage[out], cross(state, into))
    const old = state.logDet
    members[slot] = into
    swap(state, out, into, members)
    near(state.logDet - old, gain, 1e-10, `swap ${step}`)
  }
  const fresh = createDeterminant(state.rows, state.precision)
  measure(fresh, members)
  near(state.logDet, fresh.logDet, 1e-10, "log det")
  state.inverse.forEach((value, i) => {
    near(value, fresh.inverse[i], 1e-10, `V ${i}`)
  })
  state.leverage.forEach((value, i) => {
    near(value, fresh.leverage[i], 1e-10, `d ${i}`)
  })
})

test("a precision that is no precision is refused with the pivot", () => {
  const state = createDeterminant(new Float64Array(4), new Float64Array([1, 2, 2, 1]))
  assert.throws(() => measure(state, []), /must be positive definite, pivot 1 is -3/)
})
