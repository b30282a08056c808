import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import {
  type Design,
  type DesignInput,
  type DesignKind,
  designPlaylist,
} from "../../../host/design/design.js"
import { knowledgeOf } from "../../../host/design/information.js"
import { predictSongs } from "../../../host/model/predict.js"
import { fitFirstBlock } from "../../../host/model/taste.js"
import { near, observationsOf, priorOf } from "../model/reference.js"
import { candidates, knownOf, names, readDesign } from "./reference.js"

const KINDS: DesignKind[] = ["model", "gower", "random", "utility", "thompson"]
const reference = readDesign("exchange.json")

const observations = observationsOf(2, "1")
const model = fitFirstBlock(observations, priorOf(2), { seed: 1, stream: ["subject", 2], draws: 100 })
const { share } = predictSongs(model.particles, candidates.x, candidates.logLength)

/** Subject 2 before the second playlist, and what the test gives it. */
function ask(fields: Partial<DesignInput>): Design {
  return designPlaylist({
    design: "model",
    size: 20,
    candidates,
    seed: 5,
    stream: ["subject", 2, "wave", 2],
    utility: share,
    knowledge: knowledgeOf(model, observations),
    particles: model.particles,
    names,
    finished: [4, 8, 15],
    ...fields,
  })
}

const songsOf = ({ items }: Design): number[] => items.map((item) => item.song).sort((a, b) => a - b)

test("under the thesis profile the playlists are those of the reference", () => {
  for (const subject of ["s1", "s2", "s3", "s4", "s5"]) {
    for (const made of [0, 5, 10]) {
      const expected = reference.designs[`${subject}/selected/R=prior/kd=${made}`]
      const given = reference.subjects[subject]
      const found = designPlaylist({
        design: "model",
        size: 50,
        candidates,
        seed: 1,
        stream: [subject, made],
        utility: Float64Array.from(given.utility),
        knowledge: knownOf(given, "selected", "prior"),
        profile: "thesis",
        made,
        planned: 10,
      })
      assert.deepEqual(songsOf(found), expected.design, `${subject}, k = ${made}`)
      near(found.summary.lambda!, expected.weight, 1e-12 * expected.weight, "λ")
      near(found.summary.utility!, expected.utility, 1e-9, "utility")
      assert.equal(found.summary.exchanges, expected.exchanges)
      assert.equal(found.summary.randomSlots, 0)
      assert.ok(found.items.every((item) => item.propensity === null))
      assert.ok(found.items.every((item) => item.propensityFrom === "deterministic"))
    }
  }
})

test("the same input gives the same playlist, another stream other random slots and another order", () => {
  for (const design of KINDS) {
    assert.deepEqual(ask({ design }), ask({ design }), design)
    assert.notDeepEqual(
      ask({ design }).items.map((item) => item.song),
      ask({ design, stream: ["subject", 2, "wave", 3] }).items.map((item) => item.song),
      design,
    )
  }
})

test("the loss of utility for information stays under its budget and falls to nothing", () => {
  let before = Number.POSITIVE_INFINITY
  for (const made of [0, 3, 6, 9, 10, 12]) {
    const { summary } = ask({ made, planned: 10, explorationCap: 0.03, epsilon: 0 })
    const price = summary.price!
    const budget = 0.03 * Math.max(0, 1 - made / 10)
    assert.ok(price.design <= budget + 1e-12, `${price.design} at k = ${made}`)
    assert.equal(price.random, 0)
    near(price.total, 1 - summary.utility! / summary.highestUtility!, 1e-12, "price")
    assert.ok(summary.lambda! <= before, `λ ${summary.lambda} after ${before}`)
    before = summary.lambda!
    if (made === 0) assert.ok(price.design > 0.015, `${price.design} of .03 is used`)
    if (made >= 10) {
      assert.equal(summary.lambda, 0)
      assert.equal(summary.information, summary.informationOfHighestUtility)
    } else {
      assert.ok(summary.information! >= summary.informationOfHighestUtility!)
    }
  }
})

