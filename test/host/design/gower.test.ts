import assert from "node:assert/strict"
import { test } from "node:test"
import { designPlaylist } from "../../../host/design/design.js"
import { gowerDistance } from "../../../host/design/gower.js"
import { near } from "../model/reference.js"
import { candidates, catalogue, readDesign } from "./reference.js"

const reference = readDesign("gower.json")

test("distances are those of daisy, genre counting as one variable", () => {
  const distance = gowerDistance(catalogue)
  for (const [song, row] of Object.entries<number[]>(reference.rows)) {
    row.forEach((expected, j) => {
      near(distance(Number(song) - 1, j), expected, 1e-9, `${song} to ${j + 1}`)
    })
  }
  let sum = 0
  let largest = 0
  for (let i = 0; i < 400; i++) {
    for (let j = 0; j < 400; j++) {
      sum += distance(i, j)
      largest = Math.max(largest, distance(i, j))
    }
  }
  near(sum, reference.sum, 1e-6, "sum of the matrix")
  near(largest, reference.max, 1e-9, "maximum of the matrix")
})

test("the design takes the nearest songs to those that were finished, ties by song number", () => {
  for (const [key, { finished, playlist, excluding }] of Object.entries<any>(reference.playlists)) {
    const ask = (excluded: number[]): number[] =>
      designPlaylist({
        design: "gower",
        size: 50,
        candidates: catalogue,
        constraints: { excluded },
        seed: 1,
        stream: ["gower", key],
        finished,
        epsilon: 0,
      })
        .items.map((item) => item.song)
        .sort((a, b) => a - b)
    assert.deepEqual(
      ask([]),
      [...playlist].sort((a: number, b: number) => a - b),
      key,
    )
    assert.deepEqual(
      ask(finished),
      [...excluding].sort((a: number, b: number) => a - b),
      `${key} without`,
    )
  }
})

test("a genre that is not known leaves the pair, and nothing to compare is far apart", () => {
  const distance = gowerDistance({ ...catalogue, genre: new Int32Array(400).fill(-1) })
  const full = gowerDistance(catalogue)
  const same = catalogue.genre[0] === catalogue.genre[1] ? 0 : 1
  near(distance(0, 1), (7 * full(0, 1) - same) / 6, 1e-12, "mean over six")
  const nothing = gowerDistance({
    ...candidates,
    numeric: new Int32Array(0),
    genre: new Int32Array(400).fill(-1),
  })
  assert.equal(nothing(0, 1), 1)
})

test("where nothing was finished the songs are drawn at random, and the design says so", () => {
  const { summary, items } = designPlaylist({
    design: "gower",
    size: 5,
    candidates: catalogue,
    seed: 1,
    stream: [],
    finished: [],
  })
  assert.equal(summary.asked, "gower")
  assert.equal(summary.design, "random")
  assert.match(summary.notes.join(), /no song was finished/)
  assert.ok(items.every((item) => item.propensity === 5 / 400))
})
