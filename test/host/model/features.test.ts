import assert from "node:assert/strict"
import { test } from "node:test"
import { describeFeatures, featureMatrix, type Song } from "../../../host/model/features.js"
import { songs as catalogue, near } from "./reference.js"

const song = (id: number, attributes: Record<string, number>, genre?: string): Song => ({
  id,
  attributes,
  genre,
  lengthS: 200,
})
const small = [
  song(1, { tempo: 100, energy: 0.2, year: 2000 }, "Rock"),
  song(2, { tempo: 120, energy: 0.4, year: 2000 }, "Pop"),
  song(3, { tempo: 140, energy: 0.9, year: 2000 }, "Rock"),
]

test("columns: the constant, standardised attributes, genres against the most frequent one", () => {
  const spec = describeFeatures(small)
  assert.deepEqual(spec.names, ["Constant", "tempo", "energy", "genre=Pop"])
  assert.equal(spec.baseline, "Rock")
  const x = featureMatrix(spec, small)
  assert.deepEqual(Array.from(x.subarray(0, 4)).slice(0, 2), [1, -1])
  assert.deepEqual([x[3], x[7], x[11]], [0, 1, 0])
  for (const q of [1, 2]) {
    const column = [0, 1, 2].map((row) => x[row * 4 + q])
    near(column[0] + column[1] + column[2], 0, 1e-12, "mean")
    near((column[0] ** 2 + column[1] ** 2 + column[2] ** 2) / 2, 1, 1e-12, "variance")
  }
  near(spec.variances[3], 1 / 3, 1e-12, "variance of the indicator 0, 1, 0")
})

test("an attribute that does not vary, a rounding error apart, is left out and named", () => {
  const spec = describeFeatures([
    song(1, { tempo: 100, same: 0.1 + 0.2 }),
    song(2, { tempo: 120, same: 0.3 }),
  ])
  assert.deepEqual(spec.names, ["Constant", "tempo"])
  assert.deepEqual(
    spec.leftOut.map(({ name }) => name),
    ["same"],
  )
  assert.deepEqual(describeFeatures(small).leftOut, [{ name: "year", reason: "is 2000 for every song" }])
  assert.deepEqual(describeFeatures([small[0]]).names, ["Constant"])
})

test("taken as they stand, attributes keep their values and their catalogue variance", () => {
  const spec = describeFeatures(small, { standardise: false, genres: false, ignore: ["energy"] })
  assert.deepEqual(spec.names, ["Constant", "tempo"])
  assert.deepEqual(Array.from(featureMatrix(spec, small)), [1, 100, 1, 120, 1, 140])
  near(spec.variances[1], 400, 1e-9, "variance")
})

test("the frozen spec survives JSON, does not depend on the order of songs, and measures new ones", () => {
  const spec = describeFeatures(small)
  const again = JSON.parse(JSON.stringify(describeFeatures([small[2], small[0], small[1]])))
  assert.deepEqual(again, spec)
  const late = song(9, { tempo: 160 }, "Jazz")
  // Two spreads above the mean; a missing attribute counts as the mean, an unknown genre as the baseline.
  assert.deepEqual(Array.from(featureMatrix(again, [late])), [1, 2, 0, 0])
})

test("the reference catalogue: 18 columns, and its genre column gives the indicators that the file spells out", () => {
  assert.equal(describeFeatures(catalogue, { standardise: false, genres: false }).names.length, 18)
  const genres = describeFeatures(catalogue.map(({ attributes, ...rest }) => ({ ...rest, attributes: {} })))
  assert.equal(genres.names.length, 12)
  const x = featureMatrix(genres, catalogue)
  catalogue.forEach((entry, row) => {
    genres.genres.forEach((genre, g) => {
      const spelt = entry.attributes[genre]
      if (spelt !== undefined) assert.equal(x[row * 12 + 1 + g], spelt)
    })
  })
})