test("an item tells utility, rank, information and tag as they can be told otherwise", () => {
  const { items, summary } = ask({ epsilon: 0 })
  const useful = new Set(songsOf(ask({ design: "utility", epsilon: 0 })))
  const ranked = Array.from(share.keys()).sort((a, b) => share[b] - share[a] || a - b)
  for (const item of items) {
    const row = item.song - 1
    assert.equal(item.utility, share[row])
    assert.equal(ranked[item.rank! - 1], row)
    assert.equal(item.tag, useful.has(item.song) ? "exploit" : "explore")
    assert.equal(item.slot, "designed")
    assert.ok(item.terms.length <= 3 && item.terms.every((term) => term.low <= term.high))
    assert.ok(item.terms.every((term) => names.includes(term.name)))
  }
  assert.equal(summary.explored, items.filter((item) => item.tag === "explore").length)
  assert.ok(summary.explored > 0, "with a cap of 3 % something is explored")
  // Without its last song the playlist teaches as much less as the item says.
  const last = items[0]
  const without = items.filter((item) => item !== last).map((item) => item.song)
  const shorter = ask({ size: 19, constraints: { fixed: without }, epsilon: 0 })
  near(
    summary.information! - shorter.summary.information!,
    last.information!,
    1e-9,
    "information of one song",
  )
})

test("what an input leaves out is told as null", () => {
  const input = { utility: undefined, knowledge: undefined, particles: undefined, finished: undefined }
  const { items, summary } = ask({ ...input, design: "random" })
  for (const item of items) {
    assert.deepEqual(
      [item.utility, item.information, item.rank, item.tag, item.slot, item.terms],
      [null, null, null, "explore", "random", []],
    )
    assert.equal(item.propensity, 20 / 400)
  }
  assert.deepEqual(
    [summary.utility, summary.highestUtility, summary.price, summary.information, summary.lambda],
    [null, null, null, null, null],
  )
  assert.equal(summary.randomSlots, 20)
})

test("from one song to the whole catalogue, every design makes a playlist", () => {
  for (const design of KINDS) {
    assert.equal(ask({ design, size: 1 }).items.length, 1)
    const all = ask({ design, size: 400 })
    assert.deepEqual(songsOf(all), Array.from(candidates.ids))
    for (const item of all.items) near(item.propensity!, 1, 1e-3, `${design}: song ${item.song}`)
  }
})

test("every design keeps to songs, fixed songs and shares", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 })
  const few = { ...candidates, ...firstRows(60) }
  const constraints = fc.record({
    excluded: ids,
    fixed: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
    resting: fc.array(ids, { maxLength: 3 }),
    maxShareGenre: fc.double({ min: 0.2, max: 1, noNaN: true }),
    maxShareArtist: fc.double({ min: 0.2, max: 1, noNaN: true }),
  })
  let refused = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.integer({ min: 1, max: 20 }),
      constraints,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (design, size, rules, epsilon) => {
        let found: Design
        try {
          found = ask({
            design,
            size,
            epsilon,
            candidates: few,
            constraints: rules,
            utility: share.slice(0, 60),
          })
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error))
          refused++
          return
        }
        const songs = songsOf(found)
        assert.equal(new Set(songs).size, size)
        assert.ok(songs.every((song) => song <= 60 && !rules.excluded.includes(song)))
        assert.ok(rules.fixed.every((song) => songs.includes(song)))
        for (const [codes, cap] of [
          [few.genre, rules.maxShareGenre],
          [few.artist, rules.maxShareArtist],
        ] as const) {
          const used = songs.map((song) => codes[song - 1])
          for (const code of used) {
            assert.ok(used.filter((c) => c === code).length <= Math.max(1, cap * size + 1e-6))
          }
        }
        for (const item of found.items) {
          const { propensity } = item
          assert.ok(propensity === null ? epsilon === 0 : propensity > 0 && propensity <= 1)
          if (item.slot === "fixed") assert.ok(propensity === null || propensity === 1)
        }
      },
    ),
    { seed: 3, numRuns: 150 },
  )
  assert.ok(refused < 50, `${refused} of 150 were refused`)
})

/** The first songs alone, with artists in turns of 15. */
function firstRows(n: number) {
  return {
    ids: candidates.ids.slice(0, n),
    x: candidates.x.slice(0, n * candidates.p),
    logLength: candidates.logLength.slice(0, n),
    genre: candidates.genre.slice(0, n),
    artist: Int32Array.from({ length: n }, (_, row) => row % 15),
  }
}

test("an input that no playlist can be made of is refused by name, rule and value", () => {
  const bad = share.slice()
  bad[6] = Number.NaN
  const cases: [Partial<DesignInput>, RegExp][] = [
    [{ utility: undefined }, /utility: design model needs it/],
    [{ knowledge: undefined }, /knowledge: design model needs it/],
    [{ design: "thompson", particles: undefined }, /particles: design thompson needs it/],
    [{ design: "gower", finished: undefined }, /finished: design gower needs it/],
    [{ utility: bad }, /utility: must be finite, song 7 has NaN/],
    [{ utility: share.slice(1) }, /utility: must have 400 values, got 399/],
    [{ constraints: { utilityFloor: 1.1 } }, /utilityFloor: must be 0 to 1, got 1.1/],
    [{ epsilon: 1.5 }, /epsilon: must be 0 to 1, got 1.5/],
    [{ explorationCap: -1 }, /explorationCap: must be 0 to 1, got -1/],
    [{ made: -1 }, /made: must be 0 or more, got -1/],
    [{ planned: 0 }, /planned: must be 1 or more, got 0/],
    [{ size: 401 }, /size: a playlist has 1 to 400 songs/],
    [
      { candidates: { ...candidates, ids: candidates.ids.slice().reverse() } },
      /ids: must ascend, got 399 in row 1/,
    ],
  ]
  for (const [fields, message] of cases) assert.throws(() => ask(fields), message)
})

test("a utility floor is kept in expectation: random slots give way first, then exploration", () => {
  for (const utilityFloor of [0.9, 0.97, 0.995, 1]) {
    const one = ask({ constraints: { utilityFloor } })
    let mean = 0
    const repetitions = 300
    for (let r = 0; r < repetitions; r++) {
      mean += ask({ constraints: { utilityFloor }, seed: r }).summary.utility! / repetitions
    }
    const highest = one.summary.highestUtility!
    assert.ok(mean >= highest * utilityFloor - 0.004 * highest, `${mean} of ${highest} at ${utilityFloor}`)
    assert.ok(one.summary.epsilon <= 0.1)
    if (utilityFloor >= 0.995) {
      assert.ok(one.summary.epsilon < 0.1)
      assert.match(one.summary.notes.join(), /the utility floor lowers the share of random slots from 0.1 to/)
    }
  }
  const strict = ask({ constraints: { utilityFloor: 1 } })
  assert.deepEqual([strict.summary.utility, strict.summary.epsilon], [strict.summary.highestUtility, 0])
  const loose = ask({ constraints: { utilityFloor: 0.2 } })
  assert.deepEqual(songsOf(loose), songsOf(ask({})))
  const gower = ask({ design: "gower", constraints: { utilityFloor: 0.999 } })
  assert.match(gower.summary.notes.join(), /the utility floor is not kept/)
})

test("utilities below 0 are shares of the way from the worst song to the best playlist, and shifting them changes nothing", () => {
  const base = ask({ utility: share.map((value) => value - Math.min(...share)) })
  for (const shift of [-2, -500]) {
    const found = ask({ utility: share.map((value) => value + shift) })
    assert.deepEqual(songsOf(found), songsOf(base))
    near(found.summary.price!.total, base.summary.price!.total, 1e-9, "price")
  }
})

test("where every song is worth the same, information alone decides, and nothing is given up", () => {
  for (const value of [0, 0.4, -3]) {
    const equal = new Float64Array(400).fill(value)
    const { summary } = ask({ utility: equal, epsilon: 0 })
    assert.ok(summary.information! > summary.informationOfHighestUtility!)
    near(summary.utility!, 20 * value, 1e-9, "utility")
  }
})

test("with the prior alone behind it the thesis's first design gives up 10 to 50 % of its utility, with the posterior under 8 %", () => {
  const loss = (subject: string, precision: string): number => {
    const given = reference.subjects[subject]
    const { summary } = designPlaylist({
      design: "model",
      size: 50,
      candidates,
      seed: 1,
      stream: [subject],
      utility: Float64Array.from(given.utility),
      knowledge: knownOf(given, "selected", precision),
      profile: "thesis",
      made: 0,
      planned: 10,
    })
    return summary.price!.total
  }
  const subjects = ["s1", "s2", "s3", "s4", "s5"]
  const prior = subjects.map((subject) => loss(subject, "prior"))
  const posterior = subjects.map((subject) => loss(subject, "posterior"))
  assert.ok(Math.min(...prior) > 0.1 && Math.max(...prior) < 0.5, `prior ${prior}`)
  assert.ok(Math.max(...posterior) < 0.08, `posterior ${posterior}`)
})
